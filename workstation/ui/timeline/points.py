"""Arrays as polygons without a Python object for each point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPolygonF
from shiboken6 import Shiboken

FloatArray = npt.NDArray[np.float64]


def polygon(xs: FloatArray, ys: FloatArray) -> QPolygonF:
    """The points (xs[k], ys[k])."""
    made = QPolygonF()
    made.resize(len(xs))
    if len(xs):
        points = np.frombuffer(_memory(made), np.float64).reshape(-1, 2)
        points[:, 0], points[:, 1] = xs, ys
    return made


def _memory(points: QPolygonF) -> memoryview:
    """The polygon's own numbers, to be written while it lives: two doubles for each point."""
    return memoryview(Shiboken.VoidPtr(points.data(), 16 * points.size(), True))  # type: ignore[arg-type,call-arg]  # its stub lacks both
