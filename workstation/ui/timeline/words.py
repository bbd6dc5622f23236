"""Words of the timeline, the same in the plot, in its tips and in the table beside it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.domain.kinds_of_forgery import Threshold
from workstation.domain.results import ItemStatus
from workstation.ui.timeline.lanes import Mark
from workstation.ui.words import not_validated, uncalibrated


def tr(text: str) -> str:
    """Translate in the context "timeline"."""
    return QCoreApplication.translate("timeline", text)


def threshold_words(detector: str, shipped: Threshold, falling: bool) -> str:
    """The word at a threshold's line. It says nothing of a single score but on which side of it lies an alarm."""
    side = tr("alarm below {value}") if falling else tr("alarm above {value}")
    return f"{detector}: {side.format(value=f'{shipped.value:.2f}')} ({uncalibrated()})"


def threshold_tip(shipped: Threshold) -> str:
    """How often untouched faces pass a threshold, with the interval and on what that was measured."""
    words = tr("false alarms {rate} ({low}–{high}) of {n} untouched faces, {dataset}")
    rate, low, high = (f"{100 * value:.1f} %" for value in (shipped.false_alarm_rate, shipped.low, shipped.high))
    return words.format(rate=rate, low=low, high=high, n=shipped.items, dataset=shipped.dataset)


def mark_words(mark: Mark | None, falling: bool, validated: bool) -> str:
    """What a detector gave at one frame of a track, or why it gave nothing (X10)."""
    if mark is None:
        return tr("no face of this track")
    if mark.status is ItemStatus.OK and mark.score is not None:
        words = f"{mark.score:.2f} {uncalibrated(falling)}"
        return words if validated else f"{words} · {not_validated()}"
    if mark.status is ItemStatus.ABSTAINED:
        return tr("abstained, {why}").format(why=mark.reason)
    return tr("error, {why}").format(why=mark.reason)
