"""The three-stage cascade of MTCNN, batched over frames (Zhang et al., IEEE Signal Processing Letters 23(10), 2016).

The networks and the box arithmetic are those of facenet-pytorch; only the pyramid differs: the first stage runs on the
levels that are asked for, and the second and third stages see the face at the frame's full resolution. Levels are
numbered as in facenet-pytorch (scale = 12 / smallest face * 0.709^k), so a face found on a level that both search gets
the same candidate box and the same five points. Areas are averaged through a table of running sums, which gives the
same windows and the same means as averaging each level from the full frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn
from torchvision.ops import batched_nms

from workstation.domain.media import RgbArray

CELL = 12
FACTOR = 0.709
# Levels below this many pixels are run for all frames together; above it one by one stays in the processor's cache.
_TOGETHER = 60_000
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face as the third stage gives it: box (4,) and points (5, 2) in frame pixels, score 0..1."""

    box: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    score: float


def levels(height: int, width: int, smallest: float, largest: float = float("inf")) -> list[float]:
    """Scales of the pyramid for faces of ``smallest`` to ``largest`` pixels, finest first."""
    scales = []
    scale = CELL / smallest
    while min(height, width) * scale >= CELL:
        if CELL / scale <= largest:
            scales.append(scale)
        scale *= FACTOR
    return scales


class Cascade:
    """The three networks on one device.

    Args:
        files: state dictionaries of P-net, R-net and O-net.
        device: a torch device.
        thresholds: least score to pass each stage.
    """

    def __init__(self, files: Sequence[Path], device: str, thresholds: tuple[float, float, float]) -> None:
        self._device = torch.device(device)
        self._thresholds = thresholds
        nets: list[nn.Module] = []
        for kind, file in zip((PNet, RNet, ONet), files, strict=True):
            net = kind(pretrained=False)
            net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
            net.requires_grad_(False)
            nets.append(net.eval().to(self._device, memory_format=torch.channels_last))
        self._pnet, self._rnet, self._onet = nets

    def detect(self, frames: Sequence[RgbArray], scales: Sequence[float]) -> list[list[Candidate]]:
        """Run the cascade on frames of one size.

        Args:
            frames: (height, width, 3) uint8, all of the same size.
            scales: levels of the pyramid, see `levels`.
        """
        if not frames or not scales:
            return [[] for _ in frames]
        with torch.inference_mode():
            sums = [Sums(frame) for frame in frames]
            boxes, owner = self._propose(sums, scales)
            boxes, owner = self._refine(sums, boxes, owner)
            return self._settle(sums, boxes, owner)

    def _tensor(self, pictures: Tensor) -> Tensor:
        """(n, h, w, 3) in 0..255 to a normalised (n, 3, h, w) tensor in channels-last layout."""
        return (pictures.to(self._device).permute(0, 3, 1, 2) - 127.5) * 0.0078125

    def _propose(self, sums: Sequence[Sums], scales: Sequence[float]) -> tuple[Tensor, Tensor]:
        height, width = sums[0].height, sums[0].width
        found: list[Tensor] = []
        owners: list[Tensor] = []
        for scale in scales:
            rows, columns = int(height * scale + 1), int(width * scale + 1)
            step = len(sums) if rows * columns < _TOGETHER else 1
            for first in range(0, len(sums), step):
                level = torch.stack([one.level(rows, columns) for one in sums[first : first + step]])
                offsets, odds = self._pnet(self._tensor(level))
                boxes, owner = _cells(offsets, odds[:, 1], scale, self._thresholds[0])
                keep = batched_nms(boxes[:, :4], boxes[:, 4], owner, 0.5)
                found.append(boxes[keep])
                owners.append(owner[keep] + first)
        boxes, owner = torch.cat(found), torch.cat(owners)
        keep = batched_nms(boxes[:, :4], boxes[:, 4], owner, 0.7)
        boxes, owner = boxes[keep], owner[keep]
        size = boxes[:, 2:4] - boxes[:, 0:2]
        corners = boxes[:, :4] + boxes[:, 5:9] * size.repeat(1, 2)
        return _squared(torch.cat([corners, boxes[:, 4:5]], dim=1)), owner

    def _refine(self, sums: Sequence[Sums], boxes: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        pictures, kept = _cut(sums, boxes, owner, 24)
        if not len(kept):
            return boxes[:0], owner[:0]
        boxes, owner = boxes[kept], owner[kept]
        offsets, odds = _in_chunks(self._rnet, self._tensor(pictures))
        score = odds[:, 1]
        passed = score > self._thresholds[1]
        boxes = torch.cat([boxes[passed, :4], score[passed, None]], dim=1)
        owner, offsets = owner[passed], offsets[passed]
        keep = batched_nms(boxes[:, :4], boxes[:, 4], owner, 0.7)
        return _squared(_moved(boxes[keep], offsets[keep])), owner[keep]

    def _settle(self, sums: Sequence[Sums], boxes: Tensor, owner: Tensor) -> list[list[Candidate]]:
        answer: list[list[Candidate]] = [[] for _ in sums]
        pictures, kept = _cut(sums, boxes, owner, 48)
        if not len(kept):
            return answer
        boxes, owner = boxes[kept], owner[kept]
        offsets, points, odds = _in_chunks(self._onet, self._tensor(pictures))
        score = odds[:, 1]
        passed = score > self._thresholds[2]
        boxes = torch.cat([boxes[passed, :4], score[passed, None]], dim=1)
        size = boxes[:, 2:4] - boxes[:, 0:2] + 1
        marks = points[passed].reshape(-1, 2, 5).transpose(1, 2) * size[:, None, :] + boxes[:, None, 0:2] - 1
        found = _moved(boxes, offsets[passed]).double().cpu().numpy()
        spots = marks.double().cpu().numpy()
        whose = owner[passed].cpu().numpy()
        for index in range(len(sums)):
            mine = np.flatnonzero(whose == index)
            for pick in mine[_unnested(found[mine])]:
                answer[index].append(Candidate(found[pick, :4], spots[pick], float(found[pick, 4])))
        return answer


class Sums:
    """Running sums of a frame, for exact area averages of any window at the same cost (Crow, SIGGRAPH 1984).

    Sums are 32-bit and may wrap around; differences stay right as long as a window has fewer than 8.4 million pixels.
    A window of output cell i of n over L pixels is floor(i L / n) to ceil((i + 1) L / n), as in adaptive pooling.
    """

    def __init__(self, frame: RgbArray) -> None:
        self.height, self.width = frame.shape[:2]
        table = cv2.integral(np.ascontiguousarray(frame), sdepth=cv2.CV_32S)
        self._table = torch.from_numpy(np.asarray(table, dtype=np.int32))

    def level(self, rows: int, columns: int) -> Tensor:
        """The frame averaged to (rows, columns, 3) float32 in 0..255."""
        y0, y1 = _windows(torch.tensor([self.height]), rows)
        x0, x1 = _windows(torch.tensor([self.width]), columns)
        bands = self._table.index_select(0, y1[0]) - self._table.index_select(0, y0[0])
        cells = bands.index_select(1, x1[0]) - bands.index_select(1, x0[0])
        return cells.float() / (y1 - y0).reshape(-1, 1, 1) / (x1 - x0).reshape(1, -1, 1)

    def patches(self, corners: Tensor, side: int) -> Tensor:
        """Cut boxes out and average each to (side, side): (n, side, side, 3) float32 in 0..255.

        Args:
            corners: (n, 4) int64, x0, y0, x1, y1 with x0 < x1 and y0 < y1 inside the frame, ends excluded.
        """
        x0, x1 = (w + corners[:, 0:1] for w in _windows(corners[:, 2] - corners[:, 0], side))
        y0, y1 = (w + corners[:, 1:2] for w in _windows(corners[:, 3] - corners[:, 1], side))
        flat = self._table.reshape(-1, 3)
        stride = self.width + 1

        def at(y: Tensor, x: Tensor) -> Tensor:
            return flat.index_select(0, (y[:, :, None] * stride + x[:, None, :]).reshape(-1))

        cells = at(y1, x1) - at(y0, x1) - at(y1, x0) + at(y0, x0)
        shaped = cells.reshape(-1, side, side, 3).float()
        return shaped / (y1 - y0)[:, :, None, None] / (x1 - x0)[:, None, :, None]


def _windows(lengths: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Start and end of each averaging window: two (n, cells) int64 tensors for n lengths."""
    index = torch.arange(cells)[None, :]
    length = lengths.long()[:, None]
    return index * length // cells, ((index + 1) * length + cells - 1) // cells


def _cells(offsets: Tensor, odds: Tensor, scale: float, threshold: float) -> tuple[Tensor, Tensor]:
    """Turn P-net's maps into boxes (n, 9): corners in frame pixels, score, four offsets; and the frame of each."""
    where = (odds >= threshold).nonzero()
    owner, row, column = where[:, 0], where[:, 1], where[:, 2]
    corner = torch.stack([column, row], dim=1).float()
    first = ((2 * corner + 1) / scale).floor()
    last = ((2 * corner + CELL) / scale).floor()
    score = odds[owner, row, column]
    return torch.cat([first, last, score[:, None], offsets[owner, :, row, column]], dim=1), owner


def _cut(sums: Sequence[Sums], boxes: Tensor, owner: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Average each box of its frame to ``side`` x ``side``, in order; say which boxes had any pixel inside.

    Boxes count pixels from 1 with both ends included, as MTCNN does; what lies outside the frame is cut off.
    """
    corners = boxes[:, :4].trunc().long().cpu()
    first = corners[:, :2].clamp(min=1) - 1
    last = torch.minimum(corners[:, 2:], torch.tensor([sums[0].width, sums[0].height]))
    kept = (last > first).all(dim=1).nonzero()[:, 0]
    inside = torch.cat([first, last], dim=1)[kept]
    whose = owner.cpu()[kept]
    pictures = torch.empty((len(kept), side, side, 3))
    for index in range(len(sums)):
        mine = (whose == index).nonzero()[:, 0]
        for start in range(0, len(mine), _CHUNK):
            some = mine[start : start + _CHUNK]
            pictures[some] = sums[index].patches(inside[some], side)
    return pictures, kept.to(boxes.device)


def _in_chunks(net: nn.Module, batch: Tensor) -> tuple[Tensor, ...]:
    parts = [net(batch[i : i + _CHUNK]) for i in range(0, len(batch), _CHUNK)]
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def _moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Apply a stage's correction, given in box sizes, to each corner."""
    size = boxes[:, 2:4] - boxes[:, 0:2] + 1
    return torch.cat([boxes[:, :4] + offsets * size.repeat(1, 2), boxes[:, 4:5]], dim=1)


def _squared(boxes: Tensor) -> Tensor:
    """Grow each box to a square around its centre."""
    size = boxes[:, 2:4] - boxes[:, 0:2]
    side = size.max(dim=1, keepdim=True).values
    first = boxes[:, 0:2] + size * 0.5 - side * 0.5
    return torch.cat([first, first + side, boxes[:, 4:5]], dim=1)


def _unnested(boxes: npt.NDArray[np.float64]) -> list[int]:
    """Non-maximum suppression by overlap with the smaller box (above 0.7 is dropped), so nested boxes give one."""
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    left = list(np.argsort(-boxes[:, 4], kind="stable"))
    kept: list[int] = []
    while left:
        best = left.pop(0)
        kept.append(int(best))
        others = np.array(left, dtype=np.int64)
        w = np.minimum(boxes[best, 2], boxes[others, 2]) - np.maximum(boxes[best, 0], boxes[others, 0]) + 1
        h = np.minimum(boxes[best, 3], boxes[others, 3]) - np.maximum(boxes[best, 1], boxes[others, 1]) + 1
        overlap = np.maximum(w, 0) * np.maximum(h, 0) / np.minimum(area[best], area[others])
        left = [i for i, share in zip(left, overlap, strict=True) if share <= 0.7]
    return kept
