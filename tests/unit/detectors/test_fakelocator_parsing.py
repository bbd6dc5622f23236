"""FakeLocator gated by a face parser: needed where the card says so, named where it lacks, stated for the record."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from detector_samples import CROP, SHAPE, crop, locator_card
from onnx import TensorProto, helper, numpy_helper

from workstation.detectors import registry
from workstation.detectors.fakelocator.detector import FakeLocatorDetector
from workstation.detectors.fakelocator.network import FakeLocator
from workstation.detectors.fakelocator.parsing import BRIGHTNESS, CLASSES, open_parser
from workstation.detectors.packages import fresh_package
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import WeightsInvalid
from workstation.domain.faces import FaceCrop

# Pure colours and the classes the parser made here calls them.
COLOURS = {"hair": (255, 0, 0), "skin": (0, 255, 0), "nose": (0, 0, 255)}
CARD = locator_card(network=dict(locator_card().network) | {"gate": "parsing"})


def _parser(path: Path, side: int = 32, classes: int = 19, outputs: int = 1) -> Path:
    """An ONNX file that labels by colour: logits rise with the channel a class is painted in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = np.zeros((classes, 3, 1, 1), np.float32)
    for name, colour in COLOURS.items():
        weights[CLASSES.index(name), :, 0, 0] = (np.array(colour) / 255 - 0.5) * 40
    names = ["logits", "aux"][:outputs]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "weights"], [name]) for name in names],
        "parser",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, classes, side, side]) for name in names],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def _painted() -> FaceCrop:
    """Hair above, skin in the middle, a nose below."""
    rgb = np.zeros((CROP, CROP, 3), np.uint8)
    for part, name in enumerate(COLOURS):
        rgb[part * CROP // 3 : (part + 1) * CROP // 3 + 1] = COLOURS[name]
    return replace(crop(), rgb=rgb)


def _install(home: Path, card: DetectorCard = CARD) -> InstalledDetector:
    folder = home / "detectors" / card.id
    return InstalledDetector(fresh_package(folder, card), str(folder), False)


def test_classes_are_those_of_celebamask_hq_and_organs_are_brightest() -> None:
    assert len(CLASSES) == len(BRIGHTNESS) == 19
    assert [CLASSES.index(name) for name in ("background", "skin", "nose", "hair", "hat")] == [0, 1, 10, 17, 18]
    bright = {name: float(value) for name, value in zip(CLASSES, BRIGHTNESS, strict=True)}
    assert bright["left eye"] == bright["mouth"] == 1.0
    assert bright["background"] == bright["hair"] < bright["skin"] < bright["nose"]


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_gate_is_what_the_parser_sees(tmp_path: Path, outputs: int) -> None:
    """Logits by the first output: hair as dark as the surroundings, skin between, organs bright."""
    _parser(tmp_path / "face-parsing.onnx", outputs=outputs)
    (gate,) = open_parser("tiny", tmp_path).gates([_painted()], 48)[:, 0]
    assert gate.shape == (48, 48)
    assert gate.dtype == np.float32
    assert gate[4].mean() == pytest.approx(0.2, abs=1e-3)
    assert gate[24].mean() == pytest.approx(0.6, abs=1e-3)
    assert gate[44].mean() == pytest.approx(1.0, abs=1e-3)


def test_a_card_that_needs_a_parser_names_the_file_to_install(tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="none is installed") as said:
        fresh_package(tmp_path / "detectors" / CARD.id, CARD)
    assert "*parsing*.onnx" in (said.value.advice or "")


def test_the_parser_is_found_in_the_folder_for_weights_and_stated_for_the_record(tmp_path: Path) -> None:
    file = _parser(tmp_path / "weights" / "bisenet-parsing-18.onnx")
    package = _install(tmp_path)
    assert not registry.verify(package).bad
    detector = registry.load(package, device="cpu", precision="float32")
    assert isinstance(detector, FakeLocatorDetector)
    assert detector.extra_digests == {file.name: hashlib.sha256(file.read_bytes()).hexdigest()}
    # Without a parser on the card nothing is stated, though the file lies there.
    bare = registry.load(_install(tmp_path, locator_card()), device="cpu", precision="float32")
    assert isinstance(bare, FakeLocatorDetector)
    assert bare.extra_digests == {}


def test_the_parsers_map_gates_the_encoder(tmp_path: Path) -> None:
    """The same weights and the same crop read otherwise when the parser calls every colour an organ."""
    _parser(tmp_path / "weights" / "parsing.onnx")
    package = _install(tmp_path)
    plain = registry.load(_install(tmp_path, locator_card()), device="cpu", precision="float32")
    gated = registry.load(package, device="cpu", precision="float32")
    painted = _painted()
    assert gated.read([painted])[0].value != plain.read([painted])[0].value
    organ = replace(painted, rgb=np.full_like(painted.rgb, COLOURS["nose"]))
    # An organ everywhere is a gate of ones, which is no gate.
    one, two = gated.read([organ])[0], plain.read([organ])[0]
    assert one.value == pytest.approx(two.value, abs=1e-5)
    assert one.map is not None
    assert two.map is not None
    np.testing.assert_allclose(one.map, two.map, atol=1e-5)


def test_two_parsers_are_one_too_many(tmp_path: Path) -> None:
    for name in ("a-parsing.onnx", "b-parsing.onnx"):
        _parser(tmp_path / "weights" / name)
    with pytest.raises(WeightsInvalid, match=r"a-parsing\.onnx, b-parsing\.onnx"):
        _install(tmp_path)


@pytest.mark.parametrize("kind", ["classes", "damaged", "text"])
def test_what_is_no_parser_is_refused(tmp_path: Path, kind: str) -> None:
    file = _parser(tmp_path / "parsing.onnx", classes=19 if kind != "classes" else 21)
    if kind == "damaged":
        file.write_bytes(file.read_bytes()[:40])
    if kind == "text":
        file.write_text("no network")
    with pytest.raises(WeightsInvalid, match=r"parsing\.onnx"):
        open_parser("tiny", tmp_path)


def test_a_gate_of_ones_is_no_gate_and_the_encoder_is_what_is_gated() -> None:
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        network = FakeLocator(SHAPE).eval()
        values, ones = torch.randn(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
        for plain, gated in zip(network.encode(values), network.encode(values, ones), strict=True):
            assert torch.equal(plain, gated)
        assert torch.equal(network(values)[0], network(values, ones)[0])
        for features in network.encode(values, ones * 0):
            # What comes in is hidden from every feature behind the gate.
            assert torch.equal(features[0], features[1])


def test_features_of_crops_are_those_of_the_encoder(tmp_path: Path) -> None:
    package = _install(tmp_path, locator_card())
    detector = registry.load(package, device="cpu", precision="float32")
    assert isinstance(detector, FakeLocatorDetector)
    crops = [crop(seed) for seed in range(4)]
    found = detector.features(crops)
    assert found.shape == (4, SHAPE.widths[3])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, detector.features(crops))
    np.testing.assert_allclose(found[2:3], detector.features(crops[2:3]), atol=1e-5)
    assert detector.features([]).shape == (0, SHAPE.widths[3])
