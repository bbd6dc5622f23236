"""Measures, colours and paragraph styles of the report: A4, one text column, a four-millimetre rhythm."""

from __future__ import annotations

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm

from workstation.reporting.fonts import BOLD, MONO, REGULAR

PAGE = A4
LEFT = RIGHT = 22 * mm
TOP = 27 * mm
BOTTOM = 23 * mm
WIDTH = A4[0] - LEFT - RIGHT
HEIGHT = A4[1] - TOP - BOTTOM
# Width of the label column in every table of facts: the whole report shares this one inner edge.
LABEL = 38 * mm
GAP = 4 * mm

INK = HexColor("#1E1E1E")
SECOND = HexColor("#5A5A5A")
RULE = HexColor("#D2D2D2")
HATCH = HexColor("#B4B4B4")
FAINT = HexColor("#F3F3F3")
ACCENT = HexColor("#0067A6")
# Okabe-Ito hues in their light-ground shades; orange and sky blue are kept for directions of support (3.4).
SERIES_COLOURS: tuple[Color, ...] = tuple(HexColor(c) for c in ("#0067A6", "#00704F", "#8F3F6F", "#1E1E1E", "#D55E00"))


def _style(name: str, size: float, leading: float, **more: object) -> ParagraphStyle:
    settings: dict[str, object] = {
        "fontName": REGULAR,
        "fontSize": size,
        "leading": leading,
        "textColor": INK,
        "alignment": TA_LEFT,
        "splitLongWords": 1,
        "allowWidows": 0,
        "allowOrphans": 0,
        "bulletFontName": REGULAR,
    }
    return ParagraphStyle(name, **(settings | more))


BODY = _style("body", 9.4, 13.6, spaceAfter=2 * mm)
LEAD = _style("lead", 10.6, 16.2, spaceAfter=3.2 * mm)
SMALL = _style("small", 8, 11.2, textColor=SECOND, spaceAfter=2 * mm)
CELL = _style("cell", 8.4, 11.4)
CELL_BOLD = _style("cell-bold", 8.4, 11.4, fontName=BOLD)
CELL_RIGHT = _style("cell-right", 8.4, 11.4, alignment=TA_RIGHT)
CELL_LABEL = _style("cell-label", 8.4, 11.4, textColor=SECOND)
CELL_MONO = _style("cell-mono", 7.4, 11.4, fontName=MONO)
HEAD = _style("head", 7.8, 10.4, fontName=BOLD, textColor=SECOND)
HEAD_RIGHT = _style("head-right", 7.8, 10.4, fontName=BOLD, textColor=SECOND, alignment=TA_RIGHT)
H1 = _style("h1", 17, 21, fontName=BOLD, spaceBefore=11 * mm, spaceAfter=5 * mm)
H2 = _style("h2", 11.6, 15, fontName=BOLD, spaceBefore=5 * mm, spaceAfter=2.4 * mm)
H3 = _style("h3", 9.4, 13, fontName=BOLD, spaceBefore=3 * mm, spaceAfter=1.4 * mm)
NOTE = _style("note", 9, 13, spaceAfter=0)
CAPTION = _style("caption", 8, 11, spaceBefore=1.4 * mm, spaceAfter=0)
BESIDE = _style("beside", 7.2, 9, textColor=SECOND, spaceBefore=0.8 * mm, spaceAfter=1.6 * mm)
CAPTION_MONO = _style("caption-mono", 6.8, 10, fontName=MONO, textColor=SECOND, spaceAfter=5 * mm)
COVER_KIND = _style("cover-kind", 10.5, 14, textColor=SECOND)
COVER_TITLE = _style("cover-title", 25, 31, fontName=BOLD)
COVER_CELL = _style("cover-cell", 9.8, 14)
COVER_LABEL = _style("cover-label", 9.8, 14, textColor=SECOND)
COVER_MONO = _style("cover-mono", 8.2, 14, fontName=MONO)
CODE = _style("code", 13, 18, fontName=MONO)
CONTENTS = _style("contents", 10, 17)
CONTENTS_SUB = _style("contents-sub", 9, 14, leftIndent=8 * mm, textColor=SECOND)
