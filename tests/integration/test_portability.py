"""Cases that move: encrypted from end to end, backed up while written, packed, disclosed, archived (G15, C5, U9)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.fakes.marked_engine import marked_portrait
from tests.fakes.pattern_engine import BOTH, PatternEngine
from workstation.app import portability
from workstation.app.engine import Engine
from workstation.app.passphrases import RUN
from workstation.app.portability import ExportWish
from workstation.app.session import CaseSession
from workstation.cli.main import run
from workstation.domain.errors import Cancelled, CaseExists, CaseLocked, CaseReadOnly
from workstation.domain.jobs import Job, JobState
from workstation.storage.key_slots import ScryptCost
from workstation.storage.portable.exporting import export_case

PASSPHRASE = "correct horse battery"
MARKER = "PLAINTEXT-MARKER-7f3a"


@pytest.fixture(autouse=True)
def nothing_given() -> Iterator[None]:
    yield
    RUN.given, RUN.ask = None, None


def done(engine: Engine, job_id: str) -> Job:
    job = engine.jobs.wait(job_id)  # type: ignore[arg-type]
    assert job.state is JobState.DONE, job.error
    return job


def portrait(path: Path, mark: tuple[int, int] | None) -> Path:
    """A picture whose file says the marker in a text chunk."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", MARKER * 20)
    Image.fromarray(marked_portrait(mark)).save(path, pnginfo=text)
    return path


def filled(engine: Engine, folder: Path, pictures: Path, *, passphrase: str | None = None) -> CaseSession:
    """A case with three exhibits, the first two examined together."""
    session = engine.create_case(
        folder, number=f"N {MARKER}", title=MARKER, examiner="E. Xaminer", question=MARKER, passphrase=passphrase
    )
    pictures.mkdir(exist_ok=True)
    marks = enumerate(((100, 100), (140, 120), None), start=1)
    done(engine, session.import_files([portrait(pictures / f"{MARKER}-{n}.png", mark) for n, mark in marks]))
    items = session.evidence()
    done(engine, session.examine([items[0].id, items[1].id], BOTH))
    return session


@pytest.fixture(scope="module", autouse=True)
def cheap_scrypt() -> Iterator[None]:
    """What the costs are is held by the tests of the key file; here every opening would take a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScryptCost.__init__, "__defaults__", (1 << 14, 8, 1))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encrypted case, examined and reported while its folder was watched; the same decrypted; a home for each."""
    place = tmp_path_factory.mktemp("made")
    with PatternEngine(place / "home-sealed") as engine:
        session = filled(engine, place / "sealed", place / "pictures", passphrase=PASSPHRASE)
        assert holds(place / "sealed") == []  # open, with everything in its log
        done(engine, session.build_report(place / "report.pdf"))
        session.close()
    for name in ("sealed", "home-sealed"):
        shutil.copytree(place / name, place / name.replace("sealed", "plain"))
    with PatternEngine(place / "home-plain") as engine:
        assert (done(engine, portability.decrypt(engine, place / "plain", PASSPHRASE)).result or {})["verified"]
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, with the home that knows its cases."""
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


@contextlib.contextmanager
def opened(place: Path, name: str = "plain") -> Iterator[tuple[PatternEngine, CaseSession]]:
    with PatternEngine(place / f"home-{name}") as engine:
        session = engine.open_case(place / name, passphrase=PASSPHRASE if name == "sealed" else None)
        yield engine, session
        session.close()


def holds(folder: Path, marker: str = MARKER) -> list[str]:
    wanted = [marker.encode(), marker.encode("utf-16-le"), b"SQLite format 3"]
    return [str(p) for p in folder.rglob("*") if p.is_file() and any(w in p.read_bytes() for w in wanted)]


def unzip(pack: Path, folder: Path) -> None:
    subprocess.run(["unzip", "-q", str(pack), "-d", str(folder)], check=True)


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, object]]:
    code = 0
    try:
        run([str(argument) for argument in (*arguments, "--json")])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    both = capsys.readouterr()
    told = both.out
    assert code != 70, both.err
    return code, json.loads(told) if told.strip() else {}


def test_an_encrypted_case_from_end_to_end(place: Path) -> None:
    """Taken in, examined, shown, reported, verified; and nothing readable lies in its folder, open or closed."""
    case = place / "sealed"
    assert holds(case) == []
    assert holds(place / "plain") != []
    assert (place / "report.pdf").read_bytes().startswith(b"%PDF")
    with opened(place, "sealed") as (engine, session):
        item = session.evidence()[0]
        assert session.frame(item.id, 0).rgb.shape[2] == 3
        assert session.thumbnail(item.id)
        rows = session.frame_rows(session.examinations()[0].id, item.id)
        digests = [r.map_digest for row in rows for face in row.faces for r in face.results if r.map_digest]
        assert digests
        assert session.map_values(digests[0]).size
        stored = case / session.reports()[0].path
        assert not stored.read_bytes().startswith(b"%PDF")
        done(engine, session.verify_evidence())
    assert holds(case) == []
    with PatternEngine(place / "home-sealed") as engine:
        with pytest.raises(CaseLocked):
            engine.open_case(case)
        with pytest.raises(CaseLocked):
            engine.open_case(case, passphrase="wrong horse battery")
        outcome = engine.verify_case(case, passphrase=PASSPHRASE)
        assert outcome.ok, outcome.bad


def test_a_backup_taken_while_an_examination_writes(place: Path) -> None:
    with opened(place) as (engine, session):
        running = session.examine(None)
        for number in range(3):
            job = done(engine, portability.back_up(engine, session, place / f"backup-{number}"))
            counts = (job.result or {})["counts"]
            assert isinstance(counts, dict)
            assert counts["exhibits"] == 3
        done(engine, running)
        kinds = [event.kind.value for event in session.custody()]
        assert kinds.count("backed_up") == 3
    with PatternEngine(place / "home-plain") as engine:
        for number in range(3):
            outcome = engine.verify_case(place / f"backup-{number}")
            assert outcome.ok, outcome.bad
        # The same copy in the place of the case itself is the case with its end cut off.
        shutil.rmtree(place / "plain")
        shutil.copytree(place / "backup-0", place / "plain")
        assert [line.subject for line in engine.verify_case(place / "plain").bad] == ["custody tail"]


@pytest.mark.parametrize("name", ["plain", "sealed"])
def test_out_and_in_again(place: Path, name: str) -> None:
    passphrase = PASSPHRASE if name == "sealed" else None
    out = place / "out.zip"
    (place / name / "notes.txt").write_text("somebody's own", encoding="utf-8")
    with opened(place, name) as (engine, session):
        wish = ExportWish(out, "trial", "order 7", "lab B")
        facts = done(engine, portability.export(engine, session, wish)).result or {}
        counts = facts["counts"]
        assert isinstance(counts, dict)
        assert all(both["case"] == both["pack"] for both in counts.values())
        assert counts["exhibits"]["pack"] == 3
        assert facts["left_out"] == ["notes.txt"]
        said = json.loads(session.custody()[-1].body)
        assert (said["recipient"], said["purpose"], said["authority"]) == ("lab B", "trial", "order 7")
        assert said["sha256"] == facts["sha256"]
    if passphrase is not None:
        assert holds(place / "sealed") == []
        assert MARKER.encode() not in out.read_bytes()
    outcome = portability.check_pack(out)
    assert outcome.ok, outcome.bad
    with Engine(place / "other") as other:  # another installation, with another ledger key
        got = done(other, portability.import_pack(other, out, place / "in", passphrase=passphrase)).result or {}
        assert (got["recorded"], got["code"]) == (True, facts["code"])
        outcome = other.verify_case(place / "in", passphrase=passphrase)
        assert outcome.ok, outcome.bad
        copy = other.open_case(place / "in", passphrase=passphrase)
        assert "imported" in [event.kind.value for event in copy.custody()]
        assert copy.frame(copy.evidence()[0].id, 0).rgb.any()
        copy.close()
        job = portability.import_pack(other, out, place / "kept", passphrase=passphrase, as_received=True)
        assert (done(other, job).result or {})["recorded"] is False
        kept = other.open_case(place / "kept", read_only=True, passphrase=passphrase)
        assert kept.custody_head().code == facts["code"]
        kept.close()
        with pytest.raises(CaseExists):
            portability.import_pack(other, out, place / "in")
        again = other.jobs.wait(portability.import_pack(other, out, place / "in", as_received=True))
        assert again.error_code == "case_exists"


def test_a_disclosure_holds_what_was_chosen_and_nothing_else(place: Path) -> None:
    with opened(place, "sealed") as (engine, session):
        chosen = (session.evidence()[0].id, session.evidence()[2].id)
        hidden = session.evidence()[1]
        wish = ExportWish(place / "d.zip", "disclosure", "rule 16", "defence", chosen)
        done(engine, portability.export(engine, session, wish))
        events = len(session.custody())
    outcome = portability.check_pack(place / "d.zip")
    assert outcome.ok, outcome.bad
    unzip(place / "d.zip", place / "d")
    everything = b"".join(p.read_bytes() for p in sorted((place / "d").rglob("*")) if p.is_file())
    for secret in (hidden.id, hidden.sha256, hidden.name, f'"{hidden.exhibit}"'):
        assert secret.encode() not in everything, secret
    names = {p.relative_to(place / "d").as_posix() for p in (place / "d").rglob("*") if p.is_file()}
    assert {"rerun.json", "viewer.html", "README.txt", "checkpoint.txt", "exhibits/EX-01/original"} <= names
    assert not any(name.startswith(("exhibits/EX-02", "reports/")) for name in names)
    heads = sorted(n for n in names if n.startswith("custody/") and not n.endswith(".body.json"))
    assert len(heads) == events - 1  # the export itself came later
    bodies = sorted(n for n in names if n.endswith(".body.json"))
    assert 0 < len(bodies) < len(heads)
    less = ["exhibits/EX-03", bodies[-1], "exhibits/EX-01/examination-1/track-01.jsonl"]
    assert set(less[1:]) <= set(portability.redact(place / "d.zip", less, place / "e.zip", "one face, one exhibit"))
    outcome = portability.check_pack(place / "e.zip")
    assert outcome.ok, outcome.bad
    assert any(line.subject == "redactions" for line in outcome.lines)


def test_a_finding_is_made_again_from_a_disclosure_on_a_clean_machine(place: Path) -> None:
    """C5: only the pack, its rerun.json, and a machine that never saw the case; examined encrypted, then plain."""
    with opened(place, "sealed") as (engine, session):
        wish = ExportWish(place / "d.zip", only=(session.evidence()[0].id,))
        done(engine, portability.export(engine, session, wish))
    unzip(place / "d.zip", place / "d")
    finding = json.loads((place / "d" / "rerun.json").read_text(encoding="utf-8"))["findings"][0]
    with PatternEngine(place / "clean") as clean:
        session = clean.create_case(place / "rerun", number="r", title="r", examiner="other side", question="")
        done(clean, session.import_files([place / "d" / "exhibits" / "EX-01" / "original"]))
        item = session.evidence()[0]
        assert item.sha256 == finding["exhibit_sha256"]
        done(clean, session.examine(None, BOTH))
        again = [(s.track_number, s.detector, s.mean) for s in session.summaries(session.examinations()[0].id, item.id)]
        session.close()
    said = json.loads((place / "d" / finding["compare_with"]).read_text(encoding="utf-8"))
    assert [(s["track_number"], s["detector"], s["mean"]) for s in said["tracks"]] == again != []
    page = (place / "d" / "viewer.html").read_text(encoding="utf-8")
    (row,) = [part for part in page.split("<tr>") if "<td>slope</td>" in part]
    assert "<td>not validated for any kind of forgery</td><td>in summary.json</td>" in row
    (row,) = [part for part in page.split("<tr>") if "<td>rings</td>" in part]
    assert "not validated" not in row


def test_an_archived_case_is_read_only_until_it_is_unsealed(place: Path) -> None:
    with opened(place) as (engine, session):
        facts = done(engine, portability.archive(engine, session, ExportWish(place / "a.zip", "closed"))).result or {}
        case = session.case.id
    with PatternEngine(place / "home-plain") as engine:
        assert any(str(facts["sha256"]) in source for _, source, _ in engine.pins(case))
        with pytest.raises(CaseReadOnly, match="sealed"):
            engine.open_case(place / "plain")
        assert engine.verify_case(place / "plain").ok
        job = portability.import_pack(engine, place / "a.zip", place / "in", as_received=True)
        assert (done(engine, job).result or {})["recorded"] is False
        assert engine.verify_case(place / "in").ok
        with pytest.raises(CaseReadOnly, match="sealed"):
            engine.open_case(place / "in")
        session = engine.open_case(place / "plain", unseal="appeal")
        assert json.loads([e for e in session.custody() if e.kind.value == "sealed"][-1].body)["reason"] == "appeal"
        session.close()
        engine.open_case(place / "plain").close()


def test_an_export_that_is_cancelled_leaves_nothing(place: Path) -> None:
    with opened(place) as (_, session):
        before = sorted(p.name for p in (place / "plain").rglob("*"))
        for steps in (0, 1, 5, 9):
            count = iter(range(1000))
            with pytest.raises(Cancelled):
                export_case(session.store, place / "out.zip", cancelled=lambda: next(count) >= steps)  # noqa: B023
        assert sorted(p.name for p in (place / "plain").rglob("*")) == before
    assert not [*place.glob("*.zip"), *place.glob(".*.part")]


def test_the_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, word, new = tmp_path / "case", tmp_path / "word.txt", tmp_path / "new.txt"
    word.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    new.write_text("another horse battery\n", encoding="utf-8")
    portrait(tmp_path / "p.png", (90, 90))
    assert call(capsys, "case", "create", case, "--encrypt", "--passphrase-file", word)[0] == 0
    assert call(capsys, "evidence", "add", case, tmp_path / "p.png", "--passphrase-file", word)[0] == 0
    code, told = call(capsys, "case", "show", case)
    assert (code, told["error"]["code"]) == (3, "case_locked")  # type: ignore[index]
    monkeypatch.setenv("WORKSTATION_PASSPHRASE", "not the passphrase")
    code, told = call(capsys, "case", "verify", case)
    assert (code, told["error"]["code"]) == (3, "case_locked")  # type: ignore[index]
    monkeypatch.setenv("WORKSTATION_PASSPHRASE", PASSPHRASE)
    assert call(capsys, "case", "verify", case)[1]["ok"] is True
    code, told = call(capsys, "case", "rekey", case, "--new-passphrase-file", new)
    assert (code, told["verified"]) == (0, True)
    monkeypatch.setenv("WORKSTATION_PASSPHRASE", "another horse battery")
    code, told = call(capsys, "case", "rekey", case, "--full", "--new-passphrase-file", word)
    assert (code, told["verified"]) == (0, True)
    monkeypatch.setenv("WORKSTATION_PASSPHRASE", PASSPHRASE)
    assert call(capsys, "case", "backup", case, tmp_path / "backup")[1]["recorded"] is True
    with Engine() as busy:
        session = busy.open_case(case)
        assert call(capsys, "case", "backup", case, tmp_path / "second")[1]["recorded"] is False
        session.close()
    code, told = call(capsys, "case", "export", case, tmp_path / "out.zip", "--recipient", "lab")
    assert code == 0
    assert call(capsys, "pack", "verify", tmp_path / "out.zip")[1]["ok"] is True
    code, told = call(capsys, "case", "import", tmp_path / "out.zip", tmp_path / "in")
    assert (code, told["error"]["code"]) == (3, "case_exists")  # type: ignore[index]
    assert call(capsys, "case", "import", tmp_path / "out.zip", tmp_path / "kept", "--as-received")[0] == 0
    assert call(capsys, "case", "verify", tmp_path / "kept")[1]["ok"] is True
    home = os.environ["WORKSTATION_HOME"]
    monkeypatch.setenv("WORKSTATION_HOME", str(tmp_path / "elsewhere"))
    assert call(capsys, "case", "import", tmp_path / "out.zip", tmp_path / "in")[0] == 0
    assert call(capsys, "case", "decrypt", tmp_path / "in")[1]["verified"] is True
    assert not (tmp_path / "in" / "case.key").exists()
    assert call(capsys, "case", "encrypt", tmp_path / "in")[1]["verified"] is True
    assert holds(tmp_path / "in") == []
    monkeypatch.setenv("WORKSTATION_HOME", home)
    code, told = call(
        capsys, "case", "export", case, tmp_path / "d.zip", "--disclose", "--only", "1", "--without-media"
    )
    assert code == 0
    code, told = call(capsys, "pack", "redact", tmp_path / "d.zip", tmp_path / "e.zip", "--without", "exhibits/EX-01")
    assert code == 0
    assert call(capsys, "pack", "verify", tmp_path / "e.zip")[1]["ok"] is True
    assert call(capsys, "case", "archive", case, tmp_path / "a.zip")[0] == 0
    assert call(capsys, "evidence", "add", case, tmp_path / "p.png")[0] == 3
    assert call(capsys, "case", "unseal", case, "--reason", "appeal")[0] == 0
    data = bytearray((tmp_path / "out.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.zip").write_bytes(data)
    code, told = call(capsys, "pack", "verify", tmp_path / "bad.zip")
    assert (code, told["ok"]) == (6, False)


def test_a_wrong_passphrase_is_one_line_and_nothing_else(tmp_path: Path) -> None:
    environment = os.environ | {"WORKSTATION_HOME": str(tmp_path / "home"), "WORKSTATION_PASSPHRASE": PASSPHRASE}
    command = [sys.executable, "-m", "workstation", "case"]
    subprocess.run([*command, "create", str(tmp_path / "case"), "--encrypt"], check=True, env=environment)
    told = subprocess.run(
        [*command, "show", str(tmp_path / "case")],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment | {"WORKSTATION_PASSPHRASE": "some other words"},
    )
    assert told.returncode == 3
    assert told.stdout == ""
    assert len(told.stderr.strip().splitlines()) == 1
    assert "passphrase" in told.stderr
