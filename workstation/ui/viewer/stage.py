"""Brings frame, rows and maps together into what the canvas shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from workstation.app.strips import Proxy
from workstation.domain.media import Frame
from workstation.domain.results import FaceResult, FaceRow, FrameRow
from workstation.ui.bridge import FrameArrived
from workstation.ui.desk import Desk
from workstation.ui.frames import FrameFeed
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.compose import chip, marks, overlays, result_of, threshold_of
from workstation.ui.viewer.shelf import MapShelf
from workstation.ui.viewer.state import OverlayState, Shown

_VIEW = "A"


class Stage(QObject):
    """``shown`` is None while there is no frame; then ``message`` and ``advice`` say why and what to do."""

    changed = Signal()

    def __init__(self, desk: Desk, navigator: Navigator, overlay: OverlayState) -> None:
        super().__init__(desk)
        self._desk = desk
        self._navigator = navigator
        self._overlay = overlay
        self.feed = FrameFeed(desk.bridge, desk.warm)
        self.arrived: FrameArrived | None = None
        self.shown: Shown | None = None
        self.row: FrameRow | None = None
        self.message = ""
        self.advice = ""
        self.shelf = MapShelf(desk)
        self._wanted = overlay.layers, overlay.detector
        self._picked = False
        self.shelf.filled.connect(self._filled)
        self.feed.arrived.connect(self._frame_arrived)
        navigator.moved.connect(self._moved)
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.results_shown.connect(self._results_shown)
        overlay.changed.connect(self._overlay_changed)

    @property
    def settled(self) -> bool:
        """Whether the frame wanted is shown with every map it has."""
        if self._desk.data is None or self._desk.data.frames == 0:
            return True
        if self.feed.waiting or self.shelf.waiting(_VIEW):
            return False
        return self.shown is None or self.shown.ref.ordinal == self._navigator.ordinal

    @property
    def detector(self) -> str | None:
        """The detector chosen for the overlay."""
        return self._overlay.detector

    def result(self, face: FaceRow) -> FaceResult | None:
        """What the detector chosen for the overlay gave for a face."""
        return result_of(face, self._overlay.detector)

    @Slot(int)
    def _moved(self, ordinal: int) -> None:
        data, session = self._desk.data, self._desk.session
        if data is not None and session is not None and data.frames:
            self.feed.request(session, data.item.id, ordinal)

    @Slot()
    def _exhibit_shown(self) -> None:
        data = self._desk.data
        if data is None:
            self.feed.clear()
            self.shelf.clear()
            self._say("")
        elif data.frames == 0:
            self._say(data.item.problem or self.tr("This exhibit cannot be shown."), self.tr("It stays in the case."))
        elif self.arrived is None or self.arrived.evidence != data.item.id:
            self.arrived = None
            self._say("")
        self._choose_detector()

    @Slot()
    def _results_shown(self) -> None:
        self._choose_detector()
        self._compose()

    @Slot()
    def _overlay_changed(self) -> None:
        wanted = self._overlay.layers, self._overlay.detector
        if wanted != self._wanted:
            self._wanted = wanted
            self._compose()

    @Slot(str)
    def _filled(self, view: str) -> None:
        if view == _VIEW:
            self._compose()

    @Slot(object)
    def _frame_arrived(self, event: FrameArrived) -> None:
        data = self._desk.data
        if data is None or event.evidence != data.item.id:
            return
        if event.error is not None:
            self.arrived = None
            self._say(event.error.message, event.error.advice)
            return
        self.arrived = event
        self._compose()

    def _choose_detector(self) -> None:
        """Keep the examiner's choice while it is in the plan; else take the first with maps, else the first."""
        data = self._desk.data
        names = data.detectors if data else ()
        if self._overlay.detector in names and self._picked:
            return
        mapped = self.mapped()
        best = next((name for name in names if name in mapped), names[0] if names else None)
        if self._overlay.detector not in names or (mapped and self._overlay.detector not in mapped):
            self._picked = False
            self._overlay.set_detector(best)

    def pick_detector(self, name: str) -> None:
        """The examiner's own choice; it is kept."""
        self._picked = True
        self._overlay.set_detector(name)

    def exact(self) -> int | None:
        """Ordinal of the frame shown; None while a stand-in or nothing is."""
        return self.shown.ref.ordinal if self.shown is not None and self.shown.proxy is None else None

    def mapped(self) -> frozenset[str]:
        """Detectors with at least one map in this exhibit."""
        return self._desk.data.mapped if self._desk.data is not None else frozenset()

    def _say(self, message: str, advice: str = "") -> None:
        self.shown = None
        self.row = None
        self.message, self.advice = message, advice
        self.changed.emit()

    def _compose(self) -> None:
        data, event = self._desk.data, self.arrived
        if data is None or event is None or event.evidence != data.item.id:
            return
        if event.proxy is not None:
            self._stand_in(event.proxy, event.images)
        if event.frame is None:
            return
        frame: Frame = event.frame
        self.row = data.rows.get(event.ordinal)
        name = self._overlay.detector
        self.message = self.advice = ""
        self.shown = Shown(
            event.images,
            frame.ref,
            marks(data, self.row, name),
            overlays(self.shelf, _VIEW, data, self.row, name, self._overlay),
            chip(data, self.row),
            threshold=threshold_of(data, name),
        )
        self.changed.emit()

    def _stand_in(self, proxy: Proxy, images: tuple[QImage, ...]) -> None:
        """Show a proxy, under its name: no boxes, no maps, no values lie on it."""
        self.row = None
        self.message = self.advice = ""
        words = self.tr("Proxy of frame {n} · the exact frame follows").format(n=proxy.ref.ordinal + 1)
        self.shown = Shown(images, proxy.ref, chip=words, proxy=proxy)
        self.changed.emit()
