"""All traces of one crop: for each part of the face how it differs from what it is compared with, and the group that
each number belongs to.

Most numbers come three times: against the skin around the part, against the other organs of the same face, and against
the part most like it (the other eye; nose and mouth for each other). A part's verdict is made of nothing but such
differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workstation.detectors.traces import borders, colour, cooccurrence, grid, noise, sharpness, spectrum
from workstation.detectors.traces.regions import CELL, PARTS, TWIN, Planes, Table, means
from workstation.detectors.traces.view import View, view_of
from workstation.domain.faces import FaceCrop

_TABLES = (("noise", noise), ("sharpness", sharpness), ("cooccurrence", cooccurrence), ("colour", colour))
GROUPS = ("noise", "sharpness", "cooccurrence", "colour", "grid", "spectrum", "borders")
_ORGANS = PARTS.index("face")


def _names() -> tuple[tuple[str, str], ...]:
    named = [(group, name) for group, module in _TABLES for name in module.NAMES]
    named += [("spectrum", name) for name in spectrum.NAMES]
    found = [(group, f"{name} {against}") for against in ("around", "others", "twin") for group, name in named]
    found += [("grid", name) for name in grid.NAMES]
    found += [("borders", name) for name in borders.NAMES]
    return tuple(found)


NAMES = _names()
"""(group, name) of every number of a part."""
WHOLE_NAMES = tuple(("spectrum", name) for name in spectrum.WHOLE_NAMES)
CONTEXT_NAMES = ("noise level", "finest to fine", "fine to middle", "middle to coarse", "coarse")


@dataclass(frozen=True, slots=True)
class Traces:
    """What was measured on one crop; NaN where a part could not be measured.

    Attributes:
        parts: (5, D) float64, in the order of `PARTS` and `NAMES`.
        whole: (W,) of the crop as a whole, in the order of `WHOLE_NAMES`.
        context: (C,) how sharp and noisy the face is as a whole. It is no evidence: it is there to be taken out.
    """

    parts: Table
    whole: Table
    context: Table


def measure(crop: FaceCrop) -> Traces:
    """Measure one crop whose side is a multiple of 8. Raises: LandmarksUnusable."""
    view = view_of(crop)
    cells = {group: module.planes(view) for group, module in _TABLES}
    parts = view.parts
    inside, around = [], []
    for group, module in _TABLES:
        inside.append(module.describe(means(parts.inside, cells[group])))
        around.append(module.describe(means(parts.around, cells[group])))
    one, two = _windows(view)
    inside.append(one)
    around.append(two)
    a, b = np.concatenate(inside, axis=1), np.concatenate(around, axis=1)
    blocks = grid.planes(view)
    middle = _middle(view)
    steps = grid.compare(means(parts.inside, blocks), means(parts.around, blocks), means(middle, blocks)[0])
    edges = borders.compare(view, cells["noise"], cells["sharpness"], cells["colour"])
    face = [
        noise.describe(means(middle, cells["noise"]))[0, 1:2],
        sharpness.describe(means(middle, cells["sharpness"]))[0, [0, 1, 2, 4]],
    ]
    table = np.concatenate([a - b, a - _others(a), a - _twin(a), steps, edges], axis=1)
    return Traces(table, spectrum.whole(view), np.concatenate(face))


def _middle(view: View) -> Planes:
    total = view.parts.held.sum()
    return np.asarray((view.parts.held / max(float(total), 1.0))[None], np.float32)


def _others(inside: Table) -> Table:
    """Mean of the other organs; the face itself is compared with the mean of all four."""
    organs = inside[:_ORGANS]
    rows = [np.delete(organs, number, axis=0).mean(axis=0) for number in range(_ORGANS)]
    return np.stack([*rows, organs.mean(axis=0)])


def _twin(inside: Table) -> Table:
    rows = [inside[PARTS.index(TWIN[name])] for name in PARTS[:_ORGANS]]
    return np.stack([*rows, inside[_ORGANS]])


def _windows(view: View) -> tuple[Table, Table]:
    """Spectra of a window in every part, and of the two cheeks' windows as what is around."""
    places = _centres(view)
    organs = spectrum.windows(view, places)
    return organs[: len(PARTS)], np.repeat(organs[len(PARTS) :].mean(axis=0, keepdims=True), len(PARTS), axis=0)


def _centres(view: View) -> Table:
    n = view.cells
    ys, xs = np.mgrid[:n, :n] * CELL + CELL / 2
    found = []
    for weights in view.parts.inside:
        total = float(weights.sum())
        found.append(
            (float((weights * xs).sum()), float((weights * ys).sum())) if total > 0.5 else (n * CELL / 2, n * CELL / 2)
        )
    (left, right, nose, mouth), face = found[:4], found[4]
    # The middle of the face is the nose; what speaks for the face as a whole is the brow above it.
    brow = (face[0], (left[1] + right[1]) / 2 - (nose[1] - (left[1] + right[1]) / 2))
    cheeks = [(eye[0], (nose[1] + mouth[1]) / 2) for eye in (left, right)]
    return np.array([left, right, nose, mouth, brow, *cheeks])
