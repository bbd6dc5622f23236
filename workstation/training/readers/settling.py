"""From what a reader found to a dataset: groups are joined, splits settled, and test material is kept out of training.

A reader names for each item its members (identities, source videos). Items that share a member, directly or through
others, are one group. Where a published split cuts through a group, the test side keeps its items and the other side
loses them: a figure may lose training material, never honesty. Where no validation split is published, ours is made of
the training groups by a hash of the group's name, so it is the same on every machine and in every part of a copy.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.samples import MEMBERS_APART, SPLITS, Dataset, Form, Sample, Split

VAL_EVERY = 10


@dataclass(frozen=True, slots=True)
class Found:
    """An item before its group is known. ``split`` None is training material that may be divided for validation."""

    path: Path
    form: Form
    manipulated: bool
    method: str
    members: tuple[str, ...]
    split: Split | None
    mask: Path | None = None
    compression: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Groups:
    """Joined sets of members (union-find with path halving)."""

    def __init__(self) -> None:
        self._over: dict[str, str] = {}

    def of(self, member: str) -> str:
        """The one member that stands for the whole group of ``member``."""
        over = self._over
        over.setdefault(member, member)
        while over[member] != member:
            over[member] = over[over[member]]
            member = over[member]
        return member

    def join(self, members: Sequence[str]) -> None:
        """Make the groups of all ``members`` one."""
        first = self.of(members[0])
        for other in members[1:]:
            self._over[self.of(other)] = first

    def names(self) -> dict[str, str]:
        """A name for every group, by the member that stands for it: its members, or the first and how many more."""
        inside: defaultdict[str, list[str]] = defaultdict(list)
        for member in self._over:
            inside[self.of(member)].append(member)
        return {stands: _name(sorted(members)) for stands, members in inside.items()}


def _name(members: list[str]) -> str:
    return "+".join(members) if len(members) <= 2 else f"{members[0]}+{len(members) - 1} more"


def held_for_validation(group: str, every: int = VAL_EVERY) -> bool:
    """Whether a group is in our validation split: one in ``every`` by the CRC-32 of its name."""
    return zlib.crc32(group.encode("utf-8")) % every == 0


def settle(
    name: str,
    root: Path,
    found: Iterable[Found],
    *,
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
    every: int = VAL_EVERY,
) -> Dataset:
    """Join groups, settle splits, and give the dataset in the reader's order.

    Raises:
        InputError: nothing was found.
    """
    items = tuple(found)
    if not items:
        lines = "; ".join(missing[:3])
        raise InputError(f"{name}: no usable item lies in {root}. {lines}".strip(), "Check the folder and the options.")
    groups = Groups()
    for item in items:
        groups.join(item.members)
    names = groups.names()
    named = [names[groups.of(item.members[0])] for item in items]
    published: defaultdict[str, set[Split | None]] = defaultdict(set)
    for item, group in zip(items, named, strict=True):
        published[group].add(item.split)
    place = {group: _place(group, splits, every) for group, splits in published.items()}
    said = list(notes)
    open_groups = sorted(group for group, splits in published.items() if splits == {None})
    if open_groups:
        held = sum(place[group] == "val" for group in open_groups)
        if not held and len(open_groups) > 1 and "val" not in place.values():
            place[min(open_groups, key=lambda group: (zlib.crc32(group.encode()), group))] = "val"
            held = 1
        said.append(
            f"Validation: none is published; ours holds {held} of {len(open_groups)} training groups, "
            f"one in {every} by a hash of the group's name."
        )
    samples: list[Sample] = []
    lost: Counter[tuple[Split, Split]] = Counter()
    for item, group in zip(items, named, strict=True):
        there = place[group]
        if item.split not in (None, there) or (item.split is None and there == "test"):
            lost[item.split or "train", there] += 1
            continue
        facts = {**item.facts, "members": MEMBERS_APART.join(item.members)}
        samples.append(
            Sample(
                item.path, item.form, item.manipulated, item.method, group, there, item.mask, item.compression, facts
            )
        )
    said.extend(
        f"{count} items of {given} were left out: they share a person or source video with {kept}."
        for (given, kept), count in sorted(lost.items())
    )
    return Dataset(name, root, tuple(samples), tuple(missing), tuple(said))


def _place(group: str, published: set[Split | None], every: int) -> Split:
    for split in reversed(SPLITS):
        if split in published:
            return split
    return "val" if held_for_validation(group, every) else "train"
