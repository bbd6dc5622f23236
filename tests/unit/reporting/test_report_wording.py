"""Words and numbers a reader sees (X2, X3, X11, L1, L6, P14c)."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import workstation.reporting
from workstation.domain.results import AbstentionReason
from workstation.reporting import formatting
from workstation.reporting.fonts import REGULAR, runs, visible
from workstation.reporting.sections.limits import _CLASSES
from workstation.reporting.wording import CATALOGUES, ESTABLISHED, FORBIDDEN, phrase, say

SOURCES = sorted(Path(workstation.reporting.__file__).parent.rglob("*.py"))


def conclusions(text: str) -> list[str]:
    text = text.lower()
    for name in ESTABLISHED:
        text = text.replace(name.lower(), "")
    return [pattern for pattern in FORBIDDEN if re.search(pattern, text)]


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_no_sentence_claims_to_settle_the_matter(language: str) -> None:
    found = {key: conclusions(text) for key, text in CATALOGUES[language].items()}
    assert {key: words for key, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "sentence",
    [
        "This face is fake.",
        "The video is authentic",
        "80 % fake",
        "the probability that it was changed",
        "it is proved",
    ],
)
def test_the_rule_itself_catches_conclusions(sentence: str) -> None:
    assert conclusions(sentence)


def test_established_names_are_allowed_and_only_as_whole_names() -> None:
    assert not conclusions("Fakeness map of 256 x 256")
    assert conclusions("The fakeness map shows a fake")


def test_every_sentence_that_the_room_asks_for_exists_with_its_values() -> None:
    """Reads the sources: a missing sentence or value would otherwise surface only in the report that needs it."""
    english = CATALOGUES["en"]
    asked = 0
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"):
                continue
            key = node.args[0]
            keys = [part.value for part in ast.walk(key) if isinstance(part, ast.Constant) and "." in str(part.value)]
            if isinstance(key, ast.JoinedStr):
                continue
            for name in keys:
                asked += 1
                assert name in english, (source.name, name)
                needed = {field for _, field, _, _ in string.Formatter().parse(english[name]) if field}
                if all(keyword.arg is not None for keyword in node.keywords):
                    assert needed <= {keyword.arg for keyword in node.keywords}, (source.name, name)
    assert asked > 150


def test_every_abstention_reason_and_weakness_has_words() -> None:
    for reason in AbstentionReason:
        assert f"reason.{reason.value}" in CATALOGUES["en"]
        assert phrase("reason", reason.value)
    for key, kind in _CLASSES.items():
        assert say(f"limits.{key}")
        assert say(f"limits.class.{kind}")


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    assert phrase("reason", "something_new") == "something new"


@pytest.mark.parametrize(
    ("value", "low", "high", "printed"),
    [
        (0.8731, 0.8131, 0.9331, "0.87"),
        (0.8731, 0.5, 1.0, "0.9"),
        (0.8731, 0.8730, 0.8732, "0.87"),
        (0.8731, None, None, "0.87"),
        (0.5, 0.5, 0.5, "0.50"),
        (0.001, None, None, "< 0.01"),
        (0.9999, 0.95, 1.0, "> 0.99"),
        (0.02, 0.0, 0.9, "< 0.1"),
        (None, None, None, "–"),
    ],
)
def test_no_more_digits_than_the_spread_supports(
    value: float | None, low: float | None, high: float | None, printed: str
) -> None:
    """P14c's own example is the first row: 0.8731 with a half width of 0.06 prints as 0.87."""
    assert formatting.score(value, low, high) == printed


def test_spreads_never_print_a_bare_nothing_or_all() -> None:
    assert formatting.spread(0.0, 1.0) == "< 0.1 to > 0.9"
    assert formatting.spread(None, None) == "–"
    assert formatting.spread(0.7, 0.7) == "0.70"


def test_zero_errors_are_printed_as_a_bound() -> None:
    assert formatting.figure(0.0) == "< 0.001"
    assert formatting.figure(1.0) == "> 0.999"
    assert formatting.figure(0.8314) == "0.831"


@pytest.mark.parametrize(
    ("iso", "printed"),
    [
        ("2026-01-31T09:15:02.481+00:00", "2026-01-31 09:15:02 UTC"),
        ("2026-01-31T09:15:02+02:00", "2026-01-31 07:15:02 UTC"),
        ("2026-01-31T09:15:02", "2026-01-31 09:15:02, zone not recorded"),
        ("yesterday", "yesterday"),
        (None, "–"),
    ],
)
def test_times_name_their_zone(iso: str | None, printed: str) -> None:
    assert formatting.moment(iso) == printed


def test_sizes_are_exact() -> None:
    assert formatting.size(999) == "999 bytes"
    assert formatting.size(18_734_221) == "18,734,221 bytes (18.7 MB)"


def test_nothing_disappears_from_a_name() -> None:
    """A direction mark can make exe.jpg of gpj.exe; a letter no font has must not become an empty box."""
    assert visible("a\u202egpj.exe\n\tb") == "a[U+202E]gpj.exe  b"
    assert visible("\x00") == "[U+0000]"
    assert visible("한") == "[U+D55C]"
    assert [font for font, _ in runs("case 案件 ≤ x", REGULAR)][1] != REGULAR
    assert "".join(piece for _, piece in runs("case 案件 ≤ x", REGULAR)) == "case 案件 ≤ x"
