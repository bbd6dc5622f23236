"""What the score makes of a picture's past: the same genuine face, compressed before by one quality or another.

In one labelled set all manipulated pictures were stored at quality 95 and all genuine ones at 90. Compressing both
alike does not undo that, so a figure on it counts only if the past alone does not give it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workstation.domain.detectors import Detector, ValidationRecord
from workstation.domain.faces import FaceCrop
from workstation.training.labelled import QUALITY, recompressed
from workstation.training.measures import paired_auc_figure, rounded_record
from workstation.training.traces.material import Frame, cut

AS_MANIPULATED, AS_GENUINE = 95, 90
_STILL = np.zeros((5, 2))


def history(detector: Detector, frames: Sequence[Frame]) -> ValidationRecord | None:
    """AUC of genuine faces stored at quality 95 against the same stored at 90, both compressed at 90 afterwards."""
    scores = []
    for first in (AS_GENUINE, AS_MANIPULATED):
        crops = [_stored(frame, first, detector.card.input.crop_size) for frame in frames]
        scores.append(np.array([reading.value for reading in detector.read(crops)]))
    figure = paired_auc_figure(scores[0], scores[1], np.arange(len(frames)))
    note = (
        f"0.5 is wanted; genuine faces only, stored at JPEG quality {AS_MANIPULATED} against {AS_GENUINE}, then both "
        f"at {QUALITY}: above 0.5, the past of the LFW swaps' files would explain part of their figure"
    )
    return rounded_record("Held-out people, genuine crops", len(frames), 0, "AUC of JPEG history", figure, note)


def _stored(frame: Frame, quality: int, size: int) -> FaceCrop:
    return cut(Frame(recompressed(recompressed(frame.rgb, quality), QUALITY), frame.marks), size, _STILL)
