"""A table of traces: measured once, read by every fit and every figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workstation.detectors.traces.features import Traces, measure
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.training.measures import sharpness
from workstation.training.portraits import Portrait, faces, held_out, list_portraits, read_rgb
from workstation.training.traces.material import (
    KINDS,
    Frame,
    changed_parts,
    cut,
    frame_of,
    pair_of,
    part_labels,
    rounds,
)

Table = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
_COLUMNS = ("parts", "whole", "context", "labels", "manipulated", "kind", "person", "pair", "held", "sharp")
_OFF = 0.02
# Another picture of the same split, not the same person.
_DONORS = 24


@dataclass(frozen=True, slots=True)
class Rows:
    """Traces of N crops.

    Attributes:
        parts, whole, context: as in `Traces`, float32.
        labels: (N, 5) of the parts: 1 changed, 0 untouched, -1 left out.
        manipulated: (N,) 0 or 1; ``kind`` the position of its kind in `KINDS`, also for the genuine member of a pair.
        person, pair: (N,) numbers; ``held`` (N,) 1 for people held out.
        sharp: (N,) logarithm of the variance of the Laplacian of the crop.
    """

    parts: npt.NDArray[np.float32]
    whole: npt.NDArray[np.float32]
    context: npt.NDArray[np.float32]
    labels: Codes
    manipulated: Codes
    kind: Codes
    person: Codes
    pair: Codes
    held: Codes
    sharp: Table

    def where(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        return Rows(*(getattr(self, name)[chosen] for name in _COLUMNS))

    @staticmethod
    def joined(tables: Sequence[Rows]) -> Rows:
        """One table of several pieces."""
        return Rows(*(np.concatenate([getattr(one, name) for one in tables]) for name in _COLUMNS))

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in _COLUMNS})

    @staticmethod
    def load(path: Path) -> Rows:
        """Raises: InputError when the file is not there."""
        if not path.is_file():
            raise InputError(f"{path.name} is not there.", "Measure the training pictures first.")
        with np.load(path, allow_pickle=False) as file:
            return Rows(*(file[name] for name in _COLUMNS))


def measured(
    data: Path,
    sides: Sequence[int],
    *,
    folders: Sequence[str] = (),
    kinds: int = 3,
    held_kinds: int = len(KINDS),
    seed: int = 0,
    landmarks: Path | None = None,
    part: tuple[int, int] = (0, 1),
    tell: Callable[[str], None] = lambda _: None,
) -> dict[int, Rows]:
    """Make pairs of every portrait and measure them.

    Args:
        data: folder of dataset folders, see `workstation.training.portraits`.
        sides: sides of the crops in pixels; the same pairs are measured at each.
        folders: only these dataset folders; all when empty.
        kinds, held_kinds: pairs per picture for training and for people held out.
        landmarks: file to keep the landmarks in, so that faces are found once.
        part: (which, of how many): every so manyth picture, for tables made piece by piece. Pairs are the same as in
            one piece.

    Raises:
        InputError: the folder holds no pictures.
    """
    wanted = [p for p in list_portraits(data) if not folders or p.folder in folders]
    known = _landmarks(wanted, landmarks, tell)
    used = [portrait for portrait in wanted if str(portrait.path) in known]
    people = {name: number for number, name in enumerate(sorted({p.person for p in used}))}
    found: dict[int, list[tuple[object, ...]]] = {side: [] for side in sides}
    for number, portrait in list(enumerate(used))[part[0] :: part[1]]:
        # Every picture has draws of its own, so that one more or less changes nothing for the others.
        random = np.random.default_rng([seed, number])
        frame = _frame(portrait, known, random)
        held = held_out(portrait)
        others = [p for p in used if p.person != portrait.person and held_out(p) == held]
        if not others:
            raise InputError("Pasting needs two people among those held out and two among the others.")
        for place, kind in enumerate(rounds(held_kinds if held else kinds, random)):
            donor = _frame(others[int(random.integers(len(others)))], known, random)
            made = pair_of(kind, frame, donor, random)
            shift = random.normal(0, _OFF, (5, 2))
            for side in sides:
                for member, label in ((made.genuine, 0), (made.forged, 1)):
                    crop = cut(member, side, shift)
                    labels = part_labels(changed_parts(crop, made.mask * label))
                    facts = (label, KINDS.index(kind), people[portrait.person], number * len(KINDS) + place, int(held))
                    found[side].append((measure(crop), labels, facts, sharpness(crop.rgb)))
        if number % 50 < part[1]:
            tell(f"{number + 1} of {len(used)} pictures measured")
    return {side: _rows(rows) for side, rows in found.items()}


def _frame(portrait: Portrait, known: dict[str, list[list[float]]], random: np.random.Generator) -> Frame:
    rgb = read_rgb(portrait.path)
    if rgb is None:
        raise InputError(f"{portrait.path.name} can no longer be read.")
    return frame_of(rgb, [Point(x, y) for x, y in known[str(portrait.path)]], random)


def _landmarks(
    portraits: Sequence[Portrait], path: Path | None, tell: Callable[[str], None]
) -> dict[str, list[list[float]]]:
    if path is not None and path.is_file():
        kept: dict[str, list[list[float]]] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    found: dict[str, list[list[float]]] = {}
    for number, (portrait, _, marks) in enumerate(faces(portraits)):
        found[str(portrait.path)] = [[p.x, p.y] for p in marks]
        if number % 200 == 199:
            tell(f"{number + 1} faces found")
    if path is not None:
        path.write_text(json.dumps(found), encoding="utf-8")
    return found


def _rows(rows: Sequence[tuple[object, ...]]) -> Rows:
    traces = [row[0] for row in rows if isinstance(row[0], Traces)]
    facts = np.array([row[2] for row in rows], np.int64)
    manipulated, kind, person, pair, held = facts.T
    return Rows(
        np.stack([one.parts for one in traces]).astype(np.float32),
        np.stack([one.whole for one in traces]).astype(np.float32),
        np.stack([one.context for one in traces]).astype(np.float32),
        np.array([row[1] for row in rows], np.int64),
        manipulated,
        kind,
        person,
        pair,
        held,
        np.array([row[3] for row in rows], np.float64),
    )


def frames_of(data: Path, landmarks: Path, seed: int = 5) -> list[Frame]:
    """One untouched frame of every picture of the people held out whose landmarks were kept in ``landmarks``."""
    known = _landmarks([], landmarks, lambda _: None)
    portraits = [p for p in list_portraits(data) if held_out(p) and str(p.path) in known]
    return [_frame(p, known, np.random.default_rng([seed, number])) for number, p in enumerate(portraits)]


def crops_of(data: Path, side: int, landmarks: Path, seed: int = 5) -> list[FaceCrop]:
    """One untouched crop of each of `frames_of`, by which organs are standardised."""
    return [cut(frame, side, np.zeros((5, 2))) for frame in frames_of(data, landmarks, seed)]
