"""The command line as a script uses it: JSON on every command, exit codes, errors as documents."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.fakes.marked_engine import marked_portrait
from workstation.cli.main import run
from workstation.domain.custody import CheckLine, CheckState, Verification


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, object]:
    code = 0
    try:
        run([str(argument) for argument in (*arguments, "--json")])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    return code, json.loads(capsys.readouterr().out)


def test_a_case_from_its_making_to_its_list(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    case = tmp_path / "case"
    code, made = call(capsys, "case", "create", case, "--number", "2026/7", "--examiner", "A. Ruiz")
    assert code == 0
    assert made["number"] == "2026/7"  # type: ignore[index]
    Image.fromarray(marked_portrait(None)).save(tmp_path / "p.png")
    code, added = call(capsys, "evidence", "add", case, tmp_path / "p.png", "--note", "from a phone")
    assert code == 0
    assert [item["exhibit"] for item in added["added"]] == ["EX-01"]  # type: ignore[index]
    code, shown = call(capsys, "case", "show", case)
    assert code == 0
    assert shown["exhibits"][0]["name"] == "p.png"  # type: ignore[index]
    before = shown["custody"]  # type: ignore[index]
    code, verified = call(capsys, "case", "verify", case)
    assert code == 0
    assert verified["ok"] is True  # type: ignore[index]
    assert call(capsys, "case", "show", case)[1]["custody"] == before  # type: ignore[index]
    assert call(capsys, "case", "verify", case, "--record")[0] == 0
    assert call(capsys, "case", "show", case)[1]["custody"] != before  # type: ignore[index]
    code, listed = call(capsys, "case", "list")
    assert code == 0
    assert [(c["number"], c["available"]) for c in listed["cases"]] == [("2026/7", True)]  # type: ignore[index]


def test_a_new_case_in_the_folder_of_a_deleted_one_is_not_held_against_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number in ("first", "second"):
        assert call(capsys, "case", "create", tmp_path / "case", "--number", number)[0] == 0
        assert call(capsys, "case", "verify", tmp_path / "case")[0] == 0
        if number == "first":
            shutil.rmtree(tmp_path / "case")
    listed = call(capsys, "case", "list")[1]
    assert [case["number"] for case in listed["cases"]] == ["second"]  # type: ignore[index]


def test_folders_are_taken_in_file_by_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    media = tmp_path / "media"
    (media / "inner").mkdir(parents=True)
    for name, scale in (("a.png", 0.5), ("inner/b.jpg", 0.6), (".hidden.png", 0.7)):
        Image.fromarray(marked_portrait(None, scale)).save(media / name)
    (media / "notes.txt").write_text("not media", encoding="utf-8")
    call(capsys, "case", "create", tmp_path / "case")
    code, added = call(capsys, "evidence", "add", tmp_path / "case", media)
    assert code == 0
    assert [item["name"] for item in added["added"]] == ["a.png", "b.jpg"]  # type: ignore[index]
    assert [Path(item["path"]).name for item in added["refused"]] == ["notes.txt"]  # type: ignore[index]


def test_an_error_with_json_is_a_document_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, told = call(capsys, "case", "show", tmp_path / "nothing")
    assert code == 3
    assert told["error"]["code"] == "case_not_found"  # type: ignore[index]
    code, told = call(capsys, "report", "verify", tmp_path / "nothing.pdf")
    assert code == 2
    assert told["error"]["code"] == "not_found"  # type: ignore[index]


def test_detectors_are_listed_shown_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    code, listed = call(capsys, "model", "list")
    assert code == 0
    names = [entry["id"] for entry in listed["detectors"]]  # type: ignore[index]
    assert {"clip-ln-small", "fakelocator-small"} <= set(names)
    assert all(entry["problem"] == "" and entry["calibrated"] is False for entry in listed["detectors"])  # type: ignore[index]
    for name in names:
        code, shown = call(capsys, "model", "show", name)
        assert code == 0
        assert shown["card"]["baseline"] is True  # type: ignore[index]
        assert shown["card"]["training"]  # type: ignore[index]
        assert shown["card"]["validation"]  # type: ignore[index]
    code, verified = call(capsys, "model", "verify")
    assert code == 0, verified
    assert call(capsys, "model", "show", "nobody")[0] == 7


def test_wrong_options_are_told_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call(capsys, "case", "create", tmp_path / "case")
    code, told = call(capsys, "examine", tmp_path / "case", "--frames", "many")
    assert code == 2
    assert "many" in told["error"]["line"]  # type: ignore[index]
    assert call(capsys, "examine", tmp_path / "case", "--resume")[0] == 2


def test_what_failed_is_printed_last(capsys: pytest.CaptureFixture[str]) -> None:
    from workstation.cli.output import Output, show_verification

    lines = (CheckLine("one", CheckState.BAD, "torn"), CheckLine("two", CheckState.OK, "whole"))
    show_verification(Output(False), Verification(lines))
    told = capsys.readouterr().out.splitlines()
    assert told == ["ok   two: whole", "BAD  one: torn", "NOT verified: 1 of 2 checks failed"]


def test_the_installed_command_answers_without_a_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workstation", "--version"], capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout.startswith("workstation ")
