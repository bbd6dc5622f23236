"""The curves of a run as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workstation.training.runs.checkpoints import write_whole

CURVES_TABLE, CURVES_PICTURE = "curves.csv", "curves.png"
_WIDE, _HIGH, _LEFT, _TOP, _GAP = 900, 330, 70, 40, 50
_INK, _FAINT, _PAPER = (40, 40, 40), (215, 215, 215), (255, 255, 255)
# Blue, orange, green, red, violet, brown, pink, olive: apart also for those who tell few colours apart, in BGR.
_COLOURS = (
    (178, 114, 0),
    (0, 94, 213),
    (115, 158, 0),
    (66, 66, 200),
    (180, 100, 140),
    (60, 80, 120),
    (167, 121, 204),
    (30, 140, 140),
)
_Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Point:
    """The curves at one validation: ``loss`` is the mean since the one before; ``held`` the mean AUC on validation
    data, ``kinds`` the AUC of each kind; ``best`` says that no earlier one was as good."""

    step: int
    faces: int
    rate: float
    loss: float
    held: float
    kinds: Mapping[str, float]
    best: bool


def write_curves(points: Sequence[Point], folder: Path) -> None:
    """Write the table and the picture anew, each whole or not at all."""
    names = list(dict.fromkeys(name for point in points for name in point.kinds))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["step", "faces", "rate", "loss", "held", "best", *names])
    for p in points:
        kinds = [f"{p.kinds[name]:.6f}" if name in p.kinds else "" for name in names]
        rows.writerow([p.step, p.faces, f"{p.rate:.6g}", f"{p.loss:.6f}", f"{p.held:.6f}", int(p.best), *kinds])
    write_whole(folder / CURVES_TABLE, lambda part: part.write_text(text.getvalue(), encoding="utf-8"))
    _, data = cv2.imencode(".png", draw(points))
    write_whole(folder / CURVES_PICTURE, lambda part: part.write_bytes(data.tobytes()))


def draw(points: Sequence[Point]) -> _Picture:
    """Loss above, AUC on validation data below, over steps: (2 panels high, wide, 3) uint8, BGR."""
    picture = np.full((2 * _HIGH + _GAP, _WIDE, 3), 255, np.uint8)
    names = list(dict.fromkeys(name for point in points for name in point.kinds))
    steps = [point.step for point in points]
    losses = [point.loss for point in points]
    span = (min(losses), max(losses)) if losses else (0.0, 1.0)
    _panel(picture, 0, "training loss", steps, span, [("loss", losses, _COLOURS[0], 2)])
    lines: list[tuple[str, list[float], tuple[int, int, int], int]] = [
        (name, [point.kinds.get(name, float("nan")) for point in points], _COLOURS[(n + 1) % len(_COLOURS)], 1)
        for n, name in enumerate(names)
    ]
    lines.append(("mean", [point.held for point in points], _INK, 2))
    values = [value for _, line, _, _ in lines for value in line if np.isfinite(value)]
    low, high = min([0.5, *values]), max([1.0, *values])
    marks = [(point.step, point.held) for point in points if point.best][-1:]
    _panel(picture, _HIGH + _GAP, "AUC on validation data, by kind", steps, (low, high), lines, marks)
    return picture


def _panel(
    picture: _Picture,
    top: int,
    title: str,
    steps: Sequence[int],
    span: tuple[float, float],
    lines: Sequence[tuple[str, Sequence[float], tuple[int, int, int], int]],
    marks: Sequence[tuple[int, float]] = (),
) -> None:
    right = _WIDE - 190
    bottom = top + _HIGH - 30
    low, high = span
    high = high if high - low > 1e-9 else low + 1e-3
    last = max([1, *steps])

    def place(step: int, value: float) -> tuple[int, int]:
        x = _LEFT + (right - _LEFT) * step / last
        return round(x), round(bottom - (bottom - top - _TOP) * (value - low) / (high - low))

    _write(picture, title, (_LEFT, top + 24), 0.55)
    for tick in np.linspace(low, high, 5):
        start = place(0, float(tick))
        cv2.line(picture, start, (right, start[1]), _FAINT, 1)
        _write(picture, f"{tick:.3f}", (8, start[1] + 5), 0.42)
    for tick in np.linspace(0, last, 5):
        x = place(round(tick), low)[0]
        _write(picture, f"{round(tick):,}", (x - 14, bottom + 20), 0.42)
    for number, (name, values, colour, thick) in enumerate(lines):
        known = [place(step, value) for step, value in zip(steps, values, strict=True) if np.isfinite(value)]
        if len(known) > 1:
            cv2.polylines(picture, [np.array(known, np.int32)], False, colour, thick, cv2.LINE_AA)
        for point in known:
            cv2.circle(picture, point, 2 + thick // 2, colour, -1, cv2.LINE_AA)
        y = top + _TOP + 12 + 20 * number
        cv2.line(picture, (right + 12, y - 4), (right + 32, y - 4), colour, thick, cv2.LINE_AA)
        _write(picture, name, (right + 40, y), 0.42)
    for step, value in marks:
        cv2.circle(picture, place(step, value), 7, _INK, 1, cv2.LINE_AA)
        _write(picture, "o kept", (right + 12, bottom), 0.42)


def _write(picture: _Picture, text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
