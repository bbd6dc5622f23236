"""Every family of detectors on two development clips, with published weights where there are any (X10, P3).

``HARNESS_FRAMES`` sets the frames of each clip. What is printed goes into the record; what is asserted is the path.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.every_family import makers
from workstation.app import reporting
from workstation.app.engine import Engine
from workstation.domain.detectors import Level
from workstation.domain.jobs import JobState
from workstation.domain.results import ItemStatus

pytestmark = [pytest.mark.harness, pytest.mark.data, pytest.mark.timeout(3600)]


def test_two_clips_under_every_family(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = int(os.environ.get("HARNESS_FRAMES", "32"))
    weights = shared_data / "weights"
    with Engine(tmp_path / "home") as engine:
        for family, make in makers().items():
            if family not in ("mesonet", "identity"):
                make(tmp_path / family)
                engine.install_detector(tmp_path / family)
        engine.install_detector(weights / "mesonet" / "Meso4_DF.h5")
        engine.install_detector(weights / "mesonet" / "MesoInception_F2F.h5")
        recogniser = weights / "mobilefacenet_recognition" / "mobilefacenet.onnx"
        engine.install_detector(recogniser, licence="research", origin="development data")
        cards = {package.card.id: package.card for package in engine.detectors()}
        session = engine.create_case(tmp_path / "case", number="9", title="Clips", examiner="A. Ruiz", question="?")
        clips = [shared_data / "dev" / "videos_ffpp" / name for name in ("634.mp4", "634_660.mp4")]
        for start in (lambda: session.import_files(clips), lambda: session.examine(None, sorted(cards), frames)):
            ended = engine.jobs.wait(start(), 3000)
            assert ended.state is JobState.DONE, ended.error
        run = session.examinations()[-1]
        lines = [f"device {engine.device()}"]
        for item in session.evidence():
            seen = session.summaries(run.id, item.id)
            lines += [
                f"{item.name} T{s.track_number} {s.detector}: {s.mean} [{s.low}, {s.high}] of {s.frames_scored} frames"
                for s in seen
            ]
            scored = {s.detector for s in seen if s.frames_scored}
            assert scored == {name for name, card in cards.items() if card.output.level is Level.FACE}
            for reading in session.track_readings(run.id, item.id):
                lines.append(
                    f"{item.name} T{reading.track_number} {reading.detector}: {reading.value} {reading.status}"
                )
                lines += [f"    {m.label}: {m.value} [{m.low}, {m.high}]" for m in reading.measures]
                assert reading.status is not ItemStatus.ERROR, reading
        ended = engine.jobs.wait(session.build_report(tmp_path / "report.pdf"), 600)
        assert ended.state is JobState.DONE, ended.error
        session.close()
        assert reporting.check(engine, tmp_path / "report.pdf", tmp_path / "case").ok
    with capsys.disabled():
        print("\n".join(["", *lines]))  # noqa: T201  # the figures are what it is run for
