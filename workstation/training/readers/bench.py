"""Lists of DeepfakeBench and DF40: JSON files beside folders of extracted frames.

``{dataset: {label: {train|val|test: {(compression:) {video: {label, frames[, masks]}}}}}}``. Labels end in real or
fake in any spelling, or are FF-real, FF-DF, FF-F2F, FF-FS, FF-NT, FF-FH, FF-SH (github.com/SCLBD/DeepfakeBench). The
lists of DF40 are named ``<method>_ff``, ``<method>_cdf`` (github.com/YZY-stack/DF40).

Faults of the lists that are not taken over: test clips that also stand in train (Celeb-DF v2) or val; DeepFakeDetection
in all three splits; paths of another machine or with backslashes; clips of one name under several methods told apart by
folder name alone (:attr:`Sample.key` is the full path); frames taken from the start of a clip
(:func:`workstation.training.readers.frames.spread`). Frames are those of the folder, not a list cut short.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import Told, absent, files, first_folder, no_layout, read_json, words
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, SPLITS, Dataset, Split

FF_METHODS = {
    "FF-DF": "Deepfakes",
    "FF-F2F": "Face2Face",
    "FF-FS": "FaceSwap",
    "FF-NT": "NeuralTextures",
    "FF-FH": "FaceShifter",
    "FF-SH": "FaceShifter",
}
CELEB_GENUINE = 890
_DETECTION = "DeepFakeDetection"
_ENDING = re.compile(r"(?P<name>.+?)[-_](?:(?P<genuine>real)|fake(?P<kind>[A-Z]?))", re.IGNORECASE)
_FF = re.compile(r"([0-9]{3})(?:_([0-9]{3}))?")
_DEEPER = re.compile(r"([0-9]{3})_([MW][0-9]{3})")
_ACTORS = re.compile(r"([0-9]{2})(?:_([0-9]{2}))?__.+")
_CELEB = re.compile(r"(id[0-9]+)_(?:id[0-9]+_)?([0-9]{4})")


@dataclass(frozen=True, slots=True)
class _Entry:
    dataset: str
    label: str
    split: Split
    compression: str
    video: str
    frames: tuple[str, ...]
    masks: tuple[str, ...]


def read(root: Path, *, lists: str = "", labels: str = "", compression: str = "") -> Dataset:
    """Read one or more lists of DeepfakeBench.

    Args:
        lists: the JSON files or their folder, with commas; empty looks in ``dataset_json`` and in ``root``.
        labels: what labels of an unknown form mean: ``name=genuine,other=manipulated``.
        compression: only this one (``c23``); empty takes all.
    """
    return _read(root, lists, labels, compression, "DeepfakeBench")


def read_df40(root: Path, *, lists: str = "", labels: str = "", methods: str = "") -> Dataset:
    """Read lists of DF40: as :func:`read`, one list for each method and domain (``simswap_ff``, ``simswap_cdf``).

    Args:
        lists: as in :func:`read`.
        labels: as in :func:`read`.
        methods: names of lists with commas; empty takes all that are there.
    """
    return _read(root, lists, labels, "", "DF40", words(methods))


def _read(root: Path, lists: str, labels: str, compression: str, name: str, only: tuple[str, ...] = ()) -> Dataset:
    told = Told()
    given = _given(labels)
    found_lists = _lists(root, lists)
    unknown = [one for one in only if one not in {path.stem for path in found_lists}]
    if unknown:
        have = ", ".join(path.stem for path in found_lists[:8])
        raise InputError(f"There is no list {', '.join(unknown)}.", f"There are: {have or 'none'}.")
    entries_: list[_Entry] = []
    for path in found_lists:
        if not only or path.stem in only:
            entries_.extend(one for one in _entries(path) if not compression or one.compression in ("", compression))
    if not entries_:
        raise no_layout(
            name, root, ("dataset_json/<dataset>.json", "<dataset>.json"), "Name the lists with lists=PATH."
        )
    found = list(_found(root, entries_, given, told))
    return settle(name, root, found, missing=told.missing, notes=told.notes)


def _lists(root: Path, lists: str) -> list[Path]:
    out: list[Path] = []
    if not lists:
        folder = first_folder(root, "dataset_json", "preprocessing/dataset_json", ".") or root
        return [folder / name for name in files(folder, (".json",))]
    for one in words(lists):
        path = root / one
        if path.is_dir():
            out.extend(path / name for name in files(path, (".json",)))
        elif path.is_file():
            out.append(path)
        else:
            raise InputError(f"The list {path} is not there.")
    return out


def _given(labels: str) -> dict[str, bool]:
    out = {}
    for one in words(labels):
        name, _, meaning = one.partition("=")
        if meaning not in ("genuine", "manipulated"):
            raise InputError(f'"{one}" does not say what a label means.', "Write name=genuine or name=manipulated.")
        out[name] = meaning == "manipulated"
    return out


def meaning(label: str, given: Mapping[str, bool]) -> tuple[bool, str]:
    """Whether a label means manipulated, and the method's name. Raises: InputError for a label of an unknown form."""
    if label in FF_METHODS:
        return True, FF_METHODS[label]
    parts = _ENDING.fullmatch(label)
    if label in given:
        return given[label], label if given[label] else GENUINE
    if parts is None:
        raise InputError(
            f'The list\'s label "{label}" says neither real nor fake.',
            f"Say what it means with labels={label}=genuine or labels={label}=manipulated.",
        )
    if parts["genuine"]:
        return False, GENUINE
    return True, parts["name"] + (f"-{parts['kind']}" if parts["kind"] else "")


def _entries(path: Path) -> Iterator[_Entry]:
    listed = read_json(path)
    for dataset, inside in _level(listed, path, "a table of datasets"):
        for label, split_table in _level(inside, path, f"{dataset}: a table of labels"):
            for split, below in _level(split_table, path, f"{dataset}/{label}: a table of splits"):
                place = next((one for one in SPLITS if one == split), None)
                if place is None:
                    raise InputError(f'{path.name}, {dataset}/{label}: "{split}" is no split.', "Fetch the list again.")
                for name, value in _level(below, path, f"{dataset}/{label}/{split}: a table of clips"):
                    where = f"{dataset}/{label}/{split}/{name}"
                    if isinstance(value, dict) and "frames" in value:
                        yield _entry(path, where, dataset, label, place, "", name, value)
                        continue
                    for video, one in _level(value, path, f"{where}: a clip or a table of clips"):
                        yield _entry(path, f"{where}/{video}", dataset, label, place, name, video, one)


def _level(value: object, path: Path, what: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        raise InputError(f"{path.name}: {what} was expected.", "Fetch the list again.")
    return list(value.items())


def _entry(
    path: Path, where: str, dataset: str, label: str, split: Split, compression: str, video: str, value: object
) -> _Entry:
    if not isinstance(value, dict) or not isinstance(value.get("frames"), list):
        raise InputError(f"{path.name}, {where}: a clip without a list of frames.", "Fetch the list again.")
    if value.get("label", label) != label:
        raise InputError(f'{path.name}, {where}: its label is "{value["label"]}", and it stands under {label}.')
    frames, masks = (tuple(_slashes(one) for one in value.get(key) or ()) for key in ("frames", "masks"))
    return _Entry(dataset, label, split, compression, video, frames, masks)


def _slashes(path: object) -> str:
    return str(path).replace("\\", "/")


class _Prefix:
    """Where a path of another machine starts below ``root``; found once, then tried first."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._skip = 0

    def folder(self, path: str) -> str | None:
        parts = path.rpartition("/")[0].strip("/").split("/")
        if ".." in parts:
            return None
        for skip in (self._skip, *range(len(parts))):
            there = "/".join((self._root, *parts[skip:]))
            if skip < len(parts) and os.path.isdir(there):  # noqa: PTH112 - once for each of 100,000 clips
                self._skip = skip
                return there
        return None


def _found(root: Path, listed: list[_Entry], given: Mapping[str, bool], told: Told) -> Iterator[Found]:
    prefix, masks_prefix = _Prefix(root), _Prefix(root)
    kept, doubled, several = _once(listed, given)
    if doubled:
        told.notes.append(f"{doubled} entries stood in several splits of a list and were kept in one, test first.")
    if several:
        told.notes.append(
            f"{several} entries stood in several lists (genuine clips of several methods) and count once."
        )
    if any(one.dataset == _DETECTION and one.split != "test" for one in listed):
        told.notes.append("DeepFakeDetection stands in all splits of its list; it is test material alone here.")
    shared = Counter(one.frames[0].rpartition("/")[0] for one in kept if len(one.frames) > 1)
    with_val = {one.dataset for one in kept if one.split == "val"}
    lost: dict[str, list[str]] = {}
    totals = Counter(one.dataset for one in kept)
    for one in kept:
        manipulated, method = meaning(one.label, given)
        folder = prefix.folder(one.frames[0]) if one.frames else None
        if folder is None:
            lost.setdefault(one.dataset, []).append(f"{one.label}/{one.video}")
            continue
        split: Split | None = one.split
        if split == "train" and one.dataset not in with_val:
            split = None
        masks = masks_prefix.folder(one.masks[0]) if one.masks and manipulated else None
        facts = {"dataset": one.dataset, "label": one.label, "video": f"{one.dataset}/{one.label}/{one.video}"}
        people = members(one.dataset, one.label, one.video)
        if len(one.frames) > 1 and shared[one.frames[0].rpartition("/")[0]] == 1:
            mask = Path(masks) if masks else None
            yield Found(Path(folder), "frames", manipulated, method, people, split, mask, one.compression, facts)
            continue
        names = dict(zip((_base(path) for path in one.frames), (_base(path) for path in one.masks), strict=False))
        for name in (_base(path) for path in one.frames):
            picture = Path(masks, names[name]) if masks and name in names else None
            yield Found(
                Path(folder, name), "image", manipulated, method, people, split, picture, one.compression, facts
            )
    told.missing.extend(absent(dataset, names, totals[dataset]) for dataset, names in lost.items())
    genuine = {one.video for one in kept if one.label == "CelebDFv2_real"}
    if genuine and len(genuine) != CELEB_GENUINE:
        told.notes.append(
            f"Celeb-DF v2: the list has {len(genuine)} genuine clips of {CELEB_GENUINE}; lists made with a known fault "
            "lack one of the two genuine folders."
        )


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _once(listed: list[_Entry], given: Mapping[str, bool]) -> tuple[list[_Entry], int, int]:
    """Every clip once, in the strictest of its splits; how many were dropped over splits, and how many over lists."""
    best: dict[tuple[object, ...], _Entry] = {}
    split_apart = listed_apart = 0
    for one in listed:
        held = _with_split(one, "test") if one.dataset == _DETECTION else one
        clip = one.frames or (one.dataset, one.label, one.video)
        key = (clip, meaning(one.label, given)[0])
        first = best.setdefault(key, held)
        if first is held:
            continue
        if (first.dataset, first.label) == (one.dataset, one.label):
            split_apart += 1
        else:
            listed_apart += 1
        if SPLITS.index(held.split) > SPLITS.index(first.split):
            best[key] = held
    return list(best.values()), split_apart, listed_apart


def _with_split(one: _Entry, split: Split) -> _Entry:
    return _Entry(one.dataset, one.label, split, one.compression, one.video, one.frames, one.masks)


def members(dataset: str, label: str, video: str) -> tuple[str, ...]:
    """Persons or source videos behind a clip's name, as far as the name tells; else the clip itself."""
    if (parts := _DEEPER.fullmatch(video)) is not None:
        return f"ffpp:{parts[1]}", f"deeper:{parts[2]}"
    if (parts := _FF.fullmatch(video)) is not None and _of_faceforensics(dataset, label):
        return tuple(f"ffpp:{one}" for one in parts.groups() if one)
    if (parts := _ACTORS.fullmatch(video)) is not None:
        return tuple(f"dfd:{one}" for one in parts.groups() if one)
    if (parts := _CELEB.fullmatch(video)) is not None:
        return (f"celebdf:{parts[1]}_{parts[2]}",)
    return (f"{dataset}:{label}/{video}",)


def _of_faceforensics(dataset: str, label: str) -> bool:
    return (
        label.startswith("FF-") or dataset.endswith("_ff") or dataset.startswith(("FaceForensics", "DeeperForensics"))
    )
