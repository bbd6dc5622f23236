"""The lanes that the timeline draws, by the names that the window knows them by; they are worked out in the engine."""

from __future__ import annotations

from workstation.app.lanes import (
    ExaminedFrame,
    Lane,
    Lanes,
    Mark,
    Run,
    Tick,
    Trace,
    abstention_words,
    build_lanes,
    peak_places,
    reason_words,
)

__all__ = [
    "ExaminedFrame",
    "Lane",
    "Lanes",
    "Mark",
    "Run",
    "Tick",
    "Trace",
    "abstention_words",
    "build_lanes",
    "peak_places",
    "reason_words",
]
