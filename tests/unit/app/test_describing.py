"""Metadata and stream digests of exhibits: read confined, kept in the case with a custody event, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import described_media as media
from tests.fakes.credentials import make_authority, sign
from workstation.app.describing import trust_folder, trust_list
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.main import run
from workstation.domain.custody import CustodyKind
from workstation.domain.jobs import JobState
from workstation.domain.metadata import StateWord


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "home") as engine:
        yield engine


@pytest.fixture
def session(engine: Engine, tmp_path: Path) -> Iterator[CaseSession]:
    authority = make_authority()
    folder = trust_folder(engine.home)
    folder.mkdir(parents=True)
    (folder / "own.pem").write_text(authority.root)
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "notes.txt").write_text(authority.root)
    (tmp_path / "signed.jpg").write_bytes(sign(media.jpeg(media.picture(320, 240)), authority))
    (tmp_path / "clip.mp4").write_bytes(media.video("mp4", frames=10))
    session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?")
    job = engine.jobs.wait(session.import_files([tmp_path / "signed.jpg", tmp_path / "clip.mp4"]), 60)
    assert job.state is JobState.DONE, job.error
    yield session
    session.close()


def told(session: CaseSession, what: str) -> list[dict[str, object]]:
    bodies = [json.loads(e.body) for e in session.custody() if e.kind is CustodyKind.EVIDENCE_DESCRIBED]
    return [body for body in bodies if body["what"] == what]


def test_described_once_kept_and_read_back(engine: Engine, session: CaseSession) -> None:
    job = engine.jobs.wait(session.describe_evidence(), 60)
    assert job.state is JobState.DONE, job.error
    assert job.result is not None
    assert job.result["problems"] == []
    picture, clip = session.evidence()
    found = session.metadata(picture.id)
    assert found is not None
    assert found.provenance is not None
    assert found.provenance.trusted.state is StateWord.YES, "the keeper's own list is used"
    assert found.jpeg is not None
    assert found.jpeg.history is not None
    moving = session.metadata(clip.id)
    assert moving is not None
    assert moving.gop is not None
    assert session.streams(clip.id)
    assert len(told(session, "metadata")) == 2
    engine.jobs.wait(session.describe_evidence(), 60)
    assert len(told(session, "metadata")) == 2, "what is there is not read again"
    engine.jobs.wait(session.describe_evidence([picture.id], again=True), 60)
    assert session.metadata(picture.id) == found


def test_trust_list_names_what_it_cannot_use(engine: Engine, session: CaseSession) -> None:
    found = trust_list(engine.home)
    assert found.files == ("own.pem",)
    assert found.pem.count("BEGIN CERTIFICATE") == 1
    assert [line.split(":")[0] for line in found.problems] == ["broken.pem"]


def test_without_a_folder_there_is_no_list(tmp_path: Path) -> None:
    with Engine(tmp_path / "other") as engine:
        assert trust_list(engine.home).pem == ""


def test_command_line_shows_words_and_json(
    engine: Engine, session: CaseSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = session.folder
    session.close()
    monkeypatch.setenv("WORKSTATION_HOME", str(engine.home.root))
    with pytest.raises(SystemExit) as stop:
        run(["evidence", "metadata", str(folder), "EX-01", "--json"])
    assert stop.value.code in (0, None)
    facts = json.loads(capsys.readouterr().out)
    assert facts["exhibit"] == "EX-01"
    assert facts["metadata"]["provenance"]["present"]["state"] == "yes"
    with pytest.raises(SystemExit):
        run(["evidence", "metadata", str(folder), "EX-02", "--structure"])
    words = capsys.readouterr().out
    for expected in ("moov", "x264", "no content credentials", "Metadata can be altered"):
        assert expected in words


def test_encrypted_case_is_described_alike(engine: Engine, tmp_path: Path) -> None:
    """The child decrypts on the way; nothing of the metadata depends on how the exhibit is kept."""
    (tmp_path / "clip.mp4").write_bytes(media.video("mp4", frames=10))
    (tmp_path / "full.jpg").write_bytes(media.full_jpeg())
    session = engine.create_case(
        tmp_path / "sealed", number="2", title="t", examiner="E", question="?", passphrase="a passphrase of some length"
    )
    job = engine.jobs.wait(session.import_files([tmp_path / "clip.mp4", tmp_path / "full.jpg"]), 60)
    assert job.state is JobState.DONE, job.error
    for item in session.evidence():
        assert session.metadata(item.id) == media.read(tmp_path / item.name)
    session.close()
