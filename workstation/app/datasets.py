"""Checking a dataset folder before anything is trained or tested on it: what is there, what is missing, what leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.readers import KINDS, read
from workstation.training.samples import SPLITS, Dataset, leaks, overlap


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of dataset that can be read: its options and what they are for, its layout in words, its terms."""

    name: str
    title: str
    options: Mapping[str, str]
    layout: str
    terms: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many samples of one split and method, how many groups they are of, and how many have a mask."""

    split: str
    method: str
    manipulated: bool
    samples: int
    groups: int
    masks: int


@dataclass(frozen=True, slots=True)
class DatasetCheck:
    """Outcome of a check. ``missing`` does not make a dataset unusable; ``faults`` do."""

    kind: str
    name: str
    root: Path
    counts: tuple[Count, ...]
    groups: Mapping[str, int]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    leaks: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether something can be trained or tested on it."""
        return not self.faults


def kinds() -> tuple[Kind, ...]:
    """Every kind of dataset, in a fixed order."""
    return tuple(
        Kind(name, reader.title, reader.options, reader.layout, reader.terms) for name, reader in KINDS.items()
    )


def options_from(given: Sequence[str]) -> dict[str, str]:
    """Options written as ``name=value``. Raises: InputError for anything else, or for a name given twice."""
    options: dict[str, str] = {}
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or not name.strip() or name.strip() in options:
            raise InputError(f'"{one}" is not an option written as name=value, or is given twice.')
        options[name.strip()] = value.strip()
    return options


def check_dataset(kind: str, root: Path, options: Mapping[str, str] | None = None) -> DatasetCheck:
    """Read a dataset by names and lists alone and count what is there. No media is opened.

    Raises:
        InputError: an unknown kind, option or folder, or a layout or list that cannot be understood.
    """
    return summarised(kind, read(kind, root, **(options or {})))


def overlap_of(
    training: tuple[str, Path, Mapping[str, str]], testing: tuple[str, Path, Mapping[str, str]]
) -> tuple[str, ...]:
    """Lines about source videos and persons that one dataset trains on and another tests on.

    Args:
        training: kind, folder and options of the dataset that is trained on.
        testing: the same of the one that is tested on.

    Raises:
        InputError: as :func:`check_dataset`, or nothing in it is for that purpose.
    """
    one, other = (read(kind, root, **options) for kind, root, options in (training, testing))
    if not any(sample.split != "test" for sample in one.samples):
        raise InputError(f"{one.name} has nothing for training.", "Name the dataset that is trained on first.")
    if not other.of("test"):
        raise InputError(f"{other.name} has nothing for testing.", "Say use=test where the kind has that option.")
    return overlap(one, other)


def summarised(kind: str, dataset: Dataset) -> DatasetCheck:
    """Counts, leaks and faults of a dataset that was read."""
    samples: Counter[tuple[str, str, bool]] = Counter()
    masks: Counter[tuple[str, str, bool]] = Counter()
    groups: dict[tuple[str, str, bool], set[str]] = {}
    by_split: dict[str, set[str]] = {}
    for one in dataset.samples:
        key = (one.split, one.method, one.manipulated)
        samples[key] += 1
        masks[key] += one.mask is not None
        groups.setdefault(key, set()).add(one.group)
        by_split.setdefault(one.split, set()).add(one.group)
    found = leaks(dataset)
    return DatasetCheck(
        kind,
        dataset.name,
        dataset.root,
        tuple(Count(*key, samples[key], len(groups[key]), masks[key]) for key in dataset.counts()),
        {split: len(by_split.get(split, ())) for split in SPLITS},
        dataset.missing,
        dataset.notes,
        found,
        _faults(samples, found),
    )


def _faults(samples: Mapping[tuple[str, str, bool], int], found: Sequence[str]) -> tuple[str, ...]:
    faults: list[str] = []
    there = {manipulated for _, _, manipulated in samples}
    if False not in there:
        faults.append("No genuine samples.")
    if True not in there and not any(split == "train" for split, _, _ in samples):
        faults.append("No manipulated samples, and none for training.")
    if found:
        faults.append(f"{len(found)} leaks between splits.")
    return tuple(faults)
