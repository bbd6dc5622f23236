"""SCRFD and RetinaFace models of insightface, from files; never downloaded.

SCRFD: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022. RetinaFace: Deng et
al., CVPR 2020. A model file may lie in the weights folder itself or in a pack's folder (``buffalo_l/det_10g.onnx``).
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import FinderUnavailable
from workstation.domain.faces import FaceDetection
from workstation.domain.media import RgbArray
from workstation.faces.canvas import CANVAS, View, canvas_settings, detection, search
from workstation.faces.weights import digest, matching

ID = "insightface"
_PATTERNS = (
    "det_10g.onnx",
    "scrfd_10g*kps.onnx",
    "scrfd_34g*kps.onnx",
    "scrfd_2.5g*kps.onnx",
    "det_2.5g.onnx",
    "scrfd_*kps.onnx",
    "det_*.onnx",
    "*retinaface*.onnx",
)
_SCORE = 0.5
_OVERLAP = 0.4
_ADVICE = "Put det_10g.onnx (from a pack such as buffalo_l) or scrfd_*_kps.onnx into the folder for weights."


class _Network(Protocol):
    use_kps: bool

    def detect(
        self, img: npt.NDArray[np.uint8], input_size: tuple[int, int]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]: ...


def problem(weights_folder: Path | None = None) -> str:
    """Return why the finder cannot be loaded, or an empty string."""
    if importlib.util.find_spec("insightface") is None:
        return "insightface is not installed."
    return "" if matching(weights_folder, _PATTERNS) else f"Its weights are not installed. {_ADVICE}"


class InsightfaceFinder:
    """See `workstation.faces.finder.FaceFinder`."""

    id = ID

    def __init__(self, network: _Network, weights_sha256: str) -> None:
        self._network = network
        self.weights_sha256 = weights_sha256
        self.settings = canvas_settings(_SCORE, _OVERLAP)

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        """See `workstation.faces.finder.FaceFinder.find`."""
        return [search(frame, self._look) for frame in frames]

    def _look(self, seen: View) -> list[FaceDetection]:
        picture = np.ascontiguousarray(seen.canvas[..., ::-1])
        boxes, points = self._network.detect(picture, input_size=(CANVAS, CANVAS))
        if points is None:
            return []
        return [
            detection(seen, [float(v) for v in box[:4]], np.asarray(five, dtype=np.float64), float(box[4]), ID)
            for box, five in zip(boxes, points, strict=True)
        ]


def load(*, device: str = "cpu", weights_folder: Path | None = None) -> InsightfaceFinder:
    """Load the best detection model in ``weights_folder``.

    Args:
        device: "cuda..." uses onnxruntime's CUDA provider where the installed onnxruntime has it, else the CPU.
        weights_folder: where the model files or packs are.

    Raises:
        FinderUnavailable: when there is no such file, it cannot be read, or it gives no five points.
    """
    reason = problem(weights_folder)
    if reason:
        raise FinderUnavailable(f"The face finder insightface cannot be used: {reason}")
    file = matching(weights_folder, _PATTERNS)[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = _network(file, device)
        network.detect(np.zeros((CANVAS, CANVAS, 3), dtype=np.uint8), input_size=(CANVAS, CANVAS))
    except Exception as error:  # onnxruntime's errors share no base class
        raise FinderUnavailable(f"The face finder insightface cannot read {file.name}.", _ADVICE) from error
    if not network.use_kps:
        raise FinderUnavailable(f"The model {file.name} gives no five points.", _ADVICE)
    return InsightfaceFinder(network, digest([file]))


def _network(file: Path, device: str) -> _Network:
    import onnxruntime
    from insightface.model_zoo.retinaface import RetinaFace
    from insightface.model_zoo.scrfd import SCRFD

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    providers = [p for p in wanted if p in onnxruntime.get_available_providers()] + ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(file), sess_options=options, providers=providers)
    if "retinaface" in file.name:
        network = RetinaFace(model_file=str(file), session=session)
    else:
        network = SCRFD(model_file=str(file), session=session, static_shape_sessions=False)
    network.prepare(0 if len(providers) > 1 else -1, det_thresh=_SCORE, nms_thresh=_OVERLAP)
    found: _Network = network
    return found
