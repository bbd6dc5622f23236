"""Every family of detectors through the same engine, window, command line and report (P4, X10).

Weights are drawn at random where none are published: what is proved is the path, not the answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from tests.fakes.clips import write_astronaut_clip
from tests.fakes.every_family import EMBEDDED, families, makers
from workstation.app import reporting
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.domain.detectors import DetectorCard, Level
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobState, Lane
from workstation.domain.results import ItemStatus
from workstation.ui.main_window import MainWindow
from workstation.ui.theme.sheet import dress, load_fonts

FRAMES = 6

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Bench:
    engine: Engine
    case: Path
    cards: dict[str, DetectorCard]
    report: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A case with two clips of one person, the first one a reference, examined with every family at once."""
    root = tmp_path_factory.mktemp("bench")
    with Engine(root / "home") as engine:
        for family, make in makers().items():
            make(root / "packages" / family)
            engine.install_detector(root / "packages" / family)
        cards = {package.card.id: package.card for package in engine.detectors()}
        first = write_astronaut_clip(root / "known.mp4", 12)
        second = write_astronaut_clip(root / "asked.mp4", 14)
        session = engine.create_case(root / "case", number="8", title="Bench", examiner="A. Ruiz", question="?")
        _done(engine, session.import_files([first, second]))
        known, asked = session.evidence()
        _done(engine, session.examine([known.id], ["clip-ln-small"], FRAMES))
        run = session.examinations()[-1]
        track = session.frame_rows(run.id, known.id)[0].faces[0].track
        session.gallery.add_person("A. Adams")
        session.gallery.attribute(run.id, known.id, track, "A. Adams")
        session.gallery.claim(asked.id, "", "A. Adams")
        _done(engine, session.examine([asked.id], sorted(cards), FRAMES))
        done = _done(engine, session.build_report(root / "report.pdf"))
        assert done
        session.close()
        # Lanes start with their first job; they must be there before a test counts threads.
        for lane in (Lane.REPORT, Lane.CHECK):
            engine.jobs.wait(engine.jobs.submit(lane, "start the lane", lambda _: None), 10)
        yield Bench(engine, root / "case", cards, root / "report.pdf")


def _done(engine: Engine, job: JobId) -> bool:
    ended = engine.jobs.wait(job, 280)
    assert ended.state is JobState.DONE, ended.error
    return True


@pytest.fixture
def session(bench: Bench) -> Iterator[CaseSession]:
    opened = bench.engine.open_case(bench.case, read_only=True)
    yield opened
    opened.close()


def test_no_family_is_left_out(bench: Bench) -> None:
    assert families() == {card.family for card in bench.cards.values()}
    assert families() == EMBEDDED | set(makers())


def test_the_examination_records_whose_code_ran(bench: Bench, session: CaseSession) -> None:
    facts = session.examinations()[-1].environment.facts
    for name, card in bench.cards.items():
        assert facts[f"run.{name}.code"].startswith(f"{card.family}, workstation ")


def test_every_package_passes_its_sealed_self_test(bench: Bench) -> None:
    for package in bench.engine.detectors():
        outcome = bench.engine.verify_detector(package)
        assert outcome.ok, (package.card.id, [line.detail for line in outcome.bad])


def test_every_detector_scored_every_face_or_read_the_track(bench: Bench, session: CaseSession) -> None:
    run = session.examinations()[-1]
    asked = session.evidence()[1].id
    faces = [face for row in session.frame_rows(run.id, asked) for face in row.faces if face.track_number == 1]
    assert len(faces) == FRAMES
    readings = {r.detector: r for r in session.track_readings(run.id, asked) if r.track_number == 1}
    for name, card in bench.cards.items():
        results = [result for face in faces for result in face.results if result.detector == name]
        if card.output.level is Level.FACE:
            assert [r.status for r in results] == [ItemStatus.OK] * FRAMES, name
            assert all(r.score is not None and 0 <= r.score <= 1 for r in results), name
            assert all(bool(r.map_digest) == bool(card.output.map_size) for r in results), name
        else:
            assert not results, name
        if card.output.sequence:
            assert readings[name].status is ItemStatus.OK, (name, readings[name].abstention)
        else:
            assert name not in readings


def test_identity_used_the_reference_of_the_claimed_person(bench: Bench, session: CaseSession) -> None:
    run = session.examinations()[-1]
    name = next(card.id for card in bench.cards.values() if card.family == "identity")
    use = next(use for use in run.plan.detectors if use.id == name)
    assert "A. Adams" in use.settings["gallery"]
    reading = next(r for r in session.track_readings(run.id, session.evidence()[1].id) if r.detector == name)
    measures = {measure.name: measure for measure in reading.measures}
    reference = next(m for n, m in measures.items() if n.startswith("ref") and m.value is not None)
    assert reference.value is not None
    # Two clips of one picture: as alike as an encoder can find them.
    assert reference.value > 0.9


def test_the_window_shows_them_all(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    load_fonts()
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    dress(settings)
    window = MainWindow(bench.engine, settings)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.open_case(bench.case)
    tab = window.inspector.detectors
    qtbot.waitUntil(lambda: bool(window.desk.items), timeout=20_000)
    window.desk.show_exhibit(window.desk.items[1].id)
    qtbot.waitUntil(lambda: len(tab.readings_model.rows) > 3, timeout=20_000)
    shown = {row.cells[0].text for row in tab.tracks_model.rows if row.key.count("/") == 1}
    read = {row.cells[0].text.split()[-1] for row in tab.readings_model.rows if row.key.count("/") == 1}
    faces = {name for name, card in bench.cards.items() if card.output.level is Level.FACE}
    tracks = {name for name, card in bench.cards.items() if card.output.sequence}
    assert shown == faces
    assert read == tracks
    opened = window.desk.session
    window.close()
    assert opened is not None
    opened.close()


def test_the_report_names_every_detector_and_verifies(bench: Bench) -> None:
    import pikepdf

    assert reporting.check(bench.engine, bench.report, bench.case).ok
    with pikepdf.open(bench.report) as pdf:
        assert len(pdf.pages) > 5
        twin = b"".join(bytes(a.get_file().read_bytes()) for a in pdf.attachments.values())
    for name in bench.cards:
        assert name.encode() in twin, name
