"""A package carries crops with the answers its maker got; another answer is told with crop, expected and got (P3)."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detector_samples import clip_card, locator_card, write_package
from safetensors.torch import load_file, save_file
from track_samples import offered, track_card

from workstation.detectors import packages, registry, selftest
from workstation.detectors.cards import read_card, write_card
from workstation.domain.custody import CheckState
from workstation.domain.detectors import DetectorCard, InstalledDetector, Level
from workstation.domain.errors import DetectorError
from workstation.faces.alignment import target_points

TINY = [locator_card(), clip_card()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of each family, made once; tests change copies."""
    folders = {card.family: tmp_path_factory.mktemp(card.family) for card in TINY}
    for card in TINY:
        packages.fresh_package(folders[card.family], card)
    return folders


@pytest.fixture(params=TINY, ids=lambda card: card.family)
def package(request: pytest.FixtureRequest, made: dict[str, Path], tmp_path: Path) -> InstalledDetector:
    shutil.copytree(made[request.param.family], tmp_path / "p")
    return registry.read_package(tmp_path / "p")


@pytest.fixture
def locator(made: dict[str, Path], tmp_path: Path) -> InstalledDetector:
    shutil.copytree(made["fakelocator"], tmp_path / "p")
    return registry.read_package(tmp_path / "p")


def resealed(package: InstalledDetector, change: Callable[[dict[str, Any]], None]) -> InstalledDetector:
    """Change what is in the sealed file and let the card name the changed one, as its maker could."""
    path = Path(package.folder) / selftest.FILE
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    np.savez_compressed(path, **arrays)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert package.card.self_test is not None
    write_card(replace(package.card, self_test=replace(package.card.self_test, sha256=digest)), Path(package.folder))
    return registry.read_package(Path(package.folder))


def test_a_package_answers_its_own_self_test_exactly(package: InstalledDetector) -> None:
    (line,) = selftest.run(package)
    assert line.state is CheckState.OK
    assert "4 drawn crops answered within 0.0001 on cpu in float32" in line.detail
    assert "self-test" in registry.verify(package).lines[-1].subject


def test_drawn_faces_stand_at_the_templates_places_and_come_back_from_their_seed() -> None:
    one, two = selftest.drawn_crops(256, 3, 5), selftest.drawn_crops(256, 3, 5)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].rgb, one[1].rgb)
    assert not np.array_equal(one[0].rgb, selftest.drawn_crops(256, 1, 6)[0].rgb)
    for crop in one:
        assert crop.rgb.shape == (256, 256, 3)
        assert np.allclose([(p.x, p.y) for p in crop.landmarks], target_points(256, 1.3))
        # The pupil is darker than the white beside it: the points lie on what they name.
        for eye in crop.landmarks[:2]:
            x, y = round(eye.x), round(eye.y)
            assert crop.rgb[y, x].mean() + 40 < crop.rgb[y, x + 11].mean()
    assert [c.rgb.shape[0] for c in selftest.drawn_crops(16, 1)] == [16]
    assert [c.rgb.shape[0] for c in selftest.drawn_crops(317, 1)] == [317]


def test_another_score_names_crop_expected_and_got(package: InstalledDetector) -> None:
    with np.load(Path(package.folder) / selftest.FILE) as file:
        true = float(file["scores"][2])

    def third(arrays: dict[str, Any]) -> None:
        arrays["scores"][2] += 0.01

    (line,) = selftest.run(resealed(package, third))
    assert line.state is CheckState.BAD
    assert line.detail == f"crop 3: expected {true + 0.01:.6f}, got {true:.6f} (allowed 0.0001)"


def test_a_difference_within_the_tolerance_passes(package: InstalledDetector) -> None:
    def little(arrays: dict[str, Any]) -> None:
        arrays["scores"] += 5e-5

    (line,) = selftest.run(resealed(package, little))
    assert line.state is CheckState.OK
    assert "5.0e-05" in line.detail


def test_another_map_is_told(locator: InstalledDetector) -> None:
    def brighter(arrays: dict[str, Any]) -> None:
        arrays["maps"][1, 3, 3] += 0.5

    (line,) = selftest.run(resealed(locator, brighter))
    assert line.detail.startswith("map of crop 2: expected")

    def none(arrays: dict[str, Any]) -> None:
        del arrays["maps"]

    (line,) = selftest.run(resealed(locator, none))
    assert line.state is CheckState.BAD
    assert "not expected" in line.detail


def test_changed_weights_that_still_load_fail_the_self_test(package: InstalledDetector) -> None:
    """Digest, shapes and numbers are all in order; only the answers show that these are other weights."""
    folder = Path(package.folder)
    tensors = {name: t + 0.3 * torch.ones_like(t) if t.is_floating_point() else t for name, t in
               load_file(folder / packages.WEIGHTS_FILE).items()}  # fmt: skip
    head = next(name for name in tensors if name in ("head.bias", "classify.bias"))
    tensors[head] = tensors[head] + torch.tensor([0.0, 2.0])
    save_file(tensors, folder / packages.WEIGHTS_FILE)
    data = (folder / packages.WEIGHTS_FILE).read_bytes()
    weights = replace(package.card.weights, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    write_card(replace(package.card, weights=weights), folder)
    outcome = registry.verify(registry.read_package(folder))
    assert [line.state for line in outcome.lines[:3]] == [CheckState.OK] * 3
    assert not outcome.ok
    assert all(line.detail.startswith(("crop ", "map of crop ")) for line in outcome.bad)


def test_a_self_test_that_was_changed_is_refused_by_its_digest(package: InstalledDetector) -> None:
    path = Path(package.folder) / selftest.FILE
    path.write_bytes(path.read_bytes() + b"x")
    (line,) = selftest.run(package)
    assert line.state is CheckState.BAD
    assert "SHA-256" in line.detail


def drop(*names: str) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: [arrays.pop(name) for name in names] and None


def put(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("crops"),
        drop("scores"),
        drop("landmarks"),
        put("crops", np.zeros((4, 8, 8, 3), np.uint8)),
        put("crops", np.zeros((0, 64, 64, 3), np.uint8)),
        put("crops", np.zeros((4, 64, 64, 3), np.float32)),
        put("scores", np.zeros(3)),
        put("landmarks", np.full((4, 5, 2), np.nan)),
        put("another", np.zeros(3)),
    ],
    ids=["no crops", "no scores", "no landmarks", "other size", "none", "floats", "fewer scores", "no numbers", "more"],
)
def test_a_file_that_is_no_self_test_of_the_card_is_refused(
    locator: InstalledDetector, change: Callable[[dict[str, Any]], None]
) -> None:
    (line,) = selftest.run(resealed(locator, change))
    assert line.state is CheckState.BAD
    assert "no self-test of this card" in line.detail


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("import pathlib; pathlib.Path('it_ran').touch()",))


def test_a_pickle_inside_a_self_test_is_not_run(
    locator: InstalledDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "p" / selftest.FILE
    with np.load(path) as file:
        arrays: dict[str, Any] = {name: file[name] for name in file.files}
    arrays["scores"] = np.array([_Runs()] * 4, dtype=object)
    np.savez_compressed(path, **arrays)
    (line,) = selftest.run(_signed(locator, path))
    assert line.state is CheckState.BAD
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("scores.npy", pickle.dumps(_Runs()))
    (line,) = selftest.run(_signed(locator, path))
    assert line.state is CheckState.BAD
    assert not (tmp_path / "it_ran").exists()


def _signed(package: InstalledDetector, path: Path) -> InstalledDetector:
    assert package.card.self_test is not None
    spec = replace(package.card.self_test, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    write_card(replace(package.card, self_test=spec), path.parent)
    return registry.read_package(path.parent)


def test_a_header_that_claims_more_than_memory_holds_is_refused(locator: InstalledDetector) -> None:
    path = Path(locator.folder) / selftest.FILE
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("scores.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (line,) = selftest.run(_signed(locator, path))
    assert line.state is CheckState.BAD
    assert "no self-test of this card" in line.detail


def test_a_family_that_fails_in_its_own_way_is_one_bad_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with offered(tmp_path / "site"):
        packages.fresh_package(tmp_path / "p", track_card())
        package = registry.read_package(tmp_path / "p")
        monkeypatch.setattr("tiny_track_family.load", lambda *_, **__: {}["nothing"])
        assert registry.verify(package).bad[0].detail == "its family failed: KeyError: 'nothing'"
        monkeypatch.setattr("tiny_track_family.build", lambda card: 1 / 0)
        assert registry.verify(package).bad[0].detail == "its family failed: ZeroDivisionError: division by zero"


def test_an_archive_bomb_in_place_of_a_self_test_is_refused(
    locator: InstalledDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "_LARGEST", 1000)
    (line,) = selftest.run(locator)
    assert line.state is CheckState.BAD
    assert "too large" in line.detail


def test_a_package_without_a_self_test_says_so_and_is_no_failure(tmp_path: Path) -> None:
    card = write_package(tmp_path / "p", locator_card())
    assert card.self_test is None
    outcome = registry.verify(registry.read_package(tmp_path / "p"))
    assert outcome.ok
    assert outcome.lines[-1].detail.startswith("no self-test")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_another_precision_has_a_looser_stated_tolerance(package: InstalledDetector, precision: str) -> None:
    (line,) = selftest.run(package, precision=precision)
    assert line.state is CheckState.OK, line.detail
    assert f"within {0.05 if precision == 'bfloat16' else 0.0001:g} on cpu in {precision}" in line.detail
    assert package.card.self_test is not None
    assert selftest.tolerance(package.card.self_test, "cuda", "float32") == 2e-3


def test_a_self_test_is_sealed_on_the_cpu_in_float32_only(package: InstalledDetector, tmp_path: Path) -> None:
    detector = registry.load(package, device="cpu", precision="bfloat16")
    with pytest.raises(DetectorError, match="sealed on the CPU in float32"):
        selftest.seal(detector, tmp_path)
    assert not (tmp_path / selftest.FILE).exists()


@pytest.mark.parametrize("level", list(Level))
def test_reading_a_track_is_part_of_the_self_test(tmp_path: Path, level: Level) -> None:
    """The score of the track, every measure by name, and a gallery with a claimed person are sealed as well."""
    with offered(tmp_path / "site"):
        packages.fresh_package(tmp_path / "p", track_card(level))
        package = registry.read_package(tmp_path / "p")
        assert registry.verify(package).ok
        (line,) = selftest.run(package)
        assert "a track of 8 answered" in line.detail
        assert ("4 drawn crops" in line.detail) == (level is Level.FACE)
        with np.load(tmp_path / "p" / selftest.FILE) as file:
            assert list(file["track_names"]) == ["spread", "claimed", "unmeasured"]
            assert np.isnan(file["track_measures"][2])
            assert ("scores" in file.files) == (level is Level.FACE)
        (line,) = selftest.run(
            resealed(package, lambda arrays: put("track_score", arrays["track_score"] + 0.1)(arrays))
        )
        assert line.detail.startswith("track: expected")
        package = resealed(package, lambda arrays: put("track_score", arrays["track_score"] - 0.1)(arrays))

        def measure(arrays: dict[str, Any]) -> None:
            arrays["track_measures"][1] += 0.1

        (line,) = selftest.run(resealed(package, measure))
        assert line.detail.startswith("track, claimed: expected")

        def renamed(arrays: dict[str, Any]) -> None:
            arrays["track_measures"][1] -= 0.1
            arrays["track_names"] = np.array(["spread", "claim", "unmeasured"])

        (line,) = selftest.run(resealed(package, renamed))
        assert line.detail.startswith("measures of the track: spread, claimed, unmeasured")


def test_a_long_track_is_asked_for_as_many_crops_as_the_card_needs(tmp_path: Path) -> None:
    with offered(tmp_path / "site"):
        packages.fresh_package(tmp_path / "p", track_card(sequence=40, least=24))
        assert "a track of 24" in selftest.run(registry.read_package(tmp_path / "p"))[0].detail


def test_fresh_packages_follow_their_seed_and_leave_the_global_one_alone(tmp_path: Path) -> None:
    torch.manual_seed(9)
    wanted = torch.rand(3)
    torch.manual_seed(9)
    cards: list[DetectorCard] = [
        packages.fresh_package(tmp_path / str(n), clip_card(), seed=seed) for n, seed in enumerate((1, 1, 2))
    ]
    assert torch.equal(torch.rand(3), wanted)
    assert cards[0].weights.sha256 == cards[1].weights.sha256
    assert cards[0] == cards[1]
    assert cards[0].weights.sha256 != cards[2].weights.sha256
    assert read_card(tmp_path / "0") == cards[0]


def test_tensors_that_share_memory_are_written_as_two(tmp_path: Path) -> None:
    with offered(tmp_path / "site"):
        weight = torch.ones(3, 1)
        card = packages.write_package(tmp_path / "p", track_card(), {"weight": weight[:1]}, self_test=False)
        assert card.self_test is None
        assert load_file(tmp_path / "p" / "model.safetensors")["weight"].shape == (1, 1)


@pytest.mark.parametrize("name", [packages.WEIGHTS_FILE, selftest.FILE])
def test_files_changed_at_random_under_a_true_digest_give_lines_and_no_error(
    locator: InstalledDetector, name: str
) -> None:
    """The digest protects from accidents, not from who writes the card: what such a file does is held in lines."""
    folder, random = Path(locator.folder), np.random.default_rng(3)
    whole = (folder / name).read_bytes()
    bad = 0
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(3):
            # Headers stand at the front of one kind and at the end of the other.
            at = int(random.integers(200)) * (1 if name == packages.WEIGHTS_FILE else -1)
            data[at] = int(random.integers(256))
        (folder / name).write_bytes(bytes(data))
        digest = hashlib.sha256(data).hexdigest()
        card = locator.card
        assert card.self_test is not None
        if name == selftest.FILE:
            card = replace(card, self_test=replace(card.self_test, sha256=digest))
        else:
            card = replace(card, weights=replace(card.weights, sha256=digest))
        write_card(card, folder)
        outcome = registry.verify(registry.read_package(folder))
        bad += not outcome.ok
        assert all("\n" not in line.detail for line in outcome.bad)
    assert bad >= 30
