"""Asks for the shots of the exhibit shown, once the examiner stays with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from workstation.app.shots import Shots
from workstation.domain.ids import EvidenceId
from workstation.domain.media import MediaKind
from workstation.ui.bridge import Bridge, ShotsFound
from workstation.ui.desk import Desk

_STAYS_MS = 800


class ShotFinder(QObject):
    """Args:
    show: called in the GUI thread with the shots of the exhibit shown.
    """

    def __init__(self, desk: Desk, show: Callable[[Shots | None], None]) -> None:
        super().__init__(desk)
        self._desk = desk
        self._show = show
        self._asked: EvidenceId | None = None
        self._timer = QTimer(self, singleShot=True, interval=_STAYS_MS)
        self._timer.timeout.connect(self._ask)
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.bridge.shots_found.connect(self._found)

    @Slot()
    def _exhibit_shown(self) -> None:
        data = self._desk.data
        name = data.item.id if data is not None else None
        if name != self._asked:
            self._asked = name
            self._timer.stop()
            media = data.item.media if data is not None else None
            if data is not None and data.frames > 1 and media is not None and media.kind is MediaKind.VIDEO:
                self._timer.start()

    @Slot()
    def _ask(self) -> None:
        session, evidence = self._desk.session, self._asked
        if session is not None and evidence is not None:
            session.frame_server.shots(evidence, _Post(self._desk.bridge, evidence))

    @Slot(object)
    def _found(self, event: ShotsFound) -> None:
        if event.evidence == self._asked:
            self._show(event.shots)


class _Post:
    """Hands shots over to the GUI thread, from whichever thread found them."""

    def __init__(self, bridge: Bridge, evidence: EvidenceId) -> None:
        self._bridge, self._evidence = bridge, evidence

    def __call__(self, shots: Shots) -> None:
        self._bridge.post(ShotsFound(self._evidence, shots))
