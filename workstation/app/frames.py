"""Frames for a viewer: one thread per case, the newest request wins, readers stay open for the last few exhibits."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame, FrameIndex, MediaInfo, MediaLocation
from workstation.media.reader import MediaReader, open_media

_log = logging.getLogger(__name__)
_OPEN_READERS = 3

Source = Callable[[EvidenceId], tuple[MediaLocation, MediaInfo, FrameIndex | None]]
Deliver = Callable[[Frame | WorkstationError], None]


class FrameServer:
    """Answers ``request`` on its own thread; ``fetch`` answers at once on the caller's.

    Args:
        source: gives place, media facts and frame index of an exhibit.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._condition = threading.Condition()
        self._wanted: tuple[EvidenceId, int, Deliver] | None = None
        self._closed = False
        self._readers: OrderedDict[EvidenceId, MediaReader] = OrderedDict()
        self._reading = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self, evidence: EvidenceId, ordinal: int, deliver: Deliver) -> None:
        """Ask for a frame. A request that was not yet begun is dropped in favour of this one."""
        with self._condition:
            if self._closed:
                return
            self._wanted = (evidence, ordinal, deliver)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="frames", daemon=True)
                self._thread.start()
            self._condition.notify()

    def fetch(self, evidence: EvidenceId, ordinal: int) -> Frame:
        """Decode one frame. Raises: EvidenceError, DecoderStopped, FrameNotFound."""
        with self._reading:
            return self._reader(evidence).frame(ordinal)

    def close(self) -> None:
        """End the thread and the decoder children."""
        with self._condition:
            self._closed = True
            self._wanted = None
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        with self._reading:
            while self._readers:
                self._readers.popitem()[1].close()

    def _reader(self, evidence: EvidenceId) -> MediaReader:
        reader = self._readers.get(evidence)
        if reader is None:
            path, info, index = self._source(evidence)
            reader = open_media(path, info, index=index)
            self._readers[evidence] = reader
            while len(self._readers) > _OPEN_READERS:
                self._readers.popitem(last=False)[1].close()
        self._readers.move_to_end(evidence)
        return reader

    def _serve(self) -> None:
        while True:
            with self._condition:
                while self._wanted is None and not self._closed:
                    self._condition.wait()
                if self._closed or self._wanted is None:
                    return
                evidence, ordinal, deliver = self._wanted
                self._wanted = None
            answer: Frame | WorkstationError
            try:
                answer = self.fetch(evidence, ordinal)
            except WorkstationError as error:
                answer = error
            except Exception as error:  # noqa: BLE001 - the frame thread must survive any one frame
                _log.exception("frame %d could not be shown", ordinal)
                answer = WorkstationError(f"This frame could not be shown ({type(error).__name__}).", "See the log.")
            deliver(answer)
