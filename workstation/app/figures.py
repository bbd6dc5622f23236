"""Sums over the series of an exhibit: the figures that storage gives row by row, at the cost of a few arrays (X10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

import numpy as np

from workstation.domain.ids import TrackId
from workstation.domain.media import FrameRef
from workstation.domain.results import AbstentionReason, Coverage, ItemStatus, TrackSummary
from workstation.domain.series import (
    STATUSES,
    ExhibitSeries,
    FrameSeries,
    IntArray,
    ScoreSeries,
    TrackSeries,
)

Refs = Callable[[Collection[int]], Mapping[int, FrameRef]]
"""Gives the exact names of frames by ordinal."""


def summaries(series: ExhibitSeries, falling: Collection[str], refs: Refs) -> tuple[TrackSummary, ...]:
    """One for each track and detector, in the order of tracks; percentiles interpolate linearly between frames.

    Args:
        falling: detectors whose score is lower where something is manipulated; their peak is the lowest score.
    """
    numbers = {track.track: track.number for track in series.tracks}
    peaks = {place: _peak(scores, scores.detector in falling) for place, scores in enumerate(series.scores)}
    frames = refs({ordinal for ordinal in peaks.values() if ordinal is not None})
    found = []
    for place, scores in enumerate(series.scores):
        peak = peaks[place]
        ref = None if peak is None else frames.get(peak)
        found.append(_summary(scores, numbers[scores.track], series.frames, ref))
    return tuple(found)


def coverage(series: ExhibitSeries, frames_total: int) -> Coverage:
    """How much was looked at; totals add up."""
    examined, unreadable = len(series.frames), len(series.frames.errors)
    with_face = int((series.frames.faces > 0).sum())
    counts = np.zeros(len(STATUSES), dtype=np.int64)
    for scores in series.scores:
        counts += np.bincount(scores.status, minlength=len(STATUSES))
    by = dict(zip(STATUSES, counts.tolist(), strict=True))
    return Coverage(
        frames_total=frames_total,
        examined=examined,
        with_face=with_face,
        without_face=examined - unreadable - with_face,
        unreadable=unreadable,
        scored=by[ItemStatus.OK],
        abstained=by[ItemStatus.ABSTAINED] + by[ItemStatus.NO_FACE],
        errors=by[ItemStatus.ERROR],
    )


def merged(known: ExhibitSeries, fresh: ExhibitSeries) -> ExhibitSeries:
    """``known`` with the frames of ``fresh`` put in; where both have a frame, the fresh one counts."""
    if not len(known.frames):
        return fresh
    if not len(fresh.frames):
        return known
    taken = fresh.frames.ordinals
    kept = ~np.isin(known.frames.ordinals, taken)
    ordinals = np.r_[known.frames.ordinals[kept], taken]
    order = np.argsort(ordinals, kind="stable")
    frames = FrameSeries(
        ordinals[order],
        np.r_[known.frames.seconds[kept], fresh.frames.seconds][order],
        np.r_[known.frames.faces[kept], fresh.frames.faces][order],
        {**known.frames.errors, **fresh.frames.errors},
    )
    return ExhibitSeries(
        frames, _tracks(known, fresh, taken), _scores(known, fresh, taken), known.mapped | fresh.mapped
    )


def _tracks(known: ExhibitSeries, fresh: ExhibitSeries, taken: IntArray) -> tuple[TrackSeries, ...]:
    found: dict[TrackId, TrackSeries] = {track.track: track for track in known.tracks}
    for track in fresh.tracks:
        before = found.get(track.track)
        if before is not None:
            kept = before.ordinals[~np.isin(before.ordinals, taken)]
            track = TrackSeries(track.track, track.number, np.union1d(kept, track.ordinals))
        found[track.track] = track
    return tuple(sorted(found.values(), key=lambda track: track.number))


def _scores(known: ExhibitSeries, fresh: ExhibitSeries, taken: IntArray) -> tuple[ScoreSeries, ...]:
    numbers = {track.track: track.number for track in (*known.tracks, *fresh.tracks)}
    found = {(scores.track, scores.detector): scores for scores in known.scores}
    for scores in fresh.scores:
        before = found.get((scores.track, scores.detector))
        if before is not None:
            kept = ~np.isin(before.ordinals, taken)
            ordinals = np.r_[before.ordinals[kept], scores.ordinals]
            order = np.argsort(ordinals, kind="stable")
            scores = ScoreSeries(
                scores.track,
                scores.detector,
                ordinals[order],
                np.r_[before.status[kept], scores.status][order],
                np.r_[before.scores[kept], scores.scores][order],
                {**before.reasons, **scores.reasons},
            )
        found[(scores.track, scores.detector)] = scores
    return tuple(sorted(found.values(), key=lambda scores: (numbers[scores.track], scores.detector)))


def _peak(scores: ScoreSeries, falling: bool) -> int | None:
    if not (scores.status == 0).any():
        return None
    at = np.nanargmin(scores.scores) if falling else np.nanargmax(scores.scores)
    return int(scores.ordinals[at])


def _summary(scores: ScoreSeries, number: int, frames: FrameSeries, peak: FrameRef | None) -> TrackSummary:
    values = scores.scores[scores.status == 0]
    mean = median = low = high = None
    if len(values):
        mean, median = float(values.mean()), float(np.median(values))
        low, high = (float(v) for v in np.percentile(values, (5, 95)))
    counts = dict(zip(STATUSES, np.bincount(scores.status, minlength=len(STATUSES)).tolist(), strict=True))
    refused: Counter[AbstentionReason] = Counter()
    errors = set(scores.ordinals[scores.status == STATUSES.index(ItemStatus.ERROR)].tolist())
    for ordinal, why in scores.reasons.items():
        if ordinal not in errors:
            refused[why.reason] += 1
    ends = frames.seconds[np.searchsorted(frames.ordinals, scores.ordinals[[0, -1]])]
    return TrackSummary(
        track=scores.track,
        track_number=number,
        detector=scores.detector,
        frames_scored=counts[ItemStatus.OK],
        frames_abstained=counts[ItemStatus.ABSTAINED] + counts[ItemStatus.NO_FACE],
        frames_error=counts[ItemStatus.ERROR],
        mean=mean,
        median=median,
        low=low,
        high=high,
        first_seconds=float(ends[0]),
        last_seconds=float(ends[1]),
        peak=peak,
        abstentions=tuple(sorted(refused.items())),
    )
