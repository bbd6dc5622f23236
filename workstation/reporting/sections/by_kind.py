"""Scores under the kinds of forgery for which they are validated, and words under the others (V3)."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable

from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.reports import ExhibitFacts
from workstation.domain.results import TrackSummary
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import heading, para, rows_table
from workstation.reporting.content import Content
from workstation.reporting.wording import say

Line = tuple[int, str, str]
"""Number of a track, id of a detector, and the score as it is printed."""


def of_tracks(content: Content, entry: ExhibitFacts) -> list[Flowable]:
    """The means of tracks by kind; nothing where no detector is validated for any."""
    lines = [
        (track.track_number, track.detector, _said(content, track))
        for track in sorted(entry.tracks, key=lambda track: (track.track_number, track.detector))
        if track.mean is not None
    ]
    found = table(content, entry, lines)
    if not found:
        return []
    return [*heading(say("results.kinds"), 2), *found, para(say("results.kinds.note"), styles.SMALL)]


def table(content: Content, entry: ExhibitFacts, lines: Sequence[Line]) -> list[Flowable]:
    """One row a score, one column a kind; rows of detectors that are validated for none are left out."""
    rows = []
    for number, detector, score in lines:
        kinds = entry.validated.get(detector, ())
        if kinds:
            cells = [score if kind in kinds else say("kinds.for_this") for kind in ForgeryClass]
            rows.append([f"T{number}", content.detector_name(detector), *cells])
    if not rows:
        return []
    head = [say("results.track"), say("results.detector"), *(say(f"kind.{kind.value}") for kind in ForgeryClass)]
    return [rows_table(head, rows, [13, 32, *[24.5] * len(ForgeryClass)])]


def alone(content: Content, detector: str, value: float) -> str:
    """A value that has no spread, with the word that goes with it (X11)."""
    return say("results.kinds.alone", score=formatting.score(value), scale=_scale(content, detector))


def _said(content: Content, track: TrackSummary) -> str:
    low, high = track.low, track.high
    if track.mean is None or track.frames_scored < 2:
        return alone(content, track.detector, track.mean or 0.0)
    return say(
        "results.kinds.score",
        score=formatting.score(track.mean, low, high),
        spread=formatting.spread(low, high),
        scale=_scale(content, track.detector),
    )


def _scale(content: Content, detector: str) -> str:
    return say("results.scale.calibrated" if content.calibrated(detector) else "results.scale.uncalibrated")
