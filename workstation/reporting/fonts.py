"""The shipped fonts: which one can draw a character, and their registration with the layout engine.

Noto Sans and Noto Sans Mono (SIL OFL 1.1) have the Latin, Greek and Cyrillic scripts; Droid Sans Fallback (Apache-2.0)
has Chinese and Japanese. A character that none of them has, or that would steer the text rather than stand in it
(control and direction marks), is written as its code point, so that nothing disappears from a name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from resources import resource_path

REGULAR = "WorkstationSans"
BOLD = "WorkstationSans-Bold"
MONO = "WorkstationMono"
FALLBACK = "WorkstationFallback"

_FILES = {
    REGULAR: "NotoSans-Regular.ttf",
    BOLD: "NotoSans-Bold.ttf",
    MONO: "NotoSansMono-Regular.ttf",
    FALLBACK: "DroidSansFallbackFull.ttf",
}
# The regular face lacks arrows, geometric shapes and some mathematical signs; the monospaced one has them.
_CHAIN = {REGULAR: (REGULAR, MONO, FALLBACK), BOLD: (BOLD, MONO, FALLBACK), MONO: (MONO, FALLBACK)}
# No single line holds more characters than this; what is cut to one line need not be measured beyond it.
_LONGEST_LINE = 400
_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def font_file(name: str) -> Path:
    """Path of the TrueType file of one of this module's fonts."""
    return resource_path(f"fonts/{_FILES[name]}")


def register() -> None:
    """Make the fonts known to reportlab; once per process, later calls do nothing."""
    for name in _FILES:
        _font(name)


def visible(text: str) -> str:
    """Return ``text`` on one line with every character drawable; white space becomes a space."""
    return "".join(_visible(character) for character in text)


def runs(text: str, font: str = REGULAR) -> Iterator[tuple[str, str]]:
    """Split visible text into (font, characters) pieces, each in the first font of the chain that has them all."""
    for name, group in groupby(visible(text), key=lambda character: _font_for(character, font)):
        yield name, "".join(group)


def text_width(text: str, font: str, size: float) -> float:
    """Width of visible text in points, every run in the font that draws it."""
    return float(sum(pdfmetrics.stringWidth(piece, name, size) for name, piece in runs(text, font)))


def cut(text: str, room: float, font: str, size: float) -> str:
    """Shorten ``text`` with an ellipsis until it fits ``room`` points."""
    if text_width(text[:_LONGEST_LINE], font, size) <= room and len(text) <= _LONGEST_LINE:
        return text
    text, left = text[:_LONGEST_LINE], room - text_width("…", font, size)
    for end, character in enumerate(text):
        left -= text_width(character, font, size)
        if left < 0:
            return text[:end] + "…"
    return text + "…"


@lru_cache(maxsize=8)
def _font(name: str) -> TTFont:
    font = TTFont(name, str(font_file(name)))
    pdfmetrics.registerFont(font)
    return font


@lru_cache(maxsize=65536)
def _font_for(character: str, font: str) -> str:
    return next((name for name in _CHAIN[font] if ord(character) in _font(name).face.charToGlyph), font)


@lru_cache(maxsize=65536)
def _visible(character: str) -> str:
    if character.isspace():
        return " "
    drawable = any(ord(character) in _font(name).face.charToGlyph for name in _CHAIN[REGULAR])
    if drawable and unicodedata.category(character) not in _STEERING:
        return character
    return f"[U+{ord(character):04X}]"
