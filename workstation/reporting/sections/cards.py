"""The card of every detector relied on, with its validation records (P4, P6)."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from workstation.domain.detectors import DetectorCard, ValidationRecord
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import bullets, facts_table, heading, note, para, rows_table
from workstation.reporting.content import Content
from workstation.reporting.wording import say

_ROOM = 130 * mm


def flow(content: Content) -> list[Flowable]:
    if not content.facts.cards:
        return [para(say("cards.none"))]
    blocks: list[Flowable] = []
    for card in content.facts.cards:
        blocks += _card(card, _mergings(content, card))
    return blocks


def _mergings(content: Content, card: DetectorCard) -> frozenset[tuple[int, str]]:
    """The merging of tokens under which the examinations relied on used this detector; (0, "") is none."""
    uses = [use.settings for run in content.relied for use in run.plan.detectors if use.id == card.id]
    return frozenset((int(s["merge"]), s.get("schedule", "")) if "merge" in s else (0, "") for s in uses)


def _card(card: DetectorCard, mergings: frozenset[tuple[int, str]]) -> list[Flowable]:
    scale = "cards.calibrated" if card.output.calibrated else "cards.uncalibrated"
    state = say("cards.baseline") if card.baseline and not card.output.calibrated else say(scale)
    given, size = card.input, card.output.map_size
    value = say(
        "cards.input.value",
        crop=given.crop_size,
        margin=formatting.number(given.crop_margin),
        size=given.size,
        interpolation=given.interpolation,
    )
    output = say(
        "cards.output.value",
        direction=say(f"cards.direction.{card.output.direction.value}"),
        scale=card.output.scale,
        map=say("cards.map", size=size) if size else say("cards.map.none"),
    )
    weights = say("cards.weights.value", file=card.weights.file, size=formatting.size(card.weights.size))
    rows: list[tuple[str, Flowable | str]] = [
        (say("cards.summary"), card.summary),
        (say("cards.trace"), card.trace),
        (say("cards.paper"), card.paper),
        (say("cards.input"), value),
        (say("cards.output"), output),
        (say("cards.threshold"), say("cards.threshold.none")),
        (say("cards.training"), card.training),
        (say("cards.limits"), bullets(card.limits) if card.limits else ""),
        (say("cards.weights"), weights),
        (say("cards.weights.sha256"), card.weights.sha256),
        (say("cards.licence"), card.weights.licence),
        (say("cards.origin"), card.weights.origin),
        (say("cards.card.sha256"), card.card_sha256),
    ]
    return [
        CondPageBreak(_ROOM),
        *heading(say("cards.title", name=card.name, version=card.version)),
        note(f"{card.id} · {card.family} · {state}"),
        facts_table((label, entry) for label, entry in rows if entry),
        *heading(say("cards.validation"), 2),
        *_validation(card.validation, mergings),
    ]


def _validation(records: tuple[ValidationRecord, ...], mergings: frozenset[tuple[int, str]]) -> list[Flowable]:
    """Figures without merging, and those with the merging that was used; the others are counted."""
    if not records:
        return [para(say("cards.validation.none"), styles.BODY)]
    shown = [r for r in records if not r.merge or (r.merge, r.schedule) in mergings]
    left = len(records) - len(shown)
    told = [note(say("cards.validation.left", count=left))] if left else []
    return [_figures(shown), *told] if shown else told


def _figures(records: Sequence[ValidationRecord]) -> Flowable:
    keys = ("set", "items", "measure", "value", "interval", "note")
    rows = [
        [
            record.dataset,
            f"{record.items_genuine} / {record.items_manipulated}",
            _measure(record),
            formatting.figure(record.value),
            f"{formatting.figure(record.low)} to {formatting.figure(record.high)}",
            record.note or "–",
        ]
        for record in records
    ]
    return rows_table([say(f"cards.validation.{key}") for key in keys], rows, [36, 22, 24, 15, 25, 44], right=(3,))


def _measure(record: ValidationRecord) -> str:
    if not record.merge:
        return record.measure
    return say("cards.validation.merged", measure=record.measure, merge=record.merge, schedule=record.schedule)
