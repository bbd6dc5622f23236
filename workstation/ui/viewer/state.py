"""How overlays are shown, and the pieces of one shown frame. Each overlay is a value here and a drawing in `layers`."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QSizeF, Signal
from PySide6.QtGui import QImage

from workstation.app.strips import Proxy
from workstation.domain.geometry import Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import FIRST_LAYERS, MIDDLE_LEVEL, Layer, MapColours
from workstation.domain.media import FrameRef
from workstation.ui.viewer.overlay import MapOverlay

DEFAULT_OPACITY = 0.45


class OverlayState(QObject):
    """Opacity 0..1, shown or not, which layers, in what colours, and the detector whose scores and map are drawn."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.visible = True
        self.held = False
        self.opacity = DEFAULT_OPACITY
        self.detector: str | None = None
        self.layers: frozenset[Layer] = FIRST_LAYERS
        self.colours = MapColours.GREY

    @property
    def seen(self) -> frozenset[Layer]:
        """Layers that are drawn now: none while the overlay is switched off or held away."""
        return self.layers if self.drawn else frozenset()

    def switch(self, layer: Layer, on: bool | None = None) -> None:
        """Switch one layer on or off; without ``on`` the other way."""
        on = layer not in self.layers if on is None else on
        if on != (layer in self.layers):
            self.layers = self.layers | {layer} if on else self.layers - {layer}
            self.changed.emit()

    def set_colours(self, colours: MapColours) -> None:
        if colours != self.colours:
            self.colours = colours
            self.changed.emit()

    def next_colours(self) -> None:
        every = tuple(MapColours)
        self.set_colours(every[(every.index(self.colours) + 1) % len(every)])

    def levels(self, threshold: float | None) -> tuple[float, ...]:
        """Levels at which lines are wanted, for a detector that ships ``threshold`` or none."""
        shipped = (threshold,) if threshold is not None and Layer.CONTOUR in self.layers else ()
        return (*shipped, *((MIDDLE_LEVEL,) if Layer.MIDDLE in self.layers else ()))

    @property
    def drawn(self) -> bool:
        return self.visible and not self.held

    def toggle(self) -> None:
        self.visible = not self.visible
        self.changed.emit()

    def hold(self, down: bool) -> None:
        """Hide while a key is held (U31)."""
        if down != self.held:
            self.held = down
            self.changed.emit()

    def set_opacity(self, opacity: float) -> None:
        opacity = min(1.0, max(0.0, round(opacity, 2)))
        if opacity != self.opacity:
            self.opacity = opacity
            self.changed.emit()

    def set_detector(self, detector: str | None) -> None:
        if detector != self.detector:
            self.detector = detector
            self.changed.emit()


@dataclass(frozen=True, slots=True)
class FaceMark:
    """A face box with what is written on it. ``scored`` is False for an abstention or an error."""

    track: TrackId
    number: int
    box: Box
    landmarks: tuple[Point, ...]
    words: str
    scored: bool


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame on the canvas: its pictures from full size down by halves, its name and what lies on it.

    With ``proxy`` the picture is a small stand-in for a frame still being decoded; ``ref`` is what it was made from.
    ``threshold`` is what the package of the detector drawn ships, on the scale of its maps; None where it ships none.
    """

    images: tuple[QImage, ...]
    ref: FrameRef
    faces: tuple[FaceMark, ...] = ()
    maps: tuple[MapOverlay, ...] = ()
    chip: str = ""
    proxy: Proxy | None = None
    threshold: float | None = None

    @property
    def size(self) -> QSizeF:
        """Width and height in pixels of the frame."""
        return QSizeF(self.width, self.height)

    @property
    def width(self) -> int:
        return self.proxy.width if self.proxy else self.images[0].width()

    @property
    def height(self) -> int:
        return self.proxy.height if self.proxy else self.images[0].height()
