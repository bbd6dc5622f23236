"""Files with exactly the layouts of published CLIP detectors, their numbers drawn at random."""

from __future__ import annotations

import enum
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import save_file
from torch import Tensor

BASE = "feature_extractor.base_model.model.vision_model."
NORMS = ("pre_layrnorm", "layer_norm1", "layer_norm2", "post_layernorm")


@dataclass(frozen=True)
class Shape:
    """A CLIP vision tower; heads are 64 wide."""

    width: int
    layers: int
    patch: int
    side: int
    hidden: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names as Hugging Face gives them, without ``vision_model.``."""
        w, h = self.width, self.hidden
        found: dict[str, tuple[int, ...]] = {
            "embeddings.class_embedding": (w,),
            "embeddings.patch_embedding.weight": (w, 3, self.patch, self.patch),
            "embeddings.position_embedding.weight": (1 + (self.side // self.patch) ** 2, w),
        }
        linear = [(f"self_attn.{n}_proj", w, w) for n in "kvq"] + [("self_attn.out_proj", w, w)]
        linear += [("mlp.fc1", h, w), ("mlp.fc2", w, h)]
        for n in range(self.layers):
            for part, rows, columns in linear:
                found[f"encoder.layers.{n}.{part}.weight"] = (rows, columns)
                found[f"encoder.layers.{n}.{part}.bias"] = (rows,)
            for part in NORMS[1:3]:
                found |= {f"encoder.layers.{n}.{part}.{kind}": (w,) for kind in ("weight", "bias")}
        return found | {f"{part}.{kind}": (w,) for part in (NORMS[0], NORMS[3]) for kind in ("weight", "bias")}


SMALL = Shape(128, 2, 8, 32, 256)
VIT_L14 = Shape(1024, 24, 14, 224, 4096)


def drawn(shape: Shape, seed: int = 0) -> dict[str, Tensor]:
    """A tower with Hugging Face's names: weights small, LayerNorms near one and nought."""
    random = torch.Generator().manual_seed(seed)
    made: dict[str, Tensor] = {}
    for name, size in shape.shapes().items():
        spread = 0.3 if len(size) == 1 else 2 * shape.width**-0.5
        made[name] = torch.empty(size).normal_(0, spread / 2, generator=random)
        if is_norm(name) and name.endswith("weight"):
            made[name] += 1
    return made


def is_norm(name: str) -> bool:
    return name.split(".")[-2] in NORMS


def head(width: int, seed: int = 9) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {
        "model.linear.weight": torch.empty(2, width).normal_(0, 4, generator=random),
        "model.linear.bias": torch.empty(2).normal_(0, 1, generator=random),
    }


def other_norms(tower: Mapping[str, Tensor], seed: int = 5) -> dict[str, Tensor]:
    """Norms as they might be after tuning: the tower's own, moved a little."""
    random = torch.Generator().manual_seed(seed)
    return {
        name: tensor + torch.empty_like(tensor).normal_(0, 0.2, generator=random)
        for name, tensor in tower.items()
        if is_norm(name)
    }


def lightning_names(tower: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The 2025 checkpoint's tensors: PEFT keeps every norm twice."""
    made: dict[str, Tensor] = OrderedDict()
    for name, tensor in tower.items():
        if name in tuned:
            part, _, kind = name.rpartition(".")
            made[f"{BASE}{part}.base_layer.{kind}"] = tensor
            made[f"{BASE}{part}.ln_tuning_layers.default.{kind}"] = tuned[name]
        else:
            made[BASE + name] = tensor
    return made | head(tower["embeddings.class_embedding"].shape[0])


class Head(enum.Enum):
    LinearNorm = "LinearNorm"
    Linear = "linear"


class Loss:
    """A class of somebody else's training program."""

    def __init__(self) -> None:
        self.uniformity = 0.5
        self.alignment = 0.1


@contextmanager
def foreign_classes() -> Iterator[None]:
    """While files are written, ``src.config`` is a module of somebody else's program; afterwards it is not there."""
    module, before = ModuleType("src.config"), {cls: (cls.__module__, cls.__qualname__) for cls in (Head, Loss)}
    sys.modules["src"], sys.modules["src.config"] = ModuleType("src"), module
    try:
        for cls in (Head, Loss):
            cls.__module__ = "src.config"
            setattr(module, cls.__name__, cls)
        yield
    finally:
        for cls, (where, _) in before.items():
            cls.__module__ = where
        del sys.modules["src"], sys.modules["src.config"]


def lightning_file(
    path: Path, tensors: Mapping[str, Tensor], *, kind: Head | None = Head.LinearNorm, zipped: bool = True
) -> Path:
    """Write a Lightning checkpoint as ``torch.save`` does, with configuration of foreign classes beside the weights."""
    hyper: dict[str, object] = {
        "run_name": "made up",
        "loss": Loss(),
        "betas": (0.9, 0.999),
        "root": Path("runs"),
        "trn_files": ["a.txt", "b.txt"],
        "limit": None,
    }
    if kind is not None:
        hyper["head"] = kind
    with foreign_classes():
        torch.save(
            {
                "epoch": 9,
                "global_step": 9000,
                "pytorch-lightning_version": "2.5.1",
                "state_dict": OrderedDict(tensors),
                "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 10}}}},
                "callbacks": {"ModelCheckpoint{'monitor': 'val/mAP_video'}": {"best_model_score": torch.tensor(0.9)}},
                "optimizer_states": [],
                "lr_schedulers": [],
                "hparams_name": "kwargs",
                "hyper_parameters": hyper,
            },
            path,
            _use_new_zipfile_serialization=zipped,
        )
    return path


def gend_file(path: Path, tower: Mapping[str, Tensor], *, projection: int | None = 96) -> Path:
    """Write GenD's safetensors layout: plain names, an unused projection, the head."""
    width = tower["embeddings.class_embedding"].shape[0]
    tensors = {f"feature_extractor.vision_model.{name}": tensor for name, tensor in tower.items()} | head(width)
    if projection is not None:
        tensors["feature_extractor.visual_projection.weight"] = torch.ones(projection, width)
    save_file(tensors, path)
    return path
