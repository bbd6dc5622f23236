"""Persons from the command line, and an examination that compares a track with the references of the claimed person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.clips import astronaut_frames, write_astronaut_clip
from tests.unit.detectors.identity_samples import write_recogniser
from workstation.app.engine import Engine
from workstation.cli.main import run
from workstation.media.clips import write_clip


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code = 0
    try:
        run([str(argument) for argument in (*arguments, "--json")])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    return code, json.loads(capsys.readouterr().out)


def test_persons_on_the_command_line_and_what_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    case = tmp_path / "case"
    call(capsys, "case", "create", case, "--examiner", "A. Ruiz")
    assert call(capsys, "person", "list", case)[1]["persons"] == []
    code, made = call(capsys, "person", "add", case, "Ada Lovelace")
    assert (code, made["label"]) == (0, "Person Ada Lovelace")
    for refused in (
        ("person", "add", case, "ada lovelace"),
        ("person", "add", case, " "),
        ("person", "claim", case, "Ada Lovelace", "EX-01"),
        ("person", "claim", case, "Nobody", "EX-01"),
        ("person", "reference", case, "Ada Lovelace", "EX-01", "--examination", 1),
        ("person", "reference", case, "Ada Lovelace", "EX-01:T1", "--examination", 1),
        ("person", "forget", case, "Nobody"),
    ):
        code, told = call(capsys, *refused)
        assert code == 2, refused
        assert "\n" not in told["error"]["line"]
    assert call(capsys, "person", "forget", case, "Ada Lovelace")[0] == 0
    assert call(capsys, "person", "list", case)[1]["persons"] == []
    assert call(capsys, "case", "undo", case)[0] == 0
    assert [person["name"] for person in call(capsys, "person", "list", case)[1]["persons"]] == ["Ada Lovelace"]


@pytest.mark.slow
def test_an_examination_compares_a_track_with_the_references_of_the_claimed_person(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Three clips: the person, the same again, and the same drawn in other colours for another person."""
    case = tmp_path / "case"
    write_astronaut_clip(tmp_path / "known.mp4", 8)
    write_astronaut_clip(tmp_path / "same.mp4", 9)
    other = (np.ascontiguousarray(frame[..., [2, 0, 1]]) for frame in astronaut_frames(8))
    write_clip(tmp_path / "other.mp4", other)
    package = write_recogniser(tmp_path / "colours.onnx")
    refused, told = call(capsys, "model", "install", package)
    assert (refused, "licence" in told["error"]["line"]) == (7, True)
    assert call(capsys, "model", "install", package, "--licence", "made here")[0] == 0
    call(capsys, "case", "create", case, "--examiner", "A. Ruiz")
    for name in ("known", "same", "other"):
        assert call(capsys, "evidence", "add", case, tmp_path / f"{name}.mp4")[0] == 0
    examine = ("examine", case, "--detector", "identity-colours", "--frames", 3)
    assert call(capsys, *examine, "--evidence", "EX-01")[0] == 0
    call(capsys, "person", "add", case, "The astronaut")
    code, made = call(capsys, "person", "reference", case, "the astronaut", "EX-01:T1", "--examination", 1)
    assert (code, made["label"]) == (0, "EX-01 T1 shows The astronaut")
    assert made["persons"][0]["references"][0]["pictures"] == 3
    code, told = call(capsys, "person", "reference", case, "The astronaut", "EX-01:T9", "--examination", 1)
    assert (code, told["error"]["code"]) == (2, "not_found")
    for place in ("EX-02", "EX-03:t1"):
        assert call(capsys, "person", "claim", case, "The astronaut", place)[0] == 0
    assert call(capsys, *examine)[0] == 0
    with Engine() as engine:
        session = engine.open_case(case, read_only=True)
        second = session.examinations()[-1]
        frozen = json.loads(second.plan.detectors[0].settings["gallery"])
        readings = {item.exhibit: session.store.readings.of(second.id, item.id)[0] for item in session.evidence()}
        session.close()
    assert [len(frozen[part]) for part in ("persons", "references", "claims")] == [1, 1, 2]
    medians = {
        exhibit: next((m.value for m in reading.measures if m.name == "reference_median"), None)
        for exhibit, reading in readings.items()
    }
    assert medians["EX-01"] is None
    assert "no reference of a claimed person" in readings["EX-01"].note
    assert medians["EX-02"] > 0.99 > medians["EX-03"]
    assert readings["EX-02"].value == pytest.approx((medians["EX-02"] + 1) / 2)
    assert readings["EX-03"].value < readings["EX-02"].value
    assert "3 reference images of The astronaut" in next(
        m.about for m in readings["EX-03"].measures if m.name == "reference_median"
    )
    assert call(capsys, "case", "verify", case)[0] == 0
    assert call(capsys, "person", "forget", case, "The astronaut", "EX-03:T1")[1]["persons"][0]["claims"] == [
        claim for claim in made_claims(capsys, case) if claim["exhibit"] == "EX-02"
    ]


def made_claims(capsys: pytest.CaptureFixture[str], case: Path) -> list[dict[str, str]]:
    claims: list[dict[str, str]] = call(capsys, "person", "list", case)[1]["persons"][0]["claims"]
    return claims
