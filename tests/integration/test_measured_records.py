"""From a laboratory's signed record to a score that may be shown, and to the report that cites it (V3, V4, P3)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import pikepdf

from tests.fakes.kind_figures import standing
from tests.fakes.marked_engine import marked_portrait
from tests.fakes.pattern_engine import BOTH, RINGS, SLOPE, PatternEngine
from workstation.app.engine import Engine
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.measured_here import SETTING, read
from workstation.reporting.signing import create_identity
from workstation.reporting.validation_record import signed_json, with_signer

PARTS = ForgeryClass.PARTS


def done(engine: Engine, job: JobId) -> Job:
    found = engine.jobs.wait(job, 900)
    assert found.state is JobState.DONE, found.error
    return found


def file_record(engine: Engine, place: Path) -> str:
    identity = create_identity(place / "i.p12", name="Ada", password="long enough a word")
    record = {
        "schema": "workstation.validation",
        "version": 2,
        "id": "our-record-1",
        "made_at": "2026-01-31T09:15:02+00:00",
        "set": {"name": "our set"},
        "detector": {"id": SLOPE.id, "card_sha256": SLOPE.card_sha256, "weights_sha256": SLOPE.weights.sha256},
        "figures": {"auc": 0.9},
        "settings": {},
        "environment": {},
        "kind": {"relied_on": True, "figure": asdict(standing(PARTS)[0])},
    }
    engine.home.validation.mkdir()
    path = engine.home.validation / "one.json"
    path.write_bytes(signed_json(with_signer(record, identity), identity))
    return record["id"] if isinstance(record["id"], str) else ""


def test_a_record_counts_for_runs_that_start_after_it_and_they_cite_it(tmp_path: Path) -> None:
    with PatternEngine(tmp_path / "home") as engine:
        session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="q")
        picture = tmp_path / "p.png"
        cv2.imwrite(str(picture), marked_portrait(None)[..., ::-1])
        done(engine, session.import_files([picture]))
        done(engine, session.examine(None, BOTH))
        named = file_record(engine, tmp_path)
        done(engine, session.examine())
        before, after = session.examinations()
        # Slope is validated for nothing by its card; by the record it runs without being named, and its score counts.
        assert [use.id for use in after.plan.detectors] == [RINGS.id, SLOPE.id]
        assert engine.validated(before)[SLOPE.id] == ()
        assert engine.validated(after)[SLOPE.id] == (PARTS,)
        assert engine.validated(after)[RINGS.id] == engine.validated(before)[RINGS.id]
        (cited,) = read(after.plan.detectors[1].settings[SETTING])
        assert (cited.record, "CN=Ada" in cited.signer) == (named, True)
        # The plan holds what it relies on: the record may go, the case still says why the score was shown.
        (engine.home.validation / "one.json").unlink()
        assert engine.validated(after)[SLOPE.id] == (PARTS,)
        built = done(engine, session.build_report()).result or {}
        session.close()
        assert engine.verify_case(tmp_path / "case").ok
        done_again = engine.open_case(tmp_path / "case")
        done(engine, done_again.examine(None, [SLOPE.id]))
        assert engine.validated(done_again.examinations()[-1])[SLOPE.id] == ()
        done_again.close()
    with pikepdf.open(str(built["path"])) as pdf:
        names = list(pdf.attachments)
        texts = [pdf.attachments[name].get_file().read_bytes() for name in names]
    results = next(json.loads(text) for text in texts if text.lstrip().startswith(b"{"))
    assert named in json.dumps(results)
