"""Moving faces: a donor laid on other landmarks, and displacement fields that change an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.geometry import Point
from workstation.training.forging.shapes import Mask, Picture, apart, axes, ellipses

_STILL = 0.2


def move(rgb: Picture, random: np.random.Generator, amount: float = 1.0) -> Picture:
    """Small affine displacement: up to 3 % in x, 1.5 % in y, scale .95 to 1 / .95, 3 degrees (times ``amount``)."""
    side = rgb.shape[0]
    scale = float(np.exp(random.uniform(np.log(0.95), -np.log(0.95)) * amount))
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), random.uniform(-3, 3) * amount, scale)
    matrix[0, 2] += random.uniform(-0.03, 0.03) * side * amount
    matrix[1, 2] += random.uniform(-0.015, 0.015) * side * amount
    moved = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved, 0, 255), np.float32)


def place(rgb: Picture, source: Sequence[Point], marks: Sequence[Point], side: int) -> Picture:
    """Warp a face so that its landmarks lie near ``marks`` (least squares similarity)."""
    start = np.array([[p.x, p.y] for p in source], np.float32)
    end = np.array([[p.x, p.y] for p in marks], np.float32)
    matrix: npt.NDArray[Any] | None = cv2.estimateAffinePartial2D(start, end, method=cv2.LMEDS)[0]
    if matrix is None:
        return rgb
    moved = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved, 0, 255), np.float32)


def place_exactly(rgb: Picture, source: Sequence[Point], marks: Sequence[Point], side: int) -> Picture:
    """Warp a face by a thin-plate spline that puts each of its landmarks on its mark (Bookstein, 1989).

    Eight anchors around the face follow the similarity, so that the spline stays flat away from the points.
    """
    start = np.array([[p.x, p.y] for p in source], np.float64)
    end = np.array([[p.x, p.y] for p in marks], np.float64)
    matrix: npt.NDArray[Any] | None = cv2.estimateAffinePartial2D(end, start, method=cv2.LMEDS)[0]
    if matrix is None:
        return rgb
    far = np.array([(x, y) for x in (-0.2, 0.5, 1.2) for y in (-0.2, 0.5, 1.2) if (x, y) != (0.5, 0.5)]) * side
    ends = np.concatenate([end, far])
    starts = np.concatenate([start, far @ matrix[:, :2].T + matrix[:, 2]])
    grid = 33
    at = np.linspace(0, side - 1, grid)
    ys, xs = np.meshgrid(at, at, indexing="ij")
    coarse = _spline(ends, starts, np.stack([xs.ravel(), ys.ravel()], axis=1)).reshape(grid, grid, 2).astype(np.float32)
    # The coarse grid's first and last nodes are the centres of the first and last pixels.
    steps = (np.arange(side, dtype=np.float32) / (side - 1) * (grid - 1)).astype(np.float32)
    ax, ay = np.meshgrid(steps, steps)
    fields = [cv2.remap(np.ascontiguousarray(coarse[..., n]), ax, ay, cv2.INTER_LINEAR) for n in range(2)]
    moved = cv2.remap(rgb, fields[0], fields[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved, 0, 255), np.float32)


def _spline(
    knots: npt.NDArray[np.float64], values: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Thin-plate spline through ``values`` (n, 2) at ``knots`` (n, 2), read at ``at`` (m, 2)."""

    def kernel(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        square = ((one[:, None] - two[None]) ** 2).sum(axis=-1)
        return np.asarray(square * np.log(square + 1e-12), np.float64)

    count = len(knots)
    flat = np.concatenate([np.ones((count, 1)), knots], axis=1)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(knots, knots)
    system[:count, count:], system[count:, :count] = flat, flat.T
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((3, 2))]))
    there = np.concatenate([np.ones((len(at), 1)), at], axis=1)
    return np.asarray(kernel(at, knots) @ weights[:count] + there @ weights[count:], np.float64)


def expression(rgb: Picture, marks: Sequence[Point], random: np.random.Generator) -> tuple[Picture, Mask]:
    """Move mouth, brows or both as another expression would; the warped picture and where anything moved.

    The field is a sum of Gaussian pushes in shares of the distance of the eyes: mouth corners up or down and outward,
    lower lip down or up, brows up or down. The mask is 1 from half a pixel of movement on and 0 below a fifth of one.
    """
    side, wide = rgb.shape[0], apart(marks)
    _, up, along = axes(marks)
    pushes: list[tuple[float, float, npt.NDArray[np.float64], float]] = []
    where = random.integers(3)
    if where != 1:
        lift, pull = random.uniform(0.05, 0.13) * random.choice([-1, 1]), random.uniform(-0.05, 0.1)
        for mark, way in ((marks[3], -1), (marks[4], 1)):
            pushes.append((mark.x, mark.y, (lift * up + way * pull * along) * wide, 0.28 * wide))
        x, y, _, _ = ellipses(marks)["mouth"]
        low = np.array([x, y]) - 0.22 * wide * up
        pushes.append((float(low[0]), float(low[1]), random.uniform(-0.12, 0.06) * wide * up, 0.3 * wide))
    if where != 0:
        both, apart_too = random.uniform(0.05, 0.12) * random.choice([-1, 1]), random.uniform(-0.03, 0.03)
        for name, way in (("left brow", -1), ("right brow", 1)):
            x, y, _, _ = ellipses(marks)[name]
            pushes.append((x, y, (both + way * apart_too) * wide * up, 0.26 * wide))
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    dx, dy = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    for x, y, push, reach in pushes:
        weight = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * reach * reach)).astype(np.float32)
        dx += weight * np.float32(push[0])
        dy += weight * np.float32(push[1])
    warped = cv2.remap(rgb, xs - dx, ys - dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    mask = np.clip((np.hypot(dx, dy) - _STILL) / 0.3, 0, 1)
    return np.asarray(np.clip(warped, 0, 255), np.float32), np.asarray(mask, np.float32)
