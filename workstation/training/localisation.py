"""How well a map says where: against pixel masks, and which organ was changed; each beside what needs no picture.

Over the whole crop a face-centred blob alone reaches a pixel AUC above 0.9 on masks of inner faces. The figures that
count are therefore of pixels inside the face (:mod:`workstation.training.face_area`), as differences from such a blob.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.fakelocator import measures as fields
from workstation.detectors.maps import map_from_crop, map_on_frame
from workstation.domain.detectors import MapArray
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.domain.results import FakenessMap
from workstation.training.face_area import closeness, face_area
from workstation.training.labelled import Item, Seen
from workstation.training.measures import Figure, Values, auc, bootstrap

ORGANS = ("left_eye", "right_eye", "nose", "mouth")
FACE_MEASURES = (
    "pixel_auc",
    "prior_pixel_auc",
    "pixel_auc_over_prior",
    "prior_mean_mask",
    "pixel_auc_over_mean_mask",
)
CROP_MEASURES = (
    "crop_pixel_auc",
    "prior_crop_pixel_auc",
    "prior_crop_mean_mask",
    "iou",
    "prior_iou",
    "f1",
    "coss",
    "psnr",
    "ssim",
)
MASK_MEASURES = (*FACE_MEASURES, *CROP_MEASURES)
NO_FACE_FIGURE = "the face is changed everywhere, or nowhere"
_REACH = 0.3
_GRID = 64
_MADE_LATER = ("pixel_auc_over_prior", "pixel_auc_over_mean_mask", "prior_mean_mask", "prior_crop_mean_mask")
_OF_EACH = tuple(name for name in MASK_MEASURES if name not in _MADE_LATER)


@dataclass(frozen=True, slots=True)
class Masked:
    """How a map agrees with the mask of its picture inside the crop, and how what needs no picture does.

    Attributes:
        values: by the names of `MASK_MEASURES` but those of mean masks and differences; NaN where there is none.
            "pixel_auc" and "prior_pixel_auc" are over pixels inside the face, "crop_pixel_auc" and
            "prior_crop_pixel_auc" over all of the crop. The priors are of closeness to the centre of the face,
            "prior_iou" of a disc about it as wide as the eyes are apart; the map marks what it has at 0.5 or above.
            "coss", "psnr" (dB) and "ssim" compare the map with the mask at the map's size
            (`workstation.detectors.fakelocator.measures`).
        target: (64, 64) float32, the mask in crop coordinates.
        face: (64, 64) bool, the face in crop coordinates.
        problem: why the mask could not be used; empty when it could.
        face_problem: why it has no figures inside the face; empty when it has.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    target: MapArray | None = None
    face: npt.NDArray[np.bool_] | None = None
    problem: str = ""
    face_problem: str = ""


def mask_of(item: Item, masks: Mapping[str, Path] | None) -> RgbArray | None:
    """The mask of an item, (height, width) uint8, above 127 = changed; None when it has none.

    Args:
        masks: by the item's name; None goes by the column ``mask`` of its row.
    """
    name = item.facts.get("mask", "")
    path = masks.get(item.name) if masks is not None else (item.root / name if name else None)
    if path is None or not path.is_file():
        return None
    mask = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(mask, np.uint8) if mask is not None else None


def against_mask(field_: MapArray, crop: FaceCrop, mask: RgbArray, shape: tuple[int, ...]) -> Masked:
    """Hold a map over a crop against the mask of its picture.

    Args:
        field_: (side, side) in 0..1.
        mask: (height, width) uint8, above 127 = changed.
        shape: (height, width) of the picture.
    """
    if mask.shape != shape:
        return Masked(problem="the mask is of another size than its picture; make it anew at that size")
    placed = map_on_frame(FakenessMap(field_, crop.crop_from_frame), *mask.shape, crop_size=crop.size)
    inside = ~np.isnan(placed)
    changed = (mask > 127)[inside]
    if changed.all() or not changed.any():
        return Masked(problem="the crop shows changed pixels alone, or none of them")
    eyes = [crop.crop_from_frame.inverse().apply(mark) for mark in crop.landmarks]
    blob, face = closeness(eyes, mask.shape)[inside], face_area(eyes, mask.shape)[inside]
    values = placed[inside].astype(np.float64)
    disc = blob >= -np.hypot(eyes[1].x - eyes[0].x, eyes[1].y - eyes[0].y)
    marked = values >= 0.5
    target = np.asarray(
        cv2.warpAffine(
            (mask > 127).astype(np.float32), crop.crop_from_frame.matrix, (crop.size, crop.size), flags=cv2.INTER_LINEAR
        )
    )
    small = cv2.resize(target, field_.shape[::-1], interpolation=cv2.INTER_AREA)
    wanted: MapArray = np.asarray(np.clip(small, 0, 1), np.float32)
    ours = np.clip(field_, 0, 1)
    return Masked(
        {
            "pixel_auc": auc(values[face & ~changed], values[face & changed]),
            "prior_pixel_auc": auc(blob[face & ~changed], blob[face & changed]),
            "crop_pixel_auc": auc(values[~changed], values[changed]),
            "prior_crop_pixel_auc": auc(blob[~changed], blob[changed]),
            "iou": _overlap(marked, changed),
            "prior_iou": _overlap(disc, changed),
            "f1": 2 * float((marked & changed).sum()) / float(marked.sum() + changed.sum()),
            "coss": fields.coss(ours, wanted),
            "psnr": fields.psnr(ours, wanted),
            "ssim": fields.ssim(ours, wanted) if min(ours.shape) >= 7 else float("nan"),
        },
        np.asarray(cv2.resize(target, (_GRID, _GRID), interpolation=cv2.INTER_AREA), np.float32),
        face_area([map_from_crop(_GRID, crop.size).apply(mark) for mark in crop.landmarks], (_GRID, _GRID)),
        face_problem="" if (face & changed).any() and (face & ~changed).any() else NO_FACE_FIGURE,
    )


def mask_figures(found: Sequence[Masked], draws: int = 1000, seed: int = 0) -> dict[str, Figure]:
    """Means over pictures by the names of `MASK_MEASURES`; pictures are resampled. NaN without a usable mask.

    "prior_mean_mask" is the pixel AUC inside the face of the mean of the other pictures' masks, "prior_crop_mean_mask"
    over the crop: what knowing the set alone gives. "pixel_auc_over_prior" and "pixel_auc_over_mean_mask" are means of
    the differences picture by picture, over the pictures that have both.
    """
    used = [one for one in found if not one.problem]
    table = {name: np.array([one.values[name] for one in used], np.float64) for name in _OF_EACH}
    targets = [one.target for one in used if one.target is not None]
    faces = [one.face for one in used if one.face is not None]
    table["prior_crop_mean_mask"] = _left_out(targets, [np.ones_like(face) for face in faces])
    table["prior_mean_mask"] = _left_out(targets, faces)
    table["pixel_auc_over_prior"] = table["pixel_auc"] - table["prior_pixel_auc"]
    table["pixel_auc_over_mean_mask"] = table["pixel_auc"] - table["prior_mean_mask"]
    return {name: _finite_mean(table[name], draws, seed) for name in MASK_MEASURES}


def _left_out(targets: Sequence[MapArray], where: Sequence[npt.NDArray[np.bool_]]) -> Values:
    """Of each mask, how well the mean of the others tells its changed pixels, of those in ``where``."""
    if len(targets) < 2:
        return np.full(len(targets), np.nan)
    total = np.sum(targets, axis=0, dtype=np.float64)
    found = []
    for one, kept in zip(targets, where, strict=True):
        changed, others = one[kept] > 0.5, ((total - one) / (len(targets) - 1))[kept]
        found.append(auc(others[~changed], others[changed]))
    return np.array(found)


def _finite_mean(values: Values, draws: int, seed: int) -> Figure:
    values = values[np.isfinite(values)]
    if not len(values):
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap(statistics.fmean(values), lambda rows: float(values[rows].mean()), len(values), draws, seed)


def _overlap(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    either = float((one | other).sum())
    return float((one & other).sum()) / either if either else 1.0


def pixel_auc(field: MapArray, seen: Seen, mask: RgbArray, *, whole_crop: bool = False) -> tuple[float, float]:
    """AUC of changed against unchanged pixels inside the face: of the map, and of closeness to the face's centre.

    Args:
        field: (side, side) map over the crop.
        mask: (height, width) uint8, above 127 = changed.
        whole_crop: over all pixels of the crop instead, where a centred blob does most of the work.

    Returns:
        (of the map, of the blob); NaN when there is only one kind of pixel.
    """
    crop = seen.crop
    placed = map_on_frame(FakenessMap(field, crop.crop_from_frame), seen.height, seen.width, crop_size=crop.size)
    back = crop.crop_from_frame.inverse()
    marks = [back.apply(mark) for mark in crop.landmarks]
    blob = closeness(marks, (seen.height, seen.width))
    inside = ~np.isnan(placed)
    if not whole_crop:
        inside &= face_area(marks, placed.shape)
    changed, plain = inside & (mask > 127), inside & (mask <= 127)
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
