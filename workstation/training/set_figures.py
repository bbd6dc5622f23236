"""Figures of a scored set: how well the classes are told apart, beside what needs no detector, with nothing dropped.

Figures are of values that are higher where manipulated, whichever way a card's score points. What cannot be measured is
None, and ``reasons`` says why.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workstation.domain.detectors import DetectorCard, Direction, Level
from workstation.domain.errors import InputError
from workstation.training import shortcuts
from workstation.training.kind_figures import LEAST_PAIRS, SAME_SHARPNESS
from workstation.training.labelled import Item
from workstation.training.localisation import FACE_MEASURES, MASK_MEASURES, ORGANS, mask_figures, organ_figure
from workstation.training.measures import (
    Figure,
    Flags,
    Values,
    auc,
    bootstrap,
    matched,
    paired_auc_figure,
    rank_correlation_figure,
)
from workstation.training.robustness import Condition
from workstation.training.roc import at_chance, roc_figures
from workstation.training.scoring import ABSTAINED, ERROR, OK, Outcome, Scored

_CURVE_DRAWS = 300
_FEW = 20
_ONE_CLASS = "the scored items are of one class alone"
_NAMES = {"tpr_at_1": "tpr_at_1_fpr", "tpr_at_5": "tpr_at_5_fpr"}
# Face heights in pixels that figures are also given for, each on its own.
_HEIGHTS = ((0.0, 96.0), (96.0, 192.0), (192.0, math.inf))


@dataclass
class _Answer:
    """Collects figures; NaN becomes None with its reason."""

    facts: dict[str, object] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, figure: Figure | float, why: str) -> None:
        if isinstance(figure, Figure):
            self.put(name, figure.value, why)
            for end, value in (("low", figure.low), ("high", figure.high)):
                self.facts[f"{name}_{end}"] = value if math.isfinite(value) else None
            return
        self.facts[name] = figure if math.isfinite(figure) else None
        if not math.isfinite(figure):
            self.reasons[name] = why


@dataclass(frozen=True, slots=True)
class _Table:
    """The scored items of one detector: values turned, classes, groups (None for none)."""

    rows: tuple[Scored, ...]
    outcomes: tuple[Outcome, ...]
    values: Values
    manipulated: Flags
    group: tuple[str, ...] | None

    def column(self, name: str) -> Values:
        return np.array([one.shortcuts[name] for one in self.outcomes], np.float64)

    @property
    def counts(self) -> tuple[int, int]:
        return int((~self.manipulated).sum()), int(self.manipulated.sum())


def figures(
    rows: Sequence[Scored],
    place: int,
    card: DetectorCard,
    *,
    group_by: str = "",
    conditions: Sequence[Condition] = (),
    draws: int = 1000,
) -> dict[str, object]:
    """Everything measured of one detector on a set, as plain values.

    Args:
        place: of the detector among the outcomes of each row.
        group_by: column whose equal values belong together (a person, a source video); whole groups are resampled.
        conditions: what robustness was measured under.

    Returns:
        Among others ``auc`` with ``auc_low`` and ``auc_high``, ``ap``, ``eer``, ``tpr_at_1_fpr``, ``tpr_at_5_fpr``,
        ``auc_matched`` with ``shortcut_auc_matched`` of the same pairs, ``n_real`` and ``n_fake`` (items that were
        scored), ``abstained_real``, ``abstained_fake``, ``errors_real``, ``errors_fake``, ``items_real``,
        ``items_fake`` (the sum of these), ``shortcut_auc``, ``sharpness_spearman``, and with masks ``pixel_auc``
        and ``prior_pixel_auc`` inside the face with ``pixel_auc_over_prior``, ``crop_pixel_auc`` and
        ``prior_crop_pixel_auc`` over the whole crop, and ``iou``.

    Raises:
        InputError: no row has the column ``group_by``.
    """
    table = _table(rows, place, card, group_by)
    answer = _Answer()
    for name, figure in roc_figures(table.values, table.manipulated, table.group, draws=draws).items():
        answer.put(_NAMES.get(name, name), figure, _ONE_CLASS)
    _counts(answer, rows, place, table)
    _ungated(answer, rows, place, card, group_by, draws)
    _beside(answer, table, draws)
    _frames(answer, table, card, draws)
    if card.output.map_size:
        _places(answer, table, draws)
    _parts(answer, table)
    answer.facts["cautions"] = _cautions(table)
    if conditions:
        answer.facts["robustness"] = [_under(table, card, one) for one in conditions]
    return answer.facts | {"reasons": answer.reasons}


def check_group(items: Sequence[Item], group_by: str) -> None:
    """Raises: InputError: no row of the set has the column ``group_by``; an empty name is none."""
    if group_by and not any(group_by in item.facts for item in items):
        known = sorted({key for item in items for key in item.facts} - {"file", "label"})
        raise InputError(
            f'No item of this set has a column "{group_by}".',
            f"Columns of labels.csv: {', '.join(known) or 'none beside file and label'}.",
        )


def turned(card: DetectorCard, score: float) -> float:
    """A raw score 0..1 as a value that is higher where manipulated."""
    return score if card.output.direction is Direction.HIGHER_IS_MANIPULATED else 1 - score


def _table(rows: Sequence[Scored], place: int, card: DetectorCard, group_by: str) -> _Table:
    check_group([row.item for row in rows], group_by)
    kept = [row for row in rows if row.outcomes[place].status == OK]
    outcomes = tuple(row.outcomes[place] for row in kept)
    scores = [one.score for one in outcomes if one.score is not None]
    # An item without a group stands for itself.
    group = tuple(row.item.facts.get(group_by, "") or f"/{row.item.name}" for row in kept) if group_by else None
    return _Table(
        tuple(kept),
        outcomes,
        np.array([turned(card, score) for score in scores], np.float64),
        np.array([row.item.manipulated for row in kept], np.bool_),
        group,
    )


def _counts(answer: _Answer, rows: Sequence[Scored], place: int, table: _Table) -> None:
    statuses = Counter((row.outcomes[place].status, row.item.manipulated) for row in rows)
    reasons = Counter(
        (row.outcomes[place].reason, row.item.manipulated) for row in rows if row.outcomes[place].status != OK
    )
    facts = answer.facts
    for label, flag in (("real", False), ("fake", True)):
        facts[f"n_{label}"] = statuses[OK, flag]
        facts[f"abstained_{label}"] = statuses[ABSTAINED, flag]
        facts[f"errors_{label}"] = statuses[ERROR, flag]
        facts[f"items_{label}"] = sum(statuses[status, flag] for status in (OK, ABSTAINED, ERROR))
    facts["not_scored"] = {
        reason: {"real": reasons[reason, False], "fake": reasons[reason, True]}
        for reason in sorted({reason for reason, _ in reasons})
    }
    every = tuple(sum(row.item.manipulated is flag for row in rows) for flag in (False, True))
    area = auc(table.values[~table.manipulated], table.values[table.manipulated])
    chance = at_chance(area, table.counts, (every[0], every[1]))
    answer.put("auc_abstentions_at_chance", chance, "the items of the set are of one class alone")
    above = (table.values[~table.manipulated] > 0.5).astype(np.float64)
    if not len(above):
        answer.put("genuine_above_half", Figure(math.nan, math.nan, math.nan), "no genuine item was scored")
        return
    share = bootstrap(float(above.mean()), lambda drawn: float(above[drawn].mean()), len(above), draws=1000, seed=0)
    answer.put("genuine_above_half", share, "")


def _ungated(
    answer: _Answer, rows: Sequence[Scored], place: int, card: DetectorCard, group_by: str, draws: int
) -> None:
    """The AUC over every face that could be cut out, as on cards, whose figures know no gates."""
    kept = [(row, value) for row in rows if (value := row.outcomes[place].ungated) is not None]
    if card.output.level is Level.TRACK:
        return
    values = np.array([turned(card, value) for _, value in kept], np.float64)
    flags = np.array([row.item.manipulated for row, _ in kept], np.bool_)
    group = [row.item.facts.get(group_by, "") or f"/{row.item.name}" for row, _ in kept] if group_by else None
    answer.put("auc_without_gates", roc_figures(values, flags, group, draws=draws)["auc"], _ONE_CLASS)


def _cautions(table: _Table) -> list[str]:
    """What makes figures of this set say less than they seem to."""
    names = table.group or tuple(row.item.name for row in table.rows)
    units = [
        len({name for name, label in zip(names, table.manipulated, strict=True) if label == flag})
        for flag in (False, True)
    ]
    found = []
    if 0 < min(units) < _FEW:
        found.append(
            f"{units[0]} genuine and {units[1]} manipulated items or groups: "
            f"intervals from fewer than {_FEW} say little"
        )
    if 0 < table.counts[0] < 100 and table.counts[1]:
        found.append(
            f"{table.counts[0]} genuine items: with fewer than 100, the figure at 1 % false alarms is at none of them"
        )
    return found


def _beside(answer: _Answer, table: _Table, draws: int) -> None:
    """What stands beside the figure: shortcuts, pairs of equal sharpness, correlation with sharpness."""
    flags = table.manipulated
    apart = shortcuts.separations({name: table.column(name) for name in shortcuts.SHORTCUTS}, flags)
    name, best = shortcuts.best(apart)
    answer.put("shortcut_auc", best, _ONE_CLASS)
    answer.facts["shortcut_best"] = name or None
    answer.facts["shortcuts"] = {key: None if math.isnan(value) else value for key, value in apart.items()}
    sharp = table.column("sharpness")
    pairs = matched(sharp[~flags], sharp[flags], SAME_SHARPNESS) if all(table.counts) else []
    answer.facts["matched_pairs"] = len(pairs)
    if len(pairs) >= LEAST_PAIRS:
        one, two = np.array(pairs).T
        x, y = table.values[~flags][one], table.values[flags][two]
        answer.put("auc_matched", paired_auc_figure(x, y, np.arange(len(pairs)), draws=draws), "")
        columns = {name: table.column(name) for name in shortcuts.SHORTCUTS}
        paired = {name: np.concatenate([v[~flags][one], v[flags][two]]) for name, v in columns.items()}
        name, best = shortcuts.best(shortcuts.separations(paired, np.arange(2 * len(pairs)) >= len(pairs)))
        answer.put("shortcut_auc_matched", best, _ONE_CLASS)
        answer.facts["shortcut_best_matched"] = name or None
    else:
        few = f"fewer than {LEAST_PAIRS} pairs of equal sharpness"
        answer.put("auc_matched", Figure(math.nan, math.nan, math.nan), few)
    genuine = np.flatnonzero(~flags)
    none = Figure(math.nan, math.nan, math.nan)
    if len(genuine) > 2:
        names = [table.group[row] for row in genuine] if table.group else [str(row) for row in genuine]
        codes = np.unique(names, return_inverse=True)[1] if table.group else np.arange(len(genuine))
        none = rank_correlation_figure(table.values[genuine], sharp[genuine], codes, draws=min(draws, 500))
    answer.put("sharpness_spearman", none, "fewer than three genuine items were scored, or all have one value")


def _frames(answer: _Answer, table: _Table, card: DetectorCard, draws: int) -> None:
    """Frames of videos as items of their own, whole videos resampled."""
    if not any(row.item.video for row in table.rows) or not any(one.frame_scores for one in table.outcomes):
        return
    values = [turned(card, score) for one in table.outcomes for score in one.frame_scores]
    flags = [bool(f) for f, one in zip(table.manipulated, table.outcomes, strict=True) for _ in one.frame_scores]
    names = table.group or tuple(row.item.name for row in table.rows)
    group = [name for name, one in zip(names, table.outcomes, strict=True) for _ in one.frame_scores]
    found = roc_figures(np.array(values), np.array(flags, np.bool_), group, draws=min(draws, 500))
    answer.put("auc_frames", found["auc"], _ONE_CLASS)
    answer.facts["frames_scored"] = len(values)


def _places(answer: _Answer, table: _Table, draws: int) -> None:
    """How well maps say where: against masks, and which organ was changed."""
    masked = [one.masked for one in table.outcomes if one.masked is not None]
    if masked:
        used = sum(not one.problem for one in masked)
        answer.facts["masks"] = used
        answer.facts["masks_unusable"] = dict(Counter(one.problem for one in masked if one.problem))
        found = mask_figures(masked, draws)
        lost = Counter(one.face_problem for one in masked if one.face_problem)
        answer.facts["masks_in_face"] = used - lost.total()
        answer.facts["masks_without_face_figure"] = dict(lost)
        for name in MASK_MEASURES:
            why = "no mask could be used, or none gives a finite value"
            if name in FACE_MEASURES and used and used == lost.total():
                why = f"of no picture: {', '.join(sorted(lost))}"
            answer.put(name, found[name], why)
    bits = [[row.item.facts.get(organ, "") for organ in ORGANS] for row in table.rows]
    known = [
        (one.organs, [bit == "1" for bit in row_bits])
        for one, row_bits, flag in zip(table.outcomes, bits, table.manipulated, strict=True)
        if flag and one.organs is not None and all(bit in ("0", "1") for bit in row_bits)
    ]
    plain = [
        one.organs
        for one, flag in zip(table.outcomes, table.manipulated, strict=True)
        if not flag and one.organs is not None
    ]
    if len(known) < 2:
        return
    answer.facts["organ_items"] = len(known)
    if len(plain) < 2:
        answer.put("organ_auc", math.nan, "fewer than two genuine pictures to standardise organs by")
        return
    means, changed = np.array([mean for mean, _ in known]), np.array([flags for _, flags in known])
    answer.put("organ_auc", organ_figure(means, changed, np.array(plain)), "all organs were changed, or none")


def _parts(answer: _Answer, table: _Table) -> None:
    """The AUC for ranges of face height, each on its own; the other ranges do not enter."""
    parts = []
    for low, high in _HEIGHTS:
        rows = [n for n, row in enumerate(table.rows) if row.face_height is not None and low <= row.face_height < high]
        flags = table.manipulated[rows]
        if not len(rows):
            continue
        group = [table.group[n] for n in rows] if table.group else None
        figure = roc_figures(table.values[rows], flags, group, draws=_CURVE_DRAWS)["auc"]
        name = f"{low:g} px and more" if math.isinf(high) else f"{low:g} to {high:g} px"
        parts.append({"face_height": name} | _plain(figure, flags))
    answer.facts["by_face_height"] = parts


def _under(table: _Table, card: DetectorCard, condition: Condition) -> dict[str, object]:
    rows = [n for n, one in enumerate(table.outcomes) if condition.name in one.under]
    met = [table.outcomes[n].under[condition.name] for n in rows]
    values = np.array([turned(card, score) for score, _ in met], np.float64)
    flags = table.manipulated[rows]
    group = [table.group[n] for n in rows] if table.group else None
    figure = roc_figures(values, flags, group, draws=_CURVE_DRAWS)["auc"]
    names = met[0][1] if met else {}
    apart = {name: np.array([found[name] for _, found in met], np.float64) for name in names}
    best, value = shortcuts.best(shortcuts.separations(apart, flags))
    before = table.values[rows]
    lost = Counter((row.lost.get(condition.name, ""), row.item.manipulated) for row in table.rows)
    reasons = sorted({reason for reason, _ in lost if reason})
    return {
        "condition": condition.name,
        "family": condition.family,
        "level": condition.level,
        **_plain(figure, flags),
        "shift": float((values - before).mean()) if rows else None,
        "flipped": float(((values > 0.5) != (before > 0.5)).mean()) if rows else None,
        "lost_real": sum(lost[reason, False] for reason in reasons),
        "lost_fake": sum(lost[reason, True] for reason in reasons),
        "lost": {reason: {"real": lost[reason, False], "fake": lost[reason, True]} for reason in reasons},
        "shortcut_auc": None if math.isnan(value) else value,
        "shortcut_best": best or None,
    }


def _plain(figure: Figure, flags: Flags) -> dict[str, object]:
    values = {"auc": figure.value, "auc_low": figure.low, "auc_high": figure.high}
    found: dict[str, object] = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return found | {"n_real": int((~flags).sum()), "n_fake": int(flags.sum())}
