"""DFFD: ``data/<split>/{Real,Fake,Mask}``, pictures; a mask has the name of its manipulated picture.

Dang et al., CVPR 2020 (github.com/JStehouwer/FFD_CVPR2020). The mask of a genuine picture is all zero and is not read.
"""

from __future__ import annotations

from pathlib import Path

from workstation.training.readers.places import Told, absent, entries, first_folder, no_layout, pictures, stem
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Split

_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read(root: Path) -> Dataset:
    """Read DFFD. Pictures may lie in folders below Real and Fake; the first of them then names the method."""
    base = first_folder(root, "data") or root
    places = [(one.name, Path(one.path)) for one in entries(base) if one.is_dir() and one.name.lower() in _SPLITS]
    if not places:
        raise no_layout("DFFD", root, [f"data/{name}/{{Real,Fake,Mask}}" for name in ("train", "validation", "test")])
    told = Told()
    found: list[Found] = []
    published = {_SPLITS[name.lower()] for name, _ in places}
    for given, place in places:
        split: Split | None = _SPLITS[given.lower()]
        if split == "train" and "val" not in published:
            split = None
        masks = {stem(inner): path for inner, path in pictures(place / "Mask")}
        if not masks:
            told.missing.append(f"{given}/Mask: no masks")
        without = []
        for folder, manipulated in (("Real", False), ("Fake", True)):
            there = pictures(place / folder)
            if not there:
                told.missing.append(f"{given}/{folder}: no pictures")
            for inner, path in there:
                mask = masks.get(stem(inner)) if manipulated else None
                if manipulated and mask is None:
                    without.append(inner)
                method = (inner.partition("/")[0] if "/" in inner else "DFFD") if manipulated else GENUINE
                member = (f"dffd:{given}/{stem(inner)}",)
                found.append(Found(path, "image", manipulated, method, member, split, mask))
        if masks and without:
            told.missing.append(absent(f"{given}/Mask", without, len(masks) + len(without)))
    told.missing.extend(f"{split}: no such folder" for split in ("train", "test") if split not in published)
    told.notes.append(
        "Persons are not named in this set: whether one stands in two published splits cannot be checked."
    )
    return settle("DFFD", base, found, missing=told.missing, notes=told.notes)
