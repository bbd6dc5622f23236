"""DFDC (``dfdc_train_part_N/metadata.json``, ``test/labels.csv``) and DFDCP (``dataset.json``).

DFDC: each part's ``metadata.json`` maps a file to its label REAL or FAKE and, for FAKE, to its original; the test's
``labels.csv`` has the columns filename and label, 1 is manipulated (Dolhansky et al., 2020). DFDCP has
``original_videos``, ``method_A``, ``method_B``; its ``dataset.json`` maps a path to label, set, target_id and
swapped_id (Dolhansky et al., 2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import (
    VIDEOS,
    Told,
    absent,
    entries,
    files,
    natural,
    no_layout,
    read_json,
    read_table,
    wrong_line,
)
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Form, Split

PART = "dfdc_train_part_"
_LABELS = {"REAL": False, "FAKE": True, "real": False, "fake": True}


def read(root: Path) -> Dataset:
    """Read what is there of DFDC: any number of training parts, and the test set."""
    told = Told()
    found: list[Found] = []
    parts = [
        Path(one.path)
        for place in (root, root / "train")
        for one in sorted(entries(place), key=lambda one: natural(one.name))
        if one.is_dir() and one.name.startswith(PART)
    ]
    for part in parts:
        found.extend(_part(part, told))
    table = next((one for one in (root / "test" / "labels.csv", root / "labels.csv") if one.is_file()), None)
    if table is not None:
        found.extend(_test(table, told))
    if not parts and table is None:
        raise no_layout("DFDC", root, (f"{PART}N/metadata.json", f"train/{PART}N/metadata.json", "test/labels.csv"))
    if not parts:
        told.missing.append(f"{PART}N: no training parts")
    if table is None:
        told.missing.append("test/labels.csv: no test set")
    told.notes.append("The names of actors are not published: one actor may stand in training and in validation.")
    return settle("DFDC", root, found, missing=told.missing, notes=told.notes)


def _part(part: Path, told: Told) -> Iterator[Found]:
    path = part / "metadata.json"
    if not path.is_file():
        told.missing.append(f"{part.name}/metadata.json: no labels, so the part was left out")
        return
    listed = read_json(path)
    if not isinstance(listed, dict):
        raise InputError(f"{part.name}/metadata.json is not a table of files.", "Fetch the part again.")
    there = set(files(part, VIDEOS))
    lost = [name for name in listed if name not in there]
    if lost:
        told.missing.append(absent(part.name, sorted(lost), len(listed)))
    for name, row in sorted(listed.items()):
        label = _label(row, f"{part.name}/metadata.json", name)
        original = row.get("original") if label else name
        if not isinstance(original, str) or not original:
            raise InputError(f'{part.name}/metadata.json, "{name}": manipulated, and no original is named.')
        if name in there:
            facts = {"part": part.name, "original": original}
            method = "DFDC" if label else GENUINE
            yield Found(part / name, "video", label, method, (f"dfdc:{original}",), None, facts=facts)


def _test(table: Path, told: Told) -> Iterator[Found]:
    rows = read_table(table, ("filename", "label"))
    inside = table.parent / "videos"
    place = inside if inside.is_dir() else table.parent
    there = set(files(place, VIDEOS))
    lost = [row["filename"] for _, row in rows if row["filename"] not in there]
    if lost:
        told.missing.append(absent(f"{place.name}, listed in {table.name}", lost, len(rows)))
    for number, row in rows:
        if row["label"] not in ("0", "1"):
            raise wrong_line(table, number, ",".join(row.values()), "the label is neither 0 nor 1")
        if row["filename"] in there:
            label = row["label"] == "1"
            facts = {key: value for key, value in row.items() if key not in ("filename", "label")}
            member = (f"dfdc:{row.get('original') or row['filename']}",)
            yield Found(
                place / row["filename"], "video", label, "DFDC" if label else GENUINE, member, "test", facts=facts
            )


def read_preview(root: Path, *, groups: str = "person") -> Dataset:
    """Read DFDCP (the preview set).

    Args:
        groups: ``person`` keeps everything of an actor together, both members of a swap too; ``video`` only the clip.
    """
    if groups not in ("person", "video"):
        raise InputError(f'Groups of DFDCP are "person" or "video", not "{groups}".')
    path = root / "dataset.json"
    if not path.is_file():
        raise no_layout("DFDCP", root, ("dataset.json", "original_videos", "method_A", "method_B"))
    listed = read_json(path)
    if not isinstance(listed, dict):
        raise InputError("dataset.json is not a table of files.", "Fetch it again.")
    told = Told()
    told.missing.extend(
        f"{name}: no such folder" for name in ("original_videos", "method_A", "method_B") if not (root / name).is_dir()
    )
    there = _walked(root)
    found: list[Found] = []
    lost: list[str] = []
    for name, row in sorted(listed.items()):
        label = _label(row, "dataset.json", name)
        given = row.get("set")
        if given not in ("train", "test"):
            raise InputError(f'dataset.json, "{name}": the set {given!r} is neither train nor test.')
        split: Split | None = "test" if given == "test" else None
        item = there.get(name)
        if item is None:
            lost.append(name)
            continue
        ids = [str(row[key]) for key in ("target_id", "swapped_id") if row.get(key) not in (None, "")]
        facts = {key: str(row[key]) for key in ("target_id", "swapped_id") if row.get(key) not in (None, "")}
        members = tuple(f"dfdcp:{one}" for one in ids) if groups == "person" and ids else (f"dfdcp:{name}",)
        method = name.partition("/")[0] if label else GENUINE
        found.append(Found(item[0], item[1], label, method, members, split, facts=facts))
    if lost:
        told.missing.append(absent("dataset.json", lost, len(listed)))
    if groups == "video":
        told.notes.append("Groups are single clips, as asked: one actor may stand in several splits.")
    return settle("DFDCP", root, found, missing=told.missing, notes=told.notes)


def _walked(root: Path) -> dict[str, tuple[Path, Form]]:
    """Every clip below ``root`` by the path the list gives it; a folder ``videos`` in between is not counted."""
    there: dict[str, tuple[Path, Form]] = {}
    waiting = [(root / name, name) for name in ("original_videos", "method_A", "method_B")]
    while waiting:
        folder, name = waiting.pop()
        for one in entries(folder):
            inner = name if one.name == "videos" else f"{name}/{one.name}"
            if one.is_dir():
                waiting.append((Path(one.path), inner))
            elif Path(one.name).suffix.lower() in VIDEOS:
                there[inner] = (Path(one.path), "video")
    return there


def _label(row: object, where: str, name: str) -> bool:
    if not isinstance(row, Mapping) or row.get("label") not in _LABELS:
        given = row.get("label") if isinstance(row, Mapping) else row
        raise InputError(f'{where}, "{name}": the label {given!r} is neither REAL nor FAKE.', "Fetch the list again.")
    return _LABELS[row["label"]]
