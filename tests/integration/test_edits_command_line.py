"""Notes, bookmarks and tags from the command line, taken back and brought back by later commands (U11, U27, U37)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clips import write_barcode_clip
from workstation.cli.main import run


@pytest.fixture
def case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """A case with one clip of 12 frames, 25 a second."""
    folder = tmp_path / "case"
    call(capsys, "case", "create", folder, "--examiner", "A. Ruiz")
    write_barcode_clip(tmp_path / "clip.mp4", 12)
    assert call(capsys, "evidence", "add", folder, tmp_path / "clip.mp4")[0] == 0
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object, plain: bool = False) -> tuple[int, Any]:
    code = 0
    try:
        run([str(argument) for argument in (*arguments, *(() if plain else ("--json",)))])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    out = capsys.readouterr().out
    return code, out if plain else json.loads(out)


def test_edits_from_command_to_command(capsys: pytest.CaptureFixture[str], case: Path) -> None:
    """Each command is a program of its own that opens and closes the case: undo survives all of them."""
    assert call(capsys, "case", "note", case, "--about", "EX-01", "The jaw flickers")[0] == 0
    code, marked = call(capsys, "case", "bookmark", case, "EX-01", "Left eye", "--time", "0.2")
    assert (code, marked["edit"]["label"]) == (0, "Bookmark EX-01 at 0.200 s")
    code, tagged = call(capsys, "case", "tag", case, "clip.mp4", "faces/ swap /mouth")
    assert (code, tagged["edit"]["label"]) == (0, "Tag EX-01 faces/swap/mouth")
    assert call(capsys, "case", "undo", case)[1]["edit"]["target"] == 3
    assert call(capsys, "case", "undo", case)[1]["edit"]["target"] == 2
    code, listed = call(capsys, "case", "edits", case)
    assert [entry["body"]["text"] for entry in listed["objects"]] == ["The jaw flickers"]
    assert (listed["undo"]["edit"], listed["redo"]["edit"]) == (1, 2)
    assert call(capsys, "case", "redo", case)[1]["edit"]["action"] == "redo"
    objects = call(capsys, "case", "edits", case)[1]["objects"]
    assert [(entry["kind"], entry["body"].get("label")) for entry in objects] == [
        ("note", None),
        ("bookmark", "Left eye"),
    ]
    assert call(capsys, "case", "note", case, "About the whole")[1]["edit"]["label"] == "Note on the case"
    code, told = call(capsys, "case", "redo", case)
    assert (code, told["error"]["code"]) == (2, "input")
    lines = call(capsys, "case", "edits", case, plain=True)[1].splitlines()
    assert [line.split("  ")[-1] for line in lines[:-1]] == [
        "Note on EX-01",
        "Bookmark EX-01 at 0.200 s",
        "Tag EX-01 faces/swap/mouth",
        "undone: Tag EX-01 faces/swap/mouth",
        "undone: Bookmark EX-01 at 0.200 s",
        "done again: Bookmark EX-01 at 0.200 s",
        "Note on the case",
    ]
    assert lines[-1] == "undo would take back: Note on the case"
    assert call(capsys, "case", "verify", case)[0] == 0


def test_a_bookmark_names_one_frame(capsys: pytest.CaptureFixture[str], case: Path) -> None:
    """By exact time stamp, or the frame on screen at a time; never between frames."""
    pts = []
    for how in ((), ("--time", "0.039"), ("--time", "0.04"), ("--time", "0.0799")):
        code, made = call(capsys, "case", "bookmark", case, "EX-01", *how)
        assert code == 0, (how, made)
        pts.append(made["edit"]["changes"][0]["after"]["pts"])
    assert pts[0] == pts[1] == 0
    assert pts[3] == 2 * pts[2] > 0
    code, made = call(capsys, "case", "bookmark", case, "EX-01", "--pts", pts[2])
    body = made["edit"]["changes"][0]["after"]
    assert (code, body["pts"], body["label"]) == (0, pts[2], "EX-01 at 0.040 s")
    for wrong in (("--pts", "987654"), ("--time", "0.5"), ("--time", "-1"), ("--pts", "0", "--time", "0")):
        code, told = call(capsys, "case", "bookmark", case, "EX-01", *wrong)
        assert (code, told["error"]["code"]) == (2, "input"), wrong
    assert len(call(capsys, "case", "edits", case)[1]["edits"]) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("note", "--about", "EX-07", "words"),
        ("note", "  "),
        ("tag", "EX-01", "a//b"),
        ("tag", "EX-01", ""),
        ("undo",),
        ("redo",),
    ],
)
def test_what_cannot_be_done_is_one_line(
    capsys: pytest.CaptureFixture[str], case: Path, arguments: tuple[str, ...]
) -> None:
    name, *rest = arguments
    code, told = call(capsys, "case", name, case, *rest)
    assert code == 2
    assert told["error"]["line"]
    assert call(capsys, "case", "edits", case)[1]["edits"] == []
