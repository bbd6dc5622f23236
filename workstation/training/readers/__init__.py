"""Readers of published datasets and of a laboratory's own material: from a folder to a :class:`Dataset`.

A reader looks at names and lists, never into media, says what is missing against the published numbers, keeps groups
together and test material out of training. Nothing is downloaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workstation.domain.errors import InputError, NotFound
from workstation.training.readers import (
    bench,
    celeb,
    deeper,
    dfdc,
    dffd,
    faceforensics,
    ffiw,
    genface,
    plain,
    uadfv,
    wild,
)
from workstation.training.readers.frames import frames_of, masks_of, spread
from workstation.training.samples import Dataset, check_groups

__all__ = ["KINDS", "Reader", "frames_of", "masks_of", "read", "spread"]

_TERMS = (
    "Terms: given under a research agreement with its publisher; hold one, and do not pass on the material. What is "
    "trained on it may be bound by the same terms."
)
_OWN_TERMS = "Terms: your own; state them on the card of what is trained on it."


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of dataset is read. ``options`` are the names that :func:`read` takes, with what they are for."""

    title: str
    read: Callable[..., Dataset]
    options: Mapping[str, str] = field(default_factory=dict)
    terms: str = _TERMS

    @property
    def layout(self) -> str:
        """What its folder holds and how it is read, as the reader's module describes it."""
        described = inspect.getdoc(inspect.getmodule(self.read)) or self.title
        return described.replace("``", "")


_FORM = {"form": "videos or frames"}

KINDS: Mapping[str, Reader] = {
    "faceforensics": Reader(
        "FaceForensics++, with DeepFakeDetection where it is there",
        faceforensics.read,
        _FORM
        | {
            "compression": "raw, c23, c40, with commas",
            "methods": "names with commas",
            "splits": "folder of the three lists of pairs",
        },
    ),
    "dfd": Reader("DeepFakeDetection (DFD)", faceforensics.read_dfd, _FORM | {"compression": "raw, c23, c40"}),
    "celebdf": Reader("Celeb-DF v2", celeb.read, _FORM | {"groups": "video or person"}),
    "celebdf-plus": Reader("Celeb-DF++", celeb.read_plus, _FORM),
    "dfdc": Reader("DFDC", dfdc.read),
    "dfdcp": Reader("DFDCP, the preview of DFDC", dfdc.read_preview, {"groups": "person or video"}),
    "ffiw": Reader("FFIW10K", ffiw.read, _FORM),
    "deeperforensics": Reader(
        "DeeperForensics-1.0",
        deeper.read,
        {
            "variants": "folders of manipulated_videos with commas, or all",
            "faceforensics": "folder of FaceForensics++, for the genuine class",
            "compression": "of FaceForensics++, c23",
        },
    ),
    "uadfv": Reader("UADFV", uadfv.read, _FORM | {"use": "test or train"}),
    "wilddeepfake": Reader("WildDeepfake, in its archives or unpacked", wild.read),
    "dffd": Reader("DFFD", dffd.read),
    "genface": Reader("GenFace, by a table of its folders", genface.read, {"mapping": "the table, mapping.csv"}),
    "df40": Reader(
        "DF40, by its lists",
        bench.read_df40,
        {
            "lists": "JSON files or their folder",
            "labels": "name=genuine or name=manipulated",
            "methods": "names of lists",
        },
    ),
    "deepfakebench": Reader(
        "Any set by a list of DeepfakeBench",
        bench.read,
        {
            "lists": "JSON files or their folder",
            "labels": "name=genuine or name=manipulated",
            "compression": "only this one",
        },
    ),
    "plain": Reader(
        "Own material: folders real, fake, masks, or a labels.csv",
        plain.read,
        {"use": "test or train", "group": "file, folder or a column"},
        _OWN_TERMS,
    ),
}


def read(kind: str, root: Path, **options: str) -> Dataset:
    """Read a dataset of ``kind`` (a name in :data:`KINDS`) from the folder ``root``.

    Returns:
        The dataset; its groups hold (:func:`check_groups`), and its last note says under which terms it is used.

    Raises:
        NotFound: there is no such kind or folder.
        InputError: an unknown option, not this dataset's layout, a list that cannot be understood, or a leak.
    """
    reader = KINDS.get(kind)
    if reader is None:
        raise NotFound(f'There is no kind of dataset "{kind}".', f"Kinds: {', '.join(KINDS)}.")
    unknown = [name for name in options if name not in reader.options]
    if unknown:
        known = ", ".join(f"{name} ({what})" for name, what in reader.options.items()) or "none"
        raise InputError(f"{reader.title} takes no option {', '.join(unknown)}.", f"Options: {known}.")
    if not root.is_dir():
        raise NotFound(f"The folder {root} is not there.")
    found = reader.read(root, **options)
    dataset = Dataset(found.name, found.root, found.samples, found.missing, (*found.notes, reader.terms))
    check_groups(dataset)
    return dataset
