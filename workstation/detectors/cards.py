"""Reading and writing a detector's card, ``card.toml``, without loading a network (V3, P4).

Every field of the card is required and every unknown one is refused, by name: a card with a gap cannot stand behind a
report.
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
    OutputSpec,
    ValidationRecord,
    WeightsSpec,
)
from workstation.domain.errors import CardInvalid

CARD_FILE = "card.toml"
FORMAT = 1
INTERPOLATIONS = ("bicubic", "bilinear", "area")
LARGEST_CARD = 256 * 1024
_LARGEST_SIDE = 4096
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.safetensors")
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
    if fields.whole("format", 1) != FORMAT:
        raise CardInvalid(f"The card of {name} has format {table['format']}; this program reads {FORMAT}.")
    card = DetectorCard(
        id=fields.text("id", _ID),
        name=fields.text("name"),
        version=fields.text("version"),
        family=fields.text("family"),
        summary=fields.text("summary"),
        trace=fields.text("trace"),
        paper=fields.text("paper", empty=True),
        baseline=fields.flag("baseline"),
        input=_input(fields.table("input")),
        output=_output(fields.table("output")),
        weights=_weights(fields.table("weights")),
        network=MappingProxyType(dict(fields.table("network").rest())),
        training=fields.text("training"),
        limits=fields.texts("limits"),
        validation=tuple(_record(part) for part in fields.tables("validation")),
        card_sha256=hashlib.sha256(data).hexdigest(),
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

    table: dict[str, object] = {"format": FORMAT} | dataclasses.asdict(dataclasses.replace(card, network={}))
    del table["card_sha256"]
    table["network"] = dict(card.network)
    table["limits"] = list(card.limits)
    table["validation"] = [dataclasses.asdict(record) for record in card.validation]
    table["output"] = dataclasses.asdict(card.output) | {"direction": str(card.output.direction)}
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


def _input(fields: _Fields) -> InputSpec:
    spec = InputSpec(
        size=fields.whole("size", 16, _LARGEST_SIDE),
        crop_size=fields.whole("crop_size", 16, _LARGEST_SIDE),
        crop_margin=fields.number("crop_margin", 0.5, 5.0),
        mean=fields.three("mean"),
        std=fields.three("std"),
        interpolation=fields.choice("interpolation", INTERPOLATIONS),
    )
    if min(spec.std) <= 0:
        raise fields.bad("std", "not above zero")
    fields.end()
    return spec


def _output(fields: _Fields) -> OutputSpec:
    spec = OutputSpec(
        direction=Direction(fields.choice("direction", tuple(Direction))),
        scale=fields.text("scale"),
        calibrated=fields.flag("calibrated"),
        map_size=fields.whole("map_size", 0, _LARGEST_SIDE),
    )
    fields.end()
    return spec


def _weights(fields: _Fields) -> WeightsSpec:
    spec = WeightsSpec(
        # Only safetensors: any other kind of weights file can run code when it is read.
        file=fields.text("file", _FILE),
        sha256=fields.text("sha256", _DIGEST),
        size=fields.whole("size", 1),
        licence=fields.text("licence"),
        origin=fields.text("origin"),
    )
    fields.end()
    return spec


def _record(fields: _Fields) -> ValidationRecord:
    record = ValidationRecord(
        dataset=fields.text("dataset"),
        items_genuine=fields.whole("items_genuine", 0),
        items_manipulated=fields.whole("items_manipulated", 0),
        measure=fields.text("measure"),
        value=fields.number("value"),
        low=fields.number("low"),
        high=fields.number("high"),
        note=fields.text("note", empty=True),
    )
    if not record.low <= record.value <= record.high:
        raise fields.bad("value", "outside its interval")
    fields.end()
    return record
