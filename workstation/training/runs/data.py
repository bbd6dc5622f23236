"""What a run trains on: a pool made of portraits, a pool that is there, or crops of a labelled dataset."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.training import pool as pools
from workstation.training.batches import Material
from workstation.training.kinds import words
from workstation.training.runs.config import Config

POOL = "pool"
# A pool's own name of its validation split: one person in ten. Its pictures train nothing; "val" and "held" are it.
HELD = "held"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Both splits; ``digests`` are SHA-256 by split, ``counts`` what was used, ``sentence`` the same for people."""

    train: Material
    held: Material
    digests: Mapping[str, str]
    counts: Mapping[str, int]
    sentence: str


def prepare(config: Config, output: Path, tell: Callable[[str], None], recode: pools.Recode | None = None) -> Prepared:
    """Make or open the material of a run; what is made lies in ``output`` and is made once.

    Args:
        tell: gets a line now and then; it may raise to stop.
        recode: compression of moving pictures for pools made of portraits.

    Raises:
        InputError: the data are not there, or have no validation split.
    """
    root = config.path(config.data.root)
    if config.data.source == "dataset":
        from workstation.training.runs.crops import prepare_dataset

        return prepare_dataset(config, root, output, tell)
    if config.data.validate_on not in ("val", HELD):
        raise InputError(f'A pool has no split "{config.data.validate_on}".', 'Say data.validate_on = "val".')
    if config.data.source == "portraits":
        root = _pool_of(config, root, output / POOL, tell, recode)
    splits = {name: pools.load(root, source) for name, source in (("train", "train"), ("val", HELD))}
    train, held = (material_of(split) for split in splits.values())
    counts = {name: int(count) for name, count in splits["train"].facts.items()}
    pictures = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return Prepared(
        train,
        held,
        {name: digest_of(part) for name, part in (("train", train), ("val", held))},
        counts | {"genuine crops": len(train.genuine), "forgeries": len(train.of), "validation pairs": len(held.of)},
        f"{sum(counts.values())} untouched pictures ({pictures}) with pseudo-forgeries made of them "
        f"({', '.join(kind for number, kind in enumerate(train.kinds) if (train.kind == number).any())}); "
        "one person in ten was held out for validation",
    )


def _pool_of(config: Config, root: Path, out: Path, tell: Callable[[str], None], recode: pools.Recode | None) -> Path:
    if not out.is_dir():
        part = out.with_name(f".{out.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        data, remake = config.data, None
        if data.generators:
            from workstation.training.generators.remaking import load_generators

            remake = load_generators(config.path(data.generators))
        made = config.path(data.made) if data.made else None
        pools.build(
            root,
            part,
            views=data.views,
            per_view=data.per_view,
            seed=data.seed,
            tell=tell,
            remake=remake,
            recode=recode,
            made=made,
            carriers=data.carriers,
            matched=data.matched,
        )
        part.rename(out)
    return out


def material_of(pool: pools.Pool) -> Material:
    """A split of a pool as material of batches."""
    makers = pool.maker if len(pool.maker) else np.zeros_like(pool.kind)
    pairs, word = np.unique(np.stack([pool.kind, makers], axis=1), axis=0, return_inverse=True)
    return Material(
        genuine=pool.genuine,
        forged=pool.forged,
        maps=pool.maps,
        of=pool.of,
        kind=pool.kind,
        kinds=tuple(str(kind) for kind in pools.KINDS),
        word=np.asarray(word, np.int64).reshape(-1),
        words=tuple(words(pools.KINDS[kind], pools.MAKERS[maker]) for kind, maker in pairs),
        masks=pool.masks if len(pool.masks) else None,
    )


def digest_of(material: Material) -> str:
    """SHA-256 over everything of a split that training sees."""
    found = hashlib.sha256()
    arrays: tuple[npt.NDArray[np.generic] | None, ...] = (
        material.of,
        material.kind,
        material.word,
        material.genuine_marks,
        material.forged_marks,
        material.genuine_track,
        material.forged_track,
        material.genuine,
        material.forged,
        material.maps,
        material.masks,
    )
    for array in arrays:
        if array is None:
            found.update(b"none")
            continue
        found.update(f"{array.dtype} {array.shape}".encode())
        for start in range(0, len(array), 256):
            found.update(np.ascontiguousarray(array[start : start + 256]).tobytes())
    return found.hexdigest()
