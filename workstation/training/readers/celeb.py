"""Celeb-DF v2 and Celeb-DF++.

v2: ``Celeb-real`` (590), ``YouTube-real`` (300), ``Celeb-synthesis`` (5,639) and ``List_of_testing_videos.txt``: 518
lines, "1 path" for genuine and "0 path" for manipulated, the reverse of what other lists mean by 1 (Li et al., CVPR
2020; github.com/yuezunli/celeb-deepfakeforensics). A genuine clip is named ``idA_NNNN``, a swap ``idA_idB_NNNN``: the
video idA_NNNN with the face of person idB. Everything that is not in the list is for training.

Celeb-DF++: the same genuine folders, ``Celeb-synthesis/{FaceSwap,FaceReenact,TalkingFace}/<method>`` and a list of the
same name (github.com/OUC-VAS/Celeb-DF-PP). What its list means by 1 is not stated there, so the label is the folder's,
and the list must use its digits for the folders in one way throughout.
"""

from __future__ import annotations

import re
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import (
    Told,
    absent,
    against,
    clips,
    entries,
    first_folder,
    no_layout,
    read_lines,
    wrong_line,
)
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Form, Split

LIST = "List_of_testing_videos.txt"
TESTED = 518
COUNTS = {"Celeb-real": 590, "YouTube-real": 300, "Celeb-synthesis": 5639}
PLUS_TESTED_GENUINE = 178
SCENARIOS = ("FaceSwap", "FaceReenact", "TalkingFace")
_SPELLINGS = {"YouTube-real": ("YouTube-real", "Youtube-real")}
_LINE = re.compile(r"([01])\s+(\S.*)")
_GENUINE = re.compile(r"(?P<person>id[0-9]+)_(?P<clip>[0-9]{4})")
_SWAP = re.compile(r"(?P<person>id[0-9]+)_(?P<source>id[0-9]+)_(?P<clip>[0-9]{4})")
_TUBE = re.compile(r"[0-9]{5}")

Clips = dict[str, tuple[Path, Form]]


def read(root: Path, *, groups: str = "video", form: str = "") -> Dataset:
    """Read Celeb-DF v2.

    Args:
        groups: ``video`` keeps a genuine clip and the swaps made on it together; ``person`` keeps persons together,
            which leaves next to nothing for training, as the published list shares its persons with the rest.
        form: ``videos`` or ``frames``; empty takes videos where there are any.
    """
    if groups not in ("video", "person"):
        raise InputError(f'Groups of Celeb-DF are "video" or "person", not "{groups}".')
    places = _folders(root, "Celeb-DF v2")
    told = Told()
    there: dict[str, Clips] = {}
    for name, place in places.items():
        there[name] = clips(place, form)
        told.missing.extend(against(name, len(there[name]), COUNTS[name]))
    told.missing.extend(f"{name}: no such folder" for name in COUNTS if name not in places)
    tested = _test_list(root / LIST)
    told.missing.extend(against(LIST, len(tested), TESTED))
    for (folder, _), (number, digit, line) in tested.items():
        if (digit == "1") != (folder != "Celeb-synthesis"):
            why = "in this list 1 is genuine and 0 is manipulated, and the folder says the opposite"
            raise wrong_line(root / LIST, number, line, why)
    lost = [f"{folder}/{name}" for folder, name in tested if name not in there.get(folder, {})]
    if lost:
        told.missing.append(absent(LIST, lost, len(tested)))
    found = []
    for folder, inside in there.items():
        for name, (path, kind) in inside.items():
            item = _item(folder, name, path, kind, "test" if (folder, name) in tested else None, groups, told)
            if item is not None:
                found.append(item)
    told.notes.append(_shared_persons(found))
    return settle("Celeb-DF v2", root, found, missing=told.missing, notes=told.notes)


def read_plus(root: Path, *, form: str = "") -> Dataset:
    """Read Celeb-DF++.

    Args:
        form: ``videos`` or ``frames``; empty takes videos where there are any.
    """
    places = _folders(root, "Celeb-DF++")
    synthesis = places.get("Celeb-synthesis")
    scenarios = [name for name in SCENARIOS if synthesis is not None and (synthesis / name).is_dir()]
    if not scenarios:
        raise no_layout("Celeb-DF++", root, [f"Celeb-synthesis/{name}" for name in SCENARIOS])
    told = Told()
    told.missing.extend(f"Celeb-synthesis/{name}: no such folder" for name in SCENARIOS if name not in scenarios)
    there = {name: clips(folder, form) for name, folder in places.items() if name != "Celeb-synthesis"}
    told.missing.extend(f"{name}: no such folder" for name in COUNTS if name not in places)
    for scenario in scenarios:
        for method in entries(places["Celeb-synthesis"] / scenario):
            if method.is_dir():
                there[f"Celeb-synthesis/{scenario}/{method.name}"] = clips(Path(method.path), form)
    tested = _test_list(root / LIST)
    _one_meaning(tested, root / LIST)
    lost = [f"{folder}/{name}" for folder, name in tested if name not in there.get(folder, {})]
    if lost:
        told.missing.append(absent(LIST, lost, len(tested)))
    genuine = sum(not folder.startswith("Celeb-synthesis") for folder, _ in tested)
    told.missing.extend(against(f"{LIST}, genuine", genuine, PLUS_TESTED_GENUINE))
    found = []
    for folder, inside in there.items():
        for name, (path, kind) in inside.items():
            split: Split | None = "test" if (folder, name) in tested else None
            item = _item(folder, name, path, kind, split, "video", told)
            if item is not None:
                found.append(item)
    told.notes.append("The label is the folder's: what the list's digits mean is not stated by the publisher.")
    told.notes.append(_shared_persons(found))
    return settle("Celeb-DF++", root, found, missing=told.missing, notes=told.notes)


def _folders(root: Path, name: str) -> dict[str, Path]:
    places = {}
    for wanted in COUNTS:
        folder = first_folder(root, *_SPELLINGS.get(wanted, (wanted,)))
        if folder is not None:
            places[wanted] = folder
    if not places:
        raise no_layout(name, root, tuple(COUNTS))
    if not (root / LIST).is_file():
        raise InputError(
            f"{name} in {root} lacks {LIST}: test and training material cannot be told apart.",
            "Put the published list there.",
        )
    return places


def _test_list(path: Path) -> dict[tuple[str, str], tuple[int, str, str]]:
    """By folder and name: number of the line, its digit, and the line."""
    tested: dict[tuple[str, str], tuple[int, str, str]] = {}
    for number, line in read_lines(path):
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise wrong_line(path, number, line, 'not of the form "1 folder/file" or "0 folder/file"')
        folder, _, name = parts[2].replace("\\", "/").strip("/").rpartition("/")
        folder = "YouTube-real" if folder == "Youtube-real" else folder
        if folder.partition("/")[0] not in COUNTS:
            raise wrong_line(path, number, line, f"the folder is none of {', '.join(COUNTS)}")
        key = (folder, Path(name).stem)
        if key in tested:
            raise wrong_line(path, number, line, f"the same as line {tested[key][0]}")
        tested[key] = (number, parts[1], line)
    return tested


def _one_meaning(tested: dict[tuple[str, str], tuple[int, str, str]], path: Path) -> None:
    first: tuple[int, bool] | None = None
    for (folder, _), (number, digit, line) in tested.items():
        manipulated_is_one = (digit == "1") == folder.startswith("Celeb-synthesis")
        if first is None:
            first = (number, manipulated_is_one)
        elif first[1] != manipulated_is_one:
            raise wrong_line(path, number, line, f"its digit means the opposite of the one in line {first[0]}")


def _item(folder: str, name: str, path: Path, form: Form, split: Split | None, groups: str, told: Told) -> Found | None:
    manipulated = folder.startswith("Celeb-synthesis")
    parts = (_SWAP if manipulated else _GENUINE).fullmatch(name)
    facts = {"source_folder": folder}
    if folder == "YouTube-real" and _TUBE.fullmatch(name):
        return Found(path, form, False, GENUINE, (f"celebdf:youtube_{name}",), split, facts=facts)
    method = folder.rpartition("/")[2] if manipulated else GENUINE
    if parts is None:
        if split == "test":
            return Found(path, form, manipulated, method, (f"celebdf:{folder}/{name}",), split, facts=facts)
        told.notes.append(f"{folder}/{name} was left out: its name does not tell its source video.")
        return None
    facts.update(parts.groupdict())
    facts["recording"] = f"celebdf:{facts['person']}_{facts['clip']}"
    if groups == "person":
        people = [facts["person"], facts["source"]] if manipulated else [facts["person"]]
        members = tuple(f"celebdf:{one}" for one in people)
    else:
        members = (facts["recording"],)
    return Found(path, form, manipulated, method, members, split, facts=facts)


def _shared_persons(found: list[Found]) -> str:
    people: dict[bool, set[str]] = {True: set(), False: set()}
    for item in found:
        people[item.split == "test"].update(item.facts[key] for key in ("person", "source") if key in item.facts)
    shared = len(people[True] & people[False])
    return (
        f"Persons: {shared} of the {len(people[True])} named persons of the published test list also stand in the "
        "rest. A figure on this test after training on the rest is not one on unknown persons."
    )
