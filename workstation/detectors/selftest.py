"""The sealed self-test of a package: fixed crops with the answers its maker got, on a CPU in float32.

It tells a package that answers as its maker's did from one that merely loads: another version of a library, another
processor or changed code shows here before an examination. The file is a compressed numpy archive of plain numbers:
crops (n, side, side, 3) uint8 and landmarks (n, 5, 2), scores (n) and maps averaged to 8 x 8; for a detector that reads
tracks also a track, a gallery and the answers to them.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from workstation.detectors.drawn import drawn_crops
from workstation.domain.custody import CheckLine, CheckState
from workstation.domain.detectors import (
    Detector,
    DetectorCard,
    GalleryPerson,
    InstalledDetector,
    Level,
    SelfTestSpec,
    SequenceDetector,
    SequenceReading,
    TrackContext,
)
from workstation.domain.errors import DetectorError, WeightsInvalid, WorkstationError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point

__all__ = ["FILE", "TOLERANCE", "drawn_crops", "run", "seal", "tolerance"]

FILE = "self_test.npz"
TOLERANCE = 1e-4
# Another device sums in another order; bfloat16 carries 8 bits of a number.
_OTHER_DEVICE = 2e-3
_BFLOAT16 = 0.05
_SEED = 20
_FACES = 4
_TRACK = 8
_FRAMES_PER_SECOND = 25.0
_MAP = 8
_LARGEST = 512 * 2**20
_ENTRIES = (
    *("crops", "landmarks", "scores", "maps", "track", "track_landmarks", "track_seconds", "track_score"),
    *("track_measures", "track_names", "gallery", "gallery_landmarks", "gallery_person"),
)
_Arrays = dict[str, npt.NDArray[Any]]
_GALLERY = (("A", True), ("B", False))


def tolerance(spec: SelfTestSpec, device: str, precision: str) -> float:
    """The largest difference of a score that passes: the card's on a CPU in float32, a looser one elsewhere."""
    if precision != "float32":
        return max(spec.tolerance, _BFLOAT16)
    return spec.tolerance if device == "cpu" else max(spec.tolerance, _OTHER_DEVICE)


def seal(detector: Detector, folder: Path) -> SelfTestSpec:
    """Read drawn crops and write them with the answers into ``folder``.

    Args:
        detector: on the CPU in float32.

    Raises:
        DetectorError: the detector is not on the CPU in float32, or an answer is not a number in 0..1.
    """
    card = detector.card
    if detector.device != "cpu" or detector.precision != "float32":
        raise DetectorError(f"A self-test is sealed on the CPU in float32, not on {detector.device}.")
    arrays = _questions(card)
    arrays |= _answers(detector, arrays)
    for name in ("scores", "track_score", "maps"):
        if name in arrays and not all(math.isnan(v) or 0 <= v <= 1 for v in arrays[name].ravel()):
            raise DetectorError(f"{card.id} answers drawn crops with what is not in 0..1.", "Its weights are unsound.")
    path = folder / FILE
    np.savez_compressed(path, **cast(Any, arrays))
    return SelfTestSpec(FILE, hashlib.sha256(path.read_bytes()).hexdigest(), TOLERANCE)


def run(package: InstalledDetector, *, device: str = "cpu", precision: str = "float32") -> list[CheckLine]:
    """Read a package's sealed crops again and hold the answers against the sealed ones; never raises for a bad package.

    A package without a self-test gives one line that says so.
    """
    from workstation.detectors import registry

    subject, spec = f"detector {package.card.id}: self-test", package.card.self_test
    if spec is None:
        return [CheckLine(subject, CheckState.OK, "no self-test; nothing shows that it answers as its maker's did")]
    try:
        sealed = _opened(spec, package.card, Path(package.folder))
        detector = registry.load(package, device=device, precision=precision)
        found = _answers(detector, sealed)
    except WorkstationError as error:
        return [CheckLine(subject, CheckState.BAD, error.message)]
    except Exception as error:  # noqa: BLE001 - a foreign family may fail in any way; the line says so
        return [CheckLine(subject, CheckState.BAD, f"its family failed: {registry.told(error)}")]
    allowed = tolerance(spec, device, precision)
    wrong, largest = _compared(sealed, found, allowed)
    if wrong:
        return [CheckLine(subject, CheckState.BAD, line) for line in wrong]
    told = f"{_amount(sealed)} answered within {allowed:g} on {device} in {precision}"
    return [CheckLine(subject, CheckState.OK, f"{told} (largest difference {largest:.1e})")]


@dataclass(slots=True)
class _Difference:
    largest: float = 0.0

    def lines(self, what: str, wanted: float, got: float, allowed: float) -> list[str]:
        if math.isnan(wanted) and math.isnan(got):
            return []
        apart = abs(wanted - got)
        if math.isfinite(apart):
            self.largest = max(self.largest, apart)
        return [] if apart <= allowed else [f"{what}: expected {wanted:.6f}, got {got:.6f} (allowed {allowed:g})"]


def _compared(sealed: Mapping[str, Any], found: Mapping[str, Any], allowed: float) -> tuple[list[str], float]:
    """What is wrong, line by line, and the largest difference seen."""
    seen, wrong = _Difference(), []
    for name in ("scores", "maps", "track_score", "track_measures"):
        if (name in sealed) != (name in found):
            wrong.append(f"{name.replace('_', ' ')}: {'none given' if name in sealed else 'not expected'}")
        elif name in sealed and np.shape(sealed[name]) != np.shape(found[name]):
            wrong.append(f"{name.replace('_', ' ')}: {np.shape(found[name])}, expected {np.shape(sealed[name])}")
    if wrong:
        return wrong, 0.0
    for number, (wanted, got) in enumerate(zip(sealed.get("scores", ()), found.get("scores", ()), strict=True), 1):
        wrong += seen.lines(f"crop {number}", float(wanted), float(got), allowed)
    for number, (wanted, got) in enumerate(zip(sealed.get("maps", ()), found.get("maps", ()), strict=True), 1):
        place = int(np.argmax(np.abs(wanted - got)))
        wrong += seen.lines(f"map of crop {number}", float(wanted.flat[place]), float(got.flat[place]), allowed)
    for wanted, got in zip(sealed.get("track_score", ()), found.get("track_score", ()), strict=True):
        wrong += seen.lines("track", float(wanted), float(got), allowed)
    if "track_names" in sealed:
        if list(sealed["track_names"]) != list(found["track_names"]):
            return [*wrong, f"measures of the track: {', '.join(map(str, found['track_names'])) or 'none'}"], 0.0
        measures = zip(sealed["track_names"], sealed["track_measures"], found["track_measures"], strict=True)
        for name, wanted, got in measures:
            # Measures have scales of their own, some of them large.
            wrong += seen.lines(f"track, {name}", float(wanted), float(got), allowed * max(1.0, abs(float(wanted))))
    return wrong, seen.largest


def _questions(card: DetectorCard) -> _Arrays:
    """The crops a detector is asked about: single faces, a track of one moving face, and a gallery of two persons."""
    size, margin, output = card.input.crop_size, card.input.crop_margin, card.output
    arrays: _Arrays = {}
    if output.level is Level.FACE:
        faces = drawn_crops(size, _FACES, _SEED, margin)
        arrays["crops"], arrays["landmarks"] = _packed(faces)
    if output.sequence:
        count = max(output.least, min(output.sequence, _TRACK))
        # Neighbours in a track differ by its light alone, as frames of a video nearly do.
        first = drawn_crops(size, 1, _SEED + 1, margin)[0]
        light = 1 + 0.1 * np.sin(np.arange(count))
        frames = [FaceCrop(_lit(first.rgb, by), first.crop_from_frame, first.landmarks) for by in light]
        arrays["track"], arrays["track_landmarks"] = _packed(frames)
        arrays["track_seconds"] = np.arange(count) / _FRAMES_PER_SECOND
        persons = [crop for n in range(len(_GALLERY)) for crop in drawn_crops(size, 2, _SEED + 2 + n, margin)]
        arrays["gallery"], arrays["gallery_landmarks"] = _packed(persons)
        arrays["gallery_person"] = np.repeat(np.arange(len(_GALLERY)), 2)
    return arrays


def _answers(detector: Detector, arrays: Mapping[str, npt.NDArray[Any]]) -> _Arrays:
    found: _Arrays = {}
    if "crops" in arrays:
        readings = detector.read(_crops(arrays["crops"], arrays["landmarks"]))
        found["scores"] = np.array([reading.value for reading in readings], np.float64)
        maps = [reading.map for reading in readings if reading.map is not None]
        if maps:
            found["maps"] = np.stack([_coarse(field) for field in maps])
    if "track" in arrays:
        crops = _crops(arrays["track"], arrays["track_landmarks"])
        people = _crops(arrays["gallery"], arrays["gallery_landmarks"])
        gallery = tuple(
            GalleryPerson(
                name, claimed, tuple(c for c, p in zip(people, arrays["gallery_person"], strict=True) if p == n)
            )
            for n, (name, claimed) in enumerate(_GALLERY)
        )
        context = TrackContext(tuple(float(v) for v in arrays["track_seconds"]), gallery)
        reading: SequenceReading = cast(SequenceDetector, detector).read_track(crops, context)
        found["track_score"] = np.array([_number(reading.value)])
        found["track_measures"] = np.array([_number(measure.value) for measure in reading.measures], np.float64)
        found["track_names"] = np.array([measure.name for measure in reading.measures], np.str_)
    return found


def _opened(spec: SelfTestSpec, card: DetectorCard, folder: Path) -> _Arrays:
    """Raises: WeightsInvalid when the file is not the one the card names, or is no self-test of this card."""
    path = folder / spec.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsInvalid(f"{card.id}: {spec.file} cannot be read ({error.strerror}).", _AGAIN) from error
    if (digest := hashlib.sha256(data).hexdigest()) != spec.sha256:
        raise WeightsInvalid(f"{card.id}: {spec.file} has SHA-256 {digest[:16]}…, its card another.", _AGAIN)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist()]
            if set(names) - {f"{name}.npy" for name in _ENTRIES} or len(names) != len(set(names)):
                raise ValueError("unknown entries")
            if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                raise ValueError("too large")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        _fits(arrays, card)
    except (ValueError, KeyError, OSError, EOFError, ArithmeticError, MemoryError, RuntimeError, *_DAMAGED) as error:
        raise WeightsInvalid(f"{card.id}: {spec.file} is no self-test of this card ({error}).", _AGAIN) from error
    return arrays


def _fits(arrays: Mapping[str, npt.NDArray[Any]], card: DetectorCard) -> None:
    """Raises: ValueError or KeyError when the arrays are not those a self-test of this card has."""
    side = card.input.crop_size
    wanted = [("crops", "landmarks")] if card.output.level is Level.FACE else []
    wanted += [("track", "track_landmarks"), ("gallery", "gallery_landmarks")] if card.output.sequence else []
    for crops, marks in wanted:
        count = len(arrays[crops])
        if arrays[crops].shape != (count, side, side, 3) or arrays[crops].dtype != np.uint8 or not count:
            raise ValueError(f"{crops} of {arrays[crops].shape}")
        if arrays[marks].shape != (count, 5, 2) or not np.isfinite(arrays[marks]).all():
            raise ValueError(f"{marks} of {arrays[marks].shape}")
    if card.output.level is Level.FACE and arrays["scores"].shape != (len(arrays["crops"]),):
        raise ValueError("another number of scores than of crops")
    if card.output.sequence:
        if arrays["track_seconds"].shape != (len(arrays["track"]),):
            raise ValueError("another number of times than of crops")
        if arrays["gallery_person"].shape != (len(arrays["gallery"]),):
            raise ValueError("another number of persons than of crops")
        if arrays["track_score"].shape != (1,) or arrays["track_names"].shape != arrays["track_measures"].shape:
            raise ValueError("no answer to the track")


def _packed(crops: list[FaceCrop]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    marks = np.array([[(p.x, p.y) for p in crop.landmarks] for crop in crops], np.float64)
    return np.stack([crop.rgb for crop in crops]), marks


def _crops(rgb: npt.NDArray[Any], marks: npt.NDArray[Any]) -> list[FaceCrop]:
    found = []
    for picture, points in zip(rgb, marks, strict=True):
        one, two, three, four, five = (Point(float(x), float(y)) for x, y in points)
        found.append(FaceCrop(np.ascontiguousarray(picture), Affine(1, 0, 0, 0, 1, 0), (one, two, three, four, five)))
    return found


def _lit(rgb: npt.NDArray[np.uint8], by: float) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(rgb * by), 0, 255), np.uint8)


def _coarse(field: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Means over an 8 x 8 grid: what a map says, without a byte for every pixel."""
    rows = [np.array_split(band, _MAP, axis=1) for band in np.array_split(field, _MAP, axis=0)]
    return np.array([[float(cell.mean(dtype=np.float64)) for cell in row] for row in rows], np.float32)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _amount(sealed: Mapping[str, npt.NDArray[Any]]) -> str:
    parts = [f"{len(sealed['crops'])} drawn crops"] if "crops" in sealed else []
    parts += [f"a track of {len(sealed['track'])}"] if "track" in sealed else []
    return " and ".join(parts)


_DAMAGED = (zlib.error, zipfile.BadZipFile)
_AGAIN = "Install the package again from a sound copy."
