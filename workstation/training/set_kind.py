"""The figure of one kind of forgery on a laboratory's own set, by the rule of the figures on cards (V3, V4).

As for :mod:`workstation.training.kind_figures`, shortcuts are taken of what the detector was given: of the crop after
the re-encoding that both classes went through, and of the frame's size; nothing of the file as it was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workstation.domain.detectors import DetectorCard
from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure
from workstation.training.kind_figures import SAME_SHARPNESS, Member, kind_figure
from workstation.training.measures import auc, matched
from workstation.training.roc import roc_figures
from workstation.training.scoring import OK, Outcome, Scored
from workstation.training.set_figures import turned

_OF_CROP = ("sharpness", "high_frequency", "saturation", "size", "crop_bytes")
_DRAWS = 2000


def figure_of_kind(
    rows: Sequence[Scored],
    place: int,
    card: DetectorCard,
    kind: ForgeryClass,
    set_name: str,
    *,
    quality: int,
    group_by: str = "",
    draws: int = _DRAWS,
) -> KindFigure | None:
    """The figure of one kind; None when there are too few pairs of equal sharpness.

    Args:
        place: of the detector among the outcomes of each row.
        quality: of the JPEG that every frame was compressed as.
        group_by: column whose equal values belong together: whole groups are resampled, and the fewer of the two
            classes counts. Without it every item stands for itself, which ``conditions`` says.
    """
    kept = [(row, row.outcomes[place]) for row in rows if row.outcomes[place].status == OK]
    halves = [[(r, o) for r, o in kept if r.item.manipulated is flag] for flag in (False, True)]
    if not all(halves):
        return None
    genuine, forged = ([_member(card, outcome) for _, outcome in half] for half in halves)
    tables = auc(*(np.array([o.shortcuts["jpeg_table"] for _, o in half]) for half in halves))
    apart = max(tables, 1 - tables)
    alone = "every item by itself" if not group_by else f"grouped by {group_by}"
    conditions = (
        f"both classes re-encoded at JPEG {quality}, pairs of equal sharpness, {alone}; {len(kept)} of {len(rows)} "
        f"items scored; JPEG tables of the original files alone {apart:.3f}"
    )
    figure = kind_figure(kind, set_name, genuine, forged, conditions, draws=draws)
    if figure is None or not group_by:
        return figure
    return _by_group(figure, halves, (genuine, forged), group_by, draws)


def _by_group(
    figure: KindFigure,
    halves: Sequence[Sequence[tuple[Scored, Outcome]]],
    members: Sequence[Sequence[Member]],
    group_by: str,
    draws: int,
) -> KindFigure:
    """The same pairs with an interval over whole groups."""
    sharp = [np.array([one.shortcuts["sharpness"] for one in half]) for half in members]
    pairs = matched(sharp[0], sharp[1], SAME_SHARPNESS)
    values, flags, names = [], [], []
    for side in (0, 1):
        for pair in pairs:
            item = halves[side][pair[side]][0].item
            values.append(members[side][pair[side]].value)
            flags.append(bool(side))
            names.append(item.facts.get(group_by, "") or f"/{item.name}")
    found = roc_figures(np.array(values), np.array(flags, np.bool_), names, draws=draws)["auc"]
    units = [len({name for name, flag in zip(names, flags, strict=True) if flag is wanted}) for wanted in (False, True)]
    return replace(
        figure, groups=min(units), low=math.floor(found.low * 1e4) / 1e4, high=math.ceil(found.high * 1e4) / 1e4
    )


def _member(card: DetectorCard, outcome: Outcome) -> Member:
    assert outcome.score is not None
    return Member(turned(card, outcome.score), {name: outcome.shortcuts[name] for name in _OF_CROP})
