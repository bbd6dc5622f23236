"""A pool of crops on disk: genuine views and their pseudo-forgeries with maps, masks and labels, made once.

Each split lies in five arrays and an index. A split packed into one file (:mod:`workstation.training.packed_pool`) is
opened by the same `load`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.training.forgeries import Face, Forgery, Kind, Remake, forge, kinds_with, target_map, unlike
from workstation.training.kinds import GENERATED, Blend, Maker, Organ, Truth
from workstation.training.made import as_published, by_portrait, cut_alike, list_made, remaker, strangers
from workstation.training.portraits import POOL_SIDE, Portrait, faces, held_out, list_portraits, view
from workstation.training.seams import same_seam

MAP_SIDE = 64
KINDS = tuple(Kind)
BLENDS, MAKERS = tuple(Blend), tuple(Maker)
SPLITS = ("train", "held")
PER_GENUINE = ("group", "video")
PER_FORGED = ("of", "kind", "label", "organs", "blend", "maker")
PICTURES = ("genuine", "forged", "maps", "masks", "bits")

# Frames, "h264" or "h265", CRF; the frames as they come out again. The room of media has one.
Recode = Callable[[Sequence[RgbArray], str, int], list[RgbArray]]
_CODECS = ("", "h264", "h265")
_SHARE_OF_VIDEO = 0.3
_CANDIDATES = 5
# Of the donors of other organs and faces, the share that a generator made where there are such.
_MADE_DONORS = 0.25
# Kinds that a seam can be matched for: something in them was made.
_MATCHED = (Kind.OTHER_ORGANS, Kind.OTHER_FACE, *GENERATED, Kind.MADE_FACE)


def _none() -> npt.NDArray[Any]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Pool:
    """One split of N genuine crops and M forgeries, (rows, side, side, 3) uint8 with side 256 when not packed smaller.

    Attributes:
        maps: (M, 64, 64) uint8, how much was changed where (`target_map`).
        of: (M,) row of the genuine crop; kind: (M,) position in ``KINDS``.
        facts: pictures used per dataset folder.
        label: (M, 4) codes of MFCLIP's levels; organs: (M,) bits of `kinds.Organ`.
        blend, maker: (M,) positions in ``BLENDS`` and ``MAKERS``.
        masks: (M, 64, 64) uint8, the blend weight reduced by area; bits: (M, side, side / 8) uint8, packed, set where
            the weight is above zero: outside of it a forgery was its genuine crop before both were compressed.
        group: (N,) the person, one number for all pictures of one person and in one split only.
        video: (N,) 0 for pictures never in a video, else 100 times the codec (1 H.264, 2 H.265) plus the CRF; the
            forgeries of the crop went through the same.
    """

    genuine: RgbArray
    forged: RgbArray
    maps: npt.NDArray[np.uint8]
    of: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    facts: dict[str, int]
    label: npt.NDArray[np.int64] = field(default_factory=_none)
    organs: npt.NDArray[np.int64] = field(default_factory=_none)
    group: npt.NDArray[np.int64] = field(default_factory=_none)
    blend: npt.NDArray[np.int64] = field(default_factory=_none)
    maker: npt.NDArray[np.int64] = field(default_factory=_none)
    video: npt.NDArray[np.int64] = field(default_factory=_none)
    masks: npt.NDArray[np.uint8] = field(default_factory=_none)
    bits: npt.NDArray[np.uint8] = field(default_factory=_none)

    def mask(self, row: int) -> npt.NDArray[np.bool_]:
        """Where forgery ``row`` may differ from its genuine crop: (side, side)."""
        return np.unpackbits(self.bits[row], axis=-1).astype(bool)


@dataclass(frozen=True, slots=True)
class _Crop:
    rgb: RgbArray
    marks: tuple[Point, ...]
    person: int
    picture: int
    remade: tuple[RgbArray, ...] = ()

    def face(self) -> Face:
        return Face(self.rgb.astype(np.float32), self.marks)


def build(
    data: Path,
    out: Path,
    *,
    views: int = 2,
    per_view: int = 2,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    remake: Remake | None = None,
    recode: Recode | None = None,
    made: Path | None = None,
    carriers: bool = False,
    matched: bool = False,
) -> None:
    """Write the pools ``train`` and ``held`` into ``out``.

    Args:
        data: folder of dataset folders, see :mod:`workstation.training.portraits`.
        views: genuine crops per picture, each with a play of its own.
        per_view: forgeries of every kind per genuine crop.
        remake: a network for the resynthesised kinds, which are left out without one.
        recode: compression of moving pictures; three crops in ten go through it, each with its forgeries.
        made: folder of pictures that generators made (:mod:`workstation.training.made`).
        carriers: take those of nobody for untouched pictures that forgeries are made of, in place of forgeries: more
            faces, lights and backgrounds for a detector of composites, which then says nothing on such pictures.

    Raises:
        InputError: the folder holds no pictures, or those of too few people for one of the splits; or seams are to be
            matched and there are no pictures of nobody.
    """
    if matched and (made is None or carriers):
        raise InputError("Seams are matched with pictures that generators made.", "Name a folder of them as made.")
    random = np.random.default_rng(seed)
    split: dict[bool, list[_Crop]] = {False: [], True: []}
    counts: dict[bool, dict[str, int]] = {False: {}, True: {}}
    portraits = list_portraits(data)
    listed = list_made(made) if made is not None else ()
    anew = by_portrait(listed, data)
    people = {name: number for number, name in enumerate(sorted({portrait.person for portrait in portraits}))}
    for number, (portrait, rgb, marks) in enumerate(faces(portraits)):
        held = held_out(portrait)
        for _ in range(views):
            crop = view(rgb, marks, random)
            remade = cut_alike(anew.get(portrait.path, ()), rgb, crop)
            split[held].append(_Crop(crop.rgb, crop.landmarks, people[portrait.person], number, remade))
        counts[held][portrait.folder] = counts[held].get(portrait.folder, 0) + 1
        if number % 200 == 199:
            tell(f"{number + 1} pictures cropped")
    used = sum(count for each in counts.values() for count in each.values())
    tell(f"{used} of {len(portraits)} pictures used; the others cannot be read or show no face")
    for crops in split.values():
        if len({crop.person for crop in crops}) < 2:
            raise InputError("Pasting needs pictures of two people among the held-out and of two among the others.")
    nobody = _nobody(strangers(listed), len(people), random, tell)
    for held, many in nobody.items():
        if many:
            counts[held]["made"] = len(many)
    if carriers:
        for held, many in nobody.items():
            split[held] += many
            nobody[held] = []
    out.mkdir(parents=True, exist_ok=True)
    for held, name in ((False, "train"), (True, "held")):
        each = per_view if not held else 1
        _write(split[held], nobody[held], counts[held], out, name, each, random, tell, remake, recode, matched)


def _nobody(
    pictures: Sequence[Portrait], first: int, random: np.random.Generator, tell: Callable[[str], None]
) -> dict[bool, list[_Crop]]:
    """One crop of each picture of nobody, by whether it is held out."""
    found: dict[bool, list[_Crop]] = {False: [], True: []}
    for number, (portrait, rgb, marks) in enumerate(faces(pictures)):
        apart = float(np.hypot(marks[1].x - marks[0].x, marks[1].y - marks[0].y))
        small, scale = as_published(rgb, apart, random)
        crop = view(small, [Point(p.x * scale, p.y * scale) for p in marks], random)
        found[held_out(portrait)].append(_Crop(crop.rgb, crop.landmarks, first + number, -1 - number))
        if number % 200 == 199:
            tell(f"{number + 1} made pictures cropped")
    return found


def _write(
    crops: list[_Crop],
    nobody: list[_Crop],
    counts: dict[str, int],
    out: Path,
    name: str,
    per_view: int,
    random: np.random.Generator,
    tell: Callable[[str], None],
    remake: Remake | None,
    recode: Recode | None,
    matched: bool = False,
) -> None:
    able = kinds_with(remake)
    if remake is None and any(crop.remade for crop in crops):
        able = (*able, *GENERATED)
    if nobody:
        able = (*able, Kind.MADE_FACE)
    if matched:
        able = tuple(kind for kind in able if kind in _MATCHED)
    wanted = [[kind for kind in able if _can(kind, crop, remake) for _ in range(per_view)] for crop in crops]
    total, side = sum(map(len, wanted)), POOL_SIDE
    rows = total if matched else len(crops)
    shapes = {
        "genuine": (rows, side, side, 3),
        "forged": (total, side, side, 3),
        "maps": (total, MAP_SIDE, MAP_SIDE),
        "masks": (total, MAP_SIDE, MAP_SIDE),
        "bits": (total, side, side // 8),
    }
    arrays = {
        part: np.lib.format.open_memmap(out / f"{name}-{part}.npy", "w+", np.uint8, shape)
        for part, shape in shapes.items()
    }
    index: dict[str, list[Any]] = {part: [] for part in (*PER_GENUINE, *PER_FORGED)}
    drawn = _Drawing(crops, nobody, random, remake)
    row = 0
    for number, crop in enumerate(crops):
        through = _moving_pictures(recode, random)
        if not matched:
            _genuine(arrays, index, crop.rgb, crop, through)
        for kind in wanted[number]:
            genuine, made = drawn.matched(kind, number) if matched else (crop.rgb, drawn.plain(kind, number))
            if matched:
                _genuine(arrays, index, genuine, crop, through)
            of = len(index["group"]) - 1
            # Of a whole picture of nobody everything was made.
            whole = kind is Kind.MADE_FACE
            how_much = made.mask if whole else target_map(genuine.astype(np.float32), made.rgb, made.mask)
            arrays["forged"][row] = through.apply(made.rgb.astype(np.uint8))
            for part, weight in (("maps", how_much), ("masks", made.mask)):
                small = cv2.resize(weight, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA)
                arrays[part][row] = np.rint(small * 255).astype(np.uint8)
            arrays["bits"][row] = np.packbits(made.mask > 0, axis=-1)
            truth = made.truth
            told = (of, KINDS.index(truth.kind), truth.label.codes(), int(truth.organs))
            for part, value in zip(
                PER_FORGED, (*told, BLENDS.index(truth.blend), MAKERS.index(truth.maker)), strict=True
            ):
                index[part].append(value)
            row += 1
        if number % 200 == 199:
            tell(f"{name}: forgeries of {number + 1} of {len(crops)} crops")
    for array in arrays.values():
        array.flush()
    table: dict[str, Any] = {part: np.array(values, np.int64) for part, values in index.items()}
    np.savez(out / f"{name}-index.npz", **table)
    (out / f"{name}.json").write_text(json.dumps(counts), encoding="utf-8")


def _genuine(
    arrays: dict[str, Any], index: dict[str, list[Any]], rgb: RgbArray, crop: _Crop, through: _MovingPictures
) -> None:
    arrays["genuine"][len(index["group"])] = through.apply(rgb)
    index["group"].append(crop.person)
    index["video"].append(through.code)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Makes the forgeries of the crops of a split."""

    crops: Sequence[_Crop]
    nobody: Sequence[_Crop]
    random: np.random.Generator
    remake: Remake | None

    def plain(self, kind: Kind, number: int) -> Forgery:
        """A forgery of the crop itself."""
        crop, random = self.crops[number], self.random
        face = crop.face()
        if kind is Kind.MADE_FACE:
            return _whole(_suited(face, self.nobody, random))
        donor = _donated(kind, number, self.crops, self.nobody, random)
        way = remaker(crop.remade, self.remake, random) if kind in GENERATED else self.remake
        return forge(kind, face, face if donor is crop else donor.face(), random, way)

    def matched(self, kind: Kind, number: int) -> tuple[RgbArray, Forgery]:
        """A forgery, some of whose pixels a generator made, and its genuine crop, which has the same seam."""
        crop, random = self.crops[number], self.random
        face = crop.face()
        if kind in (Kind.MADE_FACE, Kind.REMADE_FACE):
            return crop.rgb, self.plain(kind, number)
        if kind is Kind.REMADE_REGION:
            way = remaker(crop.remade, self.remake, random)
            assert way is not None  # such kinds are drawn only where something remakes
            made, maker = way(face.rgb, random)
            one, two, how = face, Face(made, face.marks), Kind.OWN_ORGANS
        else:
            one = self.crops[_donor(kind, number, self.crops, random)].face()
            two, how, maker = _suited(face, self.nobody, random).face(), kind, Maker.GIVEN
        genuine, forged = same_seam(how, face, one, two, int(random.integers(2**63)))
        truth = replace(forged.truth, kind=kind, maker=maker)
        return genuine.rgb.astype(np.uint8), replace(forged, truth=truth)


@dataclass(frozen=True, slots=True)
class _MovingPictures:
    """What a crop and its forgeries go through: nothing, or a codec with the crop as the last of three frames."""

    recode: Recode | None
    codec: str
    crf: int
    drift: tuple[float, float]

    @property
    def code(self) -> int:
        return 100 * _CODECS.index(self.codec) + self.crf if self.codec else 0

    def apply(self, rgb: RgbArray) -> RgbArray:
        if self.recode is None or not self.codec:
            return rgb
        size = (rgb.shape[1], rgb.shape[0])
        frames = []
        for back in (2, 1):
            matrix = np.array([[1, 0, self.drift[0] * back], [0, 1, self.drift[1] * back]])
            frames.append(np.asarray(cv2.warpAffine(rgb, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8))
        return self.recode([*frames, rgb], self.codec, self.crf)[-1]


def _moving_pictures(recode: Recode | None, random: np.random.Generator) -> _MovingPictures:
    # Drawn in any case, so that the forgeries of a pool do not depend on whether a codec is there.
    chance, which, crf = random.random(), random.random(), int(random.integers(18, 41))
    drift = tuple(float(value) for value in random.normal(0, 0.7, 2))
    if recode is None or chance >= _SHARE_OF_VIDEO:
        return _MovingPictures(None, "", 0, (0.0, 0.0))
    return _MovingPictures(recode, "h264" if which < 0.75 else "h265", crf, (drift[0], drift[1]))


def _can(kind: Kind, crop: _Crop, remake: Remake | None) -> bool:
    return kind not in GENERATED or remake is not None or bool(crop.remade)


def _whole(crop: _Crop) -> Forgery:
    """A picture of nobody, every pixel of it made; nothing says which organs differ, for all of them do."""
    everything = np.ones(crop.rgb.shape[:2], np.float32)
    organs = Organ(sum(Organ))
    return Forgery(crop.rgb.astype(np.float32), everything, Truth(Kind.MADE_FACE, maker=Maker.GIVEN, organs=organs))


def _suited(face: Face, crops: Sequence[_Crop], random: np.random.Generator) -> _Crop:
    """Of a few the crop that looks most like the face in light, colour and pose, so that these tell less."""
    drawn = [crops[int(place)] for place in random.integers(len(crops), size=_CANDIDATES)]
    return min(drawn, key=lambda one: unlike(face, one.face()))


def _donated(
    kind: Kind, number: int, crops: Sequence[_Crop], nobody: Sequence[_Crop], random: np.random.Generator
) -> _Crop:
    """The crop that a part is taken from: that of another person or, where there are such, of nobody."""
    if nobody and kind in (Kind.OTHER_FACE, Kind.OTHER_ORGANS) and random.random() < _MADE_DONORS:
        return _suited(crops[number].face(), nobody, random)
    return crops[_donor(kind, number, crops, random)]


def _donor(kind: Kind, number: int, crops: Sequence[_Crop], random: np.random.Generator) -> int:
    """Row of the donor: another person's crop, or for own organs one of another picture of the same person.

    Of a few people drawn the one is taken who suits best: nobody careful pastes a profile onto a face from the front.
    """
    here = crops[number]
    if kind is Kind.OWN_ORGANS:
        near = range(max(0, number - 2000), min(len(crops), number + 2000))
        own = [n for n in near if crops[n].person == here.person and crops[n].picture != here.picture]
        return own[int(random.integers(len(own)))] if own and random.random() < 0.7 else number
    strangers: list[int] = []
    while len(strangers) < _CANDIDATES:
        other = int(random.integers(len(crops)))
        if crops[other].person != here.person:
            strangers.append(other)
    face = here.face()
    return min(strangers, key=lambda row: unlike(face, crops[row].face()))


def load(out: Path, name: str) -> Pool:
    """Open a split read-only: memory-mapped from a folder, or unpacked from a packed file.

    Raises:
        InputError: it was not built, or by an older version.
    """
    if out.is_file():
        from workstation.training.packed_pool import unpack

        return unpack(out, name)
    if not (out / f"{name}-index.npz").is_file():
        raise InputError(f"{out} holds no pool {name}.", "Build it first.")
    try:
        with np.load(out / f"{name}-index.npz") as index:
            table: dict[str, Any] = {part: index[part] for part in (*PER_GENUINE, *PER_FORGED)}
        arrays: dict[str, Any] = {part: np.load(out / f"{name}-{part}.npy", mmap_mode="r") for part in PICTURES}
        facts = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError) as error:
        raise InputError(f"The pool in {out} cannot be read ({error}).", "Build it again.") from error
    return Pool(**arrays, **table, facts=facts)
