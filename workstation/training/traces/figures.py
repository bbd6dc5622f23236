"""Figures of a fit on people held out: each kind of forgery, which organ, sharpness, and what each group adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workstation.detectors.traces.fusion import Fusion
from workstation.domain.detectors import ValidationRecord
from workstation.training.measures import (
    Figure,
    auc,
    bootstrap,
    paired_auc_figure,
    rank_correlation_figure,
    rounded_record,
)
from workstation.training.traces.fitting import Recipe, fit, only, scores, without
from workstation.training.traces.material import KINDS
from workstation.training.traces.table import Codes, Rows, Table

MOST_SHARPNESS = 0.15
_ORGANS = 4
_NOTE = "forgeries of the trainer's own kinds; settings were chosen on these people"


@dataclass(frozen=True, slots=True)
class Held:
    """Figures on people held out. ``kinds`` in the order of `KINDS`; ``organs`` is the AUC of "this organ was changed"
    among the organs of partly changed faces; ``sharpness`` the rank correlation among genuine crops."""

    everything: Figure
    kinds: tuple[Figure, ...]
    organs: Figure
    sharpness: Figure
    sharpness_alone: float


def figures(network: Fusion, rows: Rows, draws: int = 500) -> Held:
    """Take the figures of a fit; people are resampled."""
    score, parts = scores(network, rows)
    genuine, forged = _members(rows)
    a, b, person = score[genuine], score[forged], rows.person[genuine]
    kinds = []
    for number in range(len(KINDS)):
        of = rows.kind[genuine] == number
        kinds.append(paired_auc_figure(a[of], b[of], person[of], draws) if of.any() else Figure(*[float("nan")] * 3))
    return Held(
        paired_auc_figure(a, b, person, draws),
        tuple(kinds),
        _organs(rows, parts, draws),
        rank_correlation_figure(a, rows.sharp[genuine], person, draws),
        auc(rows.sharp[genuine], rows.sharp[forged]),
    )


def _members(rows: Rows) -> tuple[Codes, Codes]:
    """Rows of genuine and manipulated members, pair by pair."""
    order = np.lexsort((rows.manipulated, rows.pair))
    return order[0::2], order[1::2]


def _organs(rows: Rows, parts: Table, draws: int) -> Figure:
    genuine = parts[rows.manipulated == 0][:, :_ORGANS]
    standard = (parts[:, :_ORGANS] - genuine.mean(axis=0)) / (genuine.std(axis=0) + 1e-9)
    labels = rows.labels[:, :_ORGANS]
    mixed = np.flatnonzero((labels == 1).any(axis=1) & (labels == 0).any(axis=1))
    people = rows.person[mixed]
    groups = [mixed[people == person] for person in np.unique(people)]

    def value(chosen: Codes) -> float:
        taken = np.concatenate([groups[number] for number in chosen]) if len(chosen) else np.zeros(0, np.int64)
        values, known = standard[taken].ravel(), labels[taken].ravel()
        return auc(values[known == 0], values[known == 1])

    return bootstrap(value(np.arange(len(groups))), value, len(groups), draws, 0)


def ablation(train: Rows, held: Rows, recipe: Recipe, draws: int = 200) -> Iterator[tuple[str, Held]]:
    """Each of the recipe's groups alone, all but one, and all."""
    for group in recipe.groups:
        yield f"{group} alone", figures(fit(train, only(recipe, group)), held, draws)
    for group in recipe.groups:
        yield f"all but {group}", figures(fit(train, without(recipe, group)), held, draws)
    yield "all", figures(fit(train, recipe), held, draws)


def line(name: str, found: Held) -> str:
    """One line of a table."""
    kinds = " ".join(f"{figure.value:.3f}" for figure in found.kinds)
    rest = f"organs {found.organs}  sharpness {found.sharpness.value:+.3f}"
    return f"{name:24s} all {found.everything}  kinds {kinds}  {rest}"


def records(network: Fusion, rows: Rows) -> list[ValidationRecord]:
    """Validation records for the card, from people held out."""
    found = figures(network, rows)
    count = int((rows.manipulated == 1).sum())
    made = [rounded_record("Held-out people, all kinds", count, count, "AUC", found.everything, _NOTE)]
    for number, (kind, figure) in enumerate(zip(KINDS, found.kinds, strict=True)):
        some = int(((rows.kind == number) & (rows.manipulated == 1)).sum())
        made.append(rounded_record(f"Held-out people, {kind}", some, some, "AUC", figure, _NOTE))
    labels = rows.labels[:, :_ORGANS]
    mixed = int(((labels == 1).any(axis=1) & (labels == 0).any(axis=1)).sum())
    note = "0.5 is chance; standardised per organ; settings were chosen on these people"
    made.append(rounded_record("Held-out people, which organ", 0, mixed, "AUC over organs", found.organs, note))
    note = f"0 is wanted; above {MOST_SHARPNESS} either way the fit is rejected"
    made.append(
        rounded_record(
            "Held-out people, genuine crops", count, 0, "Spearman of score and sharpness", found.sharpness, note
        )
    )
    return [record for record in made if record is not None]
