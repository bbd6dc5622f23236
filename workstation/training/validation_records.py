"""A validation record: what was measured of a detector on which files, how and with what, as plain values (V3, V4).

It is data for a signature: everything in it can be written as canonical JSON, and the same evaluation gives the same
figures to the last digit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workstation.domain.detectors import Detector, DetectorCard, ValidationRecord
from workstation.training.measures import Figure, rounded_record
from workstation.training.scoring import Scored

SCHEMA = "workstation.validation"
# 2: "pixel_auc" and "prior_pixel_auc" are of pixels inside the face, "crop_pixel_auc" is what they were of in 1.
VERSION = 2
CAUTION = (
    "Uncalibrated: figures say how a score ordered two classes of one set, not how likely a score is right.",
    "They hold for this set, these settings and these weights alone.",
    "A figure that a shortcut reaches as well says nothing on manipulations.",
)
# Figures that a card can carry, with the words of its measure.
_FOR_CARDS = (
    ("auc", "AUC"),
    ("ap", "average precision"),
    ("eer", "equal error rate"),
    ("auc_matched", "AUC, pairs of equal sharpness"),
    ("sharpness_spearman", "Spearman of score and sharpness"),
    ("pixel_auc", "pixel AUC inside the face"),
    ("pixel_auc_over_prior", "pixel AUC inside the face above a centred blob"),
    ("crop_pixel_auc", "pixel AUC inside the crop"),
    ("iou", "IoU inside the crop at 0.5"),
)


def build_record(
    *,
    record_id: str,
    made_at: str,
    set_name: str,
    rows: Sequence[Scored],
    detectors: Sequence[Detector],
    figures: Mapping[str, Mapping[str, object]],
    settings: Mapping[str, object],
    environment: Mapping[str, str],
) -> dict[str, object]:
    """The record of an evaluation; the first detector is the one it is about, the others stand beside.

    Args:
        figures: of each detector, by its id.
        settings: how the set was scored.
        environment: machine, program, libraries, finder.
    """
    first, *others = detectors
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "id": record_id,
        "made_at": made_at,
        "set": {"name": set_name, **set_digests((row.item.name, row.item.manipulated, row.sha256) for row in rows)},
        "faces": _faces(rows),
        "detector": detector_facts(first),
        "figures": dict(figures[first.card.id]),
        "others": [{"detector": detector_facts(one), "figures": dict(figures[one.card.id])} for one in others],
        "settings": dict(settings),
        "environment": dict(environment),
        "records": [dataclasses.asdict(one) for one in card_records(set_name, first.card, figures[first.card.id])],
        "caution": list(CAUTION),
    }


def set_digests(files: Iterable[tuple[str, bool, str]]) -> dict[str, object]:
    """Digests of a set: of its files (names and SHA-256) and of its labels (names and labels), by name.

    Args:
        files: (name, whether manipulated, SHA-256 of the file) of each.
    """
    every = sorted(files)
    contents = "".join(f"{digest}  {name}\n" for name, _, digest in every)
    labels = "".join(f"{int(label)}  {name}\n" for name, label, _ in every)
    return {
        "files": len(every),
        "sha256": hashlib.sha256(contents.encode()).hexdigest(),
        "labels_sha256": hashlib.sha256(labels.encode()).hexdigest(),
    }


def digest_of(path: Path) -> str:
    """SHA-256 of a file, empty when it cannot be read: as the rows of an evaluation have it."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def detector_facts(detector: Detector) -> dict[str, object]:
    """What names a detector and how it ran."""
    card = detector.card
    return {
        "id": card.id,
        "name": card.name,
        "version": card.version,
        "family": card.family,
        "baseline": card.baseline,
        "direction": str(card.output.direction),
        "level": str(card.output.level),
        "calibrated": card.output.calibrated,
        "card_sha256": card.card_sha256,
        "weights_sha256": card.weights.sha256,
        "crop": [card.input.crop_size, card.input.crop_margin],
        "device": detector.device,
        "precision": detector.precision,
    }


def card_records(set_name: str, card: DetectorCard, facts: Mapping[str, object]) -> tuple[ValidationRecord, ...]:
    """The figures as a card would carry them; those that could not be taken are left out."""
    genuine, manipulated = facts["n_real"], facts["n_fake"]
    assert isinstance(genuine, int)
    assert isinstance(manipulated, int)
    found = []
    for name, measure in _FOR_CARDS:
        value, low, high = (facts.get(key) for key in (name, f"{name}_low", f"{name}_high"))
        if isinstance(value, float) and isinstance(low, float) and isinstance(high, float):
            found.append(rounded_record(set_name, genuine, manipulated, measure, Figure(value, low, high), ""))
    return tuple(one for one in found if one is not None)


def _faces(rows: Sequence[Scored]) -> dict[str, object]:
    """Heights of the faces that were found, in pixels: least, median, greatest."""
    tall = sorted(row.face_height for row in rows if row.face_height is not None)
    if not tall:
        return {"found": 0}
    return {"found": len(tall), "height_px": [round(v, 1) for v in (tall[0], statistics.median(tall), tall[-1])]}
