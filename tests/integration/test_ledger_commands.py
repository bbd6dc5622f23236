"""The commands around the chain of custody: what they print, what they refuse, and their exit codes (C3, E7)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workstation.cli.main import run
from workstation.domain.checkpoints import VerifierKey
from workstation.domain.custody import event_hash
from workstation.domain.merkle import consistency_holds, inclusion_holds, leaf_hash
from workstation.storage.checkpoints import open_checkpoint

WHY = ("--purpose", "review", "--authority", "order 7")


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("WORKSTATION_HOME", str(tmp_path / "home"))
    said(capsys, "case", "create", tmp_path / "case", "--number", "7", "--examiner", "E", *WHY)
    return tmp_path / "case"


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """Run one command and return what it printed."""
    capsys.readouterr()
    try:
        run([str(argument) for argument in arguments])
        ended = 0
    except SystemExit as stop:
        ended = int(stop.code or 0)
    printed = capsys.readouterr()
    assert ended == code, printed
    return printed.out


def test_a_head_kept_on_paper_and_in_a_file(case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    facts = json.loads(said(capsys, "case", "checkpoint", case, "--json"))
    assert open_checkpoint(facts["checkpoint"], VerifierKey.parse(facts["verifier_key"])).size == facts["events"] == 2
    said(capsys, "case", "checkpoint", case, "--output", tmp_path / "note")
    told = json.loads(said(capsys, "case", "transfer", case, "--to", "Court", "--purpose", "hearing", "--json"))
    kept = ("--code", facts["code"], "--code", told["code"], "--checkpoint", tmp_path / "note")
    out = said(capsys, "case", "verify", case, *kept)
    assert "kept checkpoint: its 2 events are the first of this chain" in out
    assert "the head at event 4 of 5" in out
    bad = json.loads(said(capsys, "case", "verify", case, "--code", "AAAAA-BBBBB-CCCCC-DDDDD", "--json", code=6))
    assert [line["subject"] for line in bad["lines"] if line["state"] == "bad"] == ["custody tail"]
    said(capsys, "case", "verify", case, "--checkpoint", tmp_path / "missing", code=2)


def test_the_log_as_a_list_and_as_files(case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said(capsys, "case", "checkpoint", case, "--output", tmp_path / "note")
    listed = json.loads(said(capsys, "case", "log", case, "--json"))["events"]
    assert [event["kind"] for event in listed] == ["case_created", "case_closed"]
    assert {(e["body"]["purpose"], e["body"]["authority"]) for e in listed} == {("review", "order 7")}
    assert "case_created" in said(capsys, "case", "log", case)
    files = {"--output": tmp_path / "full", "--redacted": tmp_path / "redacted"}
    for option, path in files.items():
        said(capsys, "case", "log", case, option, path, "--purpose", "review")
        assert "verified" in said(capsys, "log", "verify", path, "--checkpoint", tmp_path / "note")
    assert '"question"' not in files["--redacted"].read_text()
    key = json.loads(said(capsys, "case", "checkpoint", case, "--json"))["verifier_key"]
    said(capsys, "log", "verify", files["--redacted"], "--key", key)
    text = files["--redacted"].read_text()
    (tmp_path / "altered").write_text(text.replace('"actor": "E"', '"actor": "F"', 1))
    outcome = json.loads(said(capsys, "log", "verify", tmp_path / "altered", "--json", code=6))
    assert "custody event 1" in {line["subject"] for line in outcome["lines"] if line["state"] == "bad"}
    said(capsys, "log", "verify", tmp_path / "nothing", code=2)
    kinds = [event["kind"] for event in json.loads(said(capsys, "case", "log", case, "--json"))["events"]]
    assert kinds.count("exported") == kinds.count("redacted") == 1


def test_a_proof_holds_with_nothing_but_the_head(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        said(capsys, "case", "transfer", case, "--to", f"Court {number}")
    proof = json.loads(said(capsys, "case", "prove", case, "4", "--since", "2"))
    event, path = proof["event"], [bytes.fromhex(part) for part in proof["path"]]
    digest = event_hash(*(event[n] for n in ("seq", "at", "actor", "kind", "body")), bytes.fromhex(proof["prev"]))
    head = open_checkpoint(proof["checkpoint"], VerifierKey.parse(proof["verifier_key"]))
    assert (digest.hex(), head.size, head.root.hex()) == (proof["hash"], proof["size"], proof["root"])
    assert inclusion_holds(leaf_hash(digest), proof["index"], head.size, path, head.root)
    older = proof["consistency"]
    chain = [bytes.fromhex(part) for part in older["path"]]
    assert consistency_holds(2, bytes.fromhex(older["from_root"]), head.size, head.root, chain)
    said(capsys, "case", "prove", case, "99", code=2)


def test_a_deletion_needs_something_to_delete(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "case", "delete", case, "DI-01", "--reason", "mistake", code=2)
    said(capsys, "case", "delete", case, "DI-01", "--reason", " ", code=2)
