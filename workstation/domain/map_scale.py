"""How a fakeness map may be drawn: its colours and the layers that can lie on a frame (3.4, P11).

The range is 0 to 1 whatever the colours; a map is never stretched to the values it happens to have.
"""

from __future__ import annotations

from enum import StrEnum


class MapColours(StrEnum):
    """Grey: black 0, white 1. Cividis: Nunez, Anderton and Renslow 2018, rises evenly in lightness and reads the same
    with red-green colour blindness."""

    GREY = "grey"
    CIVIDIS = "cividis"


class Layer(StrEnum):
    """What can be switched on and off over a frame, from the lowest to the highest."""

    MAP = "map"
    CONTOUR = "contour"
    MIDDLE = "middle"
    BOXES = "boxes"
    LANDMARKS = "landmarks"


FIRST_LAYERS = frozenset({Layer.MAP, Layer.CONTOUR, Layer.BOXES})
"""What is on until the examiner chooses. The line at the middle is no threshold and is off."""

MIDDLE_LEVEL = 0.5
