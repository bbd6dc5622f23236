"""A detector's card on a terminal: grouped, wrapped, figures with their intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from workstation.app.filed_records import FiledRecord
from workstation.domain.detectors import (
    DetectorCard,
    Direction,
    InputSpec,
    InstalledDetector,
    Level,
    OutputSpec,
    ValidationRecord,
)
from workstation.domain.kinds_of_forgery import (
    NOT_FOR_ANY,
    NOT_FOR_THIS,
    ForgeryClass,
    KindFigure,
    Threshold,
    name_of,
    validated_kinds,
)

_WIDTH = 110
_LABEL = 11
_DIRECTIONS = {
    Direction.HIGHER_IS_MANIPULATED: "higher points to manipulated",
    Direction.LOWER_IS_MANIPULATED: "lower points to manipulated",
}


def state(package: InstalledDetector) -> str:
    """In a few words: what is wrong with it, or how far it can be leaned on."""
    card = package.card
    calibrated = "calibrated" if card.output.calibrated else "uncalibrated"
    kinds = validated_kinds(card.kinds)
    validated = f"validated for {', '.join(name_of(kind) for kind in kinds)}" if kinds else NOT_FOR_ANY
    return package.problem or f"{'baseline, ' if card.baseline else ''}{calibrated}, {validated}"


def reads(card: DetectorCard) -> str:
    """What it scores: "face", "track", or "face and track"."""
    if card.output.level is Level.TRACK:
        return "track"
    return "face and track" if card.output.sequence else "face"


def self_test(card: DetectorCard) -> str:
    """The sealed self-test in a few words."""
    if card.self_test is None:
        return "no self-test"
    return f"scores within {card.self_test.tolerance:g} of the sealed ones on the CPU in float32"


def lines(package: InstalledDetector, family: str) -> Iterator[str]:
    """The whole card, line by line; ``family`` says whose code runs it."""
    card = package.card
    yield f"{card.name} ({card.id} {card.version})"
    yield from _row("", card.summary)
    yield ""
    yield from _row("state", f"{'embedded' if package.embedded else 'installed'}, {state(package)}")
    yield from _row("folder", package.folder)
    yield from _row("card", f"SHA-256 {card.card_sha256}")
    yield from _row("family", f"{card.family}, {family}")
    yield from _row("trace", card.trace)
    yield from _row("paper", card.paper)
    yield from _row("input", _input(card.input))
    yield from _row("output", _output(card.output))
    yield from _row("network", _network(card.network))
    weights = card.weights
    yield from _row("weights", f"{weights.file}, {weights.size:,} bytes")
    yield from _row("SHA-256", weights.sha256)
    yield from _row("licence", weights.licence)
    yield from _row("origin", weights.origin)
    yield from _row("self-test", self_test(card))
    yield from _row("training", card.training)
    yield from _listed("Held against the publication", card.verified, "nothing is stated")
    yield from _listed("Not held against the publication", card.unverified, "nothing is stated")
    yield from _listed("Limits", card.limits, "none are stated")
    yield from _kinds(card)
    yield from _threshold(card.threshold, card.output.direction)
    plain = [record for record in card.validation if not record.merge]
    yield from _validation("Validation (95 % intervals)", plain)
    merged = [record for record in card.validation if record.merge]
    if merged:
        yield from _validation("Validation with token merging (95 % intervals)", merged)


def filed_lines(records: Sequence[FiledRecord]) -> Iterator[str]:
    """Signed validation records filed on this machine: they stand beside the card, never in it."""
    if not records:
        return
    yield ""
    yield "Validation records filed here"
    for record in records:
        figure = "no AUC" if record.auc is None else f"AUC {record.auc:.3f}"
        if record.low is not None and record.high is not None:
            figure += f" [{record.low:.3f}, {record.high:.3f}]"
        doubts = [] if record.current else ["of another card or other weights than these"]
        doubts += [] if record.sound else ["its signature does not fit: check it with evaluate --verify"]
        yield f"  - {record.set_name}: {figure}, {record.made_at[:10]}{''.join(f'; {doubt}' for doubt in doubts)}"
        yield f"      {record.path}"
        if record.measured is not None:
            found = record.measured.figure
            state = "stands" if found.stands else "denies the kind" if found.contradicts else "is of too few"
            told = f"its figure {state}" if record.current and record.sound else "not relied on"
            yield f"      recorded for {name_of(found.kind)}: {told}; {_figure(found)}"


def _row(label: str, text: str) -> list[str]:
    if not text:
        return []
    head = f"  {label:<{_LABEL}}" if label else "  "
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(title: str, entries: Sequence[str], without: str) -> Iterator[str]:
    yield ""
    yield title
    for entry in entries or (without,):
        yield from textwrap.wrap(entry, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _kinds(card: DetectorCard) -> Iterator[str]:
    """Every kind of forgery: the figures it rests on, or that it is not validated."""
    yield ""
    standing = validated_kinds(card.kinds)
    yield "Kinds of forgery (95 % intervals)" if standing else f"Kinds of forgery: {NOT_FOR_ANY}"
    for kind in ForgeryClass:
        figures = [figure for figure in card.kinds if figure.kind == kind]
        state = "validated" if kind in standing else NOT_FOR_THIS
        yield f"  - {name_of(kind)}: {state}" + ("" if figures else "; nothing was measured")
        for figure in figures:
            yield from textwrap.wrap(_figure(figure), _WIDTH, initial_indent="      ", subsequent_indent="        ")


def _figure(figure: KindFigure) -> str:
    among = "" if figure.spearman is None else f"; Spearman with sharpness {figure.spearman:+.2f}"
    return (
        f"{figure.dataset}: AUC {figure.auc:.3f} [{figure.low:.3f}, {figure.high:.3f}], {figure.shortcut} alone "
        f"{figure.shortcut_auc:.3f}, {figure.items_genuine} genuine, {figure.items_manipulated} manipulated, "
        f"{figure.groups} groups; {figure.conditions}{among}"
    )


def _threshold(threshold: Threshold | None, direction: Direction) -> Iterator[str]:
    yield ""
    if threshold is None:
        yield "Threshold: none"
        return
    side = "below" if direction is Direction.LOWER_IS_MANIPULATED else "above"
    yield f"Threshold: {side} {threshold.value:.4f}, uncalibrated"
    told = (
        f"False alarms {threshold.false_alarm_rate:.1%} [{threshold.low:.1%}, {threshold.high:.1%}] on "
        f"{threshold.items} items in {threshold.groups} groups: {threshold.dataset}"
    )
    if threshold.sensitivity is not None:
        told += f"; {threshold.sensitivity:.1%} of {threshold.sensitivity_of} are beyond it"
    yield from textwrap.wrap(told, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _validation(title: str, records: Sequence[ValidationRecord]) -> Iterator[str]:
    yield ""
    yield title
    if not records:
        yield "  - nothing was measured"
    for record in records:
        merging = f", {record.merge} tokens merged a block ({record.schedule})" if record.merge else ""
        yield (
            f"  - {record.dataset}: {record.measure} {record.value:.3f} [{record.low:.3f}, {record.high:.3f}], "
            f"{record.items_genuine} genuine, {record.items_manipulated} manipulated{merging}"
        )
        yield from textwrap.wrap(record.note, _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _input(spec: InputSpec) -> str:
    mean, std = (" ".join(f"{value:.4g}" for value in values) for values in (spec.mean, spec.std))
    return (
        f"crop of {spec.crop_size} px at margin {spec.crop_margin:g}, {spec.interpolation} to {spec.size} px, "
        f"{spec.colour}, mean {mean}, std {std}"
    )


def _output(spec: OutputSpec) -> str:
    scored = {
        Level.FACE: "a score for each face of each frame",
        Level.TRACK: "a score for each track as a whole, none for a single frame",
    }[spec.level]
    parts = [scored, _DIRECTIONS[spec.direction], spec.scale]
    if "calibrated" not in spec.scale:
        parts.append("calibrated" if spec.calibrated else "uncalibrated")
    parts.append(f"a map of {spec.map_size} x {spec.map_size}" if spec.map_size else "no map")
    if spec.sequence:
        parts.append(f"reads {spec.least} to {spec.sequence} crops of a track together")
    return "; ".join(part for part in parts if part)


def _network(table: Mapping[str, object], prefix: str = "") -> str:
    parts = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            parts.append(_network(value, f"{prefix}{name}."))
        elif isinstance(value, list | tuple):
            parts.append(f"{prefix}{name} {'/'.join(str(entry) for entry in value)}")
        else:
            parts.append(f"{prefix}{name} {value}")
    return ", ".join(part for part in parts if part)
