"""A laboratory's own material: folders ``real``, ``fake``, ``masks``, or a table ``labels.csv``.

Columns of the table: file, label (0 or 1, genuine or manipulated) and, where known, mask, group, split, method,
compression; others are kept as facts. Several values of ``group`` are separated by spaces: two persons of a swap.
Without splits everything is for one purpose, by default for testing.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import (
    PICTURES,
    VIDEOS,
    Told,
    absent,
    entries,
    no_layout,
    read_table,
    stem,
    wrong_line,
)
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, SPLITS, Dataset, Form, Split

TABLE = "labels.csv"
_LABELS = {"0": False, "genuine": False, "real": False, "1": True, "manipulated": True, "fake": True}
_OWN = ("file", "label", "mask", "group", "split", "method", "compression")
_FOLDERS = {"real": False, "genuine": False, "fake": True, "manipulated": True}


def read(root: Path, *, use: str = "test", group: str = "") -> Dataset:
    """Read plain folders or a table.

    Args:
        use: ``test`` or ``train`` for items without a split of their own; of ``train`` a part is held for validation.
        group: what is one group where no column says so: ``file`` (default), ``folder``, or a column of the table.
    """
    if use not in ("test", "train"):
        raise InputError(f'Plain material is used for "test" or "train", not "{use}".')
    told = Told()
    split: Split | None = "test" if use == "test" else None
    reads = _table if (root / TABLE).is_file() else _folders
    found = reads(root, split, group, told)
    if not (group or any("group" in item.facts for item in found)):
        told.notes.append("No groups are named: every file name is a group of its own, whoever it shows.")
    return settle(root.name, root, found, missing=told.missing, notes=told.notes)


def _table(root: Path, open_split: Split | None, group: str, told: Told) -> list[Found]:
    table = root / TABLE
    found: list[Found] = []
    lost: list[str] = []
    other: list[str] = []
    rows = read_table(table, ("file", "label"))
    if group not in ("", "file", "folder") and rows and group not in rows[0][1]:
        raise InputError(f"{TABLE} has no column {group}.", f"It has: {', '.join(rows[0][1])}.")
    there = _Listed(root)
    for number, row in rows:
        line = ",".join(row.values())
        name = _inside(row["file"], table, number, line)
        form = there.form(name)
        if form is None:
            (other if there.has(name) else lost).append(name)
            continue
        if row["label"] not in _LABELS:
            raise wrong_line(table, number, line, "the label is neither 0 nor 1")
        if row.get("split", "") not in (*SPLITS, ""):
            raise wrong_line(table, number, line, f"the split is none of {', '.join(SPLITS)} and not empty")
        manipulated = _LABELS[row["label"]]
        given = next((one for one in SPLITS if one == row.get("split")), None)
        facts = {key: value for key, value in row.items() if key not in _OWN and value}
        people = _people(row.get("group", ""), root.name, name, group, row)
        if row.get("group"):
            facts["group"] = row["group"]
        mask = _inside(row["mask"], table, number, line) if row.get("mask") else ""
        if mask and not there.has(mask):
            told.missing.append(f"{mask}: the mask of {name} is not there")
            mask = ""
        method = (row.get("method") or "unnamed") if manipulated else GENUINE
        found.append(
            Found(
                root / name,
                form,
                manipulated,
                method,
                people,
                given or open_split,
                root / mask if mask else None,
                row.get("compression", ""),
                facts,
            )
        )
    if not any(item.split == "val" for item in found):
        found = [replace(item, split=None) if item.split == "train" else item for item in found]
    if lost:
        told.missing.append(absent(TABLE, lost, len(rows)))
    if other:
        told.notes.append(
            f"{len(other)} listed files are neither pictures nor videos and were left out, as {other[0]}."
        )
    return found


def _people(named: str, place: str, name: str, group: str, row: dict[str, str]) -> tuple[str, ...]:
    """Members of a row. Those that someone named hold over datasets; file names hold in their own folder alone."""
    if named:
        return tuple(named.split())
    if group == "folder":
        return (f"{place}:{name.rpartition('/')[0] or '.'}",)
    if group not in ("", "file") and row.get(group):
        return (row[group],)
    first, _, rest = name.partition("/")
    return (f"{place}:{stem(rest if first in _FOLDERS and rest else name)}",)


def _inside(name: str, table: Path, number: int, line: str) -> str:
    """A name below the dataset's folder. Raises: InputError for one that leads out of it."""
    clean = name.replace("\\", "/")
    if not clean or clean.startswith("/") or ".." in clean.split("/"):
        raise wrong_line(table, number, line, "the file is not named relative to the table's folder")
    return clean


class _Listed:
    """Names below a folder, each folder listed once: what is there, and of which form."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: dict[str, dict[str, bool]] = {}

    def _kind(self, name: str) -> bool | None:
        """Whether ``name`` is a folder; None when it is not there."""
        folder, _, base = name.strip("/").rpartition("/")
        if folder not in self._seen:
            self._seen[folder] = {one.name: one.is_dir() for one in entries(self._root / folder)}
        return self._seen[folder].get(base)

    def has(self, name: str) -> bool:
        return self._kind(name) is not None

    def form(self, name: str) -> Form | None:
        kind = self._kind(name)
        if kind is None:
            return None
        return "frames" if kind else _form(name)


def _form(name: str) -> Form | None:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - once for each of 100,000 names
    return "image" if suffix in PICTURES else "video" if suffix in VIDEOS else None


def _folders(root: Path, split: Split | None, group: str, told: Told) -> list[Found]:
    there = [name for name in _FOLDERS if (root / name).is_dir()]
    if not there:
        raise no_layout("plain material", root, (TABLE, "real", "fake"), "Make folders real and fake, or a labels.csv.")
    for word, label in (("real", False), ("fake", True)):
        if label not in {_FOLDERS[name] for name in there}:
            told.missing.append(f"{word}: no such folder")
    masks = {stem(one.name): Path(one.path) for one in entries(root / "masks")}
    found: list[Found] = []
    without = []
    for folder in there:
        manipulated = _FOLDERS[folder]
        for one in entries(root / folder):
            form: Form | None = "frames" if one.is_dir() else _form(one.name)
            if form is None:
                continue
            mask = masks.get(stem(one.name)) if manipulated else None
            if manipulated and mask is None:
                without.append(one.name)
            people = (f"{root.name}:{folder if group == 'folder' else stem(one.name)}",)
            method = "unnamed" if manipulated else GENUINE
            found.append(Found(Path(one.path), form, manipulated, method, people, split, mask))
    if masks and without:
        told.missing.append(absent("masks", without, sum(item.manipulated for item in found)))
    return found
