"""The views: one, two or four beside each other, linked in place and zoom, or A and B on one canvas."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QSizeF, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QWidget

from workstation.domain.geometry import Point
from workstation.ui.desk import Desk
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.caption import Caption
from workstation.ui.viewer.companion import Companion
from workstation.ui.viewer.mix import Mix, Mode
from workstation.ui.viewer.place import Place, onto
from workstation.ui.viewer.sources import HeldFrame, NearFrame, OtherDetector, OtherExhibit, PlainFrame
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState

LETTERS = ("B", "C", "D")


class Board(QWidget):
    """``canvas`` is the first view, A; it follows the navigator. The others follow it.

    Signals:
        arranged: another number of views, or another way to compare.
        choosing(str): the examiner wants to choose what the view with that letter shows.
        pointed(object): the point of A's frame that is probed in any of the views, or None.
    """

    arranged = Signal()
    choosing = Signal(str)
    pointed = Signal(object)

    def __init__(self, desk: Desk, stage: Stage, overlay: OverlayState) -> None:
        super().__init__()
        self._desk, self._stage = desk, stage
        self.count = 1
        self.mode = Mode.BESIDE
        self.mix = Mix(Mode.BESIDE)
        self.canvas = Canvas(overlay)
        self.canvases = {"A": self.canvas, **{letter: Canvas(overlay) for letter in LETTERS}}
        self.companions = {letter: Companion(letter, desk, stage, overlay) for letter in LETTERS}
        self.captions = {letter: Caption(letter, letter != "A") for letter in ("A", *LETTERS)}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        for widget in (*self.captions.values(), *self.canvases.values()):
            widget.setParent(self)
        for letter, canvas in self.canvases.items():
            canvas.setAccessibleName(self.tr("Frame viewer {letter}").format(letter=letter))
            canvas.looked.connect(self._looked)
            canvas.probed.connect(self._probed)
        for letter, companion in self.companions.items():
            companion.changed.connect(self.refresh)
            self.captions[letter].choosing.connect(self._choosing)
        self.canvas.wiped.connect(self._wiped)
        self.arrange(1, Mode.BESIDE)

    @property
    def settled(self) -> bool:
        return all(companion.settled for companion in self.companions.values())

    @property
    def b(self) -> Companion:
        return self.companions["B"]

    def arrange(self, count: int, mode: Mode) -> None:
        """Put so many views beside each other; for a mix, A and B on A's canvas."""
        self.count, self.mode = count, mode
        had_keys = any(canvas.hasFocus() for canvas in self.canvases.values())
        for widget in (*self.captions.values(), *self.canvases.values()):
            self._grid.removeWidget(widget)
            widget.hide()
        seen = ("A", *LETTERS)[: count if mode is Mode.BESIDE else 2]
        for at, letter in enumerate(seen):
            row, column = divmod(at, 2)
            if len(seen) > 1:
                self._grid.addWidget(self.captions[letter], 2 * row, column)
                self.captions[letter].show()
            if mode is Mode.BESIDE:
                self._grid.addWidget(self.canvases[letter], 2 * row + 1, column)
                self.canvases[letter].show()
        if mode is not Mode.BESIDE:
            self._grid.addWidget(self.canvas, 1, 0, 1, 2)
            self.canvas.show()
        for number in range(4):
            on = number < 2 * ((len(seen) + 1) // 2 if mode is Mode.BESIDE else 1)
            self._grid.setRowStretch(number, 1 if on and number % 2 else 0)
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < len(seen) else 0)
        if had_keys:
            self.canvas.setFocus()
        for letter, companion in self.companions.items():
            companion.put_on(letter in seen)
        for letter in seen:
            self.canvases[letter].look(self.canvas.place)
        self.refresh()
        self.arranged.emit()

    @Slot()
    def refresh(self) -> None:
        """Show everything as it is now."""
        data, shown = self._desk.data, self._stage.shown
        if shown is not None:
            self.canvas.show_frame(shown)
        else:
            self.canvas.show_message(self._stage.message, self._stage.advice)
        self.captions["A"].show_facts(data, shown, self.tr("plain") if self.canvas.bare else "")
        for letter, companion in self.companions.items():
            if not companion.on:
                continue
            canvas = self.canvases[letter]
            canvas.bare = companion.bare
            if companion.shown is not None:
                canvas.show_frame(companion.shown)
            else:
                canvas.show_message(companion.message, companion.advice)
            self.captions[letter].show_facts(companion.data, companion.shown, self.kind(companion))
        self._show_mix()

    def kind(self, companion: Companion) -> str:
        """In words, what a view is there for."""
        source = companion.source
        if isinstance(source, PlainFrame):
            return self.tr("plain")
        if isinstance(source, OtherDetector):
            return source.detector
        if isinstance(source, HeldFrame):
            return self.tr("held frame")
        if isinstance(source, NearFrame | OtherExhibit) and source.frames:
            if abs(source.frames) == 1:
                return self.tr("1 frame later") if source.frames > 0 else self.tr("1 frame earlier")
            words = self.tr("{n} frames later") if source.frames > 0 else self.tr("{n} frames earlier")
            return words.format(n=abs(source.frames))
        return ""

    def mapped(self) -> tuple[tuple[str, bool], ...]:
        """Detectors whose maps are on screen, and whether each is validated for some kind of forgery."""
        seen: dict[str, bool] = {}
        data, shown = self._desk.data, self._stage.shown
        views = [(data, shown, self._stage.detector, self.canvas.bare)]
        views += [(c.data, c.shown, c.detector, c.bare) for c in self.companions.values() if c.on]
        for facts, frame, detector, bare in views:
            if facts is not None and frame is not None and frame.maps and detector and not bare:
                seen[detector] = bool(facts.validated.get(detector))
        return tuple(seen.items())

    def put_mix(self, mix: Mix) -> None:
        """Change what lies on A's canvas beside A."""
        self.mix = mix
        self._show_mix()

    def _show_mix(self) -> None:
        if self.mode is Mode.BESIDE:
            self.canvas.show_mix(None)
            return
        other = self.b.shown
        words = self.mix.words
        if self.mode is Mode.BLINK and other is not None:
            words = self.tr("B on top") if self.mix.turned else self.tr("A on top")
        elif other is None:
            words = self.b.message
        self.mix = replace(self.mix, mode=self.mode, other=other, words=words)
        self.canvas.show_mix(self.mix)

    @Slot(object)
    def _looked(self, place: Place) -> None:
        for canvas in self.canvases.values():
            if canvas is not self.sender():
                canvas.look(place)

    @Slot(object)
    def _probed(self, point: Point | None) -> None:
        """A place pointed at in one view is marked in the others and probed in A."""
        source = next((canvas for canvas in self.canvases.values() if canvas is self.sender()), self.canvas)
        for canvas in self.canvases.values():
            if canvas is not source:
                canvas.echo(_same_place(point, source, canvas))
        self.pointed.emit(point if source is self.canvas else _same_place(point, source, self.canvas))

    @Slot()
    def _choosing(self) -> None:
        caption = self.sender()
        if isinstance(caption, Caption):
            self.choosing.emit(caption.letter)

    @Slot(float)
    def _wiped(self, at: float) -> None:
        self.put_mix(replace(self.mix, at=at))


def _same_place(point: Point | None, source: Canvas, target: Canvas) -> Point | None:
    one, other = source.shown, target.shown
    if point is None or one is None or other is None:
        return None
    at = onto(QSizeF(other.size), QSizeF(one.size)).map(QPointF(point.x + 0.5, point.y + 0.5))
    return Point(at.x() - 0.5, at.y() - 0.5)
