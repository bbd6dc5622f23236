"""Frames for the canvas: asked for newest first, turned into pictures on the frame thread, the last ones kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from workstation.app.strips import Proxy
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame, RgbArray
from workstation.ui.bridge import Bridge, FrameArrived

if TYPE_CHECKING:
    from workstation.app.session import CaseSession

_KEEP_BYTES = 96 * 2**20
_LEVEL_PIXELS = 1_500_000
_REST_MS = 120


def picture(rgb: RgbArray) -> QImage:
    """Copy a (height, width, 3) uint8 array into a picture of its own."""
    array = np.ascontiguousarray(rgb)
    height, width = array.shape[:2]
    return QImage(array.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()


def levels(rgb: RgbArray) -> tuple[QImage, ...]:
    """The picture and, for large ones, its halves, so that a small view is neither slow nor aliased."""
    images = [picture(rgb)]
    while images[-1].width() * images[-1].height() > _LEVEL_PIXELS:
        last = images[-1]
        size = (max(1, last.width() // 2), max(1, last.height() // 2))
        images.append(
            last.scaled(
                *size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            ).convertToFormat(QImage.Format.Format_RGB888)
        )
    return tuple(images)


class FrameFeed(QObject):
    """Delivers ``arrived`` in the GUI thread. Requests not yet begun give way to the newest (U30).

    Args:
        warm: called on the frame thread before a frame is delivered, to read beforehand what is shown with it.
    """

    arrived = Signal(object)

    def __init__(self, bridge: Bridge, warm: Callable[[EvidenceId, int], None] | None = None) -> None:
        super().__init__(bridge)
        self._bridge = bridge
        self._warm = warm
        self._ticket = 0
        self._answered = 0
        self._floor = 0
        self._kept: OrderedDict[tuple[EvidenceId, int], FrameArrived] = OrderedDict()
        self._bytes = 0
        self._held = False
        self._put_off: tuple[CaseSession, EvidenceId, int] | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._ask_now)
        bridge.frame_arrived.connect(self._take)

    @property
    def waiting(self) -> bool:
        """Whether the newest request is unanswered."""
        return self._answered < self._ticket

    def request(self, session: CaseSession, evidence: EvidenceId, ordinal: int) -> None:
        """Ask for a frame from the GUI thread; a frame that is still kept arrives at once."""
        self._ticket += 1
        self._put_off = None
        kept = self._kept.get((evidence, ordinal))
        if kept is not None:
            self._kept.move_to_end((evidence, ordinal))
            self._answered = self._ticket
            self.arrived.emit(kept)
            return
        near = session.frame_server.stand_in(evidence, ordinal) if self._held else None
        if near is not None:
            self._put_off = (session, evidence, ordinal)
            self._rest.start()
            self._stand_in(self._ticket, near)
            return
        answer = partial(self._deliver, self._ticket, evidence, ordinal)
        session.request_frame(evidence, ordinal, answer, partial(self._stand_in, self._ticket))

    @Slot(bool)
    def hold(self, held: bool) -> None:
        """The hand holds the playhead: where there are stand-ins, no exact frame is begun that would still be under way
        when the hand lets go. It comes when the hand rests or lets go."""
        self._held = held
        if not held:
            self._ask_now()

    @Slot()
    def _ask_now(self) -> None:
        self._rest.stop()
        wanted, self._put_off = self._put_off, None
        if wanted is not None:
            session, evidence, ordinal = wanted
            session.request_frame(evidence, ordinal, partial(self._deliver, self._ticket, evidence, ordinal))

    def clear(self) -> None:
        """Forget every frame; answers still under way are dropped."""
        self._put_off = None
        self._rest.stop()
        self._ticket += 1
        self._answered = self._ticket
        self._floor = self._ticket
        self._kept.clear()
        self._bytes = 0

    def _stand_in(self, ticket: int, proxy: Proxy) -> None:
        """Runs in the GUI thread, within :meth:`request`. A proxy is shown and never kept."""
        images = (picture(proxy.rgb),)
        self.arrived.emit(FrameArrived(ticket, proxy.evidence, proxy.ordinal, None, images, None, proxy))

    def _deliver(self, ticket: int, evidence: EvidenceId, ordinal: int, answer: Frame | WorkstationError) -> None:
        """Runs on the frame thread."""
        if self._warm is not None:
            with suppress(WorkstationError):
                self._warm(evidence, ordinal)
        if isinstance(answer, WorkstationError):
            self._bridge.post(FrameArrived(ticket, evidence, ordinal, None, (), answer))
        else:
            self._bridge.post(FrameArrived(ticket, evidence, ordinal, answer, levels(answer.rgb), None))

    @Slot(object)
    def _take(self, event: FrameArrived) -> None:
        if event.ticket <= self._floor:
            return
        if event.frame is not None:
            self._keep(event)
        # A frame that was kept may have overtaken one that had to be decoded; the older must not take its place.
        if event.ticket < self._answered:
            return
        self._answered = event.ticket
        self.arrived.emit(event)

    def _keep(self, event: FrameArrived) -> None:
        self._kept[(event.evidence, event.ordinal)] = event
        self._bytes += _size(event)
        while self._bytes > _KEEP_BYTES and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(event: FrameArrived) -> int:
    return int(sum(image.sizeInBytes() for image in event.images)) + (event.frame.rgb.nbytes if event.frame else 0)
