"""For which kinds of forgery what a detector said in an examination may be shown as a score (V3, V4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workstation.domain.detectors import DetectorCard
from workstation.domain.examinations import DetectorUse, Examination
from workstation.domain.kinds_of_forgery import ForgeryClass, validated_kinds

Standing = Mapping[str, tuple[ForgeryClass, ...]]
"""Kinds for which each detector of an examination is validated, by its id; a detector that is not named has none."""


def standing(run: Examination, cards: Sequence[DetectorCard]) -> Standing:
    """For what each detector of a run is validated, by the cards that are at hand.

    A card counts only if it is the very one of the examination, and its figures only for the detector as published:
    with merged tokens it is another function, which they were not measured of.
    """
    known = {(card.id, card.card_sha256): card for card in cards}
    return {use.id: _kinds(known.get((use.id, use.card_sha256)), use) for use in run.plan.detectors}


def _kinds(card: DetectorCard | None, use: DetectorUse) -> tuple[ForgeryClass, ...]:
    if card is None or use.settings.get("merge", "0") not in ("", "0"):
        return ()
    return validated_kinds(card.kinds)
