"""FFIW10K: ``FFIW10K-v1-release/{source,target,target_mask}/{train,val}/videos``.

source is genuine, target manipulated. The published ``val`` is what papers test on, 250 + 250 (Zhou et al., CVPR 2021;
github.com/tfzhou/FFIW), so it is our test, and our validation is made of the published ``train``. Several persons stand
in a clip; the label is the clip's.
"""

from __future__ import annotations

from pathlib import Path

from workstation.training.readers.places import Told, absent, against, clips, first_folder, no_layout
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Split

TESTED = 250
_SPLITS: dict[str, Split | None] = {"train": None, "val": "test"}


def read(root: Path, *, form: str = "") -> Dataset:
    """Read FFIW10K.

    Args:
        form: ``videos`` or ``frames``; empty takes videos where there are any.
    """
    base = first_folder(root, "FFIW10K-v1-release", "FFIW10K", ".")
    if base is None or not ((base / "source").is_dir() or (base / "target").is_dir()):
        raise no_layout("FFIW10K", root, ("FFIW10K-v1-release/source", "FFIW10K-v1-release/target", "source", "target"))
    told = Told()
    found: list[Found] = []
    for given, split in _SPLITS.items():
        masks = clips(base / "target_mask" / given)
        for folder, manipulated in (("source", False), ("target", True)):
            there = clips(base / folder / given, form)
            if not there:
                told.missing.append(f"{folder}/{given}: no clips")
            elif given == "val":
                told.missing.extend(against(f"{folder}/val", len(there), TESTED))
            without = []
            for name, (path, kind) in there.items():
                mask = masks.get(name) if manipulated else None
                if manipulated and mask is None:
                    without.append(name)
                method = "FFIW" if manipulated else GENUINE
                member = (f"ffiw:{given}/{name}",)
                found.append(Found(path, kind, manipulated, method, member, split, mask[0] if mask else None))
            if without:
                told.missing.append(absent(f"target_mask/{given}", without, len(there)))
    told.notes.append("The published val is test here, as in publications.")
    told.notes.append(
        "A source and a target clip of one name are taken for a pair; persons across clips are not named."
    )
    return settle("FFIW10K", base, found, missing=told.missing, notes=told.notes)
