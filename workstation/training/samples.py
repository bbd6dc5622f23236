"""Labelled material: one sample per picture, clip or folder of frames, and what must stay together.

A dataset is read by :mod:`workstation.training.readers` from file names and lists alone; no media is opened. A group is
the union of everything that would let a network recognise a person or a recording instead of a manipulation: both
members of a swap, all clips of a source video, all pictures of an identity. Samples of one group never stand in two
splits, and :func:`check_groups` says so or names the leak.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from workstation.domain.errors import InputError

Form = Literal["image", "video", "frames"]
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
GENUINE = "genuine"
MEMBERS_APART = "\n"
_NAMED_LEAKS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled item.

    ``path`` is a picture, a video, or a folder of frames; with the fact ``member`` it is a tar archive and the item is
    the folder (or file) of that name inside. ``method`` names the generator, :data:`GENUINE` for genuine material.
    ``mask`` is a picture, a video or a folder as ``path`` is; None means that none is known, which is not "unchanged".
    ``compression`` is the publisher's name of it (``c23``) or empty. ``facts`` are further columns, all text.
    """

    path: Path
    form: Form
    manipulated: bool
    method: str
    group: str
    split: Split
    mask: Path | None = None
    compression: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this item from all others: the path, and the place inside it where it is an archive."""
        member = self.facts.get("member", "")
        return f"{self.path}::{member}" if member else str(self.path)

    @property
    def members(self) -> tuple[str, ...]:
        """The persons and source videos behind this item, as far as they are named; else its group.

        The first is the recording itself, or its person: a manipulated item has it in common with the genuine one it
        was made of, while the group also holds the other member of a swap.
        """
        return tuple(self.facts.get("members", self.group).split(MEMBERS_APART))

    @property
    def recording(self) -> str:
        """What a manipulated item has in common with the genuine one it was made of, as nearly as names tell it."""
        return self.facts.get("recording", self.members[0])


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a reader found. ``missing`` are lines about what is not there, ``notes`` about what to know before use."""

    name: str
    root: Path
    samples: tuple[Sample, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one split, in the reader's order."""
        return tuple(sample for sample in self.samples if sample.split == split)

    def counts(self) -> dict[tuple[Split, str, bool], int]:
        """Number of samples by split, method and whether manipulated, in a fixed order."""
        found = Counter((sample.split, sample.method, sample.manipulated) for sample in self.samples)
        return dict(sorted(found.items(), key=lambda item: (SPLITS.index(item[0][0]), item[0][2], item[0][1])))


def leaks(dataset: Dataset) -> tuple[str, ...]:
    """One line for each group that stands in two splits and each item listed twice; empty when there is none."""
    splits: defaultdict[str, dict[Split, Sample]] = defaultdict(dict)
    items: dict[str, Sample] = {}
    lines: list[str] = []
    for sample in dataset.samples:
        splits[sample.group].setdefault(sample.split, sample)
        first = items.setdefault(sample.key, sample)
        if first is sample:
            continue
        if first.split != sample.split:
            lines.append(f"{sample.key} stands in {first.split} and in {sample.split}")
        elif first.manipulated != sample.manipulated:
            lines.append(f"{sample.key} is listed as genuine and as manipulated")
        else:
            lines.append(f"{sample.key} is listed twice in {sample.split}")
    for group, found in splits.items():
        if len(found) > 1:
            places = " and ".join(f"{split} ({found[split].path.name})" for split in SPLITS if split in found)
            lines.append(f"group {group} stands in {places}")
    return tuple(lines)


def check_groups(dataset: Dataset) -> None:
    """Hold that no group stands in two splits and no item is listed twice.

    Raises:
        InputError: naming the first leaks, and how many there are.
    """
    found = leaks(dataset)
    if found:
        more = f" (and {len(found) - _NAMED_LEAKS} more)" if len(found) > _NAMED_LEAKS else ""
        raise InputError(
            f"{dataset.name}: {'; '.join(found[:_NAMED_LEAKS])}{more}.",
            "Put everything of one person or source video into one split, or leave it out.",
        )


def overlap(training: Dataset, testing: Dataset) -> tuple[str, ...]:
    """What training and validation of one dataset share with the test of another, one line for each shared member.

    Readers name members alike across datasets that are made of one another's clips (FaceForensics++, DF40 and
    DeeperForensics; Celeb-DF and Celeb-DF++), so this finds a test on source videos that were trained on. It cannot
    find one recording under two names.
    """
    seen: dict[str, Sample] = {}
    for sample in training.samples:
        if sample.split != "test":
            for member in (*sample.members, sample.key):
                seen.setdefault(member, sample)
    lines: dict[str, str] = {}
    for sample in testing.of("test"):
        for member in (*sample.members, sample.key):
            if member in seen and member not in lines:
                first = seen[member]
                lines[member] = (
                    f"{member}: {first.split} of {training.name} ({first.path.name}), test ({sample.path.name})"
                )
    return tuple(lines.values())
