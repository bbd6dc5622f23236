"""A face-parsing network's map as FakeLocator's gate (arXiv 2001.09598, section 3.3), where one is installed.

The network is an ONNX file with 19 class logits in the order of CelebAMask-HQ, as BiSeNet face parsers have. Which
region is how bright in the gate is our choice and the same as in `workstation.detectors.fakelocator.gate`; classes are
mixed by their probability, so that the gate has no hard edge where the network is in doubt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.fakelocator.gate import AROUND, FACE, ORGAN, Gate
from workstation.domain.errors import DeviceFault, WeightsInvalid
from workstation.domain.faces import FaceCrop
from workstation.faces.weights import matching

PATTERN = "*parsing*.onnx"
FOLDER = "weights"
CLASSES = (
    *("background", "skin", "left brow", "right brow", "left eye", "right eye", "glasses", "left ear", "right ear"),
    *("earring", "nose", "mouth", "upper lip", "lower lip", "neck", "necklace", "clothes", "hair", "hat"),
)
_ORGANS = {"left brow", "right brow", "left eye", "right eye", "glasses", "nose", "mouth", "upper lip", "lower lip"}
_SKIN = {"skin", "left ear", "right ear"}
BRIGHTNESS: npt.NDArray[np.float32] = np.array(
    [ORGAN if name in _ORGANS else FACE if name in _SKIN else AROUND for name in CLASSES], np.float32
)
_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
_STD = np.array((0.229, 0.224, 0.225), np.float32)
_OPEN_SIDE = 512
_SIDES = range(16, 2049)
_ABOVE = 3
_ADVICE = f"Put one file named {PATTERN}, a face parser of 19 classes, into the folder for weights."


class FaceParser:
    """One face-parsing network, run crop by crop on the CPU, so that a gate never depends on its batch.

    Attributes:
        name: of the file.
        sha256: of the file, for the record of an examination.
    """

    def __init__(self, session: Any, side: int, name: str, sha256: str) -> None:
        self._session = session
        self._side = side
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        self.name = name
        self.sha256 = sha256

    def gates(self, crops: Sequence[FaceCrop], side: int) -> Gate:
        """Gates of a batch: (N, 1, side, side) float32 in 0..1. Raises: DeviceFault."""
        return np.stack([self._gate(crop, side) for crop in crops])[:, None]

    def _gate(self, crop: FaceCrop, side: int) -> Gate:
        way = cv2.INTER_AREA if self._side <= crop.size else cv2.INTER_LINEAR
        fed = cv2.resize(crop.rgb, (self._side, self._side), interpolation=way).astype(np.float32) / 255
        values = ((fed - _MEAN) / _STD).transpose(2, 0, 1)[None]
        try:
            (given,) = self._session.run([self._output], {self._input: np.ascontiguousarray(values)})
        except Exception as error:  # onnxruntime's errors share no base class
            raise DeviceFault(f"The face parser {self.name} failed: {_first_line(error)}.", _ADVICE) from error
        logits = np.asarray(given, np.float64)
        if logits.ndim != 4 or logits.shape[:2] != (1, len(CLASSES)) or not np.isfinite(logits).all():
            raise DeviceFault(f"The face parser {self.name} gave no class logits for a crop.", _ADVICE)
        power = np.exp(logits[0] - logits[0].max(axis=0))
        mixed = np.tensordot(BRIGHTNESS, power, 1) / power.sum(axis=0)
        shrinks = side <= mixed.shape[0] and side <= mixed.shape[1]
        gate = cv2.resize(mixed, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return np.asarray(np.clip(gate, 0, 1), np.float32)


def open_parser(name: str, folder: Path) -> FaceParser:
    """Open the one face parser that is installed.

    Args:
        name: id of the detector that needs it, for messages.
        folder: of the package. The file is looked for in it and in the folder ``weights`` of the workstation, the
            nearest one above the package.

    Raises:
        WeightsInvalid: no such file, more than one, or one that is no face parser of 19 classes.
    """
    files = _found(folder)
    if not files:
        raise WeightsInvalid(f"{name} gates by a face-parsing network, and none is installed.", _ADVICE)
    if len(files) > 1:
        known = ", ".join(file.name for file in files)
        raise WeightsInvalid(f"{name} finds more than one face parser: {known}.", "Leave one of them.")
    (file,) = files
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsInvalid(f"{name}: {file.name} cannot be read ({error.strerror}).", _ADVICE) from error
    session = _session(data, file.name)
    return FaceParser(session, _side(session, file.name), file.name, hashlib.sha256(data).hexdigest())


def _found(folder: Path) -> tuple[Path, ...]:
    """Parsers in the package itself, else in the nearest folder for weights above it."""
    own = matching(folder, (PATTERN,), depth=0)
    if own:
        return own
    above = folder.resolve().parents[:_ABOVE]
    nearest = next((place / FOLDER for place in above if (place / FOLDER).is_dir()), None)
    return matching(nearest, (PATTERN,), depth=1)


def _session(data: bytes, name: str) -> Any:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise WeightsInvalid(f"{name} cannot be read as an ONNX network ({_first_line(error)}).", _ADVICE) from error


def _side(session: Any, name: str) -> int:
    """Side of the square the network takes. Raises: WeightsInvalid when its ends are not a face parser's."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape: list[object] = list(inputs[0].shape) if len(inputs) == 1 and inputs[0].type == "tensor(float)" else []
    given: list[object] = list(outputs[0].shape) if outputs else []
    one = len(shape) == 4 and (not isinstance(shape[0], int) or shape[0] == 1) and shape[1] == 3
    # Some exporters leave the number of classes open; it is checked on the first answer then.
    classes = len(given) == 4 and (not isinstance(given[1], int) or given[1] == len(CLASSES))
    if not one or not classes:
        raise WeightsInvalid(f"{name} is no face parser of {len(CLASSES)} classes.", _ADVICE)
    height, width = (side if isinstance(side, int) and side > 0 else _OPEN_SIDE for side in shape[2:])
    if height != width or height not in _SIDES:
        raise WeightsInvalid(f"{name} takes pictures of {width} x {height} pixels, not of a square.", _ADVICE)
    return height


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
