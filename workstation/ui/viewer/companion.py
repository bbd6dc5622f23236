"""A view beside the first: finds its frame, brings rows and maps together, and says what to do while there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import FrameRef
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData, read_exhibit
from workstation.ui.frames import levels
from workstation.ui.viewer.compose import chip, marks, overlays, threshold_of
from workstation.ui.viewer.sources import HeldFrame, NearFrame, OtherDetector, OtherExhibit, PlainFrame, Source
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState, Shown

if TYPE_CHECKING:
    from workstation.app.session import CaseSession


@dataclass(frozen=True, slots=True)
class _Arrived:
    evidence: EvidenceId
    ordinal: int
    ref: FrameRef
    images: tuple[QImage, ...]


class Companion(QObject):
    """``shown`` is None while there is no frame; then ``message`` and ``advice`` say why and what to do.

    Attributes:
        letter: "B", "C" or "D". ``source``: what it is to show; None for nothing.
        data: the exhibit its frame is of.
        bare: whether nothing is to be drawn over the frame.
    """

    changed = Signal()

    def __init__(self, letter: str, desk: Desk, stage: Stage, overlay: OverlayState) -> None:
        super().__init__(desk)
        self.letter = letter
        self.source: Source | None = None
        self.data: ExhibitData | None = None
        self.shown: Shown | None = None
        self.message = self.advice = ""
        self.on = False
        self._desk, self._stage, self._overlay = desk, stage, overlay
        self._reading: EvidenceId | None = None
        self._asked: tuple[EvidenceId, int] | None = None
        self._arrived: _Arrived | None = None
        self._wanted = overlay.layers
        stage.changed.connect(self.refresh)
        stage.shelf.filled.connect(self._filled)
        overlay.changed.connect(self._overlay_changed)
        desk.case_shown.connect(self._forget)
        desk.exhibits_shown.connect(self._item_changed)
        self._say_empty()

    @property
    def bare(self) -> bool:
        return isinstance(self.source, PlainFrame)

    @property
    def settled(self) -> bool:
        """Whether nothing of this view is under way."""
        waits = self._reading is not None or self._asked is not None
        return not (self.on and (waits or self._stage.shelf.waiting(self.letter)))

    @property
    def detector(self) -> str | None:
        """The detector drawn here: its own, or that of the first view where it took part."""
        if isinstance(self.source, OtherDetector):
            return self.source.detector
        names = self.data.detectors if self.data is not None else ()
        if self._overlay.detector in names:
            return self._overlay.detector
        mapped = self.data.mapped if self.data is not None else frozenset()
        return next((name for name in names if name in mapped), names[0] if names else None)

    def show(self, source: Source | None) -> None:
        """Take up another source; None empties the view."""
        self.source = source
        self._arrived = self._asked = None
        self.refresh()

    def put_on(self, on: bool) -> None:
        """Whether the view is on screen; while it is not, nothing is read for it."""
        if on != self.on:
            self.on = on
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Find what is to be shown now, and ask for what is missing."""
        if not self.on:
            return
        source, main = self.source, self._desk.data
        if source is None or main is None:
            self._say_empty()
            return
        if isinstance(source, OtherDetector | PlainFrame):
            self._same_frame(main)
            return
        evidence = main.item.id if isinstance(source, NearFrame) else source.evidence
        data = main if evidence == main.item.id else self.data
        if data is None or data.item.id != evidence:
            self._read(evidence)
            return
        self.data = data
        ordinal = self._ordinal(source, data)
        if ordinal is None:
            return
        if not 0 <= ordinal < data.frames:
            self._say(self.tr("There is no frame here"), self.tr("The exhibit in this view has none at this time."))
            return
        if self._arrived is None or (self._arrived.evidence, self._arrived.ordinal) != (evidence, ordinal):
            self._fetch(evidence, ordinal)
            return
        self._compose(data)

    def _ordinal(self, source: OtherExhibit | HeldFrame | NearFrame, data: ExhibitData) -> int | None:
        if isinstance(source, HeldFrame):
            return source.ordinal
        first = self._stage.shown
        if first is None or first.proxy is not None:
            return None
        if isinstance(source, NearFrame):
            return first.ref.ordinal + source.frames
        if data.frames <= 1:
            return 0
        return data.nearest(first.ref.seconds) + source.frames

    def _same_frame(self, main: ExhibitData) -> None:
        first = self._stage.shown
        if first is None:
            self._say(self._stage.message, self._stage.advice)
            return
        self.data = main
        if first.proxy is not None:
            self._put(first)
            return
        self._arrived = _Arrived(main.item.id, first.ref.ordinal, first.ref, first.images)
        self._compose(main)

    def _compose(self, data: ExhibitData) -> None:
        arrived = self._arrived
        if arrived is None:
            return
        if self.bare:
            self._put(Shown(arrived.images, arrived.ref))
            return
        row, name = data.rows.get(arrived.ordinal), self.detector
        maps = overlays(self._stage.shelf, self.letter, data, row, name, self._overlay)
        self._put(
            Shown(
                arrived.images,
                arrived.ref,
                marks(data, row, name),
                maps,
                chip(data, row),
                threshold=threshold_of(data, name),
            )
        )

    def _read(self, evidence: EvidenceId) -> None:
        session = self._desk.session
        if session is None or self._reading == evidence:
            return
        self._reading = evidence
        self._say(self.tr("Reading…"))
        work = partial(read_exhibit, session, evidence, None, self._desk.engine.thresholds)
        self._desk.reader.ask(work, self._took_data, key=f"exhibit-{self.letter}", failed=self._failed)

    def _took_data(self, data: ExhibitData) -> None:
        self._reading = None
        self.data = data
        self.refresh()

    def _fetch(self, evidence: EvidenceId, ordinal: int) -> None:
        session = self._desk.session
        if session is None or self._asked == (evidence, ordinal):
            return
        self._asked = (evidence, ordinal)
        work = partial(_frame, session, evidence, ordinal)
        self._desk.reader.ask(work, self._took_frame, key=f"frame-{self.letter}", failed=self._failed)

    def _took_frame(self, arrived: _Arrived) -> None:
        if self._asked == (arrived.evidence, arrived.ordinal):
            self._asked = None
        self._arrived = arrived
        self.refresh()

    def _failed(self, error: WorkstationError) -> None:
        self._reading = self._asked = None
        self._say(error.message, error.advice)

    def _put(self, shown: Shown) -> None:
        self.shown = shown
        self.message = self.advice = ""
        self.changed.emit()

    def _say(self, message: str, advice: str = "") -> None:
        self.shown = None
        self.message, self.advice = message, advice
        self.changed.emit()

    def _say_empty(self) -> None:
        self.data = None
        words = self.tr("Nothing is chosen for view {letter}").format(letter=self.letter)
        self._say(words, self.tr("Choose above what it shows: another exhibit, frame or map, or the plain frame."))

    @Slot()
    def _forget(self) -> None:
        self.source = self.data = self._arrived = self._asked = self._reading = None
        self._say_empty()

    @Slot(str)
    def _filled(self, view: str) -> None:
        if view == self.letter:
            self.refresh()

    @Slot()
    def _overlay_changed(self) -> None:
        if self._overlay.layers != self._wanted:
            self._wanted = self._overlay.layers
            self.refresh()

    @Slot()
    def _item_changed(self) -> None:
        data = self.data
        if data is not None:
            item = next((item for item in self._desk.items if item.id == data.item.id), data.item)
            if item != data.item:
                self.data = replace(data, item=item)
                self.changed.emit()


def _frame(session: CaseSession, evidence: EvidenceId, ordinal: int) -> _Arrived:
    """Runs on the reader's thread."""
    frame = session.frame(evidence, ordinal)
    return _Arrived(evidence, ordinal, frame.ref, levels(frame.rgb))
