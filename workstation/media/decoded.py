"""What both kinds of source (picture, video) give the decoder child's loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from workstation.media.wire import Message

Beat = Callable[[], None]


class Decoded(Protocol):
    """A decoded picture. ``digest`` and ``rgb`` are called once each, from two worker threads."""

    width: int
    height: int

    def digest(self) -> str: ...

    def rgb(self) -> tuple[int, memoryview]:
        """Return ``(stride, bytes)``: ``height`` rows of ``stride`` bytes, RGB, orientation not applied."""
        ...

    def samples(self) -> tuple[str, list[PlaneLayout], Sequence[memoryview]]:
        """Return pixel format, layout of the planes, and their bytes in order: rows without gaps, in some pieces."""
        ...


class PlaneLayout(NamedTuple):
    """One plane of stored samples. ``kind`` is numpy's word: "u1", "<u2" or ">u2"; ``columns`` counts samples."""

    rows: int
    columns: int
    kind: str


@dataclass(frozen=True, slots=True)
class Index:
    """Frame index as it crosses the wire; ``keys`` empty means: no usable time stamps, frames are counted."""

    stream: int
    num: int
    den: int
    pts: list[int]
    keys: list[int]
    warnings: list[str] = field(default_factory=list)

    def message(self) -> Message:
        """All but the time stamps, which go over the wire as arrays of their own."""
        return {"stream": self.stream, "num": self.num, "den": self.den}


class Source(Protocol):
    """An exhibit opened in the child. ``beat`` is called often during long work; it may raise to end that work."""

    decoder: str

    def describe(self, beat: Beat) -> Message:
        """Everything of MediaInfo as JSON values; decodes at least one frame to show that it can be done."""
        ...

    def index(self, beat: Beat) -> Index: ...

    def use_index(self, index: Index) -> None: ...

    def fetch(self, ordinal: int, keep_passed: bool, beat: Beat) -> Decoded:
        """Decode one frame exactly.

        Raises:
            DamagedMedia: when it cannot be decoded.
        """
        ...

    def close(self) -> None: ...
