"""The few kinds of block that every section is built from: paragraphs, tables of facts, tables of rows, notes.

All text passes through ``markup``, which escapes it: what a person typed can never become markup, a picture or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Spacer, Table, TableStyle

from workstation.reporting import styles
from workstation.reporting.fonts import REGULAR, runs

Cell: TypeAlias = "Flowable | str"


def markup(text: str, font: str = REGULAR) -> str:
    """Escape ``text`` and name the font of every run that the base font cannot draw."""
    pieces = []
    for name, piece in runs(text, font):
        safe = escape(piece)
        pieces.append(safe if name == font else f'<font name="{name}">{safe}</font>')
    return "".join(pieces)


def para(text: str, style: ParagraphStyle = styles.BODY) -> Paragraph:
    return Paragraph(markup(text, style.fontName), style)


class Heading(Paragraph):  # type: ignore[misc]
    """A heading that knows its level and plain text, for the contents and the bookmarks."""

    def __init__(self, text: str, level: int, number: str = "") -> None:
        style = (styles.H1, styles.H2, styles.H3)[level]
        shown = f"{number}   {text}" if number else text
        super().__init__(markup(shown, style.fontName), style)
        self.level = level
        self.plain = shown


def heading(text: str, level: int = 1) -> list[Flowable]:
    """A heading with at least a few lines of what follows on the same page."""
    return [CondPageBreak((60 if level == 0 else 36 if level == 1 else 26) * mm), Heading(text, level)]


def facts_table(
    rows: Iterable[tuple[str, Cell]],
    *,
    label: ParagraphStyle = styles.CELL_LABEL,
    value: ParagraphStyle = styles.CELL,
    mono: ParagraphStyle = styles.CELL_MONO,
) -> Flowable:
    """Label and value, one a line. A value that is a bare digest is set in the monospaced face."""
    cells = []
    for name, entry in rows:
        style = mono if isinstance(entry, str) and _is_digest(entry) else value
        cells.append([para(name, label), para(entry, style) if isinstance(entry, str) else entry])
    if not cells:
        return Spacer(0, 0)
    table = Table(
        cells, colWidths=[styles.LABEL, styles.WIDTH - styles.LABEL], hAlign="LEFT", spaceAfter=3 * mm, splitInRow=1
    )
    table.setStyle(TableStyle([*_base(), ("LINEBELOW", (0, 0), (-1, -1), 0.4, styles.RULE)]))
    return table


def rows_table(
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    widths: Sequence[float],
    *,
    right: Sequence[int] = (),
    mono: Sequence[int] = (),
    spans: Sequence[tuple[int, int, int]] = (),
) -> Flowable:
    """A table with a head that repeats on every page.

    Args:
        widths: shares of the text width, one a column; they need not sum to 1.
        right: columns whose cells stand at the right edge (numbers).
        mono: columns set in the monospaced face.
        spans: (row, first column, last column) of cells drawn as one; the row without the head, from 0.
    """
    total = sum(widths)
    body: list[list[Flowable]] = [
        [para(text, styles.HEAD_RIGHT if i in right else styles.HEAD) for i, text in enumerate(head)]
    ]
    for row in rows:
        cells: list[Flowable] = []
        for column, entry in enumerate(row):
            style = styles.CELL_RIGHT if column in right else styles.CELL_MONO if column in mono else styles.CELL
            cells.append(para(entry, style) if isinstance(entry, str) else entry)
        body.append(cells)
    for number, first, _ in spans:
        text = rows[number][first]
        body[number + 1][first] = para(text, styles.CELL) if isinstance(text, str) else text
    table = Table(
        body,
        colWidths=[styles.WIDTH * w / total for w in widths],
        repeatRows=1,
        hAlign="LEFT",
        spaceAfter=3 * mm,
        splitInRow=1,
    )
    table.setStyle(
        TableStyle(
            [
                *_base(),
                ("LINEBELOW", (0, 0), (-1, 0), 0.9, styles.INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, styles.RULE),
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                *(("SPAN", (first, number + 1), (last, number + 1)) for number, first, last in spans),
            ]
        )
    )
    return table


def note(text: str) -> Flowable:
    """A remark that must not be overlooked: a quiet panel with a bar at its left."""
    table = Table([[para(text, styles.NOTE)]], colWidths=[styles.WIDTH], hAlign="LEFT", spaceAfter=4 * mm, splitInRow=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), REGULAR, 8),
                ("BACKGROUND", (0, 0), (-1, -1), styles.FAINT),
                ("LINEBEFORE", (0, 0), (0, -1), 2.2, styles.ACCENT),
                ("LEFTPADDING", (0, 0), (-1, -1), 4 * mm),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4 * mm),
                ("TOPPADDING", (0, 0), (-1, -1), 2.6 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3 * mm),
            ]
        )
    )
    return table


def stack(lines: Sequence[Flowable]) -> Flowable:
    """Several paragraphs in one cell."""
    table = Table([[line] for line in lines], colWidths=[None], hAlign="LEFT")
    table.setStyle(_plain_style())
    return table


def bullets(entries: Sequence[str], style: ParagraphStyle = styles.CELL) -> Flowable:
    """Short statements, each behind a dash."""
    table = Table(
        [[para("–", style), para(entry, style)] for entry in entries],
        colWidths=[3.4 * mm, None],
        hAlign="LEFT",
    )
    table.setStyle(_plain_style())
    return table


def _plain_style() -> TableStyle:
    return TableStyle(
        [
            ("FONT", (0, 0), (-1, -1), REGULAR, 8),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0.6 * mm),
        ]
    )


def _base() -> list[tuple[object, ...]]:
    return [
        ("FONT", (0, 0), (-1, -1), REGULAR, 8),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3 * mm),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1.1 * mm),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5 * mm),
    ]


def _is_digest(text: str) -> bool:
    return len(text) >= 40 and all(c in "0123456789abcdef" for c in text)
