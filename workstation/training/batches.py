"""Batches of pairs: a genuine crop and a manipulated one under the same post-processing, genuine half first.

A batch is a function of seed and step alone, so that a run that was cut off goes on with the batches it would have had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workstation.detectors.mfclip.labels import ForgeryLabel, genuine
from workstation.detectors.preprocess import pixels
from workstation.domain.detectors import InputSpec
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import target_points
from workstation.training import degrade

Marks = npt.NDArray[np.float32]
MAP_SIDE = 64
CROP_SIDE, CROP_MARGIN = 256, 1.3
# Left and right change places in a mirrored face: eye and eye, mouth corner and mouth corner.
_MIRRORED = [1, 0, 2, 4, 3]
# Of a window: places tried, and the share of the changed area that is enough.
_PLACES, _ENOUGH = 6, 0.4


@dataclass(frozen=True, slots=True)
class Material:
    """Crops of one split at margin 1.3, (N, side, side, 3) uint8, in pairs; other sides than 256 are resized to it.

    Attributes:
        genuine, forged: the crops; ``forged[i]`` is paired with ``genuine[of[i]]``.
        maps: (M, 64, 64) uint8, 255 where a forged crop was changed most; all 255 where nothing is known of where.
        masks: the same as exact masks, or None when there are none.
        kind: (M,) positions in ``kinds``; word: (M,) positions in ``words``.
        genuine_marks, forged_marks: (N, 5, 2) landmarks in pixels of the crop at 256 px; None puts them where alignment
            does.
        genuine_track, forged_track: (N,) number of the sequence a crop is a frame of, in order of time; None for
            pictures.
    """

    genuine: RgbArray
    forged: RgbArray
    maps: npt.NDArray[np.uint8]
    of: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    kinds: tuple[str, ...]
    word: npt.NDArray[np.int64]
    words: tuple[ForgeryLabel, ...]
    masks: npt.NDArray[np.uint8] | None = None
    genuine_marks: Marks | None = None
    forged_marks: Marks | None = None
    genuine_track: npt.NDArray[np.int64] | None = None
    forged_track: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Genuine half first.

    Attributes:
        pixels: (2n, 3, side, side) float32 normalised; of sequences (2n, T, 3, side, side).
        labels: (2n,) 0 genuine, 1 manipulated.
        maps: (2n, 1, 64, 64) float32 in 0..1, zero for genuine; masks the same, exact where they are known.
        marks: (2n, 5, 2) landmarks as shares 0..1 of the side; of sequences (2n, T, 5, 2).
        kinds: (n,) of the forgeries; words: 2n labels.
    """

    pixels: Tensor
    labels: Tensor
    maps: Tensor
    masks: Tensor
    marks: Tensor
    kinds: npt.NDArray[np.int64]
    words: tuple[ForgeryLabel, ...]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch with its tensors on a device."""
        names = ("pixels", "labels", "maps", "masks", "marks")
        moved = {name: getattr(self, name).to(device, non_blocking=non_blocking) for name in names}
        return replace(self, **moved)


class Batches:
    """Draws batches from material.

    Args:
        spec: what the network is fed; its crop is 256 px, at a margin of at most the material's 1.3.
        strength: of the post-processing, 0..1.
        apart: spread of the sharpness that is drawn anew for each picture of a pair (`degrade.even`), 0 for none.
        genuine_only: degrade genuine pictures alone and leave forgeries as they were made, but for the mirroring. This
            is FakeLocator's "partial data augmentation" (arXiv 2001.09598) and here for reproducing it alone: it makes
            degradation itself the sign of "genuine", a shortcut that a network takes before any other. What is trained
            so calls a recompressed forgery genuine; do not ship it.
        frames: crops of a sequence, 0 for single pictures. Material without sequences gives stills that drift a little,
            the same for both of a pair; that is no video.
        window: side in pixels of the part of the input that is handed out, a multiple of 4, 0 for all of it. It is the
            same part for both of a pair, drawn so that much of what was changed is in it.
        leave_out: kinds of forgery that `at` never draws.
    """

    def __init__(
        self,
        material: Material,
        spec: InputSpec,
        *,
        strength: float = 1.0,
        apart: float = 1.0,
        genuine_only: bool = False,
        frames: int = 0,
        window: int = 0,
        leave_out: Sequence[str] = (),
    ) -> None:
        if spec.crop_size != CROP_SIDE or not 0 < spec.crop_margin <= CROP_MARGIN:
            raise ValueError(f"crops for training have {CROP_SIDE} px and at most margin {CROP_MARGIN}")
        if window and (frames or spec.size != 4 * MAP_SIDE or window % 4 or not 0 < window <= spec.size):
            raise ValueError(f"windows are cut out of single pictures of {4 * MAP_SIDE} px, at multiples of 4")
        self.material = material
        self._spec = spec
        self._strength = strength
        self._apart = apart
        self._genuine_only = genuine_only
        self._frames = frames
        self._window = window
        out = [number for number, name in enumerate(material.kinds) if name in leave_out]
        self._drawn = np.flatnonzero(~np.isin(material.kind, out))
        self._tracks = (
            _rows_by_track(material.genuine_track) if frames else {},
            _rows_by_track(material.forged_track) if frames else {},
        )

    def __len__(self) -> int:
        """Forged crops: each is one pair."""
        return len(self.material.of)

    def at(self, step: int, pairs: int, seed: int, part: int = 0) -> Batch:
        """The random batch of a step: the same for the same arguments. ``part`` is the device that it is for."""
        random = np.random.default_rng([seed, part, step])
        return self.make(self._drawn[random.integers(len(self._drawn), size=pairs)], random)

    def fixed(self, pairs: int, seed: int, most: int = 0) -> Iterator[Batch]:
        """Every pair once, or ``most`` of them spread evenly, with the same draws each time."""
        random = np.random.default_rng(seed)
        count = min(most, len(self)) if most else len(self)
        rows = np.linspace(0, len(self) - 1, count).round().astype(np.int64)
        for start in range(0, count, pairs):
            yield self.make(rows[start : start + pairs], random)

    def make(self, rows: npt.NDArray[np.int64], random: np.random.Generator) -> Batch:
        """The batch of these pairs, with what is drawn taken from ``random``."""
        halves: tuple[list[list[FaceCrop]], list[list[FaceCrop]]] = ([], [])
        fields: tuple[list[npt.NDArray[np.float32]], list[npt.NDArray[np.float32]]] = ([], [])
        material = self.material
        for row in rows:
            how = degrade.draw(random, self._strength)
            drift = _drift(random, self._frames)
            genuine_crops = self._shown(0, int(material.of[row]), how, drift)
            forged_crops = self._shown(1, int(row), degrade.mirroring(how) if self._genuine_only else how, drift)
            evened = self._evened(genuine_crops, forged_crops, random)
            halves[0].append(evened[0])
            halves[1].append(evened[1])
            for field, source in zip(fields, (material.maps, material.masks), strict=True):
                bare = (material.maps if source is None else source)[row].astype(np.float32) / 255
                seen = degrade.apply_to_mask(bare, how)
                field.append(_centre(seen, self._spec.crop_margin) if self._spec.crop_margin < CROP_MARGIN else seen)
        whole = self._batch(rows, halves[0] + halves[1], fields)
        return _windows(whole, self._window, random) if self._window else whole

    def _evened(
        self, one: list[FaceCrop], two: list[FaceCrop], random: np.random.Generator
    ) -> tuple[list[FaceCrop], list[FaceCrop]]:
        """Both with a sharpness of their own; in a sequence it is the same for all frames."""
        seed = int(random.integers(2**31)) if self._frames else 0
        # Drawn in any case, so that the pictures of the next pair do not depend on the option.
        spread, size = (0.0 if self._genuine_only else self._apart), self._spec.size
        pairs = [
            degrade.even(a.rgb, b.rgb, np.random.default_rng(seed) if self._frames else random, spread, size)
            for a, b in zip(one, two, strict=True)
        ]
        return (
            [replace(crop, rgb=pair[0]) for crop, pair in zip(one, pairs, strict=True)],
            [replace(crop, rgb=pair[1]) for crop, pair in zip(two, pairs, strict=True)],
        )

    def _batch(
        self,
        rows: npt.NDArray[np.int64],
        shown: list[list[FaceCrop]],
        fields: tuple[list[npt.NDArray[np.float32]], list[npt.NDArray[np.float32]]],
    ) -> Batch:
        count, length = len(rows), max(1, self._frames)
        flat = [crop for crops in shown for crop in crops]
        values = torch.from_numpy(pixels(flat, self._spec))
        marks = torch.tensor([[[p.x, p.y] for p in crop.landmarks] for crop in flat], dtype=torch.float32) / CROP_SIDE
        if self._frames:
            values, marks = (part.view(2 * count, length, *part.shape[1:]) for part in (values, marks))
        maps, masks = (
            torch.from_numpy(np.concatenate([np.zeros_like(np.stack(field)), np.stack(field)])[:, None])
            for field in fields
        )
        labels = torch.cat([torch.zeros(count, dtype=torch.long), torch.ones(count, dtype=torch.long)])
        kinds = self.material.kind[rows]
        words = (*(genuine() for _ in rows), *(self.material.words[word] for word in self.material.word[rows]))
        return Batch(values, labels, maps, masks, marks, kinds, words)

    def _shown(self, side: int, row: int, how: degrade.Draw, drift: npt.NDArray[np.float64]) -> list[FaceCrop]:
        crops = self.material.forged if side else self.material.genuine
        places = self.material.forged_marks if side else self.material.genuine_marks
        template = target_points(CROP_SIDE, CROP_MARGIN).astype(np.float32)
        found = []
        for number, (frame, still) in enumerate(self._sequence(side, row)):
            rgb, marks = _full(crops[frame]), template if places is None else places[frame]
            if self._frames and still:
                rgb, marks = _moved(rgb, marks, drift[number])
            if self._spec.crop_margin < CROP_MARGIN:
                rgb, marks = _nearer(rgb, marks, self._spec.crop_margin)
            seen = degrade.apply(rgb, how)
            if how.flip:
                marks = marks[_MIRRORED] * np.array([-1, 1], np.float32) + np.array([CROP_SIDE - 1, 0], np.float32)
            a, b, c, d, e = (Point(float(x), float(y)) for x, y in marks)
            found.append(FaceCrop(seen, Affine(1, 0, 0, 0, 1, 0), (a, b, c, d, e)))
        return found

    def _sequence(self, side: int, row: int) -> list[tuple[int, bool]]:
        """Rows of the crops that are shown, and whether each is a still that has to be moved."""
        if not self._frames:
            return [(row, False)]
        tracks = self.material.forged_track if side else self.material.genuine_track
        if tracks is None:
            return [(row, True)] * self._frames
        members = self._tracks[side][int(tracks[row])]
        chosen = np.linspace(0, len(members) - 1, self._frames).round().astype(np.int64)
        return [(int(members[place]), False) for place in chosen]


def _windows(batch: Batch, side: int, random: np.random.Generator) -> Batch:
    """The same square part of both pictures of every pair; of some places the first that holds enough of the change."""
    count, cells = len(batch.kinds), side // 4
    pixels, maps, masks, marks = [], [], [], []
    for pair in range(count):
        field = batch.masks[count + pair, 0]
        wanted = _ENOUGH * float(field.sum())
        best, most = (0, 0), -1.0
        for y, x in random.integers(0, MAP_SIDE - cells + 1, (_PLACES, 2)):
            inside = float(field[y : y + cells, x : x + cells].sum())
            if inside > most:
                best, most = (int(y), int(x)), inside
            if inside >= wanted:
                break
        y, x = best
        both = [pair, count + pair]
        pixels.append(batch.pixels[both, :, 4 * y : 4 * y + side, 4 * x : 4 * x + side])
        maps.append(batch.maps[both, :, y : y + cells, x : x + cells])
        masks.append(batch.masks[both, :, y : y + cells, x : x + cells])
        whole = batch.pixels.shape[-1]
        marks.append((batch.marks[both] * whole - torch.tensor([4.0 * x, 4.0 * y])) / side)
    # Pairs side by side become genuine half and manipulated half again.
    cut = [torch.stack(part, dim=1).flatten(0, 1) for part in (pixels, maps, masks, marks)]
    return replace(batch, pixels=cut[0], maps=cut[1], masks=cut[2], marks=cut[3])


def _rows_by_track(tracks: npt.NDArray[np.int64] | None) -> dict[int, npt.NDArray[np.int64]]:
    if tracks is None:
        return {}
    return {int(number): np.flatnonzero(tracks == number) for number in np.unique(tracks)}


def _full(rgb: RgbArray) -> RgbArray:
    if rgb.shape[0] == CROP_SIDE:
        return rgb
    return np.asarray(cv2.resize(rgb, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _drift(random: np.random.Generator, frames: int) -> npt.NDArray[np.float64]:
    """A slow walk of (turn in radians, log of scale, x, y in pixels) over the frames: (frames, 4)."""
    if not frames:
        return np.zeros((0, 4))
    steps = random.normal(0, 1, (frames, 4)) * np.array([0.006, 0.004, 0.8, 0.8])
    steps[0] = 0
    return np.cumsum(steps, axis=0)


def _moved(rgb: RgbArray, marks: Marks, by: npt.NDArray[np.float64]) -> tuple[RgbArray, Marks]:
    turn, scale, x, y = by
    half = (CROP_SIDE - 1) / 2
    a, b = np.exp(scale) * np.cos(turn), np.exp(scale) * np.sin(turn)
    matrix = np.array([[a, -b, half - a * half + b * half + x], [b, a, half - b * half - a * half + y]])
    seen = cv2.warpAffine(rgb, matrix, (CROP_SIDE, CROP_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8), np.asarray(marks @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _nearer(rgb: RgbArray, marks: Marks, margin: float) -> tuple[RgbArray, Marks]:
    """The crop that alignment at a smaller margin gives, out of the one at the material's margin."""
    scale = CROP_MARGIN / margin
    # Both crops have their centre at half the side, where the template is scaled from.
    shift = CROP_SIDE / 2 * (1 - scale)
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    seen = cv2.warpAffine(rgb, matrix, (CROP_SIDE, CROP_SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8), np.asarray(marks * scale + shift, np.float32)


def _centre(field: npt.NDArray[np.float32], margin: float) -> npt.NDArray[np.float32]:
    side = field.shape[0]
    scale = CROP_MARGIN / margin
    shift = side / 2 * (1 - scale)
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    return np.asarray(cv2.warpAffine(field, matrix, (side, side), flags=cv2.INTER_LINEAR), np.float32)
