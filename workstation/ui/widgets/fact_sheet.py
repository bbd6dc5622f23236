"""Headed lists of facts that can be read with the keyboard, selected and copied."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QTextBrowser, QWidget

from workstation.ui.theme.sheet import MONO, current_theme


@dataclass(frozen=True, slots=True)
class Fact:
    """``alarm`` is for integrity failures only."""

    name: str
    value: str
    mono: bool = False
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """``text`` stands over the facts as a paragraph; ``points`` under them as a list."""

    title: str
    facts: tuple[Fact, ...] = ()
    text: str = ""
    points: tuple[str, ...] = ()


class FactSheet(QTextBrowser):
    """With ``whole`` it is as tall as what it says and leaves scrolling to what it stands in."""

    def __init__(self, name: str, parent: QWidget | None = None, *, whole: bool = False) -> None:
        super().__init__(parent)
        self._whole = whole
        self._sections: tuple[Section, ...] = ()
        self.setAccessibleName(name)
        self.setOpenLinks(False)
        self.document().setDocumentMargin(10)
        if whole:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.document().documentLayout().documentSizeChanged.connect(self._grow)

    def show_sections(self, sections: Sequence[Section]) -> None:
        fresh = tuple(sections)
        if fresh != self._sections:
            self._sections = fresh
            self._write()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and self._sections:
            self._write()

    @Slot()
    def _grow(self) -> None:
        self.setFixedHeight(round(self.document().size().height()) + 4)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        if self._whole:
            event.ignore()
        else:
            super().wheelEvent(event)

    def _write(self) -> None:
        place = self.verticalScrollBar().value()
        self.setHtml("".join(_section(section) for section in self._sections))
        self.verticalScrollBar().setValue(place)


def _section(section: Section) -> str:
    theme = current_theme()
    parts = [f'<p style="margin: 8px 0 3px 0; color: {theme.text}"><b>{html.escape(section.title)}</b></p>']
    if section.text:
        parts.append(f'<p style="margin: 0 0 4px 0">{html.escape(section.text)}</p>')
    if section.facts:
        rows = "".join(_fact(fact) for fact in section.facts)
        parts.append(f'<table cellspacing="0" cellpadding="2" width="100%">{rows}</table>')
    parts.extend(f'<p style="margin: 2px 0 2px 0">– {html.escape(point)}</p>' for point in section.points)
    return "".join(parts)


def _fact(fact: Fact) -> str:
    theme = current_theme()
    style = f"color: {theme.alarm}; font-weight: bold;" if fact.alarm else f"color: {theme.text};"
    if fact.mono:
        style += f" font-family: '{MONO}';"
    value = html.escape(fact.value)
    if fact.mono and len(fact.value) > 40 and " " not in fact.value:
        value = "\u200b".join(fact.value[k : k + 8] for k in range(0, len(fact.value), 8))
    return (
        f'<tr><td width="31%" style="color: {theme.second}">{html.escape(fact.name)}</td>'
        f'<td style="{style}">{value}</td></tr>'
    )
