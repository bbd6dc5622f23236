"""A tiny pool without any face in it, and configurations that train on it in a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tomli_w

from workstation.training import pool
from workstation.training.kinds import Kind, words

KINDS = (Kind.SELF_BLEND, Kind.OTHER_FACE)


class Told:
    """A job's context that remembers what it was told, and cancels at a step if asked to."""

    def __init__(self, cancel_at: int = -1) -> None:
        self.notes: list[tuple[int, int, str]] = []
        self._cancel_at = cancel_at

    def progress(self, done: int, total: int, note: str = "") -> None:
        self.notes.append((done, total, note))

    def cancelled(self) -> bool:
        return 0 <= self._cancel_at <= self.notes[-1][0]

    def raise_if_cancelled(self) -> None:
        return


def texture(random: np.random.Generator) -> np.ndarray:
    """Soft colours with a little grain: (256, 256, 3) uint8."""
    coarse = cv2.resize(
        random.uniform(40, 215, (9, 9, 3)).astype(np.float32), (256, 256), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(coarse + random.normal(0, 6, coarse.shape), 0, 255).astype(np.uint8)


def write_pool(folder: Path, *, train: int = 8, held: int = 6, seed: int = 0) -> Path:
    """Write a pool of textures; a forgery has a disc of another texture in it, which is easy to find."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("held", held)):
        genuine = np.stack([texture(random) for _ in range(count)])
        index: dict[str, list[Any]] = {part: [] for part in (*pool.PER_GENUINE, *pool.PER_FORGED)}
        pictures: dict[str, list[np.ndarray]] = {part: [] for part in ("forged", "maps", "masks", "bits")}
        index["group"], index["video"] = list(range(count)), [0] * count
        for number in range(count):
            for kind in KINDS:
                mask = np.zeros((256, 256), np.float32)
                cv2.circle(mask, (128, 128), 60, 1.0, -1)
                made = np.where(mask[..., None] > 0, 255 - texture(random), genuine[number])
                small = np.rint(cv2.resize(mask, (64, 64), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
                for part, value in zip(pictures, (made, small, small, np.packbits(mask > 0, axis=-1)), strict=True):
                    pictures[part].append(value)
                row = (number, pool.KINDS.index(kind), words(kind).codes(), 0, 0, 0)
                for part, entry in zip(pool.PER_FORGED, row, strict=True):
                    index[part].append(entry)
        np.save(folder / f"{name}-genuine.npy", genuine)
        for part, values in pictures.items():
            np.save(folder / f"{name}-{part}.npy", np.stack(values))
        np.savez(folder / f"{name}-index.npz", **{part: np.array(value) for part, value in index.items()})
        (folder / f"{name}.json").write_text(json.dumps({"drawn": count}), encoding="utf-8")
    return folder


TINY_VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16, "mlp_ratio": 1.0}


def tiny_table(pool_folder: Path, family: str = "fakelocator", **changes: dict[str, Any]) -> dict[str, Any]:
    """A configuration for a tiny network of a family; ``changes`` are merged into its parts."""
    table: dict[str, Any] = {
        "data": {"source": "pool", "root": str(pool_folder), "strength": 0.0, "apart": 0.0},
        "detector": {"family": family, "train": "scratch"},
        "optimiser": {"rate": 0.002},
        "run": {"pairs": 2, "steps": 6, "validate_every": 3, "checkpoint_every": 2, "threads": 1, "ema": 0.9},
        "package": {"id": "tiny", "name": "Tiny", "licence": "Apache-2.0"},
    }
    if family == "fakelocator":
        table["detector"] |= {"size": 32, "network": {"widths": [4, 4, 8, 8], "decoder": 4}}
    elif family == "clip_ln":
        table["detector"]["network"] = {"vision": dict(TINY_VISION)}
    for part, values in changes.items():
        table[part] = {**table.get(part, {}), **values}
    return table


def write_config(path: Path, table: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    return path
