"""Exhibits at the command line: purpose and authority, duplicates, list, verify, cancel and go on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.fakes.marked_engine import marked_portrait
from workstation.cli.main import run
from workstation.storage.copying import CHUNK


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code = 0
    try:
        run([str(argument) for argument in (*arguments, "--json")])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    media = tmp_path / "media"
    media.mkdir()
    Image.fromarray(marked_portrait(None, 0.3)).save(media / "a.png")
    (media / "b.png").write_bytes((media / "a.png").read_bytes())
    (media / ".c.png").write_bytes(b"x")
    assert call(capsys, "case", "create", tmp_path / "case")[0] == 0
    said = ("--note", "from a phone", "--purpose", "examination", "--authority", "order 4/26")
    code, told = call(capsys, "evidence", "add", tmp_path / "case", media, *said)
    assert code == 0
    assert (told["total"], len(told["added"]), len(told["duplicates"]), len(told["left_out"])) == (3, 1, 1, 1)
    return tmp_path / "case"


def test_what_was_said_at_intake_is_listed_and_shown(capsys: pytest.CaptureFixture[str], case: Path) -> None:
    code, listed = call(capsys, "evidence", "list", case)
    assert code == 0
    (exhibit,) = listed["exhibits"]
    assert (exhibit["purpose"], exhibit["authority"], exhibit["note"]) == ("examination", "order 4/26", "from a phone")
    assert exhibit["integrity"] == "verified"
    assert exhibit["source"].endswith("media/a.png")
    code, shown = call(capsys, "case", "show", case)
    assert code == 0
    assert shown["exhibits"] == listed["exhibits"]
    (batch,) = shown["imports"]
    assert (batch["state"], batch["total"], batch["waiting"]) == ("done", 3, 0)
    assert shown["unfinished"] == []
    with pytest.raises(SystemExit):
        run(["case", "show", str(case)])
    lines = capsys.readouterr().out
    assert "purpose: examination" in lines
    assert "authority: order 4/26" in lines


def test_verify_tells_the_exhibit_that_differs_and_no_report_is_built(
    capsys: pytest.CaptureFixture[str], case: Path, tmp_path: Path
) -> None:
    assert call(capsys, "evidence", "verify", case, "EX-01")[0] == 0
    (stored,) = [path for path in (case / "evidence").rglob("*") if path.is_file()]
    whole = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    code, told = call(capsys, "evidence", "verify", case)
    assert code == 6
    assert told["exhibits"][0]["integrity"] == "MISMATCH"
    code, told = call(capsys, "report", "build", case, "-o", tmp_path / "r.pdf")
    assert (code, told["error"]["code"]) == (6, "integrity_mismatch")
    assert not (tmp_path / "r.pdf").exists()
    stored.write_bytes(whole)
    code, told = call(capsys, "evidence", "verify", case)
    assert (code, told["ok"]) == (0, True)


def test_files_or_resume_and_nothing_else(capsys: pytest.CaptureFixture[str], case: Path, tmp_path: Path) -> None:
    assert call(capsys, "evidence", "add", case)[0] == 2
    assert call(capsys, "evidence", "add", case, tmp_path, "--resume")[0] == 2
    code, told = call(capsys, "evidence", "add", case, "--resume")
    assert code == 2
    assert "no unfinished import" in told["error"]["line"]
    assert call(capsys, "evidence", "add", case, tmp_path / "media" / "a.png")[0] == 5
    assert call(capsys, "evidence", "verify", case, "EX-09")[0] == 2


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
def test_an_interrupt_ends_with_eleven_and_the_import_goes_on(
    capsys: pytest.CaptureFixture[str], case: Path, tmp_path: Path
) -> None:
    """The first file is a picture; the second is large enough to be interrupted in the middle of its copy."""
    folder = tmp_path / "more"
    folder.mkdir()
    Image.fromarray(marked_portrait(None, 0.2)).save(folder / "1.png")
    with (folder / "2.bin").open("wb") as big:
        big.truncate(400 * CHUNK)
    command = [sys.executable, "-m", "workstation", "evidence", "add", str(case), str(folder)]
    # A shell makes what it runs in the background deaf to interrupts, and that is inherited.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=hears) as program:
        until = time.monotonic() + 60
        incoming = case / "evidence"
        while time.monotonic() < until and not any(p.stat().st_size > 2 * CHUNK for p in incoming.glob(".incoming*")):
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        told = program.communicate(timeout=60)[1]
    assert program.returncode == 11, told
    assert told.startswith("workstation: ")
    assert len(told.splitlines()) == 1
    assert not list(incoming.glob(".incoming*"))
    code, shown = call(capsys, "case", "show", case)
    assert [exhibit["name"] for exhibit in shown["exhibits"]] == ["a.png", "1.png"]
    assert "was cancelled: 1 of 2 files" in shown["unfinished"][0]
    assert "--resume" in shown["unfinished"][0]
    (folder / "2.bin").unlink()
    Image.fromarray(marked_portrait(None, 0.25)).save(folder / "2.bin", format="png")
    code, told = call(capsys, "evidence", "add", case, "--resume")
    assert code == 0
    assert [item["name"] for item in told["added"]] == ["1.png", "2.bin"]
    assert "2.bin" in told["changed"][0]
    assert call(capsys, "case", "verify", case)[0] == 0


def test_a_data_sheet_needs_the_persons_own_texts_and_whole_exhibits(
    capsys: pytest.CaptureFixture[str], case: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.pdf"
    code, told = call(capsys, "case", "datasheet", case, "-o", sheet, "--process", "copied by hand")
    assert (code, sheet.exists()) == (2, False)
    assert "qualifications" in told["error"]["line"]
    (tmp_path / "who.txt").write_text("Ten years of acquisitions.", encoding="utf-8")
    texts = ("--qualifications", f"@{tmp_path / 'who.txt'}", "--process", "copied by hand")
    code, told = call(capsys, "case", "datasheet", case, "-o", sheet, "--exhibit", "EX-01", *texts)
    assert code == 0
    assert told["exhibits"] == ["EX-01"]
    assert hashlib.sha256(sheet.read_bytes()).hexdigest() == told["sha256"]
    with sqlite3.connect(f"file:{case / 'case.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT body FROM custody WHERE kind = 'exported'").fetchall()
    (body,) = [json.loads(row[0]) for row in rows]
    assert (body["what"], body["sha256"]) == ("data sheet on copied data", told["sha256"])
    sheet.unlink()
    (stored,) = [path for path in (case / "evidence").rglob("*") if path.is_file()]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes()[:-1])
    assert call(capsys, "case", "datasheet", case, "-o", sheet, *texts)[0] == 6
    assert not sheet.exists()
