"""How well a map says where: against pixel masks, and which organ was changed; each beside what needs no picture.

A face-centred blob alone reaches a pixel AUC above 0.9 on masks of inner faces, so a pixel AUC counts only above it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workstation.detectors.maps import map_from_crop, map_on_frame
from workstation.domain.detectors import MapArray
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.domain.results import FakenessMap
from workstation.training.labelled import Seen
from workstation.training.measures import Figure, Values, auc, bootstrap

ORGANS = ("left_eye", "right_eye", "nose", "mouth")
_REACH = 0.3


def pixel_auc(field: MapArray, seen: Seen, mask: RgbArray) -> tuple[float, float]:
    """AUC of changed against unchanged pixels inside the crop: of the map, and of closeness to the face's centre.

    Args:
        field: (side, side) map over the crop.
        mask: (height, width) uint8, above 127 = changed.

    Returns:
        (of the map, of the blob); NaN when the crop holds only one kind of pixel.
    """
    crop = seen.crop
    placed = map_on_frame(FakenessMap(field, crop.crop_from_frame), seen.height, seen.width, crop_size=crop.size)
    inside = ~np.isnan(placed)
    changed = (mask > 127) & inside
    back = crop.crop_from_frame.inverse()
    marks = np.array([[p.x, p.y] for p in (back.apply(mark) for mark in crop.landmarks)])
    x, y = marks.mean(axis=0)
    ys, xs = np.mgrid[: seen.height, : seen.width]
    blob = -np.hypot(xs - x, ys - y)
    plain = inside & ~changed
    return (
        auc(placed[plain].astype(np.float64), placed[changed].astype(np.float64)),
        auc(blob[plain], blob[changed]),
    )


def pixel_figures(values: Sequence[tuple[float, float]]) -> tuple[Figure, Figure, Figure]:
    """Mean over pictures of the map's AUC, of the blob's, and of their difference; pictures are resampled."""
    table = np.array(values, np.float64)
    columns = (table[:, 0], table[:, 1], table[:, 0] - table[:, 1])
    a, b, c = (_mean(column) for column in columns)
    return a, b, c


def _mean(column: Values) -> Figure:
    return bootstrap(
        float(np.nanmean(column)), lambda rows: float(np.nanmean(column[rows])), len(column), draws=1000, seed=0
    )


def organ_means(crop: FaceCrop, field: MapArray) -> Values:
    """Mean of the map around left eye, right eye, nose and mouth (as the viewer sees them): (4,) float64."""
    side = field.shape[0]
    to_map = map_from_crop(side, crop.size)
    eye, other, nose, corner, far = (to_map.apply(mark) for mark in crop.landmarks)
    mouth = Point((corner.x + far.x) / 2, (corner.y + far.y) / 2)
    apart = max(1.0, float(np.hypot(other.x - eye.x, other.y - eye.y)))
    ys, xs = np.mgrid[:side, :side]
    found = []
    for place in (eye, other, nose, mouth):
        near = np.hypot(xs - place.x, ys - place.y) <= _REACH * apart
        found.append(float(field[near].mean()) if near.any() else float("nan"))
    return np.array(found)


def organ_figure(
    manipulated: npt.NDArray[np.float64], changed: npt.NDArray[np.bool_], genuine: npt.NDArray[np.float64]
) -> Figure:
    """AUC of "this organ was changed" over organs of manipulated pictures; pictures are resampled.

    Each organ is first standardised by its own mean and spread over genuine crops, so that "mouths score high" helps
    nobody.

    Args:
        manipulated: (n, 4) organ means.
        changed: (n, 4) which organs were changed.
        genuine: (m, 4) organ means of genuine crops of another set.
    """
    standard = (manipulated - genuine.mean(axis=0)) / (genuine.std(axis=0) + 1e-9)

    def figure(rows: npt.NDArray[np.int64]) -> float:
        values, labels = standard[rows].ravel(), changed[rows].ravel()
        return auc(values[~labels], values[labels])

    return bootstrap(figure(np.arange(len(standard))), figure, len(standard), draws=1000, seed=0)
