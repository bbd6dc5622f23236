"""Small pictures of faces for a gallery: cut on a thread of their own, those wanted last first, none kept on disk.

A picture is cut anew from its exhibit with the landmarks of the examination, and only if the frame decodes to the very
pixels that were examined; otherwise there is no picture.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.domain.errors import LandmarksUnusable, WorkstationError
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.media import Frame, RgbArray
from workstation.domain.results import FrameRow
from workstation.media.reader import MediaReader

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore

_log = logging.getLogger(__name__)
SIDE = 112
MARGIN = 1.55
"""A little more around the face than detectors get: a person is known by hair and ears too."""
_AT_ONCE = 24
_OPEN_READERS = 2


@dataclass(frozen=True, slots=True)
class PictureWish:
    """The face of a track in one frame."""

    examination: ExaminationId
    evidence: EvidenceId
    ordinal: int
    track: TrackId


Deliver = Callable[[PictureWish, RgbArray | None], None]
Opened = Callable[[EvidenceId], MediaReader]


class FacePictures:
    """Cuts what is wanted and hands it over on its own thread.

    Args:
        opened: opens an exhibit for looking at its frames; its readers are closed by this object.
        deliver: called once for every wish that is not given up before, with (SIDE, SIDE, 3) uint8 or None.
    """

    def __init__(self, store: CaseStore, opened: Opened, deliver: Deliver) -> None:
        self._store, self._opened, self._deliver = store, opened, deliver
        self._condition = threading.Condition()
        self._waiting: list[PictureWish] = []
        self._closed = False
        self._busy = False
        self._thread: threading.Thread | None = None
        self._readers: OrderedDict[EvidenceId, MediaReader] = OrderedDict()

    @property
    def busy(self) -> bool:
        """Whether something wanted is not delivered yet."""
        with self._condition:
            return self._busy or bool(self._waiting)

    def want(self, wishes: Sequence[PictureWish]) -> None:
        """Cut these next; what was wanted before and is not among them is given up."""
        with self._condition:
            if self._closed:
                return
            self._waiting = list(wishes)
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="face-pictures", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def close(self) -> None:
        """Give everything up and end the thread and its decoders."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()
        while self._readers:
            self._readers.popitem()[1].close()

    def _serve(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                first = self._waiting[0]
                batch = [
                    wish
                    for wish in self._waiting
                    if (wish.examination, wish.evidence) == (first.examination, first.evidence)
                ][:_AT_ONCE]
                taken = set(batch)
                self._waiting = [wish for wish in self._waiting if wish not in taken]
                self._busy = True
            left: dict[int, list[PictureWish]] = {}
            for wish in batch:
                left.setdefault(wish.ordinal, []).append(wish)
            try:
                self._cut(first, left)
            except Exception as fault:  # noqa: BLE001 - without pictures the list still stands
                if not isinstance(fault, WorkstationError):
                    _log.exception("no pictures of faces")
            for wishes in left.values():
                for wish in wishes:
                    self._deliver(wish, None)

    def _cut(self, where: PictureWish, left: dict[int, list[PictureWish]]) -> None:
        """Deliver what can be cut, and take it off ``left`` (by ordinal)."""
        ordinals = sorted(left)
        rows = self._store.frame_rows(where.examination, where.evidence, ordinals)
        by_ordinal = {row.frame.ordinal: row for row in rows}
        for answer in self._reader(where.evidence).frames(ordinals):
            ordinal = answer.ref.ordinal if isinstance(answer, Frame) else answer.ordinal
            row = by_ordinal.get(ordinal)
            for wish in left.pop(ordinal, ()):
                made = _picture(answer, row, wish.track) if isinstance(answer, Frame) and row is not None else None
                self._deliver(wish, made)
            with self._condition:
                if self._closed:
                    return

    def _reader(self, evidence: EvidenceId) -> MediaReader:
        if evidence not in self._readers:
            self._readers[evidence] = self._opened(evidence)
            while len(self._readers) > _OPEN_READERS:
                self._readers.popitem(last=False)[1].close()
        self._readers.move_to_end(evidence)
        return self._readers[evidence]


def _picture(frame: Frame, row: FrameRow, track: TrackId) -> RgbArray | None:
    from workstation.faces.alignment import align

    face = next((face for face in row.faces if face.track == track), None)
    if face is None or frame.ref.digest != row.frame.digest:
        return None
    try:
        return align(frame.rgb, face.detection.landmarks, size=SIDE, margin=MARGIN).rgb
    except LandmarksUnusable:
        return None
