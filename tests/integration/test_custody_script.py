"""Every act the demand E6 names, done once by the commands and the engine: which events it leaves, and on whose word.

It begins with a case of format 1.0, which is brought up to date on the way.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.quick_engine import write_face_clip
from tests.harness.tampered_cases import GOLDEN, known_detectors
from workstation.app.engine import Engine
from workstation.cli.main import run
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyEvent
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.ids import DerivedId, JobId, new_id
from workstation.domain.jobs import JobState
from workstation.storage.case_store import CaseStore
from workstation.storage.verification import verify_case

WHY = ("--purpose", "main hearing", "--authority", "order 12")


def command(*arguments: object) -> None:
    try:
        run([str(argument) for argument in arguments])
    except SystemExit as stop:
        if stop.code:
            raise


def done(engine: Engine, job: JobId) -> None:
    ended = engine.jobs.wait(job, 120)
    assert ended.state is JobState.DONE, ended.error


def events_of(case: Path) -> tuple[CustodyEvent, ...]:
    with CaseStore.open(case, key=None, read_only=True) as store:
        return store.custody()


def a_derived_file(engine: Engine, case: Path) -> None:
    session = engine.open_case(case)
    item, data = session.evidence()[-1], b"a listing"
    session.store.files.write("derived/listing.txt", data)
    session.store.derived.add(
        DerivedItem(
            id=DerivedId(new_id()),
            number=session.store.derived.next_number(),
            kind=DerivedKind.WORKING_COPY,
            parent_kind=ParentKind.EVIDENCE,
            parent=item.id,
            parent_sha256=item.sha256,
            operation="listing",
            parameters={},
            tool="script",
            path="derived/listing.txt",
            exported=False,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            made_at=now_utc(),
            made_by="E",
        )
    )
    session.close()


def test_every_act_leaves_its_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTATION_HOME", str(tmp_path / "home"))
    with tarfile.open(GOLDEN / "format-1.0.tar.xz") as tar:
        tar.extractall(tmp_path)
    case = tmp_path / "format-1.0"
    clip = write_face_clip(tmp_path / "clip.mp4", 5)
    (tmp_path / "note.txt").write_text("no picture")
    counts: dict[str, Counter[str]] = {}
    known = len(events_of(case))

    def step(word: str) -> list[CustodyEvent]:
        """Name what was done since the last step, without what frames every command: opening and closing."""
        nonlocal known
        every = events_of(case)
        found = [event for event in every[known:] if event.kind.value not in ("case_opened", "case_closed")]
        known = len(every)
        counts[word] = Counter(event.kind.value for event in found)
        return found

    with known_detectors(), Engine() as engine:
        engine.open_case(case).close()
        step("migration")
        command("evidence", "add", case, clip, tmp_path / "note.txt", *WHY)
        intake = step("intake")
        session = engine.open_case(case)
        exhibit = session.evidence()[-1].id
        session.frame(exhibit, 0)
        session.frame(exhibit, 1)
        session.close()
        step("access")
        session = engine.open_case(case)
        done(engine, session.examine([exhibit], frames=2))
        session.close()
        step("examination")
        session = engine.open_case(case)
        done(engine, session.export_frame(exhibit, 0, tmp_path / "frame.png"))
        session.close()
        command("case", "log", case, "--output", tmp_path / "log", *WHY)
        export = step("export")
        command("case", "transfer", case, "--to", "Court", "--how", "courier", *WHY)
        transfer = step("transfer")
        command("case", "log", case, "--redacted", tmp_path / "redacted", *WHY)
        redaction = step("redaction")
        session = engine.open_case(case)
        done(engine, session.build_report())
        session.close()
        step("report")
        command("evidence", "verify", case)
        step("verification")
        a_derived_file(engine, case)
        step("derivation")
        command("case", "delete", case, "DI-02", "--reason", "made by mistake", "--authority", "order 13")
        deletion = step("deletion")

    exhibits = counts["verification"]["evidence_verified"]
    assert exhibits >= 2
    assert counts["migration"]["migrated"] == 1
    assert {"evidence_taken_in": 1, "evidence_refused": 1, "intake_started": 1, "intake_ended": 1}.items() <= (
        counts["intake"].items()
    )
    assert counts["access"] == {"evidence_accessed": 1}, "once for each exhibit and session"
    assert counts["examination"]["examination_started"] == counts["examination"]["examination_ended"] == 1
    assert counts["export"]["exported"] == 2
    assert counts["transfer"] == {"transferred": 1}
    assert counts["redaction"] == {"redacted": 1}
    assert counts["report"] == {"evidence_verified": exhibits, "report_built": 1}
    assert counts["verification"] == {"evidence_verified": exhibits}
    assert counts["derivation"] == {"derived": 1}
    assert counts["deletion"] == {"deleted": 1}
    for events, why in ((intake, "main hearing"), (export[-1:], "main hearing"), (transfer, "main hearing")):
        for event in events:
            body = json.loads(event.body)
            assert {"purpose", "authority", "salt"} <= body.keys(), event
            if event.kind.value != "evidence_described":
                assert (body["purpose"], body["authority"]) == (why, "order 12"), event.kind
    assert json.loads(redaction[0].body)["authority"] == "order 12"
    assert json.loads(deletion[0].body)["reason"] == "made by mistake"
    outcome = verify_case(case)
    assert outcome.ok, outcome.bad
