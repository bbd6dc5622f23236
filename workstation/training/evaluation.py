"""Figures of a detector package, as they are, with 95 % intervals and beside the shortcuts that need no detector.

Two kinds: people held out of training, under the trainer's own forgeries and post-processing (the kept weights were
chosen on these very people, and every record says so), and labelled sets made by others, opened once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import Detector, DetectorCard, DetectorReading, Direction, ValidationRecord
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.domain.kinds_of_forgery import KindFigure, Threshold, name_of
from workstation.domain.media import RgbArray
from workstation.faces.alignment import target_points
from workstation.faces.finder import FaceFinder
from workstation.training import degrade
from workstation.training.kind_figures import CONDITIONS, KIND_OF_SET, SAME_SHARPNESS, as_member, kind_figure
from workstation.training.labelled import Seen, look, masks, read_set, where
from workstation.training.localisation import ORGANS, organ_figure, organ_means, pixel_auc, pixel_figures
from workstation.training.measures import (
    Values,
    auc,
    auc_figure,
    bootstrap,
    matched,
    paired_auc_figure,
    rank_correlation_figure,
    rounded_record,
    sharpness,
)
from workstation.training.pool import KINDS, Pool
from workstation.training.thresholds import with_sensitivity

CHOSEN = "the kept weights were chosen on these people"
# The validation of the training loop draws the same way.
_STRENGTH, _APART, SEED = 0.6, 0.5, 1
_SOFT = degrade.Draw(False, 0.4, 1.0, (1.0, 1.0, 1.0), 0.0, 0, (), (0, 0), False)
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Labelled:
    """A figure to take: genuine and manipulated pictures of one set, or the manipulated of one and the genuine of
    another. ``column``/``value`` keep only the rows that have it."""

    name: str
    folder: str
    genuine_from: str = ""
    column: str = ""
    value: str = ""


SETS = (
    Labelled("CIPLAB composites", "ciplab"),
    Labelled("CIPLAB composites, JPEG quality 94 only", "ciplab", column="jpeg_qf_est", value="94"),
    Labelled("LFW face swaps", "lfw_faceswap"),
    Labelled("StyleGAN2 against FFHQ", "stylegan2_ffhq"),
    Labelled("Stable Diffusion 2.1 (SDFD) against FFHQ", "sdfd", genuine_from="stylegan2_ffhq"),
    Labelled("FaceForensics++ c23 and Celeb-DF v2 crops", "ffpp_cdf_crops"),
)
MASKS, ORGAN_SET = "CIPLAB masks", "CIPLAB composites, which organ"


def read_all(detector: Detector, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
    """Read crops in chunks, so that memory is held for one chunk's batch at a time."""
    found: list[DetectorReading] = []
    for start in range(0, len(crops), _CHUNK):
        found.extend(detector.read(crops[start : start + _CHUNK]))
    return found


def turned(card: DetectorCard, readings: Sequence[DetectorReading]) -> list[DetectorReading]:
    """The readings with values that are higher where manipulated, whichever way the card's score points."""
    if card.output.direction is Direction.HIGHER_IS_MANIPULATED:
        return list(readings)
    return [replace(reading, value=1 - reading.value) for reading in readings]


def as_crop(rgb: RgbArray) -> FaceCrop:
    """A pool picture as the aligned crop it is, with the template's landmarks."""
    side = rgb.shape[0]
    a, b, c, d, e = (Point(float(x), float(y)) for x, y in target_points(side))
    return FaceCrop(np.ascontiguousarray(rgb), Affine(1, 0, 0, 0, 1, 0), (a, b, c, d, e))


def held_out_records(detector: Detector, pool: Pool) -> list[ValidationRecord]:
    """AUC per kind of forgery on the held-out people, and what sharpness alone does to the scores of genuine crops.

    Pairs carry the same post-processing; their sharpness is drawn apart. Pictures are resampled, with all their views.
    Two figures are of genuine crops alone: the rank correlation of score and sharpness, and the AUC of crops that lost
    detail (as a face of 80 pixels has, enlarged) against the same crops as they were.
    """
    random, size = np.random.default_rng(SEED), detector.card.input.size
    genuine: list[float] = []
    forged: list[float] = []
    for start in range(0, len(pool.of), _CHUNK):
        pairs = [drawn_pair(pool, row, random, size) for row in range(start, min(start + _CHUNK, len(pool.of)))]
        for values, member in ((genuine, 0), (forged, 1)):
            found = detector.read([as_crop(pair[member]) for pair in pairs])
            values.extend(reading.value for reading in turned(detector.card, found))
    a, b = np.array(genuine), np.array(forged)
    pictures = pictures_of(pool)
    records = []
    for number, kind in enumerate((None, *KINDS), start=-1):
        rows = np.flatnonzero(pool.kind == number) if kind is not None else np.arange(len(pool.of))
        if len(rows):
            figure = paired_auc_figure(a[rows], b[rows], pictures[pool.of[rows]])
            name = f"Held-out people, {kind or 'all kinds'}"
            records.append(rounded_record(name, len(rows), len(rows), "AUC", figure, CHOSEN))
    plain = [as_crop(rgb) for rgb in pool.genuine]
    scores = np.array([reading.value for reading in turned(detector.card, read_all(detector, plain))])
    edges = np.array([sharpness(crop.rgb) for crop in plain])
    figure = rank_correlation_figure(scores, edges, pictures)
    note = "0 is wanted: a detector of blur or sharpness is far from it"
    records.append(
        rounded_record("Held-out people, genuine crops", len(plain), 0, "Spearman of score and sharpness", figure, note)
    )
    soft = [as_crop(degrade.apply(rgb, _SOFT)) for rgb in pool.genuine]
    dull = np.array([reading.value for reading in turned(detector.card, read_all(detector, soft))])
    figure = paired_auc_figure(scores, dull, pictures)
    note = "0.5 is wanted; above it, genuine faces score higher only because they are small or enlarged"
    records.append(
        rounded_record("Held-out people, genuine crops", len(plain), 0, f"AUC of detail {_SOFT.shrink}", figure, note)
    )
    return [record for record in records if record is not None]


def drawn_pair(pool: Pool, row: int, random: np.random.Generator, seen: int = 0) -> tuple[RgbArray, RgbArray]:
    """A genuine crop and its forgery with the same post-processing, the sharpness of each drawn anew.

    ``seen`` is the side in pixels that a detector is fed, 0 for the crop's own.
    """
    how = degrade.draw(random, _STRENGTH)
    one, two = degrade.apply(pool.genuine[pool.of[row]], how), degrade.apply(pool.forged[row], how)
    return degrade.even(one, two, random, _APART, seen)


def pictures_of(pool: Pool) -> npt.NDArray[np.int64]:
    """What each genuine crop hangs together with: its person, or in pools without persons its picture, whose views
    stand side by side."""
    if len(pool.group) == len(pool.genuine):
        return pool.group
    pictures = max(1, sum(pool.facts.values()))
    return np.arange(len(pool.genuine)) // max(1, len(pool.genuine) // pictures)


@dataclass(frozen=True, slots=True)
class Looked:
    """The faces of every set that was found, and how many pictures of each could not be used."""

    seen: Mapping[str, Sequence[Seen]]
    lost: Mapping[str, int]


def look_at_sets(
    data: Path,
    finder: FaceFinder,
    tell: Callable[[str], None] = lambda _: None,
    *,
    size: int = 256,
    margin: float = 1.3,
) -> Looked:
    """Find the faces of the sets in ``data`` once, for every detector whose card wants crops of ``size`` at ``margin``.

    Raises:
        InputError: none of them is there.
    """
    seen: dict[str, Sequence[Seen]] = {}
    lost: dict[str, int] = {}
    for folder in dict.fromkeys(one.folder for one in SETS):
        if (data / folder).is_dir():
            found, without = look(read_set(data / folder), finder, size=size, margin=margin, tell=tell)
            seen[folder], lost[folder] = found, len(without)
    if not seen:
        raise InputError(f"{data.name} holds none of the sets this evaluation knows.")
    return Looked(seen, lost)


def labelled_records(
    detector: Detector, looked: Looked, held: Pool | None = None
) -> tuple[list[ValidationRecord], dict[str, list[float]]]:
    """Figures on labelled sets.

    Args:
        held: held-out genuine crops, by which organs are standardised; without them that figure is left out.

    Returns:
        The records, and the raw scores of every set in the order its pictures were seen.
    """
    as_read = {folder: read_all(detector, [one.crop for one in seen]) for folder, seen in looked.seen.items()}
    readings = {folder: turned(detector.card, found) for folder, found in as_read.items()}
    records: list[ValidationRecord | None] = []
    for wanted in SETS:
        if wanted.folder in readings:
            records.extend(_set_records(wanted, looked, readings))
    if detector.card.output.map_size and "ciplab" in readings:
        seen = looked.seen["ciplab"]
        records.extend(_mask_records(seen, readings["ciplab"]))
        if held is not None:
            records.append(_organ_record(detector, seen, readings["ciplab"], held))
    raw = {folder: [reading.value for reading in found] for folder, found in as_read.items()}
    return [record for record in records if record is not None], raw


def labelled_kinds(card: DetectorCard, looked: Looked, raw: Mapping[str, Sequence[float]]) -> list[KindFigure]:
    """Figures by kind of forgery; ``raw`` are the scores that `labelled_records` gave."""
    readings = {folder: turned(card, [DetectorReading(value) for value in found]) for folder, found in raw.items()}
    figures: list[KindFigure | None] = []
    for wanted in SETS:
        kind = KIND_OF_SET[wanted.name]
        if kind is None or wanted.folder not in readings:
            continue
        genuine, forged = _classes(wanted, looked, readings)
        if genuine and forged:
            tables = auc(_column(genuine, lambda one: one.table), _column(forged, lambda one: one.table))
            conditions = f"{CONDITIONS}; JPEG tables of the original files alone {_apart(tables)}"
            members = [[as_member(one, value) for one, value in found] for found in (genuine, forged)]
            figures.append(kind_figure(kind, wanted.name, members[0], members[1], conditions))
    return [figure for figure in figures if figure is not None]


def with_forgeries(detector: Detector, threshold: Threshold, held: Pool | None) -> Threshold:
    """The threshold with its sensitivity on the forgeries of a pool's held-out people, as they are."""
    if held is None or not len(held.forged):
        return threshold
    scores = np.array([reading.value for reading in read_all(detector, [as_crop(rgb) for rgb in held.forged])])
    return with_sensitivity(detector.card, threshold, scores, "pseudo-forgeries of people held out of training")


def told(kinds: Sequence[KindFigure], threshold: Threshold | None) -> list[str]:
    """What was measured by kind and at the threshold, a line for each."""
    lines = [
        f"{name_of(one.kind)}, {one.dataset}: AUC {one.auc:.3f} [{one.low:.3f}, {one.high:.3f}], "
        f"{one.shortcut} alone {one.shortcut_auc:.3f}: {'stands' if one.stands else 'does not stand'}"
        for one in kinds
    ]
    if threshold is not None:
        lines.append(
            f"threshold {threshold.value:.4f}: false alarms {threshold.false_alarm_rate:.3f} "
            f"[{threshold.low:.3f}, {threshold.high:.3f}] on {threshold.items} untouched items in {threshold.groups} "
            "groups"
        )
    return lines


def _classes(
    wanted: Labelled, looked: Looked, readings: Mapping[str, Sequence[DetectorReading]]
) -> tuple[list[tuple[Seen, float]], list[tuple[Seen, float]]]:
    """The genuine and the manipulated pictures of a figure, each with its value."""
    rows = [
        (one, reading.value, one.item.manipulated)
        for one, reading in zip(looked.seen[wanted.folder], readings[wanted.folder], strict=True)
    ]
    if wanted.column:
        kept = {id(one) for one in where(looked.seen[wanted.folder], wanted.column, wanted.value)}
        rows = [row for row in rows if id(row[0]) in kept]
    if wanted.genuine_from in readings:
        other = zip(looked.seen[wanted.genuine_from], readings[wanted.genuine_from], strict=True)
        rows += [(one, reading.value, False) for one, reading in other if not one.item.manipulated]
    genuine = [(one, value) for one, value, label in rows if not label]
    return genuine, [(one, value) for one, value, label in rows if label]


def _set_records(
    wanted: Labelled, looked: Looked, readings: Mapping[str, Sequence[DetectorReading]]
) -> list[ValidationRecord | None]:
    genuine, forged = _classes(wanted, looked, readings)
    if not genuine or not forged:
        return []
    a, b = _column(genuine, lambda one: one.sharpness), _column(forged, lambda one: one.sharpness)
    tables = auc(_column(genuine, lambda one: one.table), _column(forged, lambda one: one.table))
    x, y = np.array([value for _, value in genuine]), np.array([value for _, value in forged])
    note = f"sharpness alone {_apart(auc(a, b))}, JPEG tables of the original files alone {_apart(tables)}"
    if looked.lost.get(wanted.folder):
        note += f"; {looked.lost[wanted.folder]} pictures of the set without a usable face"
    records = [rounded_record(wanted.name, len(x), len(y), "AUC", auc_figure(x, y), note)]
    pairs = matched(a, b, SAME_SHARPNESS)
    if len(pairs) >= 10:
        one, two = np.array(pairs).T
        figure = paired_auc_figure(x[one], y[two], np.arange(len(pairs)), draws=1000)
        left = f"sharpness alone {_apart(auc(a[one], b[two]))} on these"
        records.append(
            rounded_record(wanted.name, len(pairs), len(pairs), "AUC, pairs of equal sharpness", figure, left)
        )
    if wanted.column or wanted.genuine_from:
        return records
    share = bootstrap(float((x > 0.5).mean()), lambda rows: float((x[rows] > 0.5).mean()), len(x), draws=1000, seed=0)
    note = "how often an untouched face of this set scores above the middle of the scale; no threshold is offered"
    records.append(rounded_record(wanted.name, len(x), 0, "share of genuine above 0.5", share, note))
    return records


def _apart(value: float) -> str:
    """A shortcut separates the classes whichever way it points."""
    return f"{value:.3f}" if value >= 0.5 else f"{1 - value:.3f} the other way round"


def _mask_records(seen: Sequence[Seen], readings: Sequence[DetectorReading]) -> list[ValidationRecord | None]:
    """Inside the face, where a map has to be right, and over the whole crop, where a blob in its middle nearly is."""
    by_id = {id(one): reading for one, reading in zip(seen, readings, strict=True)}
    known = [(field, one, mask) for one, mask in masks(seen) if (field := by_id[id(one)].map) is not None]
    records: list[ValidationRecord | None] = []
    for whole, place, above_name in (
        (False, "pixel AUC inside the face", "pixel AUC inside the face above a centred blob"),
        (True, "pixel AUC inside the crop", "pixel AUC above a centred blob"),
    ):
        pairs = [pixel_auc(field, one, mask, whole_crop=whole) for field, one, mask in known]
        values = [pair for pair in pairs if not np.isnan(pair).any()]
        if not values:
            continue
        ours, blob, above = pixel_figures(values)
        count, note = len(values), "0 means no better than knowing the centre"
        if len(pairs) > count:
            note += f"; {len(pairs) - count} pictures without: their pixels there are of one kind"
        records.append(rounded_record(MASKS, 0, count, place, ours, f"a centred blob alone {blob}"))
        records.append(rounded_record(MASKS, 0, count, above_name, above, note))
    return records


def _organ_record(
    detector: Detector, seen: Sequence[Seen], readings: Sequence[DetectorReading], held: Pool
) -> ValidationRecord | None:
    forged, changed = [], []
    for one, reading in zip(seen, readings, strict=True):
        bits = [one.item.facts.get(organ, "") for organ in ORGANS]
        if one.item.manipulated and reading.map is not None and all(bit in ("0", "1") for bit in bits):
            forged.append(organ_means(one.crop, reading.map))
            changed.append([bit == "1" for bit in bits])
    crops = [as_crop(rgb) for rgb in held.genuine]
    plain = [organ_means(c, r.map) for c, r in zip(crops, read_all(detector, crops), strict=True) if r.map is not None]
    if len(forged) < 2 or len(plain) < 2:
        return None
    figure = organ_figure(np.array(forged), np.array(changed), np.array(plain))
    return rounded_record(ORGAN_SET, 0, len(forged), "AUC over organs", figure, "0.5 is chance; standardised per organ")


def _column(rows: Sequence[tuple[Seen, float]], take: Callable[[Seen], float]) -> Values:
    return np.array([take(one) for one, _ in rows], np.float64)
