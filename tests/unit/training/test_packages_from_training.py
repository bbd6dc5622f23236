"""The whole way on a made-up dataset: pool, a few seconds of training, package, figures in its card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from workstation.detectors import registry
from workstation.detectors.cards import read_card
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorError, InputError
from workstation.training.__main__ import main
from workstation.training.embedded import Run, locator_card
from workstation.training.packaging import made_crops, prove, read_weights, record, write_package

NAMES = {"locator": "fakelocator-small", "clip": "clip-ln-small", "mfclip": "mfclip-small"}


@pytest.fixture(scope="module", params=["locator", "clip", pytest.param("mfclip", marks=pytest.mark.slow)])
def trained(request: pytest.FixtureRequest, made_pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a few seconds of training, made into a package; the folder that holds all of it."""
    folder = tmp_path_factory.mktemp(request.param)
    weights = folder / f"{request.param}.safetensors"
    seconds = ["--minutes", "0.03", "--pairs", "2", "--check-every", "9"]
    assert main([f"train-{request.param}", str(made_pool), str(weights), *seconds]) == 0
    assert main(["package", request.param, str(weights), str(made_pool), str(folder / "packages")]) == 0
    return folder


def package_of(folder: Path) -> InstalledDetector:
    (place,) = (folder / "packages").iterdir()
    return InstalledDetector(read_card(place), str(place), False)


def test_a_package_from_training_verifies_and_scores(trained: Path) -> None:
    package = package_of(trained)
    assert package.card.id == NAMES[next(trained.glob("*.safetensors")).stem]
    assert registry.verify(package).ok
    detector = registry.load(package, device="cpu", precision="float32")
    crops = made_crops(3, package.card.input.crop_size)
    batch = detector.read(crops)
    alone = [detector.read([crop])[0] for crop in crops]
    assert [r.value for r in batch] == pytest.approx([r.value for r in alone], abs=1e-4)
    assert [r.value for r in batch] == [r.value for r in detector.read(crops)]
    for reading in batch:
        assert (reading.map is not None) == (package.card.family == "fakelocator")


def test_the_card_says_what_it_was_trained_on_and_that_it_is_a_baseline(trained: Path) -> None:
    card = package_of(trained).card
    facts = json.loads(next(trained.glob("*.json")).read_text(encoding="utf-8"))
    assert card.baseline
    assert not card.output.calibrated
    assert f"{facts['faces']:,} crops in {facts['steps']:,} steps" in card.training
    assert "congress 3" in card.training
    assert any("same person" in line for line in card.limits)
    assert any("colour" in line for line in card.limits)
    assert any("chosen" in line for line in card.limits)
    assert card.network.get("gate", "none") == "none"


def test_only_the_detector_goes_into_the_package(trained: Path) -> None:
    """The layer that teaches clip_ln's tokens the map is left behind, and the language side of MFCLIP; nothing else."""
    kept = load_file(next(trained.glob("*.safetensors")))
    packed = load_file(Path(package_of(trained).folder) / "model.safetensors")
    if "locator" in next(trained.glob("*.json")).stem:
        assert kept.keys() == packed.keys()
    elif "mfclip" in next(trained.glob("*.json")).stem:
        assert {name for name in kept if name.startswith("network.")} == {f"network.{name}" for name in packed}
        assert any(name.startswith("language.") for name in kept)
        # Genuine, manipulated, swapped, altered; of faces generated whole nothing was taught.
        assert packed["descriptions"].any(dim=1).tolist() == [True, True, False, True, True]
    else:
        assert {name for name in kept if not name.startswith("read.")} == {f"detector.{name}" for name in packed}
        assert "read.weight" in kept


def test_figures_are_written_into_the_card_and_the_package_stays_sound(
    trained: Path, made_pool: Path, tmp_path: Path
) -> None:
    place = Path(package_of(trained).folder)
    assert main(["evaluate", str(place), "--pool", str(made_pool), "--record", "--json", str(tmp_path / "e.json")]) == 0
    package = package_of(trained)
    measures = {(one.dataset, one.measure) for one in package.card.validation}
    assert ("Held-out people, self-blend", "AUC") in measures
    assert ("Held-out people, genuine crops", "Spearman of score and sharpness") in measures
    assert all("chosen on these people" in one.note for one in package.card.validation if one.measure == "AUC")
    assert registry.verify(package).ok
    prove(package)
    written = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    assert len(written[package.card.id]["records"]) == len(package.card.validation)


def test_steps_out_of_order_are_one_clear_line(
    tmp_path: Path, made_pool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["pool", str(tmp_path), str(tmp_path / "out")],
        ["train-locator", str(tmp_path), str(tmp_path / "w.safetensors"), "--minutes", "1"],
        ["package", "clip", str(tmp_path / "w.safetensors"), str(made_pool), str(tmp_path)],
        ["evaluate", str(tmp_path), "--sets", str(tmp_path)],
        ["evaluate", str(tmp_path)],
    ):
        assert main(arguments) != 0
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Traceback" not in said


def test_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match=r"text\.safetensors"):
        read_weights(tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="detector"):
        read_weights(tmp_path / "other.safetensors", prefix="detector.")


def test_a_package_that_does_not_load_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape

    card, folder = locator_card(Run({"made-up": 1}, 1, 1, 1.0)), tmp_path / "fakelocator-small"
    tensors = FakeLocator(LocatorShape()).state_dict()
    first = write_package(card, tensors, folder)
    with pytest.raises(DetectorError):
        write_package(card, {"a": torch.zeros(1)}, folder)
    broken = tensors | {"classify.bias": torch.full((2,), float("nan"))}
    with pytest.raises(DetectorError, match="not a number"):
        write_package(card, broken, folder)
    assert registry.verify(first).ok
    assert [path.name for path in tmp_path.iterdir()] == ["fakelocator-small"]
    with pytest.raises(InputError, match="must be called"):
        write_package(card, tensors, tmp_path / "another")
    assert record(folder, []).weights == first.card.weights
