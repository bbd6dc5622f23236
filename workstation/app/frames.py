"""Frames for a viewer: the newest request wins, a proxy comes at once, the frames kept are shared with every export.

Threads: ``request`` hands over the proxy on the caller's thread before it returns; the exact frame comes on the
server's frame thread; the strips of proxies are decoded on a third one, in children of their own, and only while nobody
waits for an exact frame.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from workstation.app.frame_cache import FrameCache, Key
from workstation.app.shots import Shots
from workstation.app.strips import Proxy, Strip, fill, is_worth_it
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame, FrameIndex, MediaInfo, MediaLocation
from workstation.media.reader import MediaReader, open_media

_log = logging.getLogger(__name__)
_OPEN_READERS = 2
_KEPT_STRIPS = 4
# Steps up to this many frames are walking or playing; then the next frames in that direction are decoded ahead.
_STRIDE = 4
_AHEAD = 6

Source = Callable[[EvidenceId], tuple[MediaLocation, MediaInfo, FrameIndex | None]]
Deliver = Callable[[Frame | WorkstationError], None]
DeliverProxy = Callable[[Proxy], None]
DeliverShots = Callable[[Shots], None]


class FrameServer:
    """Answers ``request`` on its own thread; ``fetch`` answers at once on the caller's.

    Args:
        source: gives place, media facts and frame index of an exhibit.
        name: gives the SHA-256 of an exhibit, by which frames are kept.
        cache: where frames are kept; its own by default.
    """

    def __init__(
        self,
        source: Source,
        name: Callable[[EvidenceId], str] = lambda evidence: evidence,
        cache: FrameCache | None = None,
    ) -> None:
        self._source = source
        self._name = name
        self._cache = cache or FrameCache()
        self._condition = threading.Condition()
        self._wanted: tuple[EvidenceId, int, Deliver, bool] | None = None
        self._closed = False
        self._readers: OrderedDict[EvidenceId, MediaReader] = OrderedDict()
        self._keys: dict[EvidenceId, tuple[str, FrameIndex]] = {}
        self._reading = threading.Lock()
        self._thread: threading.Thread | None = None
        self._strips: OrderedDict[EvidenceId, Strip] = OrderedDict()
        self._unfilled: deque[EvidenceId] = deque()
        self._filler: threading.Thread | None = None
        self._slow: dict[EvidenceId, bool] = {}
        self._shots: dict[EvidenceId, Shots] = {}
        self._listening: dict[EvidenceId, DeliverShots] = {}
        self._busy = 0
        self._last: tuple[EvidenceId, int] | None = None

    def request(self, evidence: EvidenceId, ordinal: int, deliver: Deliver, proxy: DeliverProxy | None = None) -> None:
        """Ask for a frame. A request that was not yet begun is dropped in favour of this one.

        Args:
            deliver: called on the frame thread with the exact frame, or with why there is none.
            proxy: called before this returns, with a stand-in to show meanwhile, when there is one and the exact frame
                is not at hand. Giving it also has the strip of proxies made in the background, for an exhibit whose
                frames take long.
        """
        with self._condition:
            if self._closed:
                return
            self._wanted = (evidence, ordinal, deliver, proxy is not None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="frames", daemon=True)
                self._thread.start()
            self._condition.notify_all()
        found = self.stand_in(evidence, ordinal) if proxy is not None else None
        if proxy is not None and found is not None:
            proxy(found)

    def stand_in(self, evidence: EvidenceId, ordinal: int) -> Proxy | None:
        """What can be shown of a frame at once; None where there is nothing, or the exact frame is as quickly there."""
        if self._kept(evidence, ordinal) is not None:
            return None
        strip = self.strip(evidence)
        return strip.near(ordinal) if strip is not None and strip.offered else None

    def proxy(self, evidence: EvidenceId, ordinal: int) -> Proxy | None:
        """A stand-in for a frame, at once; None while there is none. Has the strip made when it is not yet."""
        strip = self._wanted_strip(evidence, offered=True)
        return strip.near(ordinal) if strip is not None else None

    def shots(self, evidence: EvidenceId, deliver: DeliverShots) -> None:
        """Find the shots of an exhibit in the background, while nobody waits for an exact frame. ``deliver`` is called
        with them, here when they are known and else on the filler's thread; never, when the case closes before."""
        with self._condition:
            known = self._shots.get(evidence)
            if known is None:
                self._listening[evidence] = deliver
        if known is not None:
            deliver(known)
        else:
            self._wanted_strip(evidence, offered=False)

    def _wanted_strip(self, evidence: EvidenceId, *, offered: bool) -> Strip | None:
        with self._condition:
            strip = self._strips.get(evidence)
            if strip is None and not self._closed:
                strip = self._strips[evidence] = Strip(evidence, offered=offered)
                self._unfilled.append(evidence)
                while len(self._strips) > _KEPT_STRIPS:
                    self._strips.popitem(last=False)
                if self._filler is None:
                    self._filler = threading.Thread(target=self._fill, name="proxies", daemon=True)
                    self._filler.start()
                self._condition.notify_all()
            elif strip is not None:
                strip.offered = strip.offered or offered
                self._strips.move_to_end(evidence)
        return strip

    def strip(self, evidence: EvidenceId) -> Strip | None:
        """The strip of an exhibit, as far as it is filled; None when none was asked for."""
        with self._condition:
            return self._strips.get(evidence)

    def fetch(self, evidence: EvidenceId, ordinal: int) -> Frame:
        """Give one frame, kept or decoded. Raises: EvidenceError, DecoderStopped, FrameNotFound."""
        known = self._kept(evidence, ordinal)
        if known is not None:
            return known
        with self._condition:
            self._busy += 1
        try:
            with self._reading:
                reader = self._reader(evidence)
                frame = reader.frame(ordinal)
                if evidence not in self._keys:
                    self._keys[evidence] = (self._name(evidence), reader.index)
        finally:
            with self._condition:
                self._busy -= 1
                self._condition.notify_all()
        self._cache.put((self._keys[evidence][0], frame.ref.stream, frame.ref.pts), frame)
        return frame

    def close(self) -> None:
        """End the threads and the decoder children, and forget every frame."""
        with self._condition:
            self._closed = True
            self._wanted = None
            self._condition.notify_all()
        for thread in (self._thread, self._filler):
            if thread is not None:
                thread.join()
        with self._reading:
            while self._readers:
                self._readers.popitem()[1].close()
        self._cache.clear()
        self._strips.clear()

    def _kept(self, evidence: EvidenceId, ordinal: int) -> Frame | None:
        key = self._key(evidence, ordinal)
        return self._cache.get(key) if key is not None else None

    def _key(self, evidence: EvidenceId, ordinal: int) -> Key | None:
        known = self._keys.get(evidence)
        if known is None or not 0 <= ordinal < len(known[1]):
            return None
        sha256, index = known
        return sha256, index.stream, index.pts[ordinal]

    def _reader(self, evidence: EvidenceId) -> MediaReader:
        reader = self._readers.get(evidence)
        if reader is None:
            location, info, index = self._source(evidence)
            reader = open_media(location, info, index=index)
            self._readers[evidence] = reader
            self._slow[evidence] = is_worth_it(info, reader.index)
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
                evidence, ordinal, deliver, proxies = self._wanted
                self._wanted = None
            deliver(self._answer(evidence, ordinal))
            if proxies and self._slow.get(evidence):
                strip = self.strip(evidence)
                if strip is None or not strip.offered:
                    self.proxy(evidence, ordinal)
            before, self._last = self._last, (evidence, ordinal)
            if before is not None and before[0] == evidence and 0 < abs(ordinal - before[1]) <= _STRIDE:
                self._read_ahead(evidence, ordinal, ordinal - before[1])

    def _answer(self, evidence: EvidenceId, ordinal: int) -> Frame | WorkstationError:
        try:
            return self.fetch(evidence, ordinal)
        except WorkstationError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the frame thread must survive any one frame
            _log.exception("frame %d could not be shown", ordinal)
            return WorkstationError(f"This frame could not be shown ({type(error).__name__}).", "See the log.")

    def _read_ahead(self, evidence: EvidenceId, ordinal: int, step: int) -> None:
        """Decode the next frames of a walk into the cache, until somebody asks for something."""
        for number in range(1, _AHEAD + 1):
            with self._condition:
                if self._closed or self._wanted is not None:
                    return
            following = ordinal + number * step
            if self._key(evidence, following) is None or isinstance(self._answer(evidence, following), Exception):
                return

    def _fill(self) -> None:
        while True:
            with self._condition:
                while not self._unfilled and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                evidence = self._unfilled.pop()  # the exhibit shown last comes first
                strip = self._strips.get(evidence)
            if strip is None:
                continue
            try:
                fill(strip, self._source(evidence), lambda shown=strip: self._may_fill(shown))  # type: ignore[misc]
                self._tell_shots(evidence, strip)
            except Exception:  # noqa: BLE001 - without proxies the exact frames are still there
                _log.exception("no proxies for an exhibit")

    def _tell_shots(self, evidence: EvidenceId, strip: Strip) -> None:
        if strip.shots is None:
            return
        with self._condition:
            self._shots[evidence] = strip.shots
            deliver = None if self._closed else self._listening.pop(evidence, None)
        if deliver is not None:
            deliver(strip.shots)

    def _may_fill(self, strip: Strip) -> bool:
        """Wait until nobody waits for an exact frame; whether the strip is still wanted."""
        with self._condition:
            while (self._busy or self._wanted is not None) and not self._closed:
                self._condition.wait()
            return not self._closed and strip in self._strips.values()
