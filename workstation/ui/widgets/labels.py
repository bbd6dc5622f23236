"""Labels and buttons in one of the style sheet's named looks."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton


def label(text: str = "", look: str = "", *, wrap: bool = False) -> QLabel:
    """``look`` is "second", "heading", "title" or "alarm" of the style sheet."""
    made = QLabel(text)
    made.setObjectName(look)
    made.setWordWrap(wrap)
    return made


def button(text: str, look: str = "") -> QPushButton:
    """``look`` is "strong" or "flat"."""
    made = QPushButton(text)
    made.setObjectName(look)
    return made
