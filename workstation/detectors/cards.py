"""Reading and writing a detector's card, ``card.toml``, without loading a network (V3, P4).

Every field of the card is required and every unknown one is refused, by name: a card with a gap cannot stand behind a
report. Optional are the tables ``self_test``, ``kind`` and ``threshold``, in a validation record ``merge`` and
``schedule``, in a kind ``spearman``, and in a threshold ``sensitivity`` with ``sensitivity_of``. Cards of an older
format are read with what came later at its defaults. A card is written in format 3 where it says something of kinds of
forgery or a threshold, and in format 2, which older programs read, where it does not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast

from workstation.domain.detectors import (
    DetectorCard,
    Direction,
    InputSpec,
    Level,
    OutputSpec,
    SelfTestSpec,
    ValidationRecord,
    WeightsSpec,
)
from workstation.domain.errors import CardInvalid
from workstation.domain.kinds_of_forgery import MOST_ALARMS, ForgeryClass, KindFigure, Threshold

CARD_FILE = "card.toml"
FORMAT = 3
_WITHOUT_KINDS = 2
INTERPOLATIONS = ("bicubic", "bilinear", "area")
COLOURS = ("rgb", "bgr")
SCHEDULES = ("even", "organs")
LARGEST_CARD = 256 * 1024
_LARGEST_SIDE = 4096
_LONGEST_SEQUENCE = 4096
_MOST_MERGED = 4096
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Only kinds that hold numbers and no program: what is pickled can run code when it is read.
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.(safetensors|onnx)")
_SELF_TEST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.npz")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_card(folder: Path) -> DetectorCard:
    """Read ``card.toml`` of a package folder; ``card_sha256`` is the digest of that file.

    Raises:
        CardInvalid: the file is missing, is not TOML, or a field is missing, unknown or out of range; names the field.
    """
    path = folder / CARD_FILE
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_CARD + 1)
    except OSError as error:
        raise CardInvalid(f"{folder.name} has no readable {CARD_FILE}: {error.strerror or error}.") from error
    return parse_card(data, folder.name)


def parse_card(data: bytes, name: str) -> DetectorCard:
    """The card in ``data``; ``name`` is what messages call the package.

    Raises:
        CardInvalid: as :func:`read_card`.
    """
    if len(data) > LARGEST_CARD:
        raise CardInvalid(f"The card of {name} is larger than {LARGEST_CARD // 1024} KB.")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardInvalid(f"The card of {name} is not TOML: {error}.") from error
    fields = _Fields(table, name)
    if (version := fields.whole("format", 1)) > FORMAT:
        raise CardInvalid(f"The card of {name} has format {version}; this program reads 1 to {FORMAT}.")
    first = version == 1
    card = DetectorCard(
        id=fields.text("id", _ID),
        name=fields.text("name"),
        version=fields.text("version"),
        family=fields.text("family"),
        summary=fields.text("summary"),
        trace=fields.text("trace"),
        paper=fields.text("paper", empty=True),
        baseline=fields.flag("baseline"),
        input=_input(fields.table("input"), first),
        output=_output(fields.table("output"), first),
        weights=_weights(fields.table("weights")),
        network=MappingProxyType(dict(fields.table("network").rest())),
        training=fields.text("training"),
        limits=fields.texts("limits"),
        validation=tuple(_record(part, first) for part in fields.tables("validation")),
        card_sha256=hashlib.sha256(data).hexdigest(),
        self_test=None if first or not fields.has("self_test") else _self_test(fields.table("self_test")),
        verified=() if first else fields.texts("verified"),
        unverified=() if first else fields.texts("unverified"),
        kinds=_kinds(fields) if version > _WITHOUT_KINDS and fields.has("kind") else (),
        threshold=_threshold(fields) if version > _WITHOUT_KINDS and fields.has("threshold") else None,
    )
    fields.end()
    if card.output.map_size > card.input.size:
        raise fields.bad("output.map_size", "larger than the network's input")
    return card


def write_card(card: DetectorCard, folder: Path) -> DetectorCard:
    """Write ``card.toml`` (to a temporary name first) and return the card as read back.

    Raises:
        CardInvalid: what was written does not read back; nothing is left then.
    """
    import tomli_w

    version = FORMAT if card.kinds or card.threshold is not None else _WITHOUT_KINDS
    table: dict[str, object] = {"format": version} | dataclasses.asdict(dataclasses.replace(card, network={}))
    for field in ("card_sha256", "kinds", "threshold"):
        del table[field]
    if card.self_test is None:
        del table["self_test"]
    if card.kinds:
        table["kind"] = [_written_kind(figure) for figure in card.kinds]
    if card.threshold is not None:
        table["threshold"] = _written_threshold(card.threshold)
    table["network"] = dict(card.network)
    table["validation"] = [_written_record(record) for record in card.validation]
    table["output"] = dataclasses.asdict(card.output) | {
        "direction": str(card.output.direction),
        "level": str(card.output.level),
    }
    data = tomli_w.dumps(table).encode("utf-8")
    written = parse_card(data, folder.name)
    part = folder / f".{CARD_FILE}.part"
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / CARD_FILE)
    return written


class _Fields:
    """Takes fields out of a table one by one; what is left at the end is unknown."""

    def __init__(self, table: Mapping[str, object], card: str, path: str = "") -> None:
        self._left = dict(table)
        self._card = card
        self._path = path

    def bad(self, field: str, what: str) -> CardInvalid:
        return CardInvalid(f'The card of {self._card}: field "{self._path}{field}" is {what}.')

    def has(self, field: str) -> bool:
        return field in self._left

    def _take(self, field: str) -> object:
        if field not in self._left:
            raise self.bad(field, "missing")
        return self._left.pop(field)

    def text(self, field: str, pattern: re.Pattern[str] | None = None, empty: bool = False) -> str:
        value = self._take(field)
        if not isinstance(value, str) or not (empty or value.strip()):
            raise self.bad(field, "not a text")
        if pattern is not None and not pattern.fullmatch(value):
            raise self.bad(field, f"not of the form {pattern.pattern}")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        value = self._take(field)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(field, "not a list of texts")
        return tuple(value)

    def flag(self, field: str) -> bool:
        value = self._take(field)
        if not isinstance(value, bool):
            raise self.bad(field, "neither true nor false")
        return value

    def whole(self, field: str, least: int, most: int = 2**53) -> int:
        value = self._take(field)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.bad(field, f"not a whole number from {least} to {most}")
        return value

    def number(self, field: str, least: float = -math.inf, most: float = math.inf) -> float:
        value = self._take(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.bad(field, "not a number")
        if not least <= value <= most:
            raise self.bad(field, f"not from {least:g} to {most:g}")
        return float(value)

    def three(self, field: str) -> tuple[float, float, float]:
        value = self._take(field)
        if not isinstance(value, list) or len(value) != 3:
            raise self.bad(field, "not three numbers")
        if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value):
            raise self.bad(field, "not three numbers")
        return float(value[0]), float(value[1]), float(value[2])

    def choice(self, field: str, allowed: tuple[str, ...]) -> str:
        value = self.text(field)
        if value not in allowed:
            raise self.bad(field, f"none of {', '.join(allowed)}")
        return value

    def table(self, field: str) -> _Fields:
        value = self._take(field)
        if not isinstance(value, dict):
            raise self.bad(field, "not a table")
        return _Fields(cast(dict[str, object], value), self._card, f"{self._path}{field}.")

    def tables(self, field: str) -> list[_Fields]:
        value = self._take(field)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.bad(field, "not a list of tables")
        return [_Fields(item, self._card, f"{self._path}{field}[{n}].") for n, item in enumerate(value)]

    def rest(self) -> dict[str, object]:
        return self._left

    def end(self) -> None:
        for field in self._left:
            raise self.bad(field, "unknown")


def _input(fields: _Fields, first: bool) -> InputSpec:
    spec = InputSpec(
        size=fields.whole("size", 16, _LARGEST_SIDE),
        crop_size=fields.whole("crop_size", 16, _LARGEST_SIDE),
        crop_margin=fields.number("crop_margin", 0.5, 5.0),
        mean=fields.three("mean"),
        std=fields.three("std"),
        interpolation=fields.choice("interpolation", INTERPOLATIONS),
        colour="rgb" if first else fields.choice("colour", COLOURS),
    )
    if min(spec.std) <= 0:
        raise fields.bad("std", "not above zero")
    fields.end()
    return spec


def _output(fields: _Fields, first: bool) -> OutputSpec:
    spec = OutputSpec(
        direction=Direction(fields.choice("direction", tuple(Direction))),
        scale=fields.text("scale"),
        calibrated=fields.flag("calibrated"),
        map_size=fields.whole("map_size", 0, _LARGEST_SIDE),
        level=Level.FACE if first else Level(fields.choice("level", tuple(Level))),
        sequence=0 if first else fields.whole("sequence", 0, _LONGEST_SEQUENCE),
        least=1 if first else fields.whole("least", 1, _LONGEST_SEQUENCE),
    )
    if spec.level is Level.TRACK and not spec.sequence:
        raise fields.bad("sequence", "0, and what scores tracks reads at least one crop of each")
    if spec.level is Level.TRACK and spec.map_size:
        raise fields.bad("map_size", "not 0, and what scores tracks gives no map of a face")
    if spec.least > max(spec.sequence, 1):
        raise fields.bad("least", "larger than output.sequence")
    fields.end()
    return spec


def _weights(fields: _Fields) -> WeightsSpec:
    spec = WeightsSpec(
        file=fields.text("file", _FILE),
        sha256=fields.text("sha256", _DIGEST),
        size=fields.whole("size", 1),
        licence=fields.text("licence"),
        origin=fields.text("origin"),
    )
    fields.end()
    return spec


def _self_test(fields: _Fields) -> SelfTestSpec:
    spec = SelfTestSpec(
        file=fields.text("file", _SELF_TEST),
        sha256=fields.text("sha256", _DIGEST),
        tolerance=fields.number("tolerance", 0.0, 0.1),
    )
    if not spec.tolerance:
        raise fields.bad("tolerance", "not above zero")
    fields.end()
    return spec


def _record(fields: _Fields, first: bool) -> ValidationRecord:
    record = ValidationRecord(
        dataset=fields.text("dataset"),
        items_genuine=fields.whole("items_genuine", 0),
        items_manipulated=fields.whole("items_manipulated", 0),
        measure=fields.text("measure"),
        value=fields.number("value"),
        low=fields.number("low"),
        high=fields.number("high"),
        note=fields.text("note", empty=True),
        merge=fields.whole("merge", 0, _MOST_MERGED) if not first and fields.has("merge") else 0,
        schedule=fields.choice("schedule", SCHEDULES) if not first and fields.has("schedule") else "",
    )
    if not record.low <= record.value <= record.high:
        raise fields.bad("value", "outside its interval")
    if bool(record.merge) != bool(record.schedule):
        raise fields.bad("schedule", "given without merge" if record.schedule else "missing beside merge")
    fields.end()
    return record


def _written_record(record: ValidationRecord) -> dict[str, object]:
    table: dict[str, object] = dataclasses.asdict(record)
    return table if record.merge else {k: v for k, v in table.items() if k not in ("merge", "schedule")}


def _kinds(fields: _Fields) -> tuple[KindFigure, ...]:
    found: list[KindFigure] = []
    for part in fields.tables("kind"):
        figure = KindFigure(
            kind=ForgeryClass(part.choice("kind", tuple(ForgeryClass))),
            dataset=part.text("dataset"),
            items_genuine=part.whole("items_genuine", 1),
            items_manipulated=part.whole("items_manipulated", 1),
            groups=part.whole("groups", 1),
            conditions=part.text("conditions"),
            auc=part.number("auc", 0.0, 1.0),
            low=part.number("low", 0.0, 1.0),
            high=part.number("high", 0.0, 1.0),
            shortcut=part.text("shortcut"),
            shortcut_auc=part.number("shortcut_auc", 0.0, 1.0),
            spearman=part.number("spearman", -1.0, 1.0) if part.has("spearman") else None,
        )
        if not figure.low <= figure.auc <= figure.high:
            raise part.bad("auc", "outside its interval")
        if figure.groups > figure.items_genuine + figure.items_manipulated:
            raise part.bad("groups", "more than there are items")
        if any((one.kind, one.dataset) == (figure.kind, figure.dataset) for one in found):
            raise part.bad("dataset", "there twice for one kind")
        part.end()
        found.append(figure)
    return tuple(found)


def _threshold(fields: _Fields) -> Threshold:
    part = fields.table("threshold")
    both = part.has("sensitivity") or part.has("sensitivity_of")
    threshold = Threshold(
        value=part.number("value", 0.0, 1.0),
        false_alarm_rate=part.number("false_alarm_rate", 0.0, MOST_ALARMS),
        low=part.number("low", 0.0, 1.0),
        high=part.number("high", 0.0, 1.0),
        items=part.whole("items", 1),
        groups=part.whole("groups", 1),
        dataset=part.text("dataset"),
        sensitivity=part.number("sensitivity", 0.0, 1.0) if both else None,
        sensitivity_of=part.text("sensitivity_of") if both else "",
    )
    if not threshold.low <= threshold.false_alarm_rate <= threshold.high:
        raise part.bad("false_alarm_rate", "outside its interval")
    if threshold.groups > threshold.items:
        raise part.bad("groups", "more than there are items")
    part.end()
    return threshold


def _written_kind(figure: KindFigure) -> dict[str, object]:
    table: dict[str, object] = dataclasses.asdict(figure) | {"kind": str(figure.kind)}
    return {name: value for name, value in table.items() if value is not None}


def _written_threshold(threshold: Threshold) -> dict[str, object]:
    table: dict[str, object] = dataclasses.asdict(threshold)
    return table if threshold.sensitivity is not None else {k: v for k, v in table.items() if "sensitivity" not in k}
