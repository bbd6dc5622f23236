"""What a view beside the first can show, linked to the first in place, zoom and time as far as it can be."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.domain.ids import EvidenceId


@dataclass(frozen=True, slots=True)
class OtherExhibit:
    """Another exhibit at the same time, moved by ``frames`` of its own."""

    evidence: EvidenceId
    frames: int = 0


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """One frame that stays while the first view moves on."""

    evidence: EvidenceId
    ordinal: int


@dataclass(frozen=True, slots=True)
class NearFrame:
    """The frame so many after the one in the first view; before it, when negative."""

    frames: int


@dataclass(frozen=True, slots=True)
class OtherDetector:
    """The same frame under another detector."""

    detector: str


@dataclass(frozen=True, slots=True)
class PlainFrame:
    """The same frame without anything over it (3.4)."""


Source = OtherExhibit | HeldFrame | NearFrame | OtherDetector | PlainFrame
