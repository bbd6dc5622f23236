"""What was asked for becomes a plan, or one line saying why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.kind_figures import FAILING, standing
from tests.fakes.marked_engine import CARD
from workstation.app.paths import Home, refused
from workstation.app.planning import choose_detectors, choose_evidence, default_detectors, name_exhibits
from workstation.app.settings import load_settings
from workstation.detectors import registry
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorError, DetectorNotFound, InputError, PermissionRefused, StorageFull
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.kinds_of_forgery import ForgeryClass, validated_kinds
from workstation.domain.media import MediaInfo, MediaKind, StreamInfo

INFO = MediaInfo(MediaKind.IMAGE, "png", (StreamInfo(0, "video", "png", 4, 4),), 0)


def exhibit(number: int, *, sound: bool = True) -> EvidenceItem:
    return EvidenceItem(
        EvidenceId(f"id{number}"),
        f"EX-{number:02d}",
        "p.png",
        "",
        "",
        "0" * 64,
        1,
        "",
        "",
        "",
        INFO if sound else None,
        "" if sound else "it is cut short",
    )


def test_by_default_everything_that_can_be_decoded_is_examined() -> None:
    chosen = choose_evidence([exhibit(1), exhibit(2, sound=False), exhibit(3)], None)
    assert [item.exhibit for item in chosen] == ["EX-01", "EX-03"]
    assert name_exhibits(chosen) == "2 exhibits"


def test_a_named_exhibit_that_cannot_be_decoded_is_refused_with_its_problem() -> None:
    with pytest.raises(InputError, match="cut short"):
        choose_evidence([exhibit(1, sound=False)], [EvidenceId("id1")])
    with pytest.raises(InputError, match="no exhibit"):
        choose_evidence([exhibit(1, sound=False)], None)
    with pytest.raises(InputError, match="no such exhibit"):
        choose_evidence([exhibit(1)], [EvidenceId("other")])


def test_detectors_are_the_sound_embedded_ones_unless_named() -> None:
    own, foreign = InstalledDetector(CARD, "", True), InstalledDetector(CARD, "", False)
    assert choose_detectors([own], None) == (own,)
    with pytest.raises(DetectorError, match="No detector"):
        choose_detectors([foreign], None)
    assert choose_detectors([foreign], ["red-mark", "red-mark"]) == (foreign,)
    with pytest.raises(DetectorNotFound, match="blue-mark"):
        choose_detectors([own], ["blue-mark"])
    with pytest.raises(DetectorError, match="torn"):
        choose_detectors([InstalledDetector(CARD, "", True, "its card is torn")], ["red-mark"])


def test_by_default_those_run_that_are_validated_for_something() -> None:
    """Computed from the figures on the cards; with none that earns its place every sound embedded one runs (V3, V4)."""
    good = InstalledDetector(replace(CARD, id="good", kinds=standing(ForgeryClass.FACE_SWAP)), "", True)
    bad = InstalledDetector(replace(CARD, id="bad", kinds=(FAILING,)), "", True)
    both = (*standing(ForgeryClass.WHOLE_GAN), FAILING)
    denied = InstalledDetector(replace(CARD, id="denied", kinds=both), "", True)
    torn = InstalledDetector(replace(CARD, id="torn", kinds=good.card.kinds), "", True, "its card is torn")
    foreign = InstalledDetector(replace(CARD, id="foreign", kinds=good.card.kinds), "", False)
    found = default_detectors([bad, good, denied, torn, foreign])
    assert (found.chosen, found.left_out) == ((good,), (bad, denied))
    assert found.why == "bad and denied are left out by default: not validated for any kind of forgery."
    assert choose_detectors([bad, good], None) == (good,)
    assert choose_detectors([bad, good], ["bad"]) == (bad,)
    none = default_detectors([bad, denied, torn, foreign])
    assert (none.chosen, none.left_out, none.why) == ((bad, denied), (), "")


def test_what_ships_earns_its_place() -> None:
    """The embedded packages as they are: somebody who asks for nothing gets no score of what is validated for
    nothing."""
    packages = registry.installed()
    found = default_detectors(packages)
    assert found.chosen
    assert all(validated_kinds(package.card.kinds) for package in found.chosen)
    assert {p.card.id for p in (*found.chosen, *found.left_out)} == {p.card.id for p in packages if p.embedded}


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(tmp_path).device == "auto"
    (tmp_path / "settings.toml").write_text('device = "cpu"\norganisation = "Lab"\n', encoding="utf-8")
    assert load_settings(tmp_path).device == "cpu"
    monkeypatch.setenv("WORKSTATION_DEVICE", "cuda")
    assert load_settings(tmp_path).device == "cuda"
    assert load_settings(tmp_path).organisation == "Lab"


@pytest.mark.parametrize("text", ['device = "abacus"\n', "device = [\n"])
def test_settings_that_make_no_sense_are_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"settings\.toml"):
        load_settings(tmp_path)


def test_the_home_is_private_and_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTATION_HOME", str(tmp_path / "home"))
    home = Home.default()
    home.prepare()
    assert home.root == tmp_path / "home"
    assert home.keys.stat().st_mode & 0o077 == 0


def test_refusals_of_the_system_are_told_apart(tmp_path: Path) -> None:
    assert isinstance(refused(OSError(28, "No space left on device"), tmp_path), StorageFull)
    assert isinstance(refused(OSError(13, "Permission denied"), tmp_path), PermissionRefused)
