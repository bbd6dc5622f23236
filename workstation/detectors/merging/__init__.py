"""Merging of alike tokens inside a vision transformer: less work for nearly the same answer, off unless measured.

Training-free, after "Token Merging: Your ViT But Faster" (arXiv 2210.09461), written from its description; one schedule
of our own keeps tokens where the organs of the face are. What a family needs is :func:`set_up` when it loads and
:func:`guided_by` around its tower. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workstation.detectors.merging.organs import guided, guided_by, organ_density
from workstation.detectors.merging.policy import SETTINGS, allowed, check_allowed, measuring, parse
from workstation.detectors.merging.schedule import NO_MERGING, SCHEDULES, MergePlan, multiply_accumulates
from workstation.domain.detectors import DetectorCard

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "NO_MERGING",
    "SCHEDULES",
    "SETTINGS",
    "MergePlan",
    "allowed",
    "apply",
    "check_allowed",
    "guided",
    "guided_by",
    "measuring",
    "multiply_accumulates",
    "organ_density",
    "parse",
    "set_up",
]


def apply(tower: nn.Module, r: int, schedule: str) -> MergePlan:
    """Make ``tower`` merge; see `towers.apply`. Raises: DetectorError."""
    from workstation.detectors.merging import towers

    return towers.apply(tower, r, schedule)


def set_up(card: DetectorCard, tower: nn.Module, settings: Mapping[str, str]) -> MergePlan:
    """What a family calls when it loads: the settings, held against the card, are applied to its tower.

    Returns:
        What is done: ``NO_MERGING``, and the tower untouched, when the settings ask for nothing.

    Raises:
        DetectorError: the settings cannot be read, the card has no figure for them, or the tower cannot merge.
    """
    r, schedule = parse(settings)
    check_allowed(card, r, schedule)
    return NO_MERGING if r == 0 else apply(tower, r, schedule)
