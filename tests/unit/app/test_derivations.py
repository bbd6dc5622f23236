"""E4: what leaves a case as a derivative has a parent and a recipe, and the recipe gives the same bytes again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import clips, corpus
from workstation.app import derivations
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.main import run
from workstation.domain.custody import CustodyKind
from workstation.domain.derived import DerivedItem, ParentKind
from workstation.domain.errors import Cancelled, FrameNotFound, InputError, IntegrityMismatch
from workstation.domain.ids import EvidenceId
from workstation.domain.jobs import JobState
from workstation.media.probing import probe
from workstation.media.reader import open_media


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "home") as engine:
        yield engine


@pytest.fixture
def session(engine: Engine, tmp_path: Path) -> CaseSession:
    """A case with one clip of uneven time stamps."""
    opened = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?")
    clips.write_uneven_clip(tmp_path / "clip.mkv", 20)
    _wait(engine, opened.import_files([tmp_path / "clip.mkv"]))
    return opened


def _wait(engine: Engine, job: str) -> dict[str, object]:
    done = engine.jobs.wait(job, 60)  # type: ignore[arg-type]
    assert done.state is JobState.DONE, done.error
    return dict(done.result or {})


def _export_all(engine: Engine, session: CaseSession, folder: Path) -> tuple[DerivedItem, ...]:
    evidence = session.evidence()[0].id
    _wait(engine, session.export_frame(evidence, 7, folder / "frame.png"))
    _wait(engine, derivations.submit_clip(engine, session, evidence, 3, 9, folder / "part.mkv"))
    _wait(engine, derivations.submit_clip(engine, session, evidence, 3, 9, folder / "part.mp4"))
    _wait(engine, derivations.submit_framehash(engine, session, evidence, folder / "frames.txt"))
    return session.store.derived.every()


def test_every_export_has_a_parent_and_a_recipe_and_comes_out_again(
    engine: Engine, session: CaseSession, tmp_path: Path
) -> None:
    items = _export_all(engine, session, tmp_path)
    exhibits = {item.id: item.sha256 for item in session.evidence()}
    assert [item.operation for item in items] == ["frame", "clip", "clip", "framehash"]
    assert [item.number for item in items] == ["DI-01", "DI-02", "DI-03", "DI-04"]
    for item in items:
        assert item.parent_kind is ParentKind.EVIDENCE
        assert exhibits[EvidenceId(item.parent)] == item.parent_sha256, "an orphan"
        data = Path(item.path).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (item.sha256, item.size)
        assert "FFmpeg" in item.tool
        assert "workstation" in item.tool
        assert item.exported
        again = derivations.remake(session.store, session.frame, item)
        assert again.same, f"{item.number} {item.operation}"
    told = [json.loads(event.body) for event in session.custody() if event.kind is CustodyKind.EXPORTED]
    assert [body["sha256"] for body in told] == [item.sha256 for item in items]
    assert session.store.derived.every() == items, "making again records nothing"


def test_a_lossless_clip_holds_the_frames_themselves(engine: Engine, session: CaseSession, tmp_path: Path) -> None:
    evidence = session.evidence()[0].id
    _wait(engine, derivations.submit_clip(engine, session, evidence, 3, 9, tmp_path / "part.mkv"))
    index = session.frame_index(evidence)
    assert index is not None
    with open_media(tmp_path / "part.mkv", probe(tmp_path / "part.mkv")) as reader:
        assert reader.index.pts == tuple(pts - index.pts[3] for pts in index.pts[3:10])
        for ordinal in range(7):
            assert np.array_equal(reader.frame(ordinal).rgb, session.frame(evidence, ordinal + 3).rgb)


def test_a_changed_recipe_comes_out_differently(engine: Engine, session: CaseSession, tmp_path: Path) -> None:
    """The comparison can fail."""
    frame, part, *_ = _export_all(engine, session, tmp_path)
    other = dataclasses.replace(part, parameters={**part.parameters, "last": 8})
    assert not derivations.remake(session.store, session.frame, other).same
    wrong = dataclasses.replace(frame, parameters={**frame.parameters, "frame_sha256": "0" * 64})
    with pytest.raises(IntegrityMismatch):
        derivations.remake(session.store, session.frame, wrong)
    with pytest.raises(IntegrityMismatch):
        derivations.remake(session.store, session.frame, dataclasses.replace(frame, parent_sha256="0" * 64))
    with pytest.raises(InputError):
        derivations.remake(session.store, session.frame, dataclasses.replace(frame, operation="redaction"))


def test_a_clip_outside_the_exhibit_is_refused(session: CaseSession, tmp_path: Path) -> None:
    evidence = session.evidence()[0].id
    with pytest.raises(FrameNotFound):
        derivations.export_clip(session.store, evidence, 3, 20, tmp_path / "part.mkv")
    with pytest.raises(InputError):
        derivations.export_clip(session.store, evidence, 5, 4, tmp_path / "part.mkv")
    with pytest.raises(InputError):
        derivations.export_clip(session.store, evidence, 3, 4, tmp_path / "part.xyz")
    assert not list(tmp_path.glob("part*"))
    assert session.store.derived.every() == ()


@pytest.mark.skipif(corpus.FFMPEG is None, reason="no ffmpeg on this machine to compare with")
def test_the_command_writes_ffmpegs_list_of_the_exhibit_itself(
    workstation_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = corpus.make("variable_mkv", tmp_path)

    def command(*words: object) -> str:
        with pytest.raises(SystemExit) as stop:
            run([str(word) for word in words])
        assert stop.value.code == 0
        return capsys.readouterr().out

    case = tmp_path / "case"
    command("case", "create", case, "--number", "1", "--examiner", "E")
    command("evidence", "add", case, clip)
    said = json.loads(command("evidence", "framehash", case, "EX-01", "-o", tmp_path / "list.txt", "--json"))
    ours = [line for line in (tmp_path / "list.txt").read_text().splitlines() if not line.startswith("#software")]
    theirs = [line for line in corpus.reference_text(clip).splitlines() if not line.startswith("#software")]
    assert ours == theirs
    assert (said["frames"], said["damaged"], said["derived"]) == (60, 0, "DI-01")
    assert json.loads(command("evidence", "derived", case, "--json"))["derived"][0]["sha256"] == said["sha256"]
    assert json.loads(command("evidence", "remake", case, "--json"))["remade"][0]["same"] is True


def test_a_list_that_is_cancelled_leaves_nothing(session: CaseSession, tmp_path: Path) -> None:
    class Stopping:
        def progress(self, done: int, total: int, note: str = "") -> None:
            assert total >= done

        def cancelled(self) -> bool:
            return True

        def raise_if_cancelled(self) -> None:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        derivations.export_framehash(session.store, session.evidence()[0].id, tmp_path / "list.txt", Stopping())
    assert not [path for path in tmp_path.iterdir() if "list" in path.name]
    assert session.store.derived.every() == ()


def test_an_encrypted_case_gives_the_same_list(engine: Engine, tmp_path: Path) -> None:
    clips.write_barcode_clip(tmp_path / "clip.mp4", 12)
    lists = []
    for name, passphrase in (("plain", None), ("sealed", "a long enough passphrase")):
        opened = engine.create_case(
            tmp_path / name, number=name, title="t", examiner="E", question="?", passphrase=passphrase
        )
        _wait(engine, opened.import_files([tmp_path / "clip.mp4"]))
        evidence = opened.evidence()[0]
        _wait(engine, derivations.submit_framehash(engine, opened, evidence.id, tmp_path / f"{name}.txt"))
        assert derivations.remake(opened.store, opened.frame, opened.store.derived.every()[0]).same
        kept = (opened.folder / evidence.stored_path).read_bytes()
        assert (kept == (tmp_path / "clip.mp4").read_bytes()) is (passphrase is None)
        lists.append((tmp_path / f"{name}.txt").read_bytes())
        opened.close()
    assert lists[0] == lists[1]
