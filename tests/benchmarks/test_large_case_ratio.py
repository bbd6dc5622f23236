"""A case of 500 exhibits, 2 000 tracks, 1 000 000 scores: what the window does costs what is seen, not what there is.

``make bench``; BENCH_SCORES and BENCH_EXHIBITS make it smaller. Processor time, not wall time: other programs on the
machine must not fail it.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.large_case import DETECTORS, Shape, fill
from workstation.app.engine import Engine
from workstation.app.figures import merged, summaries
from workstation.app.lanes import Lanes, build_lanes
from workstation.domain.ids import ExaminationId
from workstation.domain.series import ExhibitSeries
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player
from workstation.ui.theme.sheet import load_fonts
from workstation.ui.timeline.canvas import TimelineCanvas
from workstation.ui.timeline.panel import TimelinePanel

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]
SHAPE = Shape(
    exhibits=int(os.environ.get("BENCH_EXHIBITS", "500")),
    tracks=4 * int(os.environ.get("BENCH_EXHIBITS", "500")),
    scores=int(os.environ.get("BENCH_SCORES", "1000000")),
)


@pytest.fixture(scope="module")
def case(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[CaseStore, ExaminationId]]:
    SAYS.append(request.config.pluginmanager.getplugin("capturemanager"))
    root = tmp_path_factory.mktemp("large")
    (root / "work").mkdir()
    key = LedgerKey.load_or_create(root / "keys")
    begun = time.process_time()
    with CaseStore.create(
        root / "case", number="L-1", title="Large", examiner="A. Ruiz", question="?", key=key
    ) as store:
        run = fill(store, root / "work", SHAPE)
        tell(f"made in {time.process_time() - begun:.1f} s of processor time")
        yield store, run.id


def tell(words: str) -> None:
    """Write a figure past the capturing of pytest."""
    with SAYS[-1].global_and_fixture_disabled():
        sys.stdout.write(f"\n{words}\n")


SAYS: list[Any] = []


def cost(work: Callable[[], object], times: int = 5) -> float:
    """Processor seconds of this thread for the middle one of a few runs."""
    found = []
    for _ in range(times):
        begun = time.thread_time()
        work()
        found.append(time.thread_time() - begun)
    return sorted(found)[times // 2]


def panning(canvas: TimelineCanvas) -> Callable[[], None]:
    """Draws the timeline after a small step, ten times to the right, ten times to the left and so on."""
    steps = itertools.cycle([0.01] * 10 + [-0.01] * 10)

    def pan() -> None:
        canvas.pan(next(steps))
        canvas.redraw()
        canvas.grab()

    return pan


def test_columns_beside_rows(case: tuple[CaseStore, ExaminationId]) -> None:
    """The largest exhibit, read for the timeline: columns against a part of its rows."""
    store, run = case
    first = store.evidence()[0].id
    columns = cost(lambda: store.readings.series(run, first), 3)
    part = range(0, 2000)
    frames = len(store.readings.series(run, first).frames)
    rows = cost(lambda: store.frame_rows(run, first, part), 3) * frames / len(part)
    tell(f"columns {columns:.2f} s, rows {rows:.2f} s: {rows / columns:.0f} times")
    assert rows > 4 * columns


def test_an_ordinary_exhibit_costs_its_share(case: tuple[CaseStore, ExaminationId]) -> None:
    store, run = case
    items = store.evidence()
    whole = cost(lambda: store.readings.series(run, items[0].id), 3)
    small = cost(lambda: store.readings.series(run, items[-1].id))
    share = SHAPE.share * len(items) / (1 - SHAPE.share)
    tell(f"largest {whole * 1000:.0f} ms, ordinary {small * 1000:.1f} ms, {share:.0f} times as many scores")
    assert small < whole / 8


def test_fresh_rows_cost_less_than_all(case: tuple[CaseStore, ExaminationId]) -> None:
    """While an examination runs, eight frames at a time come into an exhibit that has a hundred thousand."""
    store, run = case
    first = store.evidence()[0].id
    known = store.readings.series(run, first)

    def fresh() -> ExhibitSeries:
        return merged(known, store.readings.series(run, first, range(100, 108)))

    few, all_ = cost(fresh, 3), cost(lambda: store.readings.series(run, first), 3)
    tell(f"fresh frames {few * 1000:.0f} ms, all {all_ * 1000:.0f} ms")
    assert few < all_ / 3


def shown(qtbot: QtBot, desk: Desk, data: ExhibitData, lanes: Lanes) -> TimelinePanel:
    navigator = Navigator(desk)
    panel = TimelinePanel(desk, navigator, Player(navigator))
    qtbot.addWidget(panel)
    panel.resize(1400, 300)
    panel.show()
    desk.data = replace(data, lanes=lanes)
    desk.exhibit_shown.emit()
    desk.results_shown.emit()
    return panel


def thinned(series: ExhibitSeries, every: int) -> ExhibitSeries:
    """Of every so many frames one."""
    kept = series.frames.ordinals[::every]
    frames = replace(
        series.frames,
        ordinals=kept,
        seconds=series.frames.seconds[::every],
        faces=series.frames.faces[::every],
    )
    scores = []
    for one in series.scores:
        at = np.isin(one.ordinals, kept)
        scores.append(replace(one, ordinals=one.ordinals[at], status=one.status[at], scores=one.scores[at]))
    tracks = tuple(replace(track, ordinals=track.ordinals[np.isin(track.ordinals, kept)]) for track in series.tracks)
    return ExhibitSeries(frames, tracks, tuple(scores), series.mapped)


def test_panning_costs_what_is_seen(case: tuple[CaseStore, ExaminationId], qtbot: QtBot) -> None:
    """Drawing the largest exhibit at any zoom against the same exhibit with a twentieth of its frames, and against the
    time a picture may take at thirty a second."""
    store, run = case
    item = store.evidence()[0]
    series = store.readings.series(run, item.id)
    load_fonts()
    engine = BareEngine()
    desk = Desk(cast(Engine, engine))
    figures = []
    for some in (series, thinned(series, 20)):
        lanes = build_lanes(some, DETECTORS)
        lanes.prepare()
        data = ExhibitData(
            item,
            store.frame_index(item.id),
            run=store.examination(run),
            series=some,
            summaries=summaries(some, (), lambda _: {}),
        )
        panel = shown(qtbot, desk, data, lanes)
        canvas = panel.canvas
        per_zoom = []
        for factor in (1, 4, 40, 400):
            canvas.show_all()
            canvas.zoom(factor, sum(data.span) / 2)

            per_zoom.append(cost(panning(canvas), 21))
        figures.append(per_zoom)
    desk.shut()
    engine.jobs.close()
    many, few = figures
    tell(
        "one picture while panning, at four zooms: "
        + ", ".join(f"{m * 1000:.1f} ms ({m / f:.1f} times)" for m, f in zip(many, few, strict=True))
    )
    assert max(many) < 4 * max(few), "twenty times the scores must not take much longer to draw"
