"""Exact frames of one exhibit (X9, G9), decoded in a child process that works ahead while the caller works."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np

from workstation.domain.errors import DecoderStopped, EvidenceError, FrameNotFound
from workstation.domain.media import (
    Frame,
    FrameIndex,
    FrameRef,
    MediaInfo,
    MediaKind,
    MediaLocation,
    Orientation,
    RgbArray,
    Samples,
)
from workstation.media.answers import Nonsense, decoder_name, digest, error_of, frame_index, plane_layouts, whole, word
from workstation.media.decoder_process import DecoderProcess
from workstation.media.limits import DecodeLimits
from workstation.media.wire import Message

_RING_SLOTS = 4
_RING_BYTES = 256 << 20
_LINE_PADDING = 128
_CACHED_FRAMES = 24
_CACHED_BYTES = 96 << 20
# Children that may die one after another without a single frame in between before the rest is given up.
_DEATHS_ALLOWED = 3
# How long a request that is no longer wanted may take to end before its child is ended instead.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FrameFailure:
    """A frame that the index names and that could not be had; ``pts`` in ticks of the index's time base."""

    ordinal: int
    pts: int
    error: EvidenceError


def open_media(
    location: Path | MediaLocation, info: MediaInfo, limits: DecodeLimits | None = None, index: FrameIndex | None = None
) -> MediaReader:
    """Open an exhibit for reading frames.

    Args:
        info: what :func:`workstation.media.probing.probe` said about this very file.
        index: the frame index, when it is known from before; without it the file is demuxed once.

    Raises:
        NotFound, PermissionRefused, EmptyFile, UnreadableMedia, DamagedMedia, MediaTooLarge, DecoderStopped: as in
            ``probe``.
    """
    reader = MediaReader(MediaLocation.of(location), info, limits or DecodeLimits())
    try:
        reader.prepare(index)
    except BaseException:
        reader.close()
        raise
    return reader


class MediaReader:
    """Frames of one exhibit by ordinal. A context manager, for one thread at a time.

    The decoder child lives as long as the reader. When it dies or hangs, the frame in work fails with DecoderStopped
    and a new child serves the next ones; after three deaths in a row without a frame the reader gives up.

    Attributes:
        decoder: name and versions of what decodes (X9).
        confinement: layers of confinement around the decoder child, the outermost first.
    """

    def __init__(self, location: MediaLocation, info: MediaInfo, limits: DecodeLimits) -> None:
        self.info = info
        self.decoder = ""
        self.confinement: tuple[str, ...] = ()
        self._location = location
        self._limits = limits
        self._index: FrameIndex | None = None
        self._child: DecoderProcess | None = None
        self._deaths = 0
        self._request = 0
        self._serving = 0
        self._closed = False
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._cached_bytes = 0
        video = info.video
        self._slot_bytes = (video.width * 3 + _LINE_PADDING) * video.height

    def prepare(self, index: FrameIndex | None) -> None:
        """Start the child and learn or hand over the index; called once by :func:`open_media`."""
        self._index = index
        self._start()

    @property
    def index(self) -> FrameIndex:
        """Every frame of the examined stream. A picture has the single time stamp 0."""
        assert self._index is not None
        return self._index

    @property
    def child_pid(self) -> int | None:
        """Process id of the decoder child, None when there is none now (for diagnostics)."""
        return self._child.pid if self._child is not None else None

    def frame(self, ordinal: int) -> Frame:
        """Return one frame exactly. The last two dozen frames are remembered, neighbours are cheap in both directions.

        Raises:
            FrameNotFound: no such ordinal.
            DamagedMedia: its data cannot be decoded to a whole picture.
            DecoderStopped: the child died or hung on it; the next call starts a new one.
        """
        self._check(ordinal)
        known = self._cache.get(ordinal)
        if known is not None:
            self._cache.move_to_end(ordinal)
            return known
        got = next(self._stream([ordinal]))
        if isinstance(got, FrameFailure):
            raise got.error
        assert isinstance(got, Frame)
        self._remember(got)
        return got

    def samples(self, ordinal: int) -> Samples:
        """Return the stored samples of one frame: its own pixel format and depth, neither turned nor converted.

        Raises:
            FrameNotFound, DamagedMedia, DecoderStopped: as for :meth:`frame`.
        """
        self._check(ordinal)
        got = next(self._stream([ordinal], "samples"))
        if isinstance(got, FrameFailure):
            raise got.error
        assert isinstance(got, Samples)
        return got

    def frames(self, ordinals: Sequence[int]) -> Iterator[Frame | FrameFailure]:
        """Yield the frames with these ordinals, in one forward pass that skips from keyframe to keyframe where it pays.

        While the caller works on a frame the child decodes the next ones into shared memory. A frame that cannot be had
        is a :class:`FrameFailure` in its place, and the pass goes on.

        Raises:
            FrameNotFound: an ordinal is out of range.
            ValueError: the ordinals do not rise.
        """
        wanted = list(ordinals)
        for ordinal in wanted:
            self._check(ordinal)
        if any(b <= a for a, b in itertools.pairwise(wanted)):
            raise ValueError("ordinals must rise")
        return cast("Iterator[Frame | FrameFailure]", self._stream(wanted))

    def close(self) -> None:
        """End the child. The reader cannot be used afterwards; closing twice is harmless."""
        self._closed = True
        self._cache.clear()
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, ordinal: int) -> None:
        if not 0 <= ordinal < len(self.index):
            raise FrameNotFound(f"There is no frame {ordinal}: the exhibit has {len(self.index)}, counted from 0.")

    def _stream(self, wanted: list[int], form: str = "rgb") -> Iterator[Frame | Samples | FrameFailure]:
        at = 0
        mine = 0
        while at < len(wanted):
            try:
                if not mine or mine != self._serving:
                    # First round, a child that died, or another request in between: ask for what is still missing.
                    mine = self._ask_for(wanted[at:], form)
                got = self._next(wanted[at], form)
            except EvidenceError as error:
                self._stop()
                self._deaths += isinstance(error, DecoderStopped)
                got = self._failure(wanted[at], error)
            if got is None:
                mine = 0
                continue
            at += 1
            if at == len(wanted) and mine == self._serving:
                self._finish()
            yield got

    def _ask_for(self, wanted: list[int], form: str) -> int:
        if self._closed:
            raise ValueError("the reader is closed")
        if self._deaths >= _DEATHS_ALLOWED:
            raise DecoderStopped(f"The decoder of {self._location.name} stopped too often; the rest is not decoded.")
        if self._serving:
            self._finish()
        if self._child is None:
            self._start()
        assert self._child is not None
        self._request += 1
        self._child.send({"do": "frames", "request": self._request, "form": form})
        self._child.send_numbers(wanted)
        self._serving = self._request
        return self._request

    def _next(self, ordinal: int, form: str) -> Frame | Samples | FrameFailure | None:
        """The next frame or failure; None when the child must be asked again (it has a larger slot now)."""
        assert self._child is not None
        message = self._child.receive()
        kind = message.get("is")
        if kind == "grow":
            self._grow(message)
            return None
        if kind not in ("frame", "failed") or message.get("ordinal") != ordinal:
            raise DecoderStopped(f"The decoder of {self._location.name} answered out of turn and was stopped.")
        self._deaths = 0
        if kind == "failed":
            return self._failure(ordinal, error_of(message))
        return self._take(message, ordinal) if form == "rgb" else self._take_samples(message, ordinal)

    def _take_samples(self, message: Message, ordinal: int) -> Samples:
        assert self._child is not None
        pixels = self._child.pixels
        assert pixels is not None
        try:
            slot = whole(message, "slot", 0, pixels.count - 1)
            height = whole(message, "height", 1, self._limits.max_pixels)
            width = whole(message, "width", 1, self._limits.max_pixels // height)
            layout = plane_layouts(message, pixels.slot_bytes)
            name, pixel_format = digest(message, "digest"), word(message, "format")
        except Nonsense as error:
            raise self._child.nonsense() from error
        planes = []
        at = slot * pixels.slot_bytes
        for rows, columns, kind in layout:
            plane = np.frombuffer(pixels.memory, kind, rows * columns, at).reshape(rows, columns).copy()
            plane.flags.writeable = False
            planes.append(plane)
            at += plane.nbytes
        self._child.send({"do": "free", "slot": slot})
        return Samples(self._ref(ordinal, name), pixel_format, width, height, tuple(planes))

    def _ref(self, ordinal: int, name: str) -> FrameRef:
        index = self.index
        return FrameRef(index.stream, index.pts[ordinal], index.time_base, name, ordinal)

    def _take(self, message: Message, ordinal: int) -> Frame:
        assert self._child is not None
        pixels = self._child.pixels
        assert pixels is not None
        try:
            slot = whole(message, "slot", 0, pixels.count - 1)
            height = whole(message, "height", 1, self._limits.max_pixels)
            width = whole(message, "width", 1, self._limits.max_pixels // height)
            stride = whole(message, "stride", width * 3, pixels.slot_bytes // height)
            name = digest(message, "digest")
        except Nonsense as error:
            raise self._child.nonsense() from error
        rows = np.frombuffer(pixels.memory, np.uint8, stride * height, slot * pixels.slot_bytes)
        stored = rows.reshape(height, stride)[:, : width * 3].reshape(height, width, 3)
        rgb = oriented(stored, self.info.video.orientation)
        del rows, stored
        self._child.send({"do": "free", "slot": slot})
        return Frame(self._ref(ordinal, name), rgb)

    def _grow(self, message: Message) -> None:
        """Give the next child larger slots: a frame was larger than its header said.

        Only ever larger, by a half at the least and up to a bound, so that a child cannot ask without end.
        """
        assert self._child is not None
        most = (8 * self._limits.max_pixels) + _LINE_PADDING * 65536
        try:
            asked = whole(message, "bytes", self._slot_bytes + 1, most)
        except Nonsense as error:
            raise self._child.nonsense() from error
        self._slot_bytes = min(most, max(asked, self._slot_bytes * 3 // 2))
        self._stop()

    def _failure(self, ordinal: int, error: EvidenceError) -> FrameFailure:
        return FrameFailure(ordinal, self.index.pts[ordinal], error)

    def _finish(self) -> None:
        """Bring the request in work to its end, throwing away what was decoded ahead."""
        child, request = self._child, self._serving
        self._serving = 0
        if child is None or not request:
            return
        try:
            child.send({"do": "stop", "request": request})
            patience = time.monotonic() + _PATIENCE_SECONDS
            while (message := child.receive()).get("is") != "end":
                if message.get("is") == "frame":
                    child.send({"do": "free", "slot": message.get("slot")})
                if time.monotonic() > patience:
                    # A new child is cheap, and this one may never come to an end.
                    self._stop()
                    return
        except EvidenceError:
            self._stop()

    def _start(self) -> None:
        slots = 1
        if self.info.kind is MediaKind.VIDEO:
            slots = max(2, min(_RING_SLOTS, _RING_BYTES // max(1, self._slot_bytes)))
        self._child = DecoderProcess(self._location, self._limits, self._slot_bytes, slots)
        try:
            self._agree_on_index(self._child)
        except BaseException:
            self._stop()
            raise

    def _agree_on_index(self, child: DecoderProcess) -> None:
        try:
            if self._index is None:
                answer = child.ask({"do": "index"})
                pts, keys = child.receive_numbers(), child.receive_numbers()
                self._index = frame_index(answer, pts, keys, self._limits)
            else:
                answer = self._hand_over_index(child, self._index)
            self.decoder = decoder_name(answer)
        except Nonsense as error:
            raise child.nonsense() from error
        self.confinement = child.layers

    def _hand_over_index(self, child: DecoderProcess, known: FrameIndex) -> Message:
        base = known.time_base
        child.send({"do": "use_index", "stream": known.stream, "num": base.num, "den": base.den})
        child.send_numbers(known.pts)
        child.send_numbers(known.keyframes)
        return child.receive()

    def _stop(self) -> None:
        self._serving = 0
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _remember(self, frame: Frame) -> None:
        self._cache[frame.ref.ordinal] = frame
        self._cached_bytes += frame.rgb.nbytes
        while len(self._cache) > _CACHED_FRAMES or (self._cached_bytes > _CACHED_BYTES and len(self._cache) > 1):
            _, old = self._cache.popitem(last=False)
            self._cached_bytes -= old.rgb.nbytes


def oriented(stored: RgbArray, orientation: Orientation) -> RgbArray:
    """Copy a picture from stored to shown: mirror left-right, then turn clockwise. Read-only, rows without gaps."""
    shown = stored[:, ::-1] if orientation.mirror else stored
    shown = np.rot90(shown, -(orientation.turn // 90))
    copied = np.array(shown, order="C", copy=True)
    copied.flags.writeable = False
    return copied
