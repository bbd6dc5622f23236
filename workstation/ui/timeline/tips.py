"""What the timeline says under the pointer."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from workstation.app.shots import Shots
from workstation.ui.exhibit import ExhibitData
from workstation.ui.timeline.lanes import ExaminedFrame, Lane, Tick
from workstation.ui.timeline.scale import TimeScale
from workstation.ui.timeline.words import mark_words, threshold_tip, tr
from workstation.ui.words import uncalibrated

_NEAR = 6


def words_near(
    data: ExhibitData, scale: TimeScale, x: float, lane: Lane | None, *, shots: Shots | None = None, apart: bool = False
) -> str:
    """The nearest examined frame with what every detector gave of a lane's track there; empty where none is near.

    Args:
        shots: where the pointer is on them.
        apart: whether it is on the disagreement of detectors.
    """
    if shots is not None:
        return _shot_words(shots, scale.seconds(x))
    frame = near(data, scale, x)
    if frame is None:
        return ""
    lines = [tr("frame {n} · {s} s").format(n=frame.ordinal + 1, s=f"{frame.seconds:.3f}")]
    if frame.tick is Tick.NO_FACE:
        lines.append(tr("examined: no face found"))
    elif frame.tick is Tick.ERROR:
        lines.append(tr("error: {why}").format(why=frame.note))
    if apart:
        lines.append(_apart_words(data, frame))
    for trace in lane.traces if lane else ():
        words = mark_words(trace.mark(frame.ordinal), trace.falling, bool(data.validated.get(trace.detector)))
        lines.append(f"{lane.label if lane else ''} {trace.detector}: {words}")
        shipped = data.thresholds.get(trace.detector)
        if shipped is not None:
            lines.append("  " + threshold_tip(shipped))
    return "\n".join(line for line in lines if line)


def near(data: ExhibitData, scale: TimeScale, x: float) -> ExaminedFrame | None:
    """The examined frame nearest to a place, no further than a mark is wide."""
    seconds = data.lanes.seconds
    if not len(seconds):
        return None
    at = int(np.searchsorted(seconds, scale.seconds(x)))
    around = [k for k in (at - 1, at) if 0 <= k < len(seconds)]
    best = min(around, key=lambda k: abs(scale.x(float(seconds[k])) - x))
    return data.lanes.frame(best) if abs(scale.x(float(seconds[best])) - x) <= _NEAR else None


def _apart_words(data: ExhibitData, frame: ExaminedFrame) -> str:
    ordinals, _, spread = data.lanes.disagreement
    at = int(np.searchsorted(ordinals, frame.ordinal))
    if at >= len(ordinals) or ordinals[at] != frame.ordinal:
        return tr("no face that two detectors scored")
    words = tr("greatest difference of two detectors on a face: {value} ({word})")
    return words.format(value=f"{spread[at]:.2f}", word=uncalibrated())


def _shot_words(shots: Shots, seconds: float) -> str:
    if not shots.known:
        return shots.note
    number = bisect_right(shots.seconds, seconds)
    if not number:
        return ""
    words = tr("shot {n} of {m}, from {s} s; estimated from changes of the picture")
    return words.format(n=number, m=len(shots.seconds), s=f"{shots.seconds[number - 1]:.3f}")
