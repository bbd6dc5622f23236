"""How a fakeness map may be drawn: its colours and the layers that can lie on a frame (3.4, P11).

The range is 0 to 1 whatever the colours; a map is never stretched to the values it happens to have.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Look:
    """What is drawn over a frame, as the window shows it and an exported frame has it burned in.

    ``threshold`` is the level of the contour line: what the detector's package ships; None where it ships none.
    """

    layers: frozenset[Layer] = FIRST_LAYERS
    colours: MapColours = MapColours.GREY
    threshold: float | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels at which lines are drawn in a map, the threshold first."""
        shipped = (self.threshold,) if self.threshold is not None and Layer.CONTOUR in self.layers else ()
        return (*shipped, *((MIDDLE_LEVEL,) if Layer.MIDDLE in self.layers else ()))


PLAIN_LOOK = Look(frozenset({Layer.MAP, Layer.BOXES}))
"""Map in grey and boxes: all there was before layers could be chosen, and what reports draw."""
