"""How it was done, in words, and how the method stands on the five questions a court asks (P8)."""

from __future__ import annotations

from reportlab.platypus import Flowable

from workstation.reporting.blocks import facts_table, heading
from workstation.reporting.content import Content
from workstation.reporting.sections import uses
from workstation.reporting.wording import say

_TOPICS = ("frames", "faces", "gates", "detectors", "whole", "summary", "rounding", "words")


def flow(content: Content) -> list[Flowable]:
    rows = [(say(f"method.{topic}"), say(f"method.{topic}.text")) for topic in _TOPICS]
    standing = [*heading(say("daubert.heading")), facts_table(_standing(content))]
    return [facts_table(rows), *uses.flow(content), *standing]


def _standing(content: Content) -> list[tuple[str, str]]:
    cards = content.facts.cards
    figures = sum(len(card.validation) for card in cards)
    tested = say("daubert.tested.text", count=figures) if figures else say("daubert.tested.none")
    papers = "; ".join(dict.fromkeys(card.paper for card in cards if card.paper))
    review = say("daubert.review.text", papers=papers) if papers else say("daubert.review.none")
    return [
        (say("daubert.tested"), tested),
        (say("daubert.review"), review),
        (say("daubert.error"), say("daubert.error.text")),
        (say("daubert.standards"), say("daubert.standards.text")),
        (say("daubert.acceptance"), say("daubert.acceptance.text")),
    ]
