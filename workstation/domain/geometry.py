"""Points, boxes and the similarity between frame and crop.

Coordinates are continuous pixels of the frame *as shown* (orientation applied): x to the right, y down, the centre of
the top-left pixel at (0, 0), as in OpenCV's ``warpAffine``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle, ``x0 <= x1`` and ``y0 <= y1``, in pixels. It may reach outside the frame."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> Point:
        return Point((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1; 0 when either box is empty."""
        w = min(self.x1, other.x1) - max(self.x0, other.x0)
        h = min(self.y1, other.y1) - max(self.y0, other.y0)
        if w <= 0 or h <= 0:
            return 0.0
        inter = w * h
        return inter / (self.area + other.area - inter)


@dataclass(frozen=True, slots=True)
class Affine:
    """A 2x3 affine map ``[a b tx; c d ty]`` from one pixel frame to another, stored row by row."""

    a: float
    b: float
    tx: float
    c: float
    d: float
    ty: float

    @classmethod
    def from_matrix(cls, matrix: npt.ArrayLike) -> Affine:
        m = np.asarray(matrix, dtype=np.float64)
        if m.shape != (2, 3):
            raise ValueError(f"an affine map is 2x3, not {m.shape}")
        return cls(*(float(v) for v in m.reshape(-1)))

    @property
    def matrix(self) -> FloatArray:
        """The map as a 2x3 float64 array."""
        return np.array([[self.a, self.b, self.tx], [self.c, self.d, self.ty]], dtype=np.float64)

    @property
    def scale(self) -> float:
        """Square root of the determinant: pixels of the target per pixel of the source."""
        return math.sqrt(abs(self.a * self.d - self.b * self.c))

    def apply(self, point: Point) -> Point:
        return Point(self.a * point.x + self.b * point.y + self.tx, self.c * point.x + self.d * point.y + self.ty)

    def inverse(self) -> Affine:
        """Return the map back.

        Raises:
            ValueError: when the map is singular.
        """
        det = self.a * self.d - self.b * self.c
        if abs(det) < 1e-12:
            raise ValueError("a singular affine map has no inverse")
        a, b, c, d = self.d / det, -self.b / det, -self.c / det, self.a / det
        return Affine(a, b, -(a * self.tx + b * self.ty), c, d, -(c * self.tx + d * self.ty))

    def then(self, after: Affine) -> Affine:
        """Return the map that applies this one first and ``after`` second."""
        m = np.vstack([self.matrix, [0.0, 0.0, 1.0]])
        n = np.vstack([after.matrix, [0.0, 0.0, 1.0]])
        return Affine.from_matrix((n @ m)[:2])
