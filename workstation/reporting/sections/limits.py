"""The weakness catalogue, each entry with what it means for these exhibits (P7, U42, G13)."""

from __future__ import annotations

from reportlab.platypus import Flowable

from workstation.domain.reports import ExhibitFacts
from workstation.domain.results import ItemStatus
from workstation.reporting.blocks import para, rows_table
from workstation.reporting.content import Content, followed, unseen
from workstation.reporting.wording import say

# Classes of ASTM E3016-18, one for each weakness.
_CLASSES = {
    "W1": "incompleteness",
    "W2": "corruption",
    "W3": "misinterpretation",
    "W4": "misinterpretation",
    "W5": "incompleteness",
    "W6": "incompleteness",
    "W7": "incompleteness",
    "W8": "incompleteness",
    "W9": "association",
    "W10": "alteration",
}


def flow(content: Content) -> list[Flowable]:
    here = _here(content)
    rows = [[key, say(f"limits.{key}"), say(f"limits.class.{kind}"), here[key]] for key, kind in _CLASSES.items()]
    head = [say(f"limits.{key}") for key in ("id", "weakness", "class", "here")]
    return [para(say("limits.intro")), rows_table(head, rows, [11, 66, 33, 56])]


def _here(content: Content) -> dict[str, str]:
    exhibits = content.facts.exhibits
    total = sum(entry.coverage.frames_total for entry in exhibits)
    missed = sum(unseen(entry) for entry in exhibits)
    examined = sum(entry.coverage.examined for entry in exhibits)
    faceless = sum(entry.coverage.without_face for entry in exhibits)
    summaries = [track for entry in exhibits for track in entry.tracks if entry.validated.get(track.detector)]
    crossing = sum(1 for t in summaries if t.low is not None and t.high is not None and t.low <= 0.5 <= t.high)
    tracks = sum(followed(entry) for entry in exhibits)
    detectors = content.detectors
    calibrated = bool(detectors) and all(content.calibrated(detector) for detector in detectors)
    return {
        "W1": say("limits.W1.here"),
        "W2": say("limits.W2.here"),
        "W3": say("limits.W3.here.no" if calibrated else "limits.W3.here"),
        "W4": say("limits.W4.here", count=crossing),
        "W5": say("limits.W5.here.one" if len(detectors) == 1 else "limits.W5.here", count=len(detectors)),
        "W6": say("limits.W6.here", count=missed, total=total) if missed else say("limits.W6.here.none"),
        "W7": say("limits.W7.here", count=faceless, total=examined),
        "W8": say("limits.W8.here", count=sum(_abstained(entry) for entry in exhibits)),
        "W9": say("limits.W9.here", count=tracks),
        "W10": say("limits.W10.here"),
    }


def _abstained(entry: ExhibitFacts) -> int:
    whole = sum(reading.status is ItemStatus.ABSTAINED for reading in entry.readings)
    return entry.coverage.abstained + whole
