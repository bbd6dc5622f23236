"""The three-stage cascade of MTCNN, batched over frames (Zhang et al., IEEE Signal Processing Letters 23(10), 2016).

The networks and the box arithmetic are those of facenet-pytorch; only the pyramid differs: the first stage runs on the
levels that are asked for, made with area averaging from a halved frame, while the second and third stages see the face
at the frame's full resolution. Levels are numbered as in facenet-pytorch (scale = 12 / smallest face * 0.709^k), so a
face found on a level that both search gets the same candidate box and, within rounding, the same five points.
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
from torch.nn.functional import adaptive_avg_pool2d
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
            boxes, owner = self._propose(frames, scales)
            boxes, owner = self._refine(frames, boxes, owner)
            return self._settle(frames, boxes, owner)

    def _tensor(self, pictures: npt.NDArray[np.uint8] | npt.NDArray[np.float32]) -> Tensor:
        """(n, h, w, 3) in 0..255 to a normalised (n, 3, h, w) tensor in channels-last layout."""
        tensor = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device).permute(0, 3, 1, 2)
        return (tensor.float() - 127.5) * 0.0078125

    def _propose(self, frames: Sequence[RgbArray], scales: Sequence[float]) -> tuple[Tensor, Tensor]:
        height, width = frames[0].shape[:2]
        found: list[Tensor] = []
        owners: list[Tensor] = []
        halves = [_halvings(frame, min(scales)) for frame in frames]
        for scale in scales:
            rows, columns = int(height * scale + 1), int(width * scale + 1)
            step = len(frames) if rows * columns < _TOGETHER else 1
            for first in range(0, len(frames), step):
                level = np.stack([_shrunk(chain, columns, rows) for chain in halves[first : first + step]])
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

    def _refine(self, frames: Sequence[RgbArray], boxes: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        pictures, kept = _cut(frames, boxes, owner, 24)
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

    def _settle(self, frames: Sequence[RgbArray], boxes: Tensor, owner: Tensor) -> list[list[Candidate]]:
        answer: list[list[Candidate]] = [[] for _ in frames]
        pictures, kept = _cut(frames, boxes, owner, 48)
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
        for index in range(len(frames)):
            mine = np.flatnonzero(whose == index)
            for pick in mine[_unnested(found[mine])]:
                answer[index].append(Candidate(found[pick, :4], spots[pick], float(found[pick, 4])))
        return answer


def _halvings(frame: RgbArray, coarsest: float) -> list[RgbArray]:
    """The frame, its half, its quarter and so on, as long as a level of scale ``coarsest`` is at most half of it."""
    chain = [frame]
    while coarsest * 2 ** len(chain) <= 0.5 and min(chain[-1].shape[:2]) >= 4 * CELL:
        height, width = chain[-1].shape[:2]
        half = cv2.resize(chain[-1], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        chain.append(np.asarray(half, dtype=np.uint8))
    return chain


def _shrunk(chain: Sequence[RgbArray], columns: int, rows: int) -> RgbArray:
    """Area-average to ``columns`` x ``rows`` from the smallest picture of the chain that is at least twice as large."""
    fit = [picture for picture in chain if picture.shape[0] >= 2 * rows and picture.shape[1] >= 2 * columns]
    source = fit[-1] if fit else chain[0]
    return np.asarray(cv2.resize(source, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cells(offsets: Tensor, odds: Tensor, scale: float, threshold: float) -> tuple[Tensor, Tensor]:
    """Turn P-net's maps into boxes (n, 9): corners in frame pixels, score, four offsets; and the frame of each."""
    where = (odds >= threshold).nonzero()
    owner, row, column = where[:, 0], where[:, 1], where[:, 2]
    corner = torch.stack([column, row], dim=1).float()
    first = ((2 * corner + 1) / scale).floor()
    last = ((2 * corner + CELL) / scale).floor()
    score = odds[owner, row, column]
    return torch.cat([first, last, score[:, None], offsets[owner, :, row, column]], dim=1), owner


def _cut(
    frames: Sequence[RgbArray], boxes: Tensor, owner: Tensor, side: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Cut boxes out of their frames and average them to ``side`` x ``side``; say which boxes had any pixel inside."""
    height, width = frames[0].shape[:2]
    corners = boxes[:, :4].trunc().int().cpu().numpy()
    x0, y0 = np.maximum(corners[:, 0], 1) - 1, np.maximum(corners[:, 1], 1) - 1
    x1, y1 = np.minimum(corners[:, 2], width), np.minimum(corners[:, 3], height)
    kept = np.flatnonzero((x1 > x0) & (y1 > y0))
    whose = owner.cpu().numpy()
    pictures = np.empty((len(kept), side, side, 3), dtype=np.float32)
    for k, i in enumerate(kept):
        pictures[k] = _averaged(frames[whose[i]][y0[i] : y1[i], x0[i] : x1[i]], side)
    return pictures, kept


def _averaged(patch: RgbArray, side: int) -> npt.NDArray[np.float32]:
    """Average a patch to ``side`` x ``side`` over whole pixels, each output cell over every pixel it touches."""
    tensor = torch.from_numpy(patch).permute(2, 0, 1).float()
    return np.asarray(adaptive_avg_pool2d(tensor, (side, side)).permute(1, 2, 0).numpy(), dtype=np.float32)


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
