"""Comparing A with B: which views there are, blink, wipe, difference, swap, and the list of what B can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu

from workstation.app.comparing import RANGES, Levels, difference, in_range
from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.board import Board
from workstation.ui.viewer.companion import Companion
from workstation.ui.viewer.mix import Mix, Mode
from workstation.ui.viewer.sources import HeldFrame, NearFrame, OtherDetector, OtherExhibit, PlainFrame, Source
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.legend import Scale

_WIPE_STEP = 0.05


class Compare(QObject):
    """One for each board. Esc leaves a mix; what B shows is kept."""

    def __init__(self, board: Board, desk: Desk, navigator: Navigator, stage: Stage, overlay: OverlayState) -> None:
        super().__init__(board)
        self._board, self._desk, self._navigator = board, desk, navigator
        self._stage, self._overlay = stage, overlay
        self._range = RANGES[0]
        self._pair: tuple[int, int] | None = None
        self._levels: Levels | None = None
        self._menu: QMenu | None = None
        board.choosing.connect(self.choose)
        board.b.changed.connect(self._refresh)
        stage.changed.connect(self._refresh)
        desk.exhibit_shown.connect(self._exhibit_shown)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {
            "views.1": partial(self.views, 1),
            "views.2": partial(self.views, 2),
            "views.4": partial(self.views, 4),
            "compare.with": partial(self.choose, "B"),
            "compare.hold": self.hold,
            "compare.blink": self.blink,
            "compare.wipe": partial(self._mode, Mode.WIPE),
            "wipe.left": partial(self._wipe, -_WIPE_STEP),
            "wipe.right": partial(self._wipe, _WIPE_STEP),
            "compare.difference": partial(self._mode, Mode.DIFFERENCE),
            "compare.range": self.next_range,
            "compare.swap": self.swap,
        }

    def refresh(self, actions: Actions) -> None:
        """Show in menus and buttons what is on."""
        mode, count = self._board.mode, self._board.count
        for number in (1, 2, 4):
            actions[f"views.{number}"].setChecked(mode is Mode.BESIDE and count == number)
        actions["compare.wipe"].setChecked(mode is Mode.WIPE)
        actions["compare.difference"].setChecked(mode is Mode.DIFFERENCE)

    @property
    def scale(self) -> Scale | None:
        """The legend of the difference, while one is shown."""
        if self._board.mode is not Mode.DIFFERENCE:
            return None
        title = self.tr("Difference |A − B| · largest of R, G, B · 0 to {most}, fixed").format(most=self._range)
        ticks = [(part, f"{round(part * self._range)}") for part in (0.0, 0.25, 0.5, 0.75)]
        end = str(self._range) if self._range == 255 else self.tr("≥{most}").format(most=self._range)
        words = self.tr("Fixed scale: black is 0, white is {most} and more. It is never stretched to a frame.")
        return Scale(title, (*ticks, (1.0, end)), words=words.format(most=self._range))

    def views(self, count: int) -> None:
        """Put one, two or four views beside each other."""
        self._board.arrange(count, Mode.BESIDE)

    def leave(self) -> bool:
        """Go back from a mix to the views beside each other; whether there was one."""
        if self._board.mode is Mode.BESIDE:
            return False
        self._board.arrange(self._board.count, Mode.BESIDE)
        return True

    def show(self, letter: str, source: Source | None) -> None:
        """Put something into a view beside the first, and the view on screen."""
        self._board.canvas.bare = False
        self._board.companions[letter].show(source)
        board = self._board
        least = 2 if letter == "B" else 4
        if source is not None and board.mode is Mode.BESIDE and board.count < least:
            board.arrange(least, Mode.BESIDE)

    def hold(self) -> None:
        """Keep the frame of A in B."""
        data = self._desk.data
        if data is not None and data.frames:
            self.show("B", HeldFrame(data.item.id, self._navigator.ordinal))

    def blink(self) -> None:
        """Turn over: the first press shows B, the next one A again."""
        if self._board.mode is not Mode.BLINK:
            self._board.mix = Mix(Mode.BLINK, turned=True)
            self._board.arrange(self._board.count, Mode.BLINK)
        else:
            self._board.put_mix(replace(self._board.mix, turned=not self._board.mix.turned))

    def next_range(self) -> None:
        """Take the next fixed range for the difference."""
        self._range = RANGES[(RANGES.index(self._range) + 1) % len(RANGES)]
        self._draw_difference()
        self._board.arranged.emit()

    def swap(self) -> None:
        """What B shows becomes A, and A goes to B."""
        data, companion = self._desk.data, self._board.b
        source, now = companion.source, self._navigator.ordinal
        if data is None or source is None:
            return
        if isinstance(source, OtherDetector) and self._board.canvas.bare:
            self._board.canvas.bare = False
            companion.show(PlainFrame())
        elif isinstance(source, OtherDetector):
            name = self._overlay.detector
            companion.show(OtherDetector(name) if name else None)
            self._stage.pick_detector(source.detector)
        elif isinstance(source, PlainFrame):
            self._board.canvas.bare = True
            companion.show(OtherDetector(self._overlay.detector or ""))
        elif isinstance(source, NearFrame):
            companion.show(NearFrame(-source.frames))
            self._navigator.go_to(now + source.frames, jump=True)
        elif companion.shown is not None:
            there = companion.shown.ref.ordinal
            back: Source = HeldFrame(data.item.id, now)
            if isinstance(source, OtherExhibit):
                back = OtherExhibit(data.item.id, -source.frames)
            self._navigator.visit(source.evidence, there)
            companion.show(back)

    @Slot(str)
    def choose(self, letter: str = "B") -> None:
        """Open the list of what a view can show."""
        if self._desk.data is None:
            return
        if letter == "B" and self._board.mode is Mode.BESIDE and self._board.count < 2:
            self._board.arrange(2, Mode.BESIDE)
        menu = self.menu(letter)
        button = self._board.captions[letter].button
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def menu(self, letter: str) -> QMenu:
        """The list, made anew for what the case holds now."""
        if self._menu is not None:
            self._menu.deleteLater()
        menu = self._menu = QMenu(self._board)
        data, companion = self._desk.data, self._board.companions[letter]
        show = partial(self._put, menu, letter)
        show(self.tr("The plain frame"), PlainFrame())
        if data is not None:
            others = [name for name in data.detectors if name != self._overlay.detector]
            for name in others:
                show(self.tr("This frame with {detector}").format(detector=name), OtherDetector(name))
            menu.addSeparator()
            self._near(show, data, companion)
            menu.addSeparator()
            for item in self._desk.items:
                if item.media is not None and item.id != data.item.id:
                    show(f"{item.exhibit}  {item.name}", OtherExhibit(item.id))
        menu.addSeparator()
        show(self.tr("Nothing"), None)
        return menu

    def _near(self, show: Callable[[str, Source | None], None], data: ExhibitData, companion: Companion) -> None:
        if data.frames > 1:
            show(self.tr("This frame, held"), HeldFrame(data.item.id, self._navigator.ordinal))
            show(self.tr("The frame before"), NearFrame(-1))
            show(self.tr("The frame after"), NearFrame(1))
        source = companion.source
        if isinstance(source, OtherExhibit) and companion.data is not None and companion.data.frames > 1:
            show(self.tr("One frame later than now"), replace(source, frames=source.frames + 1))
            show(self.tr("One frame earlier than now"), replace(source, frames=source.frames - 1))

    def _put(self, menu: QMenu, letter: str, words: str, source: Source | None) -> None:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(source == self._board.companions[letter].source)
        action.triggered.connect(lambda _=False: self.show(letter, source))

    def _mode(self, mode: Mode) -> None:
        if self._board.mode is mode:
            self.leave()
            return
        self._board.mix = Mix(mode)
        self._pair = None
        self._board.arrange(self._board.count, mode)
        self._refresh()

    def _wipe(self, step: float) -> None:
        if self._board.mode is Mode.WIPE:
            self._board.put_mix(replace(self._board.mix, at=min(1.0, max(0.0, self._board.mix.at + step))))

    @Slot()
    def _refresh(self) -> None:
        """Make the difference anew when one of the two frames is another."""
        if self._board.mode is not Mode.DIFFERENCE:
            return
        one, other = self._stage.shown, self._board.b.shown
        if one is None or other is None or one.proxy is not None or other.proxy is not None:
            self._pair = None
            self._board.put_mix(replace(self._board.mix, difference=(), words=self._board.b.message))
            return
        pair = one.images[0].cacheKey(), other.images[0].cacheKey()
        if pair == self._pair:
            return
        self._pair = pair
        self._levels = None
        work = partial(difference, _rgb(one.images[0]), _rgb(other.images[0]))
        self._desk.reader.ask(work, partial(self._took, pair), key="difference", failed=self._refused)

    def _took(self, pair: tuple[int, int], levels: Levels) -> None:
        if pair == self._pair:
            self._levels = levels
            self._draw_difference()

    def _refused(self, error: Exception) -> None:
        words = f"{error.message} {error.advice}" if isinstance(error, InputError) else str(error)
        self._board.put_mix(replace(self._board.mix, difference=(), words=words))

    def _draw_difference(self) -> None:
        if self._levels is None or self._board.mode is not Mode.DIFFERENCE:
            return
        grey = np.ascontiguousarray(in_range(self._levels, self._range))
        rows, columns = grey.shape
        image = QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()
        self._board.put_mix(replace(self._board.mix, difference=(image,), words=""))

    @property
    def levels(self) -> Levels | None:
        """The difference shown, (height, width) uint8; None while there is none."""
        return self._levels if self._board.mode is Mode.DIFFERENCE else None

    @Slot()
    def _exhibit_shown(self) -> None:
        self._board.canvas.bare = False


def _rgb(image: QImage) -> RgbArray:
    """The picture's bytes, (height, width, 3)."""
    held = (
        image if image.format() == QImage.Format.Format_RGB888 else image.convertToFormat(QImage.Format.Format_RGB888)
    )
    data = np.frombuffer(held.constBits(), np.uint8).reshape(held.height(), held.bytesPerLine())
    return data[:, : held.width() * 3].reshape(held.height(), held.width(), 3).copy()
