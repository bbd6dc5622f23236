"""For which kinds of forgery what a detector said in an examination may be shown as a score (V3, V4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workstation.domain.detectors import DetectorCard
from workstation.domain.examinations import DetectorUse, Examination
from workstation.domain.kinds_of_forgery import ForgeryClass, Threshold, validated_kinds
from workstation.domain.measured_here import figures_of

Standing = Mapping[str, tuple[ForgeryClass, ...]]
"""Kinds for which each detector of an examination is validated, by its id; a detector that is not named has none."""


def standing(run: Examination, cards: Sequence[DetectorCard]) -> Standing:
    """For what each detector of a run is validated, by the cards that are at hand.

    A card counts only if it is the very one of the examination, and its figures only for the detector as published:
    with merged tokens it is another function, which they were not measured of. Figures measured on this workstation
    count with those of the card, as far as the run's own plan cites them.
    """
    known = {(card.id, card.card_sha256): card for card in cards}
    return {use.id: _kinds(known.get((use.id, use.card_sha256)), use) for use in run.plan.detectors}


def thresholds(run: Examination, cards: Sequence[DetectorCard]) -> Mapping[str, Threshold]:
    """The shipped thresholds of those detectors of a run whose score stands for something, by their id.

    A threshold belongs to the very card of the examination, as the kinds do; one whose score is shown for no kind of
    forgery would draw a line through numbers that mean nothing.
    """
    known = {(card.id, card.card_sha256): card for card in cards}
    found: dict[str, Threshold] = {}
    for use in run.plan.detectors:
        card = known.get((use.id, use.card_sha256))
        if card is not None and card.threshold is not None and _kinds(card, use):
            found[use.id] = card.threshold
    return found


def _kinds(card: DetectorCard | None, use: DetectorUse) -> tuple[ForgeryClass, ...]:
    if card is None or use.settings.get("merge", "0") not in ("", "0"):
        return ()
    return validated_kinds((*card.kinds, *figures_of(use)))
