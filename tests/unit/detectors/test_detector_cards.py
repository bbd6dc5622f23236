"""A card is read whole or not at all; what is wrong is named (V3, P4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from detector_samples import locator_card

from workstation.detectors.cards import CARD_FILE, LARGEST_CARD, parse_card, read_card, write_card
from workstation.domain.detectors import Direction
from workstation.domain.errors import CardInvalid

Table = dict[str, object]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    import tomllib

    write_card(locator_card(), tmp_path)
    return tomllib.loads((tmp_path / CARD_FILE).read_text(encoding="utf-8"))


def parsed(table: Table) -> object:
    return parse_card(tomli_w.dumps(table).encode(), "sample")


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card = locator_card()
    written = write_card(card, tmp_path)
    read = read_card(tmp_path)
    assert read == written
    assert re.fullmatch(r"[0-9a-f]{64}", read.card_sha256)
    assert read.output.direction is Direction.HIGHER_IS_MANIPULATED
    assert read.validation == card.validation
    assert dict(read.network) == dict(card.network)
    assert read.limits == card.limits
    assert [p.name for p in tmp_path.iterdir()] == [CARD_FILE]


def test_every_field_is_required_and_named_when_it_is_missing(table: Table) -> None:
    for field in list(table):
        less = {name: value for name, value in table.items() if name != field}
        with pytest.raises(CardInvalid, match=rf'"{field}" is missing'):
            parsed(less)
    for part in ("input", "output", "weights"):
        inner = table[part]
        assert isinstance(inner, dict)
        for field in inner:
            less = table | {part: {k: v for k, v in inner.items() if k != field}}
            with pytest.raises(CardInvalid, match=rf'"{part}\.{field}" is missing'):
                parsed(less)


@pytest.mark.parametrize("place", [(), ("input",), ("output",), ("weights",)])
def test_an_unknown_field_is_named(table: Table, place: tuple[str, ...]) -> None:
    inner = table
    for step in place:
        inner = inner[step]  # type: ignore[assignment]  # tables all the way
    inner["sharpnes"] = 1
    with pytest.raises(CardInvalid, match=r'sharpnes" is unknown'):
        parsed(table)


def put(*path: object, value: object) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        inner: object = table
        for step in path[:-1]:
            inner = inner[step]  # type: ignore[index]  # tables and lists
        inner[path[-1]] = value  # type: ignore[index]  # tables and lists

    return change


WRONG = {
    "format": (put("format", value=4), "format 4"),
    "id with a path": (put("id", value="../up"), '"id"'),
    "id in capitals": (put("id", value="Tiny"), '"id"'),
    "empty name": (put("name", value=" "), '"name"'),
    "baseline as text": (put("baseline", value="yes"), '"baseline"'),
    "size as text": (put("input", "size", value="32"), '"input.size"'),
    "size as truth": (put("input", "size", value=True), '"input.size"'),
    "size of nothing": (put("input", "size", value=0), '"input.size"'),
    "margin not a number": (put("input", "crop_margin", value=float("nan")), '"input.crop_margin"'),
    "two means": (put("input", "mean", value=[0.5, 0.5]), '"input.mean"'),
    "spread of zero": (put("input", "std", value=[0.5, 0.0, 0.5]), '"input.std"'),
    "interpolation": (put("input", "interpolation", value="nearest"), '"input.interpolation"'),
    "direction": (put("output", "direction", value="up"), '"output.direction"'),
    "map larger than the input": (put("output", "map_size", value=4096), '"output.map_size"'),
    "weights elsewhere": (put("weights", "file", value="../model.safetensors"), '"weights.file"'),
    "weights as pickle": (put("weights", "file", value="model.pt"), '"weights.file"'),
    "short digest": (put("weights", "sha256", value="abc"), '"weights.sha256"'),
    "limits as text": (put("limits", value="none"), '"limits"'),
    "network as text": (put("network", value="none"), '"network"'),
    "interval beside the value": (put("validation", 0, "low", value=0.6), '"validation[0].value"'),
    "negative count": (put("validation", 0, "items_genuine", value=-1), '"validation[0].items_genuine"'),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named(table: Table, name: str) -> None:
    change, said = WRONG[name]
    change(table)
    with pytest.raises(CardInvalid, match=re.escape(said)):
        parsed(table)


@pytest.mark.parametrize("data", [b"id = ", b"\xff\xfe\x00", b"x" * (LARGEST_CARD + 1)])
def test_what_is_no_card_is_refused(data: bytes) -> None:
    with pytest.raises(CardInvalid, match="sample"):
        parse_card(data, "sample")


def test_a_folder_without_a_card_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid, match=tmp_path.name):
        read_card(tmp_path)


def test_a_card_that_would_not_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid, match='"name"'):
        write_card(locator_card(name=""), tmp_path)
    assert not list(tmp_path.iterdir())
