"""Is this face fit to be examined? Four gates, each a measured value against a limit (G4).

* height: height of the finder's box, in frame pixels.
* blur: variance of the Laplacian over the inner face (Pech-Pacheco et al., "Diatom autofocusing in brightfield
  microscopy", ICPR 2000), on 8-bit luma. It is taken at the sampling the face really has: a crop that was enlarged is
  brought back to its native size first, and one that is larger than 256 pixels is brought down to 256, because
  interpolation adds pixels but no detail. Noise and compression blocks raise it, so it finds defocus and smear, not
  bad quality in general.
* pose: yaw in degrees from the five points, see `yaw`.
* edge: the smaller of two shares: that of the finder's box inside the frame, and that of the inner face (brows to chin,
  placed by the five points) inside the frame. Finders tend to clip their box at the border; the points do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from workstation.domain.examinations import GateLimits
from workstation.domain.faces import FaceCrop, FaceDetection, FaceQuality, Gate, GateReading
from workstation.domain.geometry import Box, Point
from workstation.domain.media import RgbArray
from workstation.domain.results import AbstentionReason
from workstation.faces.alignment import TEMPLATE, similarity

_REFERENCE_SIDE = 256
# Inner face as shares of the crop (margin 1.3): brows to chin, inside the cheeks; leaves out hair and background.
_INNER = (0.27, 0.33, 0.73, 0.84)
# The same region in pixels of the 112 x 112 template.
_BROWS_TO_CHIN = Box(28.0, 34.0, 84.0, 106.0)
# How far the nose tip stands in front of the line between eyes and mouth, in eye distances (about 28 mm of 63 mm).
_NOSE_DEPTH = 0.45
_REASONS = {
    Gate.HEIGHT: AbstentionReason.FACE_TOO_SMALL,
    Gate.BLUR: AbstentionReason.FACE_BLURRED,
    Gate.POSE: AbstentionReason.FACE_TURNED,
    Gate.EDGE: AbstentionReason.FACE_AT_EDGE,
}


def gate_reason(gate: Gate) -> AbstentionReason:
    """Return the reason for abstaining that a failed gate stands for."""
    return _REASONS[gate]


def yaw(landmarks: Sequence[Point]) -> float:
    """Turn of the head in degrees, -90..90; positive when the nose points to the right of the picture.

    A head turned by t shows its eyes 2e cos t apart and its nose tip n sin t off the line from mid-eyes to mid-mouth,
    so t = atan2(offset / (n / 2e), eye distance), both measured across that line (orthographic view, mean head with
    n / 2e = 0.45). Tilt (roll) drops out; a strong nod makes it less exact. Good to about 10 degrees up to 50.
    """
    eye_a, eye_b, nose, mouth_a, mouth_b = (np.array([p.x, p.y]) for p in landmarks)
    eyes, mouth = (eye_a + eye_b) / 2, (mouth_a + mouth_b) / 2
    down = mouth - eyes
    length = float(np.hypot(*down))
    if length < 1e-6:
        return 90.0
    across = np.array([down[1], -down[0]]) / length
    offset = float(np.dot(nose - eyes, across))
    distance = float(np.dot(eye_b - eye_a, across))
    return math.degrees(math.atan2(offset / _NOSE_DEPTH, max(distance, 0.0)))


def sharpness(crop: FaceCrop) -> float:
    """Variance of the Laplacian over the inner face at native sampling, in squared grey levels (see above)."""
    native = crop.size / max(crop.crop_from_frame.scale, 1e-9)
    side = max(8, min(crop.size, _REFERENCE_SIDE, round(native)))
    grey = cv2.cvtColor(np.ascontiguousarray(crop.rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    if side < crop.size:
        grey = np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)
    x0, y0, x1, y1 = (round(share * side) for share in _INNER)
    return float(cv2.Laplacian(grey, cv2.CV_32F, ksize=1)[y0:y1, x0:x1].var())


def inside(width: int, height: int, detection: FaceDetection) -> float:
    """Share 0..1 of the face inside a frame of ``width`` x ``height`` pixels: the smaller of box and inner face."""
    box = detection.box
    w = min(box.x1, width - 0.5) - max(box.x0, -0.5)
    h = min(box.y1, height - 0.5) - max(box.y0, -0.5)
    of_box = max(w, 0.0) * max(h, 0.0) / box.area if box.area > 0 else 0.0
    points = np.array([[p.x, p.y] for p in detection.landmarks], dtype=np.float64)
    frame_from_template = similarity(points, TEMPLATE).inverse().matrix
    steps = (np.arange(24) + 0.5) / 24
    xs = _BROWS_TO_CHIN.x0 + steps * _BROWS_TO_CHIN.width
    ys = _BROWS_TO_CHIN.y0 + steps * _BROWS_TO_CHIN.height
    grid = np.stack([np.tile(xs, 24), np.repeat(ys, 24), np.ones(24 * 24)])
    x, y = frame_from_template @ grid
    of_face = float(np.mean((x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)))
    return float(min(of_box, of_face))


def assess(rgb: RgbArray, detection: FaceDetection, crop: FaceCrop, limits: GateLimits) -> FaceQuality:
    """Measure a face and hold each value against its limit, in the order height, blur, pose, edge.

    Args:
        rgb: (height, width, 3) uint8, the frame the face was found in.
        detection: the face in frame pixels.
        crop: the aligned crop made from it.
        limits: of the examination's plan.

    Raises:
        LandmarksUnusable: when the five points do not form a face; `align` raises the same before.
    """
    tall = detection.box.height
    sharp = sharpness(crop)
    turn = yaw(detection.landmarks)
    share = inside(rgb.shape[1], rgb.shape[0], detection)
    return FaceQuality(
        (
            GateReading(Gate.HEIGHT, tall, limits.min_height, tall >= limits.min_height),
            GateReading(Gate.BLUR, sharp, limits.min_sharpness, sharp >= limits.min_sharpness),
            GateReading(Gate.POSE, turn, limits.max_turn, abs(turn) <= limits.max_turn),
            GateReading(Gate.EDGE, share, limits.min_inside, share >= limits.min_inside),
        )
    )
