"""The embedded face finder: MTCNN with the weights that come in facenet-pytorch's wheel. It never downloads.

Each frame is searched down to a smallest face that depends on its size (`smallest_face`), which is what makes it quick.
When nothing certain is found, the search widens: down to 20 px faces, and with a border around the frame for faces that
fill it and are cut by its edge.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from workstation.domain.errors import DeviceFault, FinderUnavailable
from workstation.domain.faces import FaceDetection
from workstation.domain.geometry import Box, Point
from workstation.domain.media import RgbArray
from workstation.faces.merging import merged
from workstation.faces.weights import digest

if TYPE_CHECKING:
    from workstation.faces.cascade import Candidate, Cascade

ID = "mtcnn"
_FILES = ("pnet.pt", "rnet.pt", "onet.pt")
_THRESHOLDS = (0.6, 0.7, 0.7)
_FACTOR = 0.709
_SMALLEST = 20.0
# Level of the first search: 39.8 px, below the 48 px that the height gate asks for by default.
_COARSEST_START = 2
_FIRST_SIDE = 640.0
_CERTAIN = 0.95
# The third stage passes much at 0.7 that is no face (hands, chairs, prints); faces fit to examine reach 0.99.
_LEAST = 0.9
_BORDER = 0.5
_BATCH = 16
# Twelve bytes of running sums a pixel: at most about 240 MB a batch, except for a single huge frame.
_BATCH_PIXELS = 20_000_000


def _weights() -> tuple[Path, ...]:
    spec = importlib.util.find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        return ()
    data = Path(spec.submodule_search_locations[0]) / "data"
    return tuple(data / name for name in _FILES)


def problem(weights_folder: Path | None = None) -> str:
    """Return why the finder cannot be loaded, or an empty string. ``weights_folder`` is not used."""
    files = _weights()
    if not files:
        return "facenet-pytorch is not installed."
    missing = [file.name for file in files if not file.is_file()]
    return f"facenet-pytorch lacks its weights {', '.join(missing)}." if missing else ""


def smallest_face(height: int, width: int) -> float:
    """Smallest face, in pixels of the frame, that the first search looks for: 20, 28.2 or 39.8.

    The finest of the three whose pyramid starts at no more than 640 px on the long side.
    """
    faces = [_SMALLEST / _FACTOR**k for k in range(_COARSEST_START + 1)]
    return next((face for face in faces if max(height, width) * 12 / face <= _FIRST_SIDE), faces[-1])


class MtcnnFinder:
    """See `workstation.faces.finder.FaceFinder`."""

    id = ID

    def __init__(self, cascade: Cascade, weights_sha256: str) -> None:
        self._cascade = cascade
        self.weights_sha256 = weights_sha256
        self.settings: Mapping[str, float] = {
            "smallest_face": _SMALLEST,
            "first_smallest_face_at_most": round(_SMALLEST / _FACTOR**_COARSEST_START, 3),
            "factor": _FACTOR,
            "threshold_1": _THRESHOLDS[0],
            "threshold_2": _THRESHOLDS[1],
            "threshold_3": _THRESHOLDS[2],
            "certain": _CERTAIN,
            "least_confidence": _LEAST,
            "border": _BORDER,
        }

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        """See `workstation.faces.finder.FaceFinder.find`.

        Raises:
            DeviceFault: when the device has too little memory even for one frame.
            ValueError: when a frame is not (height, width, 3) uint8.
        """
        for frame in frames:
            if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
                raise ValueError(f"a frame is (height, width, 3) uint8, not {frame.shape} {frame.dtype}")
        answer: list[list[FaceDetection]] = [[] for _ in frames]
        by_size: dict[tuple[int, int], list[int]] = {}
        for i, frame in enumerate(frames):
            by_size.setdefault((frame.shape[0], frame.shape[1]), []).append(i)
        for (height, width), indices in by_size.items():
            step = max(1, min(_BATCH, _BATCH_PIXELS // max(height * width, 1)))
            for first in range(0, len(indices), step):
                batch = indices[first : first + step]
                for i, faces in zip(batch, self._search([np.ascontiguousarray(frames[i]) for i in batch]), strict=True):
                    answer[i] = [face for face in faces if face.confidence >= _LEAST]
        return answer

    def _search(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        from workstation.faces.cascade import levels

        height, width = frames[0].shape[:2]
        start = smallest_face(height, width)
        faces = [merged(map(_face, found)) for found in self._run(frames, levels(height, width, start))]
        again = [i for i, found in enumerate(faces) if not any(f.confidence >= _CERTAIN for f in found)]
        if not again:
            return faces
        unsure = [frames[i] for i in again]
        finer = [s for s in levels(height, width, _SMALLEST) if 12 / s < start * 0.99]
        small = self._run(unsure, finer)
        wide = self._bordered(unsure)
        for k, i in enumerate(again):
            faces[i] = merged(faces[i], merged(map(_face, small[k])), wide[k])
        return faces

    def _bordered(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        """Look for large faces with a border of the frame's own mean colour around it."""
        from workstation.faces.cascade import levels

        height, width = frames[0].shape[:2]
        edge = round(_BORDER * min(height, width) / 2)
        framed = []
        for frame in frames:
            colour = tuple(float(v) for v in frame.reshape(-1, 3).mean(axis=0).round())
            padded = cv2.copyMakeBorder(frame, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=colour)
            framed.append(np.asarray(padded, dtype=np.uint8))
        scales = levels(height + 2 * edge, width + 2 * edge, max(_SMALLEST, min(height, width) / 3))
        return [merged(_face(c, edge) for c in found) for found in self._run(framed, scales)]

    def _run(self, frames: Sequence[RgbArray], scales: Sequence[float]) -> list[list[Candidate]]:
        import torch

        try:
            return self._cascade.detect(frames, scales)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if len(frames) == 1:
                raise DeviceFault("The device has too little memory to find faces.", "Use the CPU.") from error
        half = len(frames) // 2
        return self._run(frames[:half], scales) + self._run(frames[half:], scales)


def _face(candidate: Candidate, edge: int = 0) -> FaceDetection:
    x0, y0, x1, y1 = (float(v) - edge for v in candidate.box)
    a, b, c, d, e = (Point(float(x) - edge, float(y) - edge) for x, y in candidate.points)
    return FaceDetection(Box(x0, y0, max(x0, x1), max(y0, y1)), (a, b, c, d, e), min(candidate.score, 1.0), ID)


def load(*, device: str = "cpu", weights_folder: Path | None = None) -> MtcnnFinder:
    """Load the finder from the installed wheel; ``weights_folder`` is not used.

    Raises:
        FinderUnavailable: when facenet-pytorch or its weights are missing or damaged.
        DeviceFault: when the device cannot be used.
    """
    advice = "Install the program again: the weights come with facenet-pytorch 2.5.3."
    reason = problem(weights_folder)
    if reason:
        raise FinderUnavailable(f"The face finder mtcnn cannot be used: {reason}", advice)
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeviceFault(f"The device {device} cannot be used for finding faces.", "Choose cpu.") from error
    files = _weights()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from workstation.faces.cascade import Cascade

            cascade = Cascade(files, device, _THRESHOLDS)
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise FinderUnavailable("The face finder mtcnn cannot read its weights.", advice) from error
    return MtcnnFinder(cascade, digest(files))
