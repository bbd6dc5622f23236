"""Pictures of faces for the gallery: asked for as they come into sight, delivered in the GUI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from workstation.app.face_pictures import FacePictures, PictureWish
from workstation.domain.events import Event
from workstation.domain.media import RgbArray
from workstation.ui.bridge import Bridge
from workstation.ui.frames import picture

if TYPE_CHECKING:
    from workstation.app.session import CaseSession


@dataclass(frozen=True, slots=True)
class FacePictureArrived(Event):
    """A picture that was wanted; a null one where it cannot be had."""

    feed: int
    wish: PictureWish
    image: QImage


class PictureFeed(QObject):
    """``arrived`` has (wish, picture). What was wanted before and is not wanted again is given up."""

    arrived = Signal(object, QImage)
    _event = Signal(object)

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge)
        self._bridge = bridge
        self._pictures: FacePictures | None = None
        self._session: CaseSession | None = None
        self._number = 0
        bridge.deliver(FacePictureArrived, self._event)
        self._event.connect(self._take)

    @property
    def busy(self) -> bool:
        return self._pictures is not None and self._pictures.busy

    def show(self, session: CaseSession | None) -> None:
        """Take pictures from another case. The case before ends its own threads."""
        if session is self._session:
            return
        if self._pictures is not None:
            self._pictures.want(())
        self._session, self._pictures = session, None
        self._number += 1

    def want(self, wishes: Sequence[PictureWish]) -> None:
        if self._session is None or (not wishes and self._pictures is None):
            return
        if self._pictures is None:
            number = self._number

            def deliver(wish: PictureWish, rgb: RgbArray | None) -> None:
                """Runs on the thread of the pictures."""
                image = QImage() if rgb is None else picture(rgb)
                self._bridge.post(FacePictureArrived(number, wish, image))

            self._pictures = self._session.faces.pictures(deliver)
        self._pictures.want(wishes)

    @Slot(object)
    def _take(self, event: FacePictureArrived) -> None:
        if event.feed == self._number:
            self.arrived.emit(event.wish, event.image)
