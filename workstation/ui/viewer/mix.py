"""Two frames on one canvas: turned over (blink), divided (wipe), or their difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtGui import QImage

from workstation.ui.viewer.state import Shown


class Mode(StrEnum):
    """How the views stand: beside each other, or A and B on one canvas."""

    BESIDE = "beside"
    BLINK = "blink"
    WIPE = "wipe"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Mix:
    """What is drawn on A's canvas beside A's own frame.

    Attributes:
        other: the frame of B; None while there is none.
        turned: in a blink, whether B is on top.
        at: in a wipe, where the line stands, 0..1 of the canvas's width; A is left of it.
        difference: in a difference, its picture from full size down by halves; empty while there is none.
        words: what to say in place of a picture that there is not.
    """

    mode: Mode
    other: Shown | None = None
    turned: bool = False
    at: float = 0.5
    difference: tuple[QImage, ...] = ()
    words: str = ""
