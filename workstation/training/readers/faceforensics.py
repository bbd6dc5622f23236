"""FaceForensics++ and DeepFakeDetection (DFD), as their download script lays them out.

Layout: ``original_sequences/{youtube,actors}/{raw,c23,c40}/{videos,frames}``, ``manipulated_sequences/<method>/...``
and ``manipulated_sequences/<method>/masks/videos``; a manipulated clip is named ``target_source``. The splits are
``train.json``, ``val.json``, ``test.json``: lists of pairs [a, b], 360, 70 and 70, each naming the originals a and b
and the clips a_b and b_a (Roessler et al., ICCV 2019; github.com/ondyari/FaceForensics). A frames folder may also be
called ``images``. DFD has no split of its own and is used for testing alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import Told, absent, against, clips, no_layout, read_json, words
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, SPLITS, Dataset, Form, Split

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
DFD = "DeepFakeDetection"
COMPRESSIONS = ("raw", "c23", "c40")
PAIRS: dict[Split, int] = {"train": 360, "val": 70, "test": 70}
DFD_GENUINE, DFD_MANIPULATED = 363, 3068
NAME = "FaceForensics++"
SHORTCUTS = (
    "Sizes are a shortcut: 282 of 1000 widths of Face2Face and NeuralTextures were cut to a multiple of 16.",
    "Lengths are a shortcut: Face2Face is as long as its source, FaceSwap and NeuralTextures as the shorter one.",
)
_ID = re.compile(r"[0-9]{3}")
_ACTOR = re.compile(r"(?P<target>[0-9]{2})__(?P<scene>.+)")
_SWAPPED = re.compile(r"(?P<target>[0-9]{2})_(?P<source>[0-9]{2})__(?P<scene>.+)__(?P<mark>[0-9A-Z]{8})")

Splits = dict[str, tuple[Split, str]]


def read(root: Path, *, compression: str = "", methods: str = "", form: str = "", splits: str = "") -> Dataset:
    """Read FaceForensics++, with DFD where its folders are there.

    Args:
        compression: ``raw``, ``c23``, ``c40``, several with commas; empty takes all that are there.
        methods: names of methods with commas; empty takes all that are there.
        form: ``videos`` or ``frames``; empty takes videos where there are any.
        splits: folder of the three pair lists; empty looks in the root and its ``splits``.
    """
    if not (root / "original_sequences").is_dir() and not (root / "manipulated_sequences").is_dir():
        raise no_layout(NAME, root, ("original_sequences", "manipulated_sequences"))
    wanted = _chosen(methods, (*METHODS, DFD), "method")
    rates = _chosen(compression, COMPRESSIONS, "compression") or COMPRESSIONS
    names = pair_splits(root, splits)
    told = Told()
    for split, count in PAIRS.items():
        pairs = {pair for given, pair in names.values() if given == split}
        told.missing.extend(against(f"{split}.json, pairs", len(pairs), count))
    found: list[Found] = list(_originals(root, rates, form, names, told, named=bool(compression)))
    for method in wanted or METHODS:
        found.extend(_method(root, method, rates, form, names, told, named=bool(compression)))
    told.notes.extend(SHORTCUTS)
    if DFD in wanted or (not wanted and (root / "manipulated_sequences" / DFD).is_dir()):
        found.extend(_detection(root, rates, form, told))
        told.notes.append("DeepFakeDetection has no split of its own and stands in test alone.")
    present = {item.compression for item in found}
    if len(present) > 1:
        told.notes.append(f"Compressions {', '.join(sorted(present))} are the same clips: choose one, or weigh them.")
    return settle(NAME, root, found, missing=told.missing, notes=told.notes)


def read_dfd(root: Path, *, compression: str = "", form: str = "") -> Dataset:
    """Read DFD: 363 originals of actors and 3,068 swaps, all of it test material.

    Args:
        compression: as in :func:`read`.
        form: as in :func:`read`.
    """
    looked_for = ("original_sequences/actors", f"manipulated_sequences/{DFD}")
    if not any((root / one).is_dir() for one in looked_for):
        raise no_layout("DFD", root, looked_for)
    rates = _chosen(compression, COMPRESSIONS, "compression") or COMPRESSIONS
    told = Told()
    found = list(_detection(root, rates, form, told))
    told.notes.append("The whole of DFD is test material; it has no split.")
    return settle("DFD", root, found, missing=told.missing, notes=told.notes)


def pair_splits(root: Path, folder: str = "") -> Splits:
    """By name of an original or of a swap: its split and its pair, from the three lists of pairs.

    Raises:
        InputError: a list is not there, is misshapen, or names a sequence that another list has too.
    """
    places = (Path(folder),) if folder else (root, root / "splits", root / "dataset" / "splits")
    place = next((one for one in places if any((one / f"{split}.json").is_file() for split in SPLITS)), None)
    lacking = [f"{split}.json" for split in SPLITS if place is None or not (place / f"{split}.json").is_file()]
    if place is None or lacking:
        looked = ", ".join(str(one) for one in places)
        raise InputError(
            f"The lists of pairs {', '.join(lacking)} are not there; looked in {looked}.",
            "Put the published train.json, val.json and test.json there, or name their folder with splits=FOLDER.",
        )
    names: Splits = {}
    for split in SPLITS:
        path = place / f"{split}.json"
        pairs = read_json(path)
        if not isinstance(pairs, list):
            raise InputError(f"{path.name} is not a list of pairs.", "Fetch the published list.")
        for number, pair in enumerate(pairs, 1):
            if not _is_pair(pair):
                raise InputError(f"{path.name}, entry {number}, {pair!r}: not a pair of two three-digit numbers.")
            first, second = pair
            for name in (first, second, f"{first}_{second}", f"{second}_{first}"):
                if name in names:
                    raise InputError(f"{path.name}, entry {number}: {name} is in {names[name][0]}.json already.")
                names[name] = (split, f"{first}_{second}")
    return names


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(one, str) and _ID.fullmatch(one) for one in pair)
        and pair[0] != pair[1]
    )


def members(name: str, names: Splits) -> tuple[str, ...]:
    """Both sequences of the pair that a clip belongs to, the one it is a recording of first."""
    own = name.partition("_")[0]
    return tuple(f"ffpp:{one}" for one in sorted(names[name][1].split("_"), key=lambda one: one != own))


def _originals(
    root: Path, rates: tuple[str, ...], form: str, names: Splits, told: Told, *, named: bool
) -> Iterator[Found]:
    wanted = [name for name in names if "_" not in name]
    base = root / "original_sequences" / "youtube"
    for rate, there in _rates(base, rates, form, told, named=named):
        for name in wanted:
            if name in there:
                path, kind = there[name]
                yield Found(path, kind, False, GENUINE, members(name, names), names[name][0], None, rate)
        _tell(f"original_sequences/youtube/{rate}", wanted, set(there), told)


def _method(
    root: Path, method: str, rates: tuple[str, ...], form: str, names: Splits, told: Told, *, named: bool
) -> Iterator[Found]:
    if method == DFD:
        return
    wanted = [name for name in names if "_" in name]
    base = root / "manipulated_sequences" / method
    masks = clips(base / "masks")
    any_there = False
    for rate, there in _rates(base, rates, form, told, named=named):
        any_there = True
        inner = clips(base / rate / "masks", "frames")
        for name in wanted:
            if name in there:
                path, kind = there[name]
                mask = inner.get(name) or masks.get(name)
                target, source = name.split("_")
                facts = {"target": target, "source": source}
                yield Found(
                    path,
                    kind,
                    True,
                    method,
                    members(name, names),
                    names[name][0],
                    mask[0] if mask else None,
                    rate,
                    facts,
                )
        _tell(f"manipulated_sequences/{method}/{rate}", wanted, set(there), told)
    if any_there and not masks:
        told.missing.append(f"manipulated_sequences/{method}/masks: no masks")


def _rates(
    base: Path, rates: tuple[str, ...], form: str, told: Told, *, named: bool
) -> Iterator[tuple[str, dict[str, tuple[Path, Form]]]]:
    any_there = False
    for rate in rates:
        there = clips(base / rate, form)
        if there:
            any_there = True
            yield rate, there
        elif named:
            told.missing.append(f"{base.parent.name}/{base.name}/{rate}: no clips")
    if not any_there and not named:
        told.missing.append(f"{base.parent.name}/{base.name}: no clips in {', '.join(rates)}")


def _tell(where: str, wanted: list[str], there: set[str], told: Told) -> None:
    lost = [name for name in wanted if name not in there]
    if lost:
        told.missing.append(absent(where, lost, len(wanted)))
    extra = sorted(there - set(wanted))
    if extra:
        told.notes.append(f"{where}: {len(extra)} clips are in no list of pairs and were left out, first {extra[0]}.")


def _detection(root: Path, rates: tuple[str, ...], form: str, told: Told) -> Iterator[Found]:
    actors, swapped = root / "original_sequences" / "actors", root / "manipulated_sequences" / DFD
    masks = clips(swapped / "masks")
    for base, pattern, label, count in (
        (actors, _ACTOR, False, DFD_GENUINE),
        (swapped, _SWAPPED, True, DFD_MANIPULATED),
    ):
        for rate, there in _rates(base, rates, form, told, named=False):
            strange = []
            for name, (path, kind) in there.items():
                parts = pattern.fullmatch(name)
                if parts is None:
                    strange.append(name)
                    continue
                facts = parts.groupdict()
                people = tuple(f"dfd:{facts[key]}" for key in ("target", "source") if key in facts)
                mask = masks.get(name) if label else None
                yield Found(
                    path,
                    kind,
                    label,
                    DFD if label else GENUINE,
                    people,
                    "test",
                    mask[0] if mask else None,
                    rate,
                    facts,
                )
            where = f"{base.parent.name}/{base.name}/{rate}"
            if strange:
                told.notes.append(
                    f"{where}: {len(strange)} names are not of DFD's form and were left out, first {strange[0]}."
                )
            told.missing.extend(against(where, len(there), count))


def _chosen(value: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    chosen = words(value)
    for one in chosen:
        if one not in known:
            raise InputError(f'{NAME} knows no {what} "{one}".', f"Known: {', '.join(known)}.")
    return chosen
