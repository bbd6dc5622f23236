"""``workstation model`` as a person and a script use it: list, show, install, verify, remove."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from resources import resource_path
from tests.fakes.kind_figures import FAILING, THRESHOLD, standing
from workstation.cli import model_card, models
from workstation.cli.main import run
from workstation.detectors import allow, packages, registry
from workstation.detectors.allow import Family
from workstation.detectors.cards import parse_card, read_card
from workstation.domain.detectors import InstalledDetector, Level, ValidationRecord
from workstation.domain.kinds_of_forgery import ForgeryClass, validated_kinds


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = 0
    try:
        run([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    told = capsys.readouterr()
    return code, told.out, told.err


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    code, out, err = call(capsys, *arguments, "--json")
    assert code == 0, err
    found: dict[str, object] = json.loads(out)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A sound package of the embedded locator's weights under another id."""
    folder = tmp_path / "source"
    folder.mkdir()
    embedded = resource_path("detectors") / "fakelocator-small"
    (folder / "model.safetensors").write_bytes((embedded / "model.safetensors").read_bytes())
    packages.finish_package(folder, dataclasses.replace(read_card(embedded), id="other-locator", validation=()))
    return folder


def test_the_list_says_what_is_read_whether_there_is_a_map_and_a_self_test(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = call(capsys, "model", "list")
    assert code == 0
    head, *rows = out.splitlines()
    assert head.split() == ["detector", "version", "reads", "map", "self-test", "origin", "state"]
    row = next(line.split() for line in rows if line.startswith("fakelocator-small"))
    assert row[2:6] == ["face", "yes", "sealed", "embedded"]
    assert "uncalibrated, validated for face swap" in " ".join(row)
    told = document(capsys, "model", "list")
    entry = next(one for one in told["detectors"] if one["id"] == "clip-ln-small")  # type: ignore[attr-defined]  # a list
    assert (entry["level"], entry["map"], entry["self_test"], entry["licence"]) == ("face", False, True, "Apache-2.0")
    families = {one["name"]: one for one in told["families"]}  # type: ignore[attr-defined]  # a list
    assert families["fakelocator"]["distribution"] == "workstation"


def test_a_card_is_printed_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "model", "show", "fakelocator-small")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "FakeLocator, small (fakelocator-small 0.1)"
    (fed,) = [line for line in lines if line.startswith("  input ")]
    for part in ("crop of 256 px", "margin 1.3", "area to 192 px", "rgb", "mean 0.5 0.5 0.5", "std 0.25 0.25 0.25"):
        assert part in fed
    for label in ("state", "output", "weights", "SHA-256", "licence", "origin", "self-test", "training", "family"):
        assert any(line.startswith(f"  {label} ") for line in lines), label
    for title in ("Held against the publication", "Not held against the publication", "Limits"):
        at = lines.index(title)
        assert lines[at + 1].startswith("  - ")
    assert "  - CIPLAB composites: AUC 0.545 [0.470, 0.620], 119 genuine, 118 manipulated" in lines
    assert max(len(line) for line in lines if not line.startswith("  - ")) <= 110
    assert not re.search(r"\b(real|fake)\b", out, re.IGNORECASE)
    shown = document(capsys, "model", "show", "fakelocator-small")
    card = read_card(resource_path("detectors") / "fakelocator-small")
    assert set(shown["card"]) == {field.name for field in dataclasses.fields(card)}  # type: ignore[call-overload]  # a dict


def test_kinds_of_forgery_and_the_threshold_are_told_with_their_figures() -> None:
    card = read_card(resource_path("detectors") / "fakelocator-small")
    kinds = (*standing(ForgeryClass.FACE_SWAP), FAILING)
    card = dataclasses.replace(card, kinds=kinds, threshold=THRESHOLD)
    lines = list(model_card.lines(InstalledDetector(card, "folder", True), "code of workstation 0.1.0"))
    at = lines.index("Kinds of forgery (95 % intervals)")
    told = [line for line in lines[at + 1 :] if line.startswith("  - ")][: len(ForgeryClass)]
    assert told == [
        "  - parts of the face replaced: not validated for this; nothing was measured",
        "  - face swap: validated",
        "  - reenactment: not validated for this; nothing was measured",
        "  - whole face by a GAN: not validated for this",
        "  - whole face by a diffusion model: not validated for this; nothing was measured",
    ]
    text = " ".join(" ".join(lines).split())
    assert "made-up face_swap: AUC 0.900 [0.850, 0.940], sharpness alone 0.550, 80 genuine, 80 manipulated" in text
    assert "made-up faces: AUC 0.360 [0.280, 0.460]" in text
    assert "Threshold: above 0.8300, uncalibrated" in text
    assert (
        "False alarms 4.5% [1.0%, 11.5%] on 310 items in 62 groups: Untouched portraits of 62 people held out" in text
    )
    bare = list(model_card.lines(InstalledDetector(dataclasses.replace(card, kinds=(), threshold=None), "", True), ""))
    assert "Kinds of forgery: not validated for any kind of forgery" in bare
    assert "Threshold: none" in bare


def test_merged_figures_stand_apart_and_a_track_level_card_says_so() -> None:
    card = read_card(resource_path("detectors") / "fakelocator-small")
    output = dataclasses.replace(card.output, level=Level.TRACK, map_size=0, sequence=16, least=4)
    merged = ValidationRecord("A set", 10, 11, "AUC", 0.7, 0.6, 0.8, "a note", 8, "even")
    card = dataclasses.replace(card, output=output, validation=(*card.validation[:1], merged), self_test=None)
    lines = list(model_card.lines(InstalledDetector(card, "folder", False), "code of workstation 0.1.0"))
    at = lines.index("Validation with token merging (95 % intervals)")
    assert lines[at + 1] == (
        "  - A set: AUC 0.700 [0.600, 0.800], 10 genuine, 11 manipulated, 8 tokens merged a block (even)"
    )
    text = " ".join(" ".join(lines).split())
    assert "a score for each track as a whole, none for a single frame" in text
    assert "reads 4 to 16 crops of a track together" in text
    assert "self-test no self-test" in text
    assert model_card.reads(card) == "track"


def test_a_package_is_installed_verified_and_removed(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    code, out, _ = call(capsys, "model", "install", source)
    assert code == 0
    assert "other-locator 0.1 installed in" in out
    assert "self-test passed" in out
    code, out, _ = call(capsys, "model", "verify", "other-locator")
    assert code == 0
    assert "self-test: 4 drawn crops answered within 0.0001 on cpu in float32" in out
    code, out, _ = call(capsys, "model", "verify", "other-locator", "--here")
    assert code == 0, out
    code, _, err = call(capsys, "model", "remove", "other-locator")
    assert code == 2
    assert "--yes" in err
    told = document(capsys, "model", "remove", "other-locator", "--yes")
    assert told["id"] == "other-locator"
    assert call(capsys, "model", "show", "other-locator")[0] == 7
    code, _, err = call(capsys, "model", "remove", "clip-ln-small", "--yes")
    assert code == 7
    assert "came with the program" in err


def test_families_passed_over_are_named() -> None:
    ours = Family("clip_ln", "workstation", "0.1.0", "workstation.detectors.clip_ln.detector", "", ("acme-detectors",))
    theirs = Family("seams", "acme-detectors", "1", "acme", "its family comes from acme-detectors, which is not …")
    assert models._passed_over([ours, theirs]) == [
        'note: acme-detectors also offers the family "clip_ln"; the code of workstation is used'
    ]


def test_the_page_about_packages_shows_a_card_that_reads() -> None:
    page = (Path(allow.__file__).parent / "PACKAGE.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    card = parse_card(text.encode(), "page")
    assert card.validation[0].merge == 8
    assert card.self_test is not None
    assert card.threshold is not None
    assert [str(kind) for kind in validated_kinds(card.kinds)] == ["face_swap"]
    for name in ("verified", "level", "self_test", "schedule", "colour", "least", *ForgeryClass):
        assert name in text


def test_a_weights_file_is_recognised(capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path) -> None:
    code, out, _ = call(capsys, "model", "recognise", source / "model.safetensors")
    assert code == 0
    assert out.startswith("model.safetensors: safetensors, 118 tensors")
    assert document(capsys, "model", "recognise", source / "model.safetensors")["tensors"] == 118
    assert call(capsys, "model", "recognise", tmp_path / "nothing.pt")[0] == 2
    (tmp_path / "text.pt").write_text("no weights", encoding="utf-8")
    assert call(capsys, "model", "recognise", tmp_path / "text.pt")[0] == 7


def test_a_licence_for_a_package_is_refused(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    code, _, err = call(capsys, "model", "install", source, "--licence", "MIT")
    assert code == 2
    assert "a package has them on its card" in err


LOOK = """
import json, sys
from pathlib import Path
from workstation.detectors import registry
found = registry.installed(Path(sys.argv[1]))
from workstation.cli.main import run
for command in (["list"], ["show", "other-locator"], ["show", "other-locator", "--json"]):
    try:
        run(["model", *command])
    except SystemExit as stop:
        assert not stop.code, stop.code
heavy = {"torch", "torchvision", "open_clip", "timm", "onnxruntime", "safetensors", "sklearn", "h5py", "PySide6"}
print("|" + json.dumps([[p.card.id for p in found], sorted(heavy & set(sys.modules))]))
"""


def test_cards_are_read_listed_and_shown_without_any_network_library(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "detectors").mkdir(parents=True)
    source.rename(home / "detectors" / "other-locator")
    assert not registry.find("other-locator", home / "detectors").problem
    monkeypatch.setenv("WORKSTATION_HOME", str(home))
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(home / "detectors")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names, heavy = json.loads(done.stdout.rpartition("|")[2])
    assert "other-locator" in names
    assert heavy == []
