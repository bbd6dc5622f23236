"""GenFace: a folder for each generator, with a table that says what each folder is.

The set (TIFS 2024, arXiv 2402.02003) is published without a description of its folders, so nothing is guessed: the
user writes ``mapping.csv`` with the columns folder, label, method and, where known, forgery, family, split, mask,
source.

``label`` is genuine or manipulated; ``split`` train, val, test or empty (training material of which a part is held for
validation); ``mask`` a folder of masks with the pictures' names, or ``all`` where the whole face is synthesised;
``source`` the folder a manipulation was made from: pictures of one name in both are then one group.
"""

from __future__ import annotations

from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import Told, absent, pictures, read_table, stem, wrong_line
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, SPLITS, Dataset, Split

COLUMNS = ("folder", "label", "method")
_LABELS = {"genuine": False, "0": False, "manipulated": True, "1": True}
_KEPT = ("forgery", "family")


def read(root: Path, *, mapping: str = "mapping.csv") -> Dataset:
    """Read GenFace by a table of its folders.

    Args:
        mapping: the table; a relative name is looked for in ``root``.
    """
    table = root / mapping
    if not table.is_file():
        raise InputError(
            f"GenFace's folders are not described by its publisher, and {table} is not there.",
            f"Write it: a CSV with {', '.join(COLUMNS)} and, where known, forgery, family, split, mask, source.",
        )
    told = Told()
    found: list[Found] = []
    for number, row in read_table(table, COLUMNS):
        line = ",".join(row.values())
        if row["label"] not in _LABELS:
            raise wrong_line(table, number, line, "the label is neither genuine nor manipulated")
        if row.get("split", "") not in (*SPLITS, ""):
            raise wrong_line(table, number, line, f"the split is none of {', '.join(SPLITS)} and not empty")
        found.extend(_folder(root, row, told))
    told.notes.append("What each folder is comes from the table given, not from the publisher.")
    return settle("GenFace", root, found, missing=told.missing, notes=told.notes)


def _folder(root: Path, row: dict[str, str], told: Told) -> list[Found]:
    folder, manipulated = row["folder"].strip("/"), _LABELS[row["label"]]
    there = pictures(root / folder)
    if not there:
        told.missing.append(f"{folder}: no pictures")
    given = row.get("split", "")
    split: Split | None = next((one for one in SPLITS if one == given), None)
    named = row.get("mask", "")
    whole = named == "all"
    masks = {stem(inner): path for inner, path in pictures(root / named)} if named and not whole else {}
    facts = {key: row[key] for key in _KEPT if row.get(key)} | ({"mask": "all"} if whole else {})
    origin = row.get("source", "").strip("/") or folder
    method = row["method"] if manipulated else GENUINE
    if masks or (named and not whole):
        without = [inner for inner, _ in there if stem(inner) not in masks]
        if without:
            told.missing.append(absent(f"{named}, masks of {folder}", without, len(there)))
    return [
        Found(
            path,
            "image",
            manipulated,
            method,
            (f"genface:{origin}/{stem(inner)}",),
            split,
            masks.get(stem(inner)),
            facts=facts,
        )
        for inner, path in there
    ]
