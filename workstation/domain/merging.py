"""How much token merging a detector runs with, and how much its card allows (X9)."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.domain.detectors import DetectorCard


@dataclass(frozen=True, slots=True)
class Merging:
    """``tokens`` fewer after each block of a vision transformer, where ``schedule`` says ("even", "organs"); 0 and ""
    for the detector as published."""

    tokens: int = 0
    schedule: str = ""


NO_MERGING = Merging()


def validated_merging(card: DetectorCard) -> frozenset[Merging]:
    """How much merging, where, the card has measured figures for; nothing is published on what it does."""
    return frozenset(Merging(record.merge, record.schedule) for record in card.validation if record.merge)
