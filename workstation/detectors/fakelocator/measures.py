"""How near a fakeness map is to the map it should be: the measures of FakeLocator's field, with their conventions.

Maps are (height, width) arrays in 0..1, 1 meaning manipulated. What has no value by its formula has one by convention,
said at each measure, so that tables never have holes that hide the easy pictures.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import jaccard_score, roc_auc_score

from workstation.domain.media import RgbArray

Field = npt.NDArray[np.floating]
TargetMap = npt.NDArray[np.float32]

# ITU-R BT.601, the weights of every "grey" in this program.
_GREY = np.array((0.299, 0.587, 0.114), np.float64)


def target_map(genuine: RgbArray, manipulated: RgbArray) -> TargetMap:
    """What the map of ``manipulated`` should be: grey(|genuine - manipulated|) / 255, a real value for each pixel.

    The grey is BT.601's; nothing is thresholded (arXiv 2001.09598). An identical pair gives zeros.

    Args:
        genuine, manipulated: (height, width, 3) uint8 of the same picture.

    Returns:
        (height, width) float32 in 0..1.

    Raises:
        ValueError: the pictures are of different shapes, or no RGB bytes.
    """
    if genuine.shape != manipulated.shape or genuine.ndim != 3 or genuine.shape[2] != 3:
        raise ValueError(f"a pair has one shape (height, width, 3), not {genuine.shape} and {manipulated.shape}")
    if genuine.dtype != np.uint8 or manipulated.dtype != np.uint8:
        raise ValueError(f"pictures are uint8, not {genuine.dtype} and {manipulated.dtype}")
    apart = np.abs(genuine.astype(np.int16) - manipulated.astype(np.int16))
    return np.asarray(np.clip(apart @ _GREY / 255, 0, 1), np.float32)


def l1(found: Field, wanted: Field) -> float:
    """Mean absolute difference, 0..1; 0 for a perfect map."""
    return float(np.abs(_of(found) - _of(wanted, found)).mean())


def coss(found: Field, wanted: Field) -> float:
    """Cosine similarity of the two maps as vectors, 0..1; 1 for a perfect map.

    The formula has no value where a map is zero everywhere. By convention: 1 when both are, 0 when one is.
    """
    a, b = _of(found).ravel(), _of(wanted, found).ravel()
    lengths = math.sqrt(float(a @ a)), math.sqrt(float(b @ b))
    if not all(lengths):
        return 1.0 if not any(lengths) else 0.0
    return min(1.0, float(a @ b) / (lengths[0] * lengths[1]))


def psnr(found: Field, wanted: Field) -> float:
    """Peak signal-to-noise ratio in dB for a peak of 1; infinity for a perfect map."""
    a, b = _of(found), _of(wanted, found)
    if np.array_equal(a, b):
        return math.inf
    return float(peak_signal_noise_ratio(b, a, data_range=1.0))  # type: ignore[no-untyped-call]  # scikit-image has none


def ssim(found: Field, wanted: Field) -> float:
    """Structural similarity, -1..1, with scikit-image's 7 x 7 uniform window and a range of 1; 1 for a perfect map.

    Raises:
        ValueError: the maps are smaller than the window.
    """
    a, b = _of(found), _of(wanted, found)
    return float(structural_similarity(b, a, data_range=1.0))  # type: ignore[no-untyped-call]  # scikit-image has none


def pixel_auc(found: Field, changed: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve of the map over pixels, ties counted half; NaN when ``changed`` has one kind alone."""
    labels = np.asarray(changed, np.bool_).ravel()
    values = _of(found).ravel()
    if labels.shape != values.shape:
        raise ValueError(f"a map of {found.shape} and a mask of {changed.shape} are not of one shape")
    return math.nan if labels.all() or not labels.any() else float(roc_auc_score(labels, values))


def iou(found: Field, changed: npt.NDArray[np.bool_], threshold: float = 0.5) -> float:
    """Intersection over union of what the map has at ``threshold`` or above and what was changed, 0..1.

    By convention 1 when neither marks a pixel.
    """
    marked = (_of(found) >= threshold).ravel()
    labels = np.asarray(changed, np.bool_).ravel()
    if labels.shape != marked.shape:
        raise ValueError(f"a map of {found.shape} and a mask of {changed.shape} are not of one shape")
    return float(jaccard_score(labels, marked, zero_division=1.0))


def _of(field: Field, like: Field | None = None) -> npt.NDArray[np.float64]:
    if field.ndim != 2 or (like is not None and field.shape != like.shape):
        raise ValueError(f"maps are (height, width) and of one shape, not {field.shape}")
    values = np.asarray(field, np.float64)
    if not (np.isfinite(values).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise ValueError("a map has values in 0..1")
    return values
