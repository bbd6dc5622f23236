"""Brings frame, rows and maps together into what the canvas shows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from workstation.app.strips import Proxy
from workstation.domain.media import Frame
from workstation.domain.results import FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.ui.bridge import FrameArrived
from workstation.ui.desk import Desk
from workstation.ui.frames import FrameFeed
from workstation.ui.navigator import Navigator
from workstation.ui.timeline.lanes import reason_words
from workstation.ui.viewer.overlay import MapOverlay, grey_image
from workstation.ui.viewer.state import FaceMark, OverlayState, Shown
from workstation.ui.words import not_validated, uncalibrated

_KEEP_MAPS = 192
Map = tuple[npt.NDArray[np.float32], QImage]


class Stage(QObject):
    """``shown`` is None while there is no frame; then ``message`` and ``advice`` say why and what to do."""

    changed = Signal()

    def __init__(self, desk: Desk, navigator: Navigator, overlay: OverlayState) -> None:
        super().__init__(desk)
        self._desk = desk
        self._navigator = navigator
        self._overlay = overlay
        self.feed = FrameFeed(desk.bridge)
        self.arrived: FrameArrived | None = None
        self.shown: Shown | None = None
        self.row: FrameRow | None = None
        self.message = ""
        self.advice = ""
        self._maps: OrderedDict[str, Map] = OrderedDict()
        self._asked: set[str] = set()
        self._detector: str | None = None
        self._picked = False
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
        if self.feed.waiting or self._asked:
            return False
        return self.shown is None or self.shown.ref.ordinal == self._navigator.ordinal

    def result(self, face: FaceRow) -> FaceResult | None:
        """What the detector chosen for the overlay gave for a face."""
        return next((r for r in face.results if r.detector == self._overlay.detector), None)

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
            self._maps.clear()
            self._asked.clear()
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
        if self._overlay.detector != self._detector:
            self._detector = self._overlay.detector
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

    def mapped(self) -> frozenset[str]:
        """Detectors with at least one map among the rows read so far."""
        data = self._desk.data
        if data is None:
            return frozenset()
        found: set[str] = set()
        for row in data.rows.values():
            for face in row.faces:
                found.update(r.detector for r in face.results if r.map_digest)
            if found:
                break
        return frozenset(found)

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
        faces = tuple(self._mark(face) for face in self.row.faces) if self.row else ()
        maps = self._overlays(self.row) if self.row else ()
        self.message = self.advice = ""
        self.shown = Shown(event.images, frame.ref, faces, maps, self._chip(data.run is not None))
        self.changed.emit()

    def _stand_in(self, proxy: Proxy, images: tuple[QImage, ...]) -> None:
        """Show a proxy, under its name: no boxes, no maps, no values lie on it."""
        self.row = None
        self.message = self.advice = ""
        words = self.tr("Proxy of frame {n} · the exact frame follows").format(n=proxy.ref.ordinal + 1)
        self.shown = Shown(images, proxy.ref, chip=words, proxy=proxy)
        self.changed.emit()

    def _chip(self, examined: bool) -> str:
        if not examined:
            return ""
        if self.row is None:
            return self.tr("This frame was not examined")
        return "" if self.row.faces else self.tr("Examined: no face found in this frame")

    def _mark(self, face: FaceRow) -> FaceMark:
        result = self.result(face)
        words, scored = "", True
        if result is not None and result.status is ItemStatus.OK and result.score is not None:
            data = self._desk.data
            words = f"{result.score:.2f} {uncalibrated(data is not None and result.detector in data.falling)}"
            if data is None or not data.validated.get(result.detector):
                words = not_validated()
        elif result is not None:
            scored = False
            name = self.tr("abstained") if result.status is ItemStatus.ABSTAINED else self.tr("error")
            words = f"{name} · {reason_words(result)}"
        return FaceMark(face.track, face.track_number, face.detection.box, face.detection.landmarks, words, scored)

    def _overlays(self, row: FrameRow) -> tuple[MapOverlay, ...]:
        ready: list[MapOverlay] = []
        missing: list[str] = []
        for face in row.faces:
            result = self.result(face)
            if result is None or not result.map_digest or result.map_transform is None or not result.crop_size:
                continue
            known = self._maps.get(result.map_digest)
            if known is None:
                missing.append(result.map_digest)
                continue
            self._maps.move_to_end(result.map_digest)
            ready.append(MapOverlay(known[0], known[1], result.map_transform, result.crop_size))
        if missing:
            self._load(missing)
        return tuple(ready)

    def _load(self, digests: list[str]) -> None:
        session = self._desk.session
        if session is None or set(digests) <= self._asked:
            return
        self._asked = set(digests)
        self._desk.reader.ask(
            partial(_read_maps, session.map_values, tuple(digests)), self._took_maps, key="maps", failed=self._no_maps
        )

    def _took_maps(self, maps: dict[str, Map]) -> None:
        self._asked -= set(maps)
        self._maps.update(maps)
        while len(self._maps) > _KEEP_MAPS:
            self._maps.popitem(last=False)
        self._compose()

    def _no_maps(self, error: Exception) -> None:
        self._asked.clear()
        self._desk.failed.emit(error)


def _read_maps(read: Callable[[str], npt.NDArray[np.floating]], digests: tuple[str, ...]) -> dict[str, Map]:
    maps: dict[str, Map] = {}
    for digest in digests:
        values = np.asarray(read(digest), dtype=np.float32)
        maps[digest] = (values, grey_image(values))
    return maps
