"""A face recogniser from an ONNX file: pictures of 112 x 112 pixels in the ArcFace frame to unit embeddings.

ArcFace (Deng et al., CVPR 2019) and its relatives take the five points at fixed places of a 112 x 112 picture, as
`workstation.faces.alignment` cuts it at margin 1. A package may ask for a larger crop, so that hair and the outer face
are in it; the 112 frame is then cut out of that crop.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.weights import weights_path
from workstation.domain.detectors import DetectorCard, InputSpec
from workstation.domain.errors import CardInvalid, DetectorError, DeviceFault, InputError, WeightsInvalid
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine
from workstation.domain.media import RgbArray
from workstation.faces.alignment import warp

Embeddings = npt.NDArray[np.float32]
"""(n, width) float32, rows of length 1."""

SIDE = 112
_AGAIN = "Install the package again from a sound copy."
_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """What a recogniser takes and gives, as its file says.

    Attributes:
        input: name of the one input, (n, 3, 112, 112) float.
        outputs: names of the outputs: one, or that of the inner and that of the outer embedding.
        width: numbers in an embedding; 0 when the file leaves it open.
    """

    input: str
    outputs: tuple[str, ...]
    width: int


class Encoder:
    """One session of onnxruntime. Every picture goes through alone, so its embedding never depends on its batch.

    Args:
        mean, scale: the network is fed (value - mean) / scale of values 0..255.
        colour: "rgb" or "bgr", the order the network is fed.
    """

    def __init__(self, session: Any, shape: EncoderShape, *, mean: float, scale: float, colour: str = "rgb") -> None:
        self._session = session
        self.shape = shape
        self._mean = np.float32(mean)
        self._scale = np.float32(scale)
        self._order = -1 if colour == "bgr" else 1

    @property
    def device(self) -> str:
        """ "cuda" or "cpu": where the session really runs."""
        return "cuda" if "CUDAExecutionProvider" in self._session.get_providers()[:1] else "cpu"

    def embed(self, pictures: Sequence[RgbArray]) -> tuple[Embeddings, ...]:
        """Embed pictures (112, 112, 3) uint8 in RGB; one array of unit rows for each output, in order.

        Raises:
            InputError: a picture of another shape.
            DetectorError: an embedding is not a number, or nothing at all.
            DeviceFault: onnxruntime failed.
        """
        rows = [self._one(picture) for picture in pictures]
        count = len(self.shape.outputs)
        if not rows:
            return tuple(np.zeros((0, self.shape.width), np.float32) for _ in range(count))
        return tuple(np.stack([row[k] for row in rows]) for k in range(count))

    def _one(self, picture: RgbArray) -> list[Embeddings]:
        if picture.shape != (SIDE, SIDE, 3) or picture.dtype != np.uint8:
            raise InputError(f"A recogniser is fed {SIDE} x {SIDE} pixels, not {picture.shape} {picture.dtype}.")
        values = (picture[..., :: self._order].astype(np.float32) - self._mean) / self._scale
        fed = np.ascontiguousarray(values.transpose(2, 0, 1)[None])
        try:
            given = self._session.run(list(self.shape.outputs), {self.shape.input: fed})
        except Exception as error:  # onnxruntime's errors share no base class
            raise DeviceFault(f"The recogniser failed: {_first_line(error)}.", "Verify the package.") from error
        return [self._unit(np.asarray(output, np.float32).reshape(-1)) for output in given]

    @staticmethod
    def _unit(vector: npt.NDArray[np.float32]) -> Embeddings:
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if not math.isfinite(length) or length < _LEAST_LENGTH:
            raise DetectorError("The recogniser gave an embedding that is no direction.", "Verify the package.")
        return np.asarray(vector / length, np.float32)


def face_frame(crop: FaceCrop, spec: InputSpec) -> RgbArray:
    """The ArcFace frame (112, 112, 3) inside a larger crop.

    A crop of ``spec.crop_size`` pixels at margin m shows m times the width of the template around the same centre
    (`alignment.target_points`), so the frame is the middle 1/m of it. Where that is a whole number of pixels at the
    crop's own scale (224 pixels at margin 2), it is cut out and no pixel is resampled.

    Raises:
        InputError: the crop is not of the card's size.
    """
    if crop.rgb.shape != (spec.crop_size, spec.crop_size, 3):
        raise InputError(f"A crop of {crop.rgb.shape} does not fit a card that wants {spec.crop_size} px.")
    scale = SIDE * spec.crop_margin / spec.crop_size
    start = (spec.crop_size - SIDE / scale) / 2
    if abs(scale - 1) < 1e-9 and start >= 0 and float(start).is_integer():
        first = int(start)
        return np.ascontiguousarray(crop.rgb[first : first + SIDE, first : first + SIDE])
    return warp(crop.rgb, Affine(scale, 0.0, -start * scale, 0.0, scale, -start * scale), SIDE)


def open_encoder(card: DetectorCard, folder: Path, device: str = "cpu") -> Encoder:
    """Open the card's recogniser after its digest was checked on the very bytes that are opened.

    Args:
        device: "cuda..." uses onnxruntime's CUDA provider where the installed onnxruntime has it, else the CPU.

    Raises:
        CardInvalid: the card's ``network`` table does not fit this family.
        WeightsInvalid: missing, altered, no ONNX recogniser, or not the one the card describes.
    """
    mean, scale = scaling(card)
    session = session_of(_checked(card, folder), card.weights.file, device)
    return Encoder(session, shape_of(session, card.id), mean=mean, scale=scale, colour=card.input.colour)


def scaling(card: DetectorCard) -> tuple[float, float]:
    """``network.mean`` and ``network.scale`` of a card, in values 0..255.

    Raises:
        CardInvalid: missing, not numbers, contradicting ``input.mean`` and ``input.std``, or a card of another size.
    """
    numbers = []
    for name in ("mean", "scale"):
        value = card.network.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise CardInvalid(f"{card.id}: network.{name} must be a number.")
        numbers.append(float(value))
    mean, scale = numbers
    if scale <= 0:
        raise CardInvalid(f"{card.id}: network.scale must be above 0.")
    if card.input.size != SIDE:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, a recogniser takes {SIDE}.")
    told = zip((*card.input.mean, *card.input.std), [mean / 255] * 3 + [scale / 255] * 3, strict=True)
    if any(abs(one - other) > 1e-6 for one, other in told):
        raise CardInvalid(f"{card.id}: input.mean and input.std are not network.mean and network.scale over 255.")
    return mean, scale


def shape_of(session: Any, name: str) -> EncoderShape:
    """Read names and shapes from a session. Two outputs are inner and outer in this order, unless named otherwise.

    Raises:
        WeightsInvalid: it is no recogniser; the message names ``name``.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or not takes_frames(inputs[0].shape) or inputs[0].type != "tensor(float)":
        wanted = f"A recogniser has one input of ({SIDE} x {SIDE}) pixels in three colours."
        raise WeightsInvalid(f"{name}: the file is no face recogniser.", wanted)
    widths = [_width(output.shape) for output in outputs]
    if len(outputs) not in (1, 2) or any(width is None for width in widths) or len(set(widths)) != 1:
        raise WeightsInvalid(
            f"{name}: the file is no face recogniser.", "It gives one embedding, or an inner and an outer one."
        )
    names = [output.name for output in outputs]
    if len(names) == 2 and "outer" in names[0].lower() and "outer" not in names[1].lower():
        names.reverse()
    return EncoderShape(inputs[0].name, tuple(names), widths[0] or 0)


def takes_frames(shape: Sequence[object]) -> bool:
    """Whether an input's shape is (n, 3, 112, 112), n being 1 or open."""
    if len(shape) != 4:
        return False
    count, *rest = shape
    open_or_one = not isinstance(count, int) or count in (0, 1, -1)
    # Some exporters leave the sides open as well; the colours never are.
    return open_or_one and rest[0] == 3 and all(not isinstance(side, int) or side == SIDE for side in rest[1:])


def _width(shape: Sequence[object]) -> int | None:
    """Numbers in an embedding: 0 when left open, None when the output is no (n, width)."""
    if len(shape) != 2:
        return None
    last = shape[1]
    if not isinstance(last, int):
        return 0
    return last if last > 1 else None


def _checked(card: DetectorCard, folder: Path) -> bytes:
    path = weights_path(card, folder)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsInvalid(f"{card.id}: {path.name} cannot be read ({error.strerror}).", _AGAIN) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.weights.sha256:
        raise WeightsInvalid(
            f"{card.id}: {path.name} has SHA-256 {digest[:16]}…, its card says {card.weights.sha256[:16]}….", _AGAIN
        )
    return data


def session_of(data: bytes, name: str, device: str = "cpu") -> Any:
    """Open the bytes of an ONNX file; ``name`` is what messages call it. Raises: WeightsInvalid."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    # Waiting threads sleep: between two faces the processor belongs to the decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    providers = [p for p in wanted if p in onnxruntime.get_available_providers()] + ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(data, sess_options=options, providers=providers)
    except Exception as error:  # onnxruntime's errors share no base class
        raise WeightsInvalid(f"{name} cannot be read as an ONNX network ({_first_line(error)}).", _AGAIN) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def smaller(picture: RgbArray, side: int = SIDE) -> RgbArray:
    """A square picture brought to ``side`` pixels by area average."""
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=cv2.INTER_AREA), np.uint8)
