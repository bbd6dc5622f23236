"""Which packages there are, and installing one: sound ones only, by digest, shapes and safe names (P4, V3)."""

from __future__ import annotations

import pickle
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from detector_samples import clip_card, crop, locator_card, network_of, sign, write_package

from workstation.detectors import installing, registry
from workstation.detectors.cards import CARD_FILE
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import (
    CardInvalid,
    DetectorError,
    DetectorNotFound,
    DeviceFault,
    PermissionRefused,
    WeightsInvalid,
)

MODEL = "model.safetensors"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    write_package(folder, locator_card())
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def zipped(folder: Path, target: Path, inside: str = "tiny/") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, inside + path.name)
    return target


def own(home: Path) -> list[InstalledDetector]:
    return [package for package in registry.installed(home) if not package.embedded]


@pytest.mark.parametrize("card", [locator_card(), clip_card()], ids=lambda card: card.family)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_installed_package_loads_and_scores(tmp_path: Path, home: Path, card: object, packed: bool) -> None:
    assert isinstance(card, type(locator_card()))
    folder = tmp_path / "source"
    write_package(folder, card)
    installing.install(zipped(folder, tmp_path / "p.zip") if packed else folder, home)
    package = registry.find(card.id, home)
    assert not package.problem
    assert not package.embedded
    assert registry.verify(package).ok
    detector = registry.load(package, device="cpu", precision="float32")
    (reading,) = detector.read([crop()])
    assert 0 < reading.value < 1
    assert (reading.map is None) == (card.output.map_size == 0)
    kept = sorted(Path(package.folder).iterdir())
    assert [path.name for path in kept] == [CARD_FILE, MODEL]
    assert not any(path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for path in kept)
    assert [path.name for path in home.iterdir()] == [card.id]


def test_the_packages_that_ship_with_the_program_are_sound() -> None:
    """Four packages, each under 16 MB, called what they are: uncalibrated baselines with figures on named sets (V3)."""
    embedded = [package for package in registry.installed() if package.embedded]
    assert [package.card.id for package in embedded] == [
        "clip-ln-small",
        "fakelocator-lite",
        "fakelocator-small",
        "traces-small",
    ]
    for package in embedded:
        assert not package.problem
        assert package.card.baseline
        assert not package.card.output.calibrated
        assert package.card.weights.size < 16_000_000
        assert any(one.dataset.startswith("CIPLAB") and one.measure == "AUC" for one in package.card.validation)
        assert registry.verify(package).ok
        detector = registry.load(package, device="cpu", precision="float32")
        side = package.card.input.crop_size
        one, two = detector.read([crop(1, side)]), detector.read([crop(1, side), crop(2, side)])
        assert one[0].value == pytest.approx(two[0].value, abs=1e-4)
        assert one[0].value != two[1].value
        assert (one[0].map is not None) == (package.card.family in {"fakelocator", "traces"})


def test_an_unknown_id_names_what_is_installed(source: Path, home: Path) -> None:
    installing.install(source, home)
    with pytest.raises(DetectorNotFound) as caught:
        registry.find("nobody", home)
    assert "tiny-locator" in caught.value.advice


def break_card(folder: Path) -> str:
    (folder / CARD_FILE).write_text("id = 3", encoding="utf-8")
    return "missing"


def break_family(folder: Path) -> str:
    sign(folder, locator_card(family="tealeaves"))
    return "tealeaves"


def lose_weights(folder: Path) -> str:
    (folder / MODEL).unlink()
    return "is missing"


def cut_weights(folder: Path) -> str:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:-1])
    return "bytes"


@pytest.mark.parametrize("spoil", [break_card, break_family, lose_weights, cut_weights])
def test_a_broken_package_is_listed_with_its_problem_and_does_not_load(source: Path, home: Path, spoil: object) -> None:
    said = spoil(source)  # type: ignore[operator]  # one of the four above
    home.mkdir()
    source.rename(home / "broken")
    (package,) = own(home)
    assert said in package.problem
    assert not registry.verify(package).ok
    with pytest.raises(DetectorError):
        registry.load(package)


def flip_a_byte(folder: Path) -> None:
    data = bytearray((folder / MODEL).read_bytes())
    data[-5] ^= 1
    (folder / MODEL).write_bytes(bytes(data))


def rename_a_pickle(folder: Path) -> None:
    (folder / MODEL).write_bytes(pickle.dumps({"stem.0.weight": [1.0]}))
    sign(folder, locator_card())


def another_shape(folder: Path) -> None:
    tensors = network_of(locator_card()).state_dict()
    tensors["classify.weight"] = torch.zeros(2, 3)
    write_package(folder, locator_card(), tensors)


def one_tensor_less(folder: Path) -> None:
    tensors = network_of(locator_card()).state_dict()
    del tensors["to_map.bias"]
    write_package(folder, locator_card(), tensors)


def one_tensor_more(folder: Path) -> None:
    write_package(folder, locator_card(), network_of(locator_card()).state_dict() | {"spare": torch.zeros(1)})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flip_a_byte, "SHA-256"),
        (rename_a_pickle, "safetensors"),
        (another_shape, "classify.weight"),
        (one_tensor_less, "to_map.bias"),
        (one_tensor_more, "spare"),
    ],
)
def test_unsound_weights_are_neither_installed_nor_loaded(source: Path, home: Path, spoil: object, said: str) -> None:
    spoil(source)  # type: ignore[operator]  # one of the five above
    with pytest.raises(WeightsInvalid, match=said):
        installing.install(source, home)
    assert not list(home.iterdir())
    (home / "put-there-by-hand").parent.mkdir(exist_ok=True)
    source.rename(home / "put-there-by-hand")
    (package,) = own(home)
    with pytest.raises(WeightsInvalid, match=said):
        registry.load(package)


def test_weights_that_are_not_numbers_are_not_installed_and_give_no_score(source: Path, home: Path) -> None:
    tensors = network_of(locator_card()).state_dict()
    tensors["classify.bias"] = torch.full((2,), float("nan"))
    write_package(source, locator_card(), tensors)
    with pytest.raises(WeightsInvalid, match=r"classify\.bias holds values that are no numbers"):
        installing.install(source, home)
    assert not list(home.iterdir())
    detector = registry.load(registry.read_package(source), device="cpu", precision="float32")
    with pytest.raises(DetectorError, match="not a number"):
        detector.read([crop()])


@pytest.mark.parametrize(
    "name", ["../outside.toml", "/outside.toml", "a/../../outside.toml", "..\\outside.toml", "C:x"]
)
def test_an_archive_cannot_write_outside_its_place(source: Path, home: Path, tmp_path: Path, name: str) -> None:
    archive = zipped(source, tmp_path / "p.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(DetectorError, match="unsafe name"):
        installing.install(archive, home)
    assert not list(home.iterdir())
    assert not list(tmp_path.rglob("outside.toml"))


def test_a_link_in_an_archive_is_refused(source: Path, home: Path, tmp_path: Path) -> None:
    archive = zipped(source, tmp_path / "p.zip")
    link = zipfile.ZipInfo("tiny/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(link, "/etc")
    with pytest.raises(DetectorError, match="unsafe name"):
        installing.install(archive, home)


def test_a_linked_weights_file_is_refused(source: Path, home: Path, tmp_path: Path) -> None:
    (source / MODEL).rename(tmp_path / "elsewhere")
    (source / MODEL).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WeightsInvalid, match="plain file"):
        installing.install(source, home)
    assert not list(home.iterdir())


def test_a_damaged_archive_is_one_clear_line(source: Path, home: Path, tmp_path: Path) -> None:
    archive = zipped(source, tmp_path / "p.zip")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 255
    archive.write_bytes(bytes(data))
    with pytest.raises(DetectorError, match="damaged"):
        installing.install(archive, home)
    assert not list(home.iterdir())


def test_what_is_no_package_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DetectorNotFound):
        installing.install(tmp_path / "nothing", home)
    text = tmp_path / "package.zip"
    text.write_text("not an archive", encoding="utf-8")
    with pytest.raises(DetectorError, match="neither a folder nor a zip"):
        installing.install(text, home)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CardInvalid):
        installing.install(tmp_path / "empty", home)
    with zipfile.ZipFile(tmp_path / "bare.zip", "w") as archive:
        archive.writestr("readme", "x")
    with pytest.raises(CardInvalid, match="0 cards"):
        installing.install(tmp_path / "bare.zip", home)


def test_an_id_is_taken_once(source: Path, home: Path) -> None:
    first = installing.install(source, home)
    sign(source, replace(first.card, name="Another of the same id"))
    with pytest.raises(DetectorError, match="already installed"):
        installing.install(source, home)
    assert [package.card.name for package in own(home)] == ["Tiny locator"]


def test_two_packages_of_one_id_by_hand_leave_the_second_unusable(source: Path, home: Path) -> None:
    installing.install(source, home)
    source.rename(home / "zz-second")
    problems = [package.problem for package in own(home)]
    assert problems[0] == ""
    assert "already called tiny-locator" in problems[1]


def test_a_folder_that_cannot_be_written_is_a_refusal(source: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(PermissionRefused):
        installing.install(source, blocked / "detectors")


def test_a_device_that_is_not_there_is_a_device_fault(source: Path, home: Path) -> None:
    package = installing.install(source, home)
    with pytest.raises(DeviceFault, match="tiny-locator"):
        registry.load(package, device="warp-core", precision="float32")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceFault, match="tiny-locator"):
            registry.load(package, device="cuda", precision="float32")
