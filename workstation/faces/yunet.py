"""YuNet through OpenCV, from a file (Wu et al., "YuNet: a tiny millisecond-level face detector", MIR 20(5), 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from workstation.domain.errors import FinderUnavailable
from workstation.domain.faces import FaceDetection
from workstation.domain.media import RgbArray
from workstation.faces.canvas import CANVAS, View, canvas_settings, detection, search
from workstation.faces.weights import digest, matching

ID = "yunet"
_PATTERNS = ("yunet*dynamic*.onnx", "yunet*.onnx", "face_detection_yunet*.onnx")
_SCORE = 0.6
_OVERLAP = 0.3
_MOST = 5000
_ADVICE = "Put a file named yunet*.onnx into the folder for weights."


def problem(weights_folder: Path | None = None) -> str:
    """Return why the finder cannot be loaded, or an empty string."""
    if matching(weights_folder, _PATTERNS):
        return ""
    return "Its weights are not installed: put a file named yunet*.onnx into the folder for weights."


class YunetFinder:
    """See `workstation.faces.finder.FaceFinder`. Runs on the CPU."""

    id = ID

    def __init__(self, network: cv2.FaceDetectorYN, weights_sha256: str) -> None:
        self._network = network
        self.weights_sha256 = weights_sha256
        self.settings = canvas_settings(_SCORE, _OVERLAP)

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        """See `workstation.faces.finder.FaceFinder.find`."""
        return [search(frame, self._look) for frame in frames]

    def _look(self, seen: View) -> list[FaceDetection]:
        _, rows = self._network.detect(np.ascontiguousarray(seen.canvas[..., ::-1]))
        # OpenCV gives None for no face.
        table = np.asarray(rows if np.ndim(rows) else [], dtype=np.float64).reshape(-1, 15)
        return [
            detection(
                seen,
                [float(v) for v in (r[0], r[1], r[0] + r[2], r[1] + r[3])],
                r[4:14].reshape(5, 2),
                float(r[14]),
                ID,
            )
            for r in table
        ]


def load(*, device: str = "cpu", weights_folder: Path | None = None) -> YunetFinder:
    """Load the finder from ``weights_folder``; a dynamic model is preferred. ``device`` is not used.

    Raises:
        FinderUnavailable: when there is no such file or OpenCV cannot read it.
    """
    files = matching(weights_folder, _PATTERNS)
    if not files:
        raise FinderUnavailable("The face finder yunet has no weights.", _ADVICE)
    # OpenCV 5 writes a warning on its graph engine to the console for every network.
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        network = cv2.FaceDetectorYN.create(str(files[0]), "", (CANVAS, CANVAS), _SCORE, _OVERLAP, _MOST)
        network.detect(np.zeros((CANVAS, CANVAS, 3), dtype=np.uint8))
    except cv2.error as error:
        raise FinderUnavailable(f"The face finder yunet cannot read {files[0].name}.", _ADVICE) from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    return YunetFinder(network, digest(files[:1]))
