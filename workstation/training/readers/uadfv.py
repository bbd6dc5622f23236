"""UADFV: ``real/`` and ``fake/``, clips or folders of frames (Yang, Li, Lyu, ICASSP 2019). No split is published."""

from __future__ import annotations

import re
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers.places import Told, clips, no_layout
from workstation.training.readers.settling import Found, settle
from workstation.training.samples import GENUINE, Dataset, Split

_SUFFIX = re.compile(r"[_-]?fake$", re.IGNORECASE)


def read(root: Path, *, use: str = "test", form: str = "") -> Dataset:
    """Read UADFV.

    Args:
        use: ``test`` (as publications do) or ``train``, of which a part is then kept for validation.
        form: ``videos`` or ``frames``; empty takes videos where there are any.
    """
    if use not in ("test", "train"):
        raise InputError(f'UADFV is used for "test" or "train", not "{use}".')
    if not (root / "real").is_dir() or not (root / "fake").is_dir():
        raise no_layout("UADFV", root, ("real", "fake"))
    split: Split | None = "test" if use == "test" else None
    told = Told(notes=["No split is published; all of it is used for one purpose."])
    found: list[Found] = []
    for folder, manipulated in (("real", False), ("fake", True)):
        there = clips(root / folder, form)
        if not there:
            told.missing.append(f"{folder}: no clips")
        for name, (path, kind) in there.items():
            member = (f"uadfv:{_SUFFIX.sub('', name)}",)
            found.append(Found(path, kind, manipulated, "UADFV" if manipulated else GENUINE, member, split))
    told.notes.append("A clip and the clip of the same name with _fake are taken for a pair.")
    return settle("UADFV", root, found, missing=told.missing, notes=told.notes)
