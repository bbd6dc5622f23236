"""A plot at any zoom shows what the scores are: no column invents, hides or moves a value (X10)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workstation.app.lanes import DISAGREEMENT, build_lanes, no_marks, peak_places
from workstation.app.levels import Levels, merged
from workstation.domain.ids import TrackId
from workstation.domain.results import Abstention, AbstentionReason, ItemStatus
from workstation.domain.series import STATUSES, ExhibitSeries, FrameSeries, ScoreSeries, TrackSeries

TRACK = TrackId("t")


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1)), min_size=1, max_size=400),
    st.integers(3, 90),
    st.floats(0.02, 1),
)
def test_every_column_holds_the_lowest_and_highest_of_its_scores(
    steps: list[tuple[int, float]], width: int, share: float
) -> None:
    seconds = np.cumsum([step for step, _ in steps]) / 25
    scores = np.array([value for _, value in steps])
    levels = Levels(seconds, scores, np.zeros(len(scores), np.bool_), 0.04)
    start, end = float(seconds[0]), float(seconds[0] + (seconds[-1] - seconds[0] + 1) * share)
    found = levels.columns(start, end, width)
    each = (end - start) / width
    slack = each / 2 + 1e-9  # a bin is at most half a column long and is drawn where its middle lies
    for column, low, high in zip(found.column, found.low, found.high, strict=True):
        left, right = start + column * each, start + (column + 1) * each
        around = scores[(seconds >= left - slack) & (seconds <= right + slack)]
        assert around.min() <= low <= high <= around.max()
    inside = scores[(seconds >= start + slack) & (seconds <= end - slack)]
    if len(inside):
        assert found.low.min() <= inside.min()
        assert found.high.max() >= inside.max()


def test_a_stretch_without_scores_is_empty_at_every_zoom() -> None:
    seconds = np.r_[np.arange(0, 5000), np.arange(6000, 12_000)] / 25
    joined = np.r_[False, np.diff(seconds) < 0.05]
    levels = Levels(seconds, np.full(len(seconds), 0.5), joined, 0.04)
    for width in (100, 300, 1200):
        found = levels.columns(0, 480, width)
        middles = (found.column + 0.5) * 480 / width
        assert not ((middles > 200.5 + 480 / width) & (middles < 240 - 480 / width)).any()
        at = int(np.searchsorted(found.column, 235 * width / 480))
        assert not found.joined[at], "the line does not run over the gap"
        assert found.joined[1:at].all()


def test_what_is_drawn_is_as_wide_as_the_plot_and_not_as_long_as_the_clip() -> None:
    seconds = np.arange(400_000) / 25
    levels = Levels(seconds, np.sin(seconds), np.ones(len(seconds), np.bool_), 0.04)
    for share in (1.0, 0.3, 0.01):
        assert len(levels.columns(0, seconds[-1] * share, 1000).column) <= 1000
    part = levels.within(100.0, 101.0)
    assert 25 <= part.stop - part.start <= 29


def test_stretches_that_touch_are_one() -> None:
    left, right = merged(np.array([0.0, 5.2, 9.0]), np.array([5.0, 6.0, 12.0]), 0.5)
    assert left.tolist() == [0.0, 9.0]
    assert right.tolist() == [6.0, 12.0]


def test_peaks_of_a_long_noisy_trace_are_those_of_the_slow_way() -> None:
    values = np.random.default_rng(1).random(3000).round(2)

    def slow(least: float = 0.02) -> list[int]:
        found, top, low = [], 0, values[0]
        seeking = False
        for place, value in enumerate(values):
            if seeking:
                if value > low + least:
                    top, seeking = place, False
                low = min(low, value)
            elif value > values[top]:
                top = place
            elif value < values[top] - least:
                found.append(top)
                low, seeking = value, True
        return found if seeking else [*found, top]

    assert peak_places(values).tolist() == slow()


def series(scores: dict[str, list[float | None]], *, falling: tuple[str, ...] = ()) -> ExhibitSeries:
    count = len(next(iter(scores.values())))
    ordinals = np.arange(count, dtype=np.int64)
    frames = FrameSeries(ordinals, ordinals / 25, np.ones(count, np.int64), {})
    made = []
    for name, values in scores.items():
        status = np.array([0 if v is not None else STATUSES.index(ItemStatus.ABSTAINED) for v in values], np.uint8)
        floats = np.array([np.nan if v is None else v for v in values])
        why = {k: Abstention(AbstentionReason.FACE_TOO_SMALL, "") for k, v in enumerate(values) if v is None}
        made.append(ScoreSeries(TRACK, name, ordinals, status, floats, why))
    return ExhibitSeries(frames, (TrackSeries(TRACK, 1, ordinals),), tuple(made))


def test_disagreement_turns_falling_scores_and_skips_what_only_one_scored() -> None:
    given_ = series({"a": [0.9, 0.9, None, 0.2], "b": [0.1, 0.9, 0.5, 0.2]})
    lanes = build_lanes(given_, ("a", "b"), falling=("b",))
    ordinals, _, spread = lanes.disagreement
    assert dict(zip(ordinals.tolist(), spread.round(6).tolist(), strict=True)) == {0: 0.0, 1: 0.8, 3: 0.6}
    assert lanes.disagreements.tolist() == [1, 3]
    assert 0 < DISAGREEMENT < 1


def test_counts_of_frames_add_up() -> None:
    frames = FrameSeries(np.arange(4), np.arange(4) / 25, np.array([1, 0, 0, 2]), {2: "cut"})
    lanes = build_lanes(ExhibitSeries(frames), ())
    assert no_marks(lanes) == {"face": 2, "no face": 1, "error": 1}
    assert lanes.gaps.tolist() == [1, 2]
    assert lanes.frame(2).note == "cut"


def test_an_empty_exhibit_has_nothing() -> None:
    lanes = build_lanes(ExhibitSeries(), ("a",))
    lanes.prepare()
    assert no_marks(lanes) == {"face": 0, "no face": 0, "error": 0}
    assert lanes.disagreement_levels.columns(0, 1, 100).column.size == 0
