"""A pool in one file of limited size: nothing is lost but what is left out, and no compression leaves traces.

Crops are stored as differences from their left neighbour, forgeries as differences from their genuine crop first, and
deflated; both come back bit for bit. What does not fit is left out, views before people and forgeries before views.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray
from workstation.training.pool import PER_FORGED, PER_GENUINE, SPLITS, Pool, load

LIMIT = 64 * 2**20
_HELD_SHARE = 0.2


def pack(folder: Path, file: Path, *, side: int = 256, each: int = 2, limit: int = LIMIT) -> int:
    """Write both splits of a pool into one file below ``limit`` bytes; returns its size.

    Args:
        side: of the crops in the file; smaller ones are reduced by area.
        each: forgeries kept of a genuine crop, of another choice of kinds from crop to crop.

    Raises:
        InputError: the folder holds no pool, ``side`` is no multiple of 8, or nothing fits.
    """
    if side % 8 or side < 64:
        raise InputError(f"Crops cannot be packed with {side} pixels.", "Use a multiple of 8 from 64 on.")
    held: dict[str, Any] = {}
    for name in SPLITS:
        pool = load(folder, name)
        share = _HELD_SHARE if name == "held" else 1 - _HELD_SHARE
        held |= {
            f"{name}-{part}": array for part, array in _packed(pool, side, each, int(limit * share * 0.97)).items()
        }
        held[f"{name}-facts"] = np.frombuffer(json.dumps(pool.facts).encode(), np.uint8)
    part = file.with_name(f"{file.name}.part.npz")
    np.savez(part, **held)
    part.replace(file)
    return file.stat().st_size


def unpack(file: Path, name: str) -> Pool:
    """Open a split of a packed file. Raises: InputError when it is none, or holds no such split."""
    try:
        with np.load(file) as held:
            sizes = held[f"{name}-sizes"]
            table: dict[str, Any] = {
                part: held[f"{name}-{part}"] for part in (*PER_GENUINE, *PER_FORGED, "maps", "masks")
            }
            genuine = _inflate(held[f"{name}-genuine"], (sizes[0], sizes[2], sizes[2], 3))
            changes = _inflate(held[f"{name}-forged"], (sizes[1], sizes[2], sizes[2], 3))
            facts = json.loads(held[f"{name}-facts"].tobytes())
            bits = _plain(held[f"{name}-bits"], (sizes[1], sizes[2], sizes[2] // 8))
            flat: dict[str, Any] = {part: _plain(table.pop(part), (sizes[1], 64, 64)) for part in ("maps", "masks")}
    except (KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{file.name} is no packed pool that holds {name}.", "Pack it again.") from error
    np.add(changes, genuine[table["of"]], out=changes)
    return Pool(genuine=genuine, forged=changes, bits=bits, facts=facts, **flat, **table)


def _packed(pool: Pool, side: int, each: int, limit: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of as many crops as fit into ``limit`` bytes, the first view of everybody before any second one."""
    rows_of = [np.flatnonzero(pool.of == number) for number in range(len(pool.genuine))]
    blocks: dict[str, list[bytes]] = {part: [] for part in ("genuine", "forged", "maps", "masks", "bits")}
    chosen: list[int] = []
    kept: list[int] = []
    spent = 0
    for turn, number in enumerate(_order(pool.group)):
        rows = np.roll(rows_of[number], -turn * each)[:each]
        genuine = _reduced(pool.genuine[number], side)
        found = {"genuine": [_deflate(genuine)], "forged": [], "maps": [], "masks": [], "bits": []}
        for row in rows:
            found["forged"].append(_deflate(_reduced(pool.forged[row], side) - genuine))
            found["maps"].append(zlib.compress(pool.maps[row].tobytes()))
            found["masks"].append(zlib.compress(pool.masks[row].tobytes()))
            mask = pool.mask(int(row)).astype(np.float32)
            small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA) > 0
            found["bits"].append(zlib.compress(np.packbits(small, axis=-1).tobytes()))
        spent += sum(len(data) + 8 for each_part in found.values() for data in each_part) + 200
        if spent > limit:
            break
        for part, data in found.items():
            blocks[part] += data
        chosen.append(number)
        kept += rows.tolist()
    if not chosen:
        raise InputError("Not one crop fits into the packed pool.", "Allow a larger file or use a smaller side.")
    place = {number: position for position, number in enumerate(chosen)}
    arrays: dict[str, npt.NDArray[Any]] = {part: _joined(data) for part, data in blocks.items()}
    arrays["sizes"] = np.array([len(chosen), len(kept), side], np.int64)
    arrays |= {part: getattr(pool, part)[chosen] for part in PER_GENUINE}
    arrays |= {part: getattr(pool, part)[kept] for part in PER_FORGED}
    arrays["of"] = np.array([place[number] for number in pool.of[kept].tolist()], np.int64)
    return arrays


def _order(group: npt.NDArray[np.int64]) -> list[int]:
    """Rows in the order in which they are taken: the first crop of everybody, then the second of everybody."""
    seen: dict[int, int] = {}
    turns = []
    for person in group.tolist():
        seen[person] = seen.get(person, 0) + 1
        turns.append(seen[person])
    return [int(row) for row in np.argsort(np.array(turns), kind="stable")]


def _reduced(rgb: RgbArray, side: int) -> RgbArray:
    if rgb.shape[0] == side:
        return np.asarray(rgb)
    return np.asarray(cv2.resize(np.asarray(rgb), (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _deflate(rgb: RgbArray) -> bytes:
    """Wrap-around differences from the pixel on the left, then zlib."""
    steps = rgb.copy()
    steps[:, 1:] -= rgb[:, :-1]
    return zlib.compress(np.ascontiguousarray(steps.transpose(2, 0, 1)).tobytes(), 6)


def _inflate(joined: npt.NDArray[np.uint8], shape: Sequence[int]) -> RgbArray:
    count, side, _, _ = (int(size) for size in shape)
    found = np.zeros((count, side, side, 3), np.uint8)
    for number, data in enumerate(_split(joined, count)):
        steps = np.frombuffer(zlib.decompress(data), np.uint8).reshape(3, side, side)
        found[number] = np.add.accumulate(steps, axis=-1, dtype=np.uint8).transpose(1, 2, 0)
    return found


def _plain(joined: npt.NDArray[np.uint8], shape: Sequence[int]) -> npt.NDArray[np.uint8]:
    count, *rest = (int(size) for size in shape)
    found = [np.frombuffer(zlib.decompress(data), np.uint8).reshape(rest) for data in _split(joined, count)]
    return np.stack(found) if found else np.zeros((0, *rest), np.uint8)


def _joined(blocks: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    """Lengths (8 bytes each, little-endian) and then the blocks."""
    lengths = np.array([len(data) for data in blocks], "<u8").tobytes()
    return np.frombuffer(lengths + b"".join(blocks), np.uint8)


def _split(joined: npt.NDArray[np.uint8], count: int) -> list[bytes]:
    ends = 8 * count + np.cumsum(np.frombuffer(joined[: 8 * count].tobytes(), "<u8")).astype(np.int64)
    starts = np.concatenate([[8 * count], ends[:-1]])
    return [joined[start:end].tobytes() for start, end in zip(starts, ends, strict=True)]
