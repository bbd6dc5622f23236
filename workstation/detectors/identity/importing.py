"""Making an identity package of a bare ONNX recogniser, such as those of insightface's recognition packs."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from workstation.detectors.identity.encoder import SIDE, EncoderShape, session_of, shape_of
from workstation.detectors.importing.recognise import said_of, sha256_of
from workstation.detectors.packages import finish_package
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, Level, OutputSpec, WeightsSpec
from workstation.domain.errors import WeightsInvalid

CROP_SIZE = 224
CROP_MARGIN = 2.0
SEQUENCE = 64
_LARGEST = 2 * 2**30
# Files whose own description names another scale than the usual 127.5; by SHA-256.
_SCALES = {"f055d9c9a4d826d198c42666590fdefa0fdc1374a75ccb6306c3d1b1bf8f74c5": 128.0}
_USUAL = 127.5


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether a file is an ONNX recogniser: one picture of 112 x 112 in, one embedding (or an inner and an outer one)
    out. ``shapes`` is not used: an ONNX file's tensors have no names that are known."""
    if path.suffix.lower() != ".onnx":
        return False
    try:
        _shape(path)
    except WeightsInvalid:
        return False
    return True


def convert(path: Path, folder: Path, *, licence: str, origin: str) -> DetectorCard:
    """Write a package of the recogniser into ``folder`` and seal its self-test.

    Args:
        licence: under which the recogniser may be used; it stands on the card and cannot be told from the file.
        origin: where the file is from.

    Raises:
        WeightsInvalid: no licence was given, or the file is no recogniser or cannot be read.
    """
    shape = _shape(path)
    digest = sha256_of(path)
    said_licence, said_origin = said_of(path, digest, licence, origin)
    mean, scale, said = _scaling(path, digest)
    folder.mkdir(parents=True, exist_ok=True)
    name = _slug(path.stem)
    target = folder / f"{name}.onnx"
    if path.resolve() != target.resolve():
        shutil.copyfile(path, target)
    target.chmod(0o644)
    card = _card(path, shape, digest, mean, scale, said)
    weights = WeightsSpec(target.name, digest, target.stat().st_size, said_licence, said_origin)
    return finish_package(folder, dataclasses.replace(card, weights=weights))


def _card(path: Path, shape: EncoderShape, digest: str, mean: float, scale: float, said: str) -> DetectorCard:
    two = len(shape.outputs) == 2
    kind = "an inner and an outer embedding" if two else "one embedding"
    width = f" of {shape.width} numbers" if shape.width else ""
    return DetectorCard(
        id=f"identity-{_slug(path.stem)}"[:63].rstrip("-"),
        name=f"Identity consistency ({path.stem})",
        version=digest[:12],
        family="identity",
        summary=(
            "Compares the faces of a track with one another and with reference faces of the person it is said to show. "
            "Identity consistency as defined by this program."
        ),
        trace="An identity that wavers over the track, or is not that of the references.",
        paper="After the idea of WSC-swap (arXiv 2307.07928); inner against outer face after ICT (arXiv 2203.01318).",
        baseline=False,
        input=InputSpec(SIDE, CROP_SIZE, CROP_MARGIN, (mean / 255,) * 3, (scale / 255,) * 3, "area"),
        output=OutputSpec(
            Direction.LOWER_IS_MANIPULATED,
            "(cosine + 1) / 2 of face embeddings, uncalibrated",
            False,
            level=Level.TRACK,
            sequence=SEQUENCE,
        ),
        weights=WeightsSpec("", "", 0, "", ""),
        network={"mean": mean, "scale": scale},
        training=f"A recogniser trained by others; what on is not in its file. It gives {kind}{width}.",
        limits=(
            "Licences of recognisers are often for non-commercial research alone; the licence above was typed in.",
            "How alike one person's pictures are depends on pose, light, age, compression and the recogniser.",
            "Without references it says little: a poor, strongly compressed genuine clip can waver as much as a swap.",
            "Reenactment keeps the identity: a face that only moves otherwise is not found by it.",
            "A low likeness can be another person, a poor picture or a strong turn of the head, not only a swap.",
            "Recognisers are not equally good for all groups of people.",
            "Inner against outer face: an ordinary recogniser was not trained on such pictures. Without references the "
            "likeness of the two told nothing in our trials; with them, that the inside changed and the outside not.",
        ),
        unverified=(
            "The identity-consistency formula of WSC-swap is not known; the measures are this program's own.",
            said,
            *(("Which output is the inner face is told by their names or else their order.",) if two else ()),
            "No threshold was calibrated, so no share of frames under one is given.",
        ),
    )


def _scaling(path: Path, digest: str) -> tuple[float, float, str]:
    """Mean and scale of values 0..255, and how they are known."""
    if digest in _SCALES:
        return _USUAL, _SCALES[digest], f"Mean {_USUAL:g} and scale {_SCALES[digest]:g} are those told of this file."
    if _normalises(path):
        return 0.0, 1.0, "The network begins by shifting or scaling its input, so it is fed values 0 to 255."
    return _USUAL, _USUAL, f"Mean and scale {_USUAL:g} are the usual ones; the file does not say them."


def _normalises(path: Path) -> bool:
    """Whether the first thing done with the input is to shift or scale it by a constant."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {value.name for value in graph.input} - constants
    users = [node for node in graph.node if inputs & set(node.input)]
    return bool(users) and all(node.op_type in ("Sub", "Add", "Mul", "Div") for node in users)


def _shape(path: Path) -> EncoderShape:
    try:
        if path.stat().st_size > _LARGEST:
            raise WeightsInvalid(f"{path.name} is larger than {_LARGEST >> 30} GiB.")
        data = path.read_bytes()
    except OSError as error:
        raise WeightsInvalid(f"{path.name} cannot be read ({error.strerror}).") from error
    return shape_of(session_of(data, path.name), path.name)


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:48] or "recogniser"
