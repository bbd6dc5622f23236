"""Kinds of forgery, and for which of them the score of a detector may be shown as one (V3, V4).

A card carries figures of single kinds of forgery. Whether they suffice is computed here, by `KindFigure.stands` and
`validated_kinds`; no author of a card can state it. What is validated for nothing shows no score to people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LEAST_ITEMS = 50
"""Items of each class below which no figure stands."""
LEAST_GROUPS = 20
"""Independent groups (people, pictures, pairs) below which an interval says little, and no figure stands."""
MOST_ALARMS = 0.05
"""The share of untouched portraits that a shipped threshold may at most put among the alarms."""


class ForgeryClass(StrEnum):
    """What was done to a face. `name_of` has the words for people."""

    PARTS = "parts"
    FACE_SWAP = "face_swap"
    REENACTMENT = "reenactment"
    WHOLE_GAN = "whole_gan"
    WHOLE_DIFFUSION = "whole_diffusion"


NOT_FOR_THIS = "not validated for this"
NOT_FOR_ANY = "not validated for any kind of forgery"
_NAMES = {
    ForgeryClass.PARTS: "parts of the face replaced",
    ForgeryClass.FACE_SWAP: "face swap",
    ForgeryClass.REENACTMENT: "reenactment",
    ForgeryClass.WHOLE_GAN: "whole face by a GAN",
    ForgeryClass.WHOLE_DIFFUSION: "whole face by a diffusion model",
}


def name_of(kind: ForgeryClass) -> str:
    """The kind in plain English, lower case."""
    return _NAMES[kind]


@dataclass(frozen=True, slots=True)
class KindFigure:
    """How well a score tells untouched faces from one kind of forgery, beside the best shortcut on the same items.

    Attributes:
        dataset: name of the set.
        items_genuine, items_manipulated: items of each class that the figure is of.
        groups: independent units that were resampled for the interval: people, source pictures or pairs.
        conditions: what both classes went through alike and how the items were chosen.
        auc, low, high: area under the ROC curve 0..1 of values turned to be higher where manipulated, with its 95 %
            interval over whole groups.
        shortcut, shortcut_auc: name and AUC of what separates the very same items best without looking for a
            manipulation (sharpness, high frequencies, saturation, size, bytes).
        spearman: rank correlation -1..1 of score and sharpness among the genuine items, or None.
    """

    kind: ForgeryClass
    dataset: str
    items_genuine: int
    items_manipulated: int
    groups: int
    conditions: str
    auc: float
    low: float
    high: float
    shortcut: str
    shortcut_auc: float
    spearman: float | None = None

    @property
    def shortcut_either_way(self) -> float:
        """The shortcut's AUC whichever way it points, 0.5..1: a trivial rule may be turned round, a detector may
        not."""
        return max(self.shortcut_auc, 1 - self.shortcut_auc)

    @property
    def enough(self) -> bool:
        """Whether there are enough items and groups for the figure to say anything."""
        return min(self.items_genuine, self.items_manipulated) >= LEAST_ITEMS and self.groups >= LEAST_GROUPS

    @property
    def stands(self) -> bool:
        """Whether this figure shows more than chance and more than a shortcut.

        The rule: enough items, the lower end of the interval above 0.5, and above the best shortcut's AUC on the same
        items. It errs on the side of "no" three times: the detector counts with the lower end (wrong one time in
        forty) and the shortcut with its whole value; the shortcut is the best of several, picked after seeing the
        answer, and may be turned round; the detector may not be. A score below 0.5 that would separate if turned is
        no success, because nobody who examines an exhibit would know when to turn it.
        """
        return self.enough and self.low > max(0.5, self.shortcut_either_way)

    @property
    def contradicts(self) -> bool:
        """Whether this figure denies its kind to the card: enough items and it does not stand, or an interval that
        lies below 0.5 as a whole, on however few items."""
        return (self.enough and not self.stands) or self.high < 0.5


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a package says that a score becomes an alarm, and how often untouched faces of a named set pass it.

    Attributes:
        value: 0..1 on the raw scale of the card; an alarm is a score strictly beyond it, in the card's direction.
        false_alarm_rate, low, high: share 0..1 of untouched items beyond it, each judged by a threshold that was
            chosen without its own group, with the 95 % interval.
        items, groups: untouched items and the people or pictures they are of.
        dataset: what these items are; never a labelled set that carries a figure of the card.
        sensitivity: share 0..1 of manipulated items beyond it, or None; ``sensitivity_of`` says of which.
    """

    value: float
    false_alarm_rate: float
    low: float
    high: float
    items: int
    groups: int
    dataset: str
    sensitivity: float | None = None
    sensitivity_of: str = ""


def validated_kinds(figures: Sequence[KindFigure]) -> tuple[ForgeryClass, ...]:
    """The kinds for which a score may be shown, in the order of `ForgeryClass`.

    A kind needs one figure that stands and none that contradicts: where two sets disagree, the score is not shown.
    """
    standing = {one.kind for one in figures if one.stands}
    denied = {one.kind for one in figures if one.contradicts}
    return tuple(kind for kind in ForgeryClass if kind in standing - denied)
