"""Every field of a card, one by one: missing, of another type, out of range, unknown. The sentence names the field."""

from __future__ import annotations

import copy
import dataclasses
import random
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from detector_samples import locator_card

from workstation.detectors.cards import CARD_FILE, parse_card, read_card, write_card
from workstation.domain.detectors import DetectorCard, Level, SelfTestSpec, ValidationRecord
from workstation.domain.errors import CardInvalid
from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure, Threshold

Place = tuple[Any, ...]
Table = dict[str, Any]
SINCE_3: list[Place] = [("kind",), ("threshold",)]
OPTIONAL = {
    ("self_test",),
    ("validation", 0, "merge"),
    ("validation", 0, "schedule"),
    ("kind", 0, "spearman"),
    ("threshold", "sensitivity"),
    ("threshold", "sensitivity_of"),
    *SINCE_3,
}
SINCE_2: list[Place] = [
    ("input", "colour"),
    ("output", "level"),
    ("output", "sequence"),
    ("output", "least"),
    ("verified",),
    ("unverified",),
    ("self_test",),
    ("validation", 0, "merge"),
    ("validation", 0, "schedule"),
]
SWAPS = KindFigure(
    ForgeryClass.FACE_SWAP, "swaps", 60, 61, 60, "both classes at JPEG 90", 0.75, 0.625, 0.875, "sharpness", 0.5, 0.125
)
ALARMS = Threshold(0.75, 0.03125, 0.015625, 0.0625, 128, 64, "portraits", 0.25, "blends")


def full_card() -> DetectorCard:
    """A card that has everything a card can have."""
    card = locator_card(
        self_test=SelfTestSpec("self_test.npz", "a" * 64, 1e-4),
        verified=("Its parameters were counted.",),
        unverified=("The published figures.",),
        validation=(ValidationRecord("made-up set", 3, 4, "AUC", 0.5, 0.25, 0.75, "a note", 8, "organs"),),
    )
    output = dataclasses.replace(card.output, sequence=16, least=4)
    return dataclasses.replace(card, output=output, kinds=(SWAPS,), threshold=ALARMS)


def full_table() -> Table:
    with tempfile.TemporaryDirectory() as folder:
        write_card(full_card(), Path(folder))
        return tomllib.loads((Path(folder) / CARD_FILE).read_text(encoding="utf-8"))


def places(table: object, here: Place = ()) -> Iterator[Place]:
    """Every field of the card's own tables; what is in ``network`` belongs to the family."""
    items: Any = table.items() if isinstance(table, dict) else enumerate(table)  # type: ignore[arg-type]  # a list
    for key, value in items:
        if not isinstance(key, int):
            yield (*here, key)
        if key != "network" and (isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))):
            yield from places(value, (*here, key))


WHOLE = full_table()
EVERY = list(places(WHOLE))


def spelled(place: Place) -> str:
    """How a message writes a place: input.size, validation[0].value."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return words.removeprefix(".")


def changed(place: Place, value: object = None, *, drop: bool = False) -> Table:
    table = copy.deepcopy(WHOLE)
    inner: Any = table
    for step in place[:-1]:
        inner = inner[step]
    if drop:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return table


def value_at(place: Place) -> object:
    inner: Any = WHOLE
    for step in place:
        inner = inner[step]
    return inner


def parsed(table: Table) -> DetectorCard:
    return parse_card(tomli_w.dumps(table).encode(), "sample")


def test_the_full_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = write_card(full_card(), tmp_path)
    assert read_card(tmp_path) == written
    assert dataclasses.replace(written, card_sha256="", network={}) == dataclasses.replace(full_card(), network={})
    assert dict(written.network) == dict(full_card().network)
    assert (tmp_path / CARD_FILE).read_bytes().startswith(b"format = 3")
    assert len(EVERY) == 74, "a field was added: say below what is refused in it"


@pytest.mark.parametrize("place", [p for p in EVERY if p not in OPTIONAL], ids=spelled)
def test_a_missing_field_is_named(place: Place) -> None:
    with pytest.raises(CardInvalid) as caught:
        parsed(changed(place, drop=True))
    assert f'field "{spelled(place)}" is missing' in caught.value.message


def test_the_optional_fields_may_be_missing() -> None:
    table = copy.deepcopy(WHOLE)
    del table["self_test"], table["validation"][0]["merge"], table["validation"][0]["schedule"]
    del table["kind"][0]["spearman"], table["threshold"]["sensitivity"], table["threshold"]["sensitivity_of"]
    card = parsed(table)
    assert card.kinds[0].spearman is None
    assert card.threshold is not None
    assert (card.threshold.sensitivity, card.threshold.sensitivity_of) == (None, "")
    del table["kind"], table["threshold"]
    assert (parsed(table).kinds, parsed(table).threshold) == ((), None)
    assert card.self_test is None
    assert (card.validation[0].merge, card.validation[0].schedule) == (0, "")


@pytest.mark.parametrize("place", EVERY, ids=spelled)
def test_another_type_is_named(place: Place) -> None:
    """A text for a number, a number for a text, a flag for a number, a list for a table, and the other way round."""
    own = value_at(place)
    for wrong in ("text", 7, -7.5, True, [], ["text"], [1, 2, 3, 4], {"a": 1}):
        if type(wrong) is type(own) or (
            isinstance(own, float) and isinstance(wrong, int | float) and wrong is not True
        ):
            continue
        if isinstance(own, list) and isinstance(wrong, list):
            continue
        if place == ("format",):
            continue
        with pytest.raises(CardInvalid) as caught:
            parsed(changed(place, wrong))
        assert f'"{spelled(place)}' in caught.value.message, wrong


@pytest.mark.parametrize("format_", ["2", 2.0, True, 0, 4, -1, [2]], ids=repr)
def test_a_format_this_program_does_not_know_is_refused(format_: object) -> None:
    with pytest.raises(CardInvalid, match="format"):
        parsed(changed(("format",), format_))


OUT_OF_RANGE: list[tuple[Place, object]] = [
    (("id",), "a" * 64),
    (("id",), "-tiny"),
    (("id",), "tiny/locator"),
    (("name",), ""),
    (("version",), "  "),
    (("family",), ""),
    (("trace",), ""),
    (("training",), ""),
    (("input", "size"), 15),
    (("input", "size"), 4097),
    (("input", "crop_size"), 0),
    (("input", "crop_size"), 10**9),
    (("input", "crop_margin"), 0.49),
    (("input", "crop_margin"), float("inf")),
    (("input", "mean"), [0.5, 0.5]),
    (("input", "mean"), [0.5, 0.5, float("nan")]),
    (("input", "mean"), [0.5, 0.5, True]),
    (("input", "std"), [0.5, 0.5, -0.5]),
    (("input", "interpolation"), "lanczos"),
    (("input", "colour"), "RGB"),
    (("input", "colour"), "grey"),
    (("output", "direction"), "sideways"),
    (("output", "scale"), ""),
    (("output", "map_size"), -1),
    (("output", "map_size"), 33),
    (("output", "level"), "frame"),
    (("output", "level"), ""),
    (("output", "sequence"), -1),
    (("output", "sequence"), 10**6),
    (("output", "least"), 0),
    (("output", "least"), 17),
    (("weights", "file"), "model.bin"),
    (("weights", "file"), "model.pt"),
    (("weights", "file"), "model.onnx.pt"),
    (("weights", "file"), "sub/model.safetensors"),
    (("weights", "file"), "..safetensors"),
    (("weights", "file"), ".model.safetensors"),
    (("weights", "sha256"), "A" * 64),
    (("weights", "sha256"), "a" * 63),
    (("weights", "size"), 0),
    (("weights", "licence"), ""),
    (("weights", "origin"), " "),
    (("self_test", "file"), "../self_test.npz"),
    (("self_test", "file"), "self_test.pkl"),
    (("self_test", "sha256"), "z" * 64),
    (("self_test", "tolerance"), 0.0),
    (("self_test", "tolerance"), -1e-4),
    (("self_test", "tolerance"), 0.2),
    (("limits",), [1]),
    (("verified",), "all of it"),
    (("unverified",), [["nothing"]]),
    (("validation", 0, "dataset"), ""),
    (("validation", 0, "items_genuine"), -1),
    (("validation", 0, "items_manipulated"), 0.5),
    (("validation", 0, "measure"), ""),
    (("validation", 0, "value"), 0.9),
    (("validation", 0, "low"), float("nan")),
    (("validation", 0, "high"), float("inf")),
    (("validation", 0, "merge"), -1),
    (("validation", 0, "merge"), 5000),
    (("validation", 0, "schedule"), "random"),
    (("kind", 0, "kind"), "faces of any sort"),
    (("kind", 0, "dataset"), ""),
    (("kind", 0, "items_genuine"), 0),
    (("kind", 0, "items_manipulated"), -1),
    (("kind", 0, "groups"), 0),
    (("kind", 0, "groups"), 122),
    (("kind", 0, "conditions"), " "),
    (("kind", 0, "auc"), 0.9),
    (("kind", 0, "auc"), 0.6),
    (("kind", 0, "low"), -0.1),
    (("kind", 0, "high"), 1.1),
    (("kind", 0, "shortcut"), ""),
    (("kind", 0, "shortcut_auc"), float("nan")),
    (("kind", 0, "spearman"), -1.5),
    (("threshold", "value"), 1.5),
    (("threshold", "false_alarm_rate"), 0.051),
    (("threshold", "false_alarm_rate"), 0.01),
    (("threshold", "items"), 0),
    (("threshold", "groups"), 129),
    (("threshold", "dataset"), ""),
    (("threshold", "sensitivity"), 1.1),
    (("threshold", "sensitivity_of"), ""),
]


@pytest.mark.parametrize(("place", "value"), OUT_OF_RANGE, ids=[f"{spelled(p)}={v!r:.20}" for p, v in OUT_OF_RANGE])
def test_a_value_out_of_range_is_named(place: Place, value: object) -> None:
    with pytest.raises(CardInvalid) as caught:
        parsed(changed(place, value))
    assert f'"{spelled(place)}"' in caught.value.message


@pytest.mark.parametrize("place", sorted({p[:-1] for p in EVERY}, key=str), ids=lambda p: spelled(p) or "card")
def test_an_unknown_field_is_named_in_every_table(place: Place) -> None:
    with pytest.raises(CardInvalid) as caught:
        parsed(changed((*place, "sharpnes"), 1))
    assert f'"{spelled((*place, "sharpnes"))}" is unknown' in caught.value.message


@pytest.mark.parametrize("place", SINCE_2, ids=spelled)
def test_what_format_2_added_is_unknown_to_format_1(place: Place) -> None:
    table = changed(("format",), 1)
    del table["kind"], table["threshold"]
    for other in SINCE_2:
        inner: Any = table
        for step in other[:-1]:
            inner = inner[step]
        if other != place:
            del inner[other[-1]]
    with pytest.raises(CardInvalid) as caught:
        parsed(table)
    assert f'"{spelled(place)}" is unknown' in caught.value.message


def test_a_card_of_format_1_reads_with_defaults_and_is_written_as_format_2(tmp_path: Path) -> None:
    table = changed(("format",), 1)
    del table["kind"], table["threshold"]
    for place in SINCE_2:
        inner: Any = table
        for step in place[:-1]:
            inner = inner[step]
        del inner[place[-1]]
    card = parsed(table)
    assert (card.input.colour, card.output.level, card.output.sequence, card.output.least) == ("rgb", Level.FACE, 0, 1)
    assert (card.self_test, card.verified, card.unverified) == (None, (), ())
    again = write_card(card, tmp_path)
    assert dataclasses.replace(again, card_sha256="") == dataclasses.replace(card, card_sha256="")
    assert (tmp_path / CARD_FILE).read_bytes().startswith(b"format = 2")


@pytest.mark.parametrize("place", SINCE_3, ids=spelled)
@pytest.mark.parametrize("format_", [1, 2])
def test_what_format_3_added_is_unknown_to_the_formats_before(place: Place, format_: int) -> None:
    table = changed(("format",), format_)
    del table[str(next(other[0] for other in SINCE_3 if other != place))]
    for other in SINCE_2 if format_ == 1 else ():
        inner: Any = table
        for step in other[:-1]:
            inner = inner[step]
        del inner[other[-1]]
    with pytest.raises(CardInvalid) as caught:
        parsed(table)
    assert f'"{spelled(place)}" is unknown' in caught.value.message


def test_a_card_of_format_2_reads_as_validated_for_nothing_and_stays_format_2(tmp_path: Path) -> None:
    table = changed(("format",), 2)
    del table["kind"], table["threshold"]
    card = parsed(table)
    assert (card.kinds, card.threshold) == ((), None)
    again = write_card(card, tmp_path)
    assert dataclasses.replace(again, card_sha256="") == dataclasses.replace(card, card_sha256="")
    assert (tmp_path / CARD_FILE).read_bytes().startswith(b"format = 2")


@pytest.mark.parametrize("left", [{"kinds": ()}, {"threshold": None}], ids=["a threshold alone", "kinds alone"])
def test_kinds_and_threshold_are_written_each_for_itself(left: dict[str, Any], tmp_path: Path) -> None:
    card = dataclasses.replace(full_card(), **left)
    again = write_card(card, tmp_path)
    assert (again.kinds, again.threshold) == (card.kinds, card.threshold)


def test_one_set_gives_one_figure_of_a_kind() -> None:
    table = changed(("format",), 3)
    table["kind"].append(copy.deepcopy(table["kind"][0]))
    with pytest.raises(CardInvalid, match=r'"kind\[1\]\.dataset" is there twice'):
        parsed(table)
    table["kind"][1]["kind"] = "reenactment"
    assert [str(one.kind) for one in parsed(table).kinds] == ["face_swap", "reenactment"]


def test_what_scores_tracks_reads_crops_of_them_and_gives_no_map() -> None:
    track = changed(("output", "level"), "track")
    with pytest.raises(CardInvalid, match=r'"output\.map_size"'):
        parsed(track)
    track["output"]["map_size"] = 0
    assert parsed(track).output.level is Level.TRACK
    track["output"] |= {"sequence": 0, "least": 1}
    with pytest.raises(CardInvalid, match=r'"output\.sequence"'):
        parsed(track)


def test_merge_and_schedule_come_together() -> None:
    with pytest.raises(CardInvalid, match=r'"validation\[0\]\.schedule" is missing beside merge'):
        parsed(changed(("validation", 0, "schedule"), drop=True))
    with pytest.raises(CardInvalid, match=r'"validation\[0\]\.schedule" is given without merge'):
        parsed(changed(("validation", 0, "merge"), drop=True))


def test_bytes_changed_at_random_give_a_card_or_a_plain_refusal() -> None:
    """2,000 cards with a few bytes changed, cut out or doubled: no other error than CardInvalid ever comes out."""
    made, whole = random.Random(11), tomli_w.dumps(WHOLE).encode()
    said = []
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(made.randint(1, 4)):
            at = made.randrange(len(data))
            data[at : at + made.randint(0, 3)] = made.randbytes(made.randint(0, 3))
        try:
            parse_card(bytes(data), "sample")
        except CardInvalid as error:
            said.append(error.message)
    assert len(said) > 500
    assert all("sample" in message for message in said)
