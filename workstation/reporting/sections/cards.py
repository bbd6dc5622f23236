"""The card of every detector relied on, with its validation records (P4, P6)."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from workstation.domain.detectors import DetectorCard, Direction, ValidationRecord
from workstation.domain.kinds_of_forgery import (
    LEAST_GROUPS,
    LEAST_ITEMS,
    ForgeryClass,
    KindFigure,
    validated_kinds,
)
from workstation.domain.measured_here import figures_of
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
        blocks += _card(card, _mergings(content, card), _measured(content, card))
    return blocks


def _measured(content: Content, card: DetectorCard) -> tuple[KindFigure, ...]:
    """What the examinations relied on measured by the laboratory, beside the figures of the card itself."""
    uses = [use for run in content.relied for use in run.plan.detectors if use.card_sha256 == card.card_sha256]
    return tuple(dict.fromkeys(figure for use in uses for figure in figures_of(use)))


def _mergings(content: Content, card: DetectorCard) -> frozenset[tuple[int, str]]:
    """The merging of tokens under which the examinations relied on used this detector; (0, "") is none."""
    uses = [use.settings for run in content.relied for use in run.plan.detectors if use.id == card.id]
    return frozenset((int(s["merge"]), s.get("schedule", "")) if "merge" in s else (0, "") for s in uses)


def _card(card: DetectorCard, mergings: frozenset[tuple[int, str]], measured: tuple[KindFigure, ...]) -> list[Flowable]:
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
        (say("cards.threshold"), _threshold(card)),
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
        *heading(say("cards.kinds"), 2),
        *_kinds((*card.kinds, *measured)),
        *heading(say("cards.validation"), 2),
        *_validation(card.validation, mergings),
    ]


def _threshold(card: DetectorCard) -> str:
    limit = card.threshold
    if limit is None:
        return say("cards.threshold.none")
    side = "below" if card.output.direction is Direction.LOWER_IS_MANIPULATED else "above"
    told = say(
        "cards.threshold.value",
        side=say(f"cards.threshold.{side}", value=formatting.figure(limit.value)),
        rate=formatting.figure(limit.false_alarm_rate),
        low=formatting.figure(limit.low),
        high=formatting.figure(limit.high),
        items=limit.items,
        groups=limit.groups,
        set=limit.dataset,
    )
    if limit.sensitivity is None:
        return told
    rate = formatting.figure(limit.sensitivity)
    return f"{told} {say('cards.threshold.sensitivity', rate=rate, what=limit.sensitivity_of)}"


def _kinds(figures: Sequence[KindFigure]) -> list[Flowable]:
    """Every kind of forgery with its figures and what follows from them."""
    if not figures:
        return [para(say("cards.kinds.none"), styles.BODY)]
    standing = validated_kinds(figures)
    rows: list[list[str]] = []
    for kind in ForgeryClass:
        state = say("cards.kinds.validated" if kind in standing else "kinds.for_this")
        found = [_kind_row(figure) for figure in figures if figure.kind == kind]
        for row in found or [[say("cards.kinds.unmeasured"), "–", "–", "–", "–"]]:
            rows.append([say(f"kind.{kind.value}"), state, *row])
    keys = ("kind", "state", "set", "items", "auc", "shortcut", "spearman")
    table = rows_table([say(f"cards.kinds.{key}") for key in keys], rows, [26, 22, 36, 22, 27, 24, 15], right=(6,))
    rule = say("cards.kinds.rule", items=LEAST_ITEMS, groups=LEAST_GROUPS)
    conditions = dict.fromkeys(
        say("cards.kinds.conditions", set=figure.dataset, conditions=figure.conditions) for figure in figures
    )
    return [table, para(" ".join([rule, *conditions]), styles.SMALL)]


def _kind_row(figure: KindFigure) -> list[str]:
    value, low, high = (formatting.figure(v) for v in (figure.auc, figure.low, figure.high))
    rule = say("cards.kinds.beside", name=figure.shortcut, value=formatting.figure(figure.shortcut_auc))
    return [
        figure.dataset,
        f"{figure.items_genuine} / {figure.items_manipulated}",
        say("cards.kinds.value", value=value, low=low, high=high),
        rule,
        "–" if figure.spearman is None else f"{figure.spearman:+.2f}",
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
