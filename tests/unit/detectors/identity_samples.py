"""A tiny recogniser written as ONNX, and synthetic embeddings with a known identity and pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from workstation.detectors.identity.measures import Basis
from workstation.detectors.identity.pose import Poses
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, Level, OutputSpec, WeightsSpec
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.domain.media import RgbArray

WIDTH = 24
BASIS = Basis("test recogniser", 8, exploratory=False)


def write_recogniser(path: Path, *, outputs: int = 1, batch: int | str = "n", side: int = 112) -> Path:
    """Mean colours of a coarse grid through a fixed matrix: what is alike in colour and place is alike."""
    random = np.random.default_rng(7)
    nodes, ends, held = [], [], []
    nodes.append(helper.make_node("AveragePool", ["data"], ["grid"], kernel_shape=[28, 28], strides=[28, 28]))
    nodes.append(helper.make_node("Flatten", ["grid"], ["flat"], axis=1))
    for number in range(outputs):
        matrix = random.normal(size=(48, WIDTH)).astype(np.float32)
        held.append(numpy_helper.from_array(matrix, f"matrix{number}"))
        nodes.append(helper.make_node("MatMul", ["flat", f"matrix{number}"], [f"embedding{number}"]))
        ends.append(helper.make_tensor_value_info(f"embedding{number}", TensorProto.FLOAT, [batch, WIDTH]))
    begin = helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, side, side])
    graph = helper.make_graph(nodes, "recogniser", [begin], ends, initializer=held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def card(**network: object) -> DetectorCard:
    """A card whose digest and size are still to be filled in."""
    return DetectorCard(
        id="tiny-identity",
        name="Tiny recogniser",
        version="1",
        family="identity",
        summary="Colours.",
        trace="none",
        paper="",
        baseline=True,
        input=InputSpec(112, 224, 2.0, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "area"),
        output=OutputSpec(
            Direction.LOWER_IS_MANIPULATED, "(cosine + 1) / 2, uncalibrated", False, level=Level.TRACK, sequence=64
        ),
        weights=WeightsSpec("recogniser.onnx", "0" * 64, 1, "Apache-2.0", "made here"),
        network={"mean": 127.5, "scale": 127.5, **network},
        training="none",
        limits=("It says nothing about any face.",),
    )


def unit(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


def person(seed: int, count: int, *, noise: float = 0.05, width: int = 64) -> npt.NDArray[np.float32]:
    """``count`` unit embeddings around one direction; with noise .05 in 64 numbers pairs are about .86 alike."""
    random = np.random.default_rng(seed)
    centre = unit(random.normal(size=width))
    return unit(centre + noise * random.normal(size=(count, width)))


def frontal(count: int) -> Poses:
    zeros = np.zeros(count)
    return Poses(zeros, zeros, np.ones(count))


def mirrored(crop: FaceCrop) -> FaceCrop:
    """The crop as it would be cut from the mirrored frame, but for the template's own tenth of a pixel."""
    rgb: RgbArray = np.ascontiguousarray(crop.rgb[:, ::-1])
    last = crop.size - 1
    a, b, c, d, e = (Point(last - p.x, p.y) for p in crop.landmarks)
    return FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (b, a, c, e, d))
