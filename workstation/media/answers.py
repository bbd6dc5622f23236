"""What a decoder child says, checked before it is believed: types, ranges, sizes, order.

The child may be taken over by the exhibit it reads. Whatever it answers, the parent ends with well-formed words of the
domain or with one :class:`~workstation.domain.errors.DecoderStopped`, never with an exception of another kind. Here
a bad answer is :class:`Nonsense`; :class:`DecoderProcess` and its callers turn it into the typed error.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from workstation.domain.errors import (
    DamagedMedia,
    EvidenceError,
    MediaTooLarge,
    SealedFileDamaged,
    UnreadableMedia,
)
from workstation.domain.media import FrameIndex, MediaInfo, MediaKind, Orientation, StreamInfo, TimeBase
from workstation.media.limits import DecodeLimits
from workstation.media.wire import Message

# What a child may find an exhibit to be. It may not call it a duplicate or empty, for instance: the parent knows that
# itself, and an exhibit must not be able to talk itself out of a case.
_ERRORS = {kind.code: kind for kind in (DamagedMedia, MediaTooLarge, SealedFileDamaged, UnreadableMedia)}
_INTEGER = 1 << 63
_DEEPEST = 64
_WORD = 200
_SENTENCE = 600
_MOST_WARNINGS = 100
_LAYERS = ("landlock", "seccomp", "limits")


class Nonsense(ValueError):
    """An answer that no sound child gives."""


def error_of(message: Message) -> EvidenceError:
    """The typed error a child reported; one it has no code for is the base of its family."""
    kind = _ERRORS.get(str(message.get("code"))[:40], EvidenceError)
    sentence, advice = (one_line(str(message.get(name, "")), _SENTENCE) for name in ("message", "advice"))
    return kind(sentence, advice)


def layer_names(message: Message) -> tuple[str, ...]:
    """Layers of confinement that the child claims, only known names. It says so before it has seen the exhibit."""
    said = message.get("layers")
    return tuple(name for name in _LAYERS if isinstance(said, list) and name in said)


def one_line(text: str, longest: int) -> str:
    """Text that can be shown and stored: valid Unicode, printable, one line, not longer than ``longest`` characters."""
    whole = text[: longest * 2].encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())[:longest]


def media_info(message: Message, limits: DecodeLimits) -> MediaInfo:
    """The description of an exhibit.

    Raises:
        Nonsense: a field is missing, of another type or out of its range.
    """
    streams = message.get("streams")
    if not isinstance(streams, list) or not 0 < len(streams) <= limits.max_streams:
        raise Nonsense("streams")
    found = tuple(_stream(stream, limits) for stream in streams)
    primary = whole(message, "primary", 0, _INTEGER - 1)
    examined = [stream for stream in found if stream.index == primary]
    if len(examined) != 1 or examined[0].width <= 0 or examined[0].height <= 0:
        raise Nonsense("primary")
    warnings = message.get("warnings")
    if not isinstance(warnings, list) or len(warnings) > _MOST_WARNINGS:
        raise Nonsense("warnings")
    try:
        kind = MediaKind(str(message.get("kind")))
    except ValueError as error:
        raise Nonsense("kind") from error
    return MediaInfo(
        kind=kind,
        container=_word(message, "container"),
        streams=found,
        primary=primary,
        duration_s=_seconds(message.get("duration_s")),
        decoder=decoder_name(message),
        warnings=tuple(one_line(str(warning), _SENTENCE) for warning in warnings),
    )


def decoder_name(message: Message) -> str:
    """The decoder's name and version for the record."""
    return _word(message, "decoder", _SENTENCE)


def frame_index(message: Message, pts: Sequence[int], keys: Sequence[int], limits: DecodeLimits) -> FrameIndex:
    """The index of an exhibit's frames.

    Raises:
        Nonsense: no frame, too many, time stamps that do not rise, keyframes that are no frames.
    """
    if not 0 < len(pts) <= limits.max_frames or len(keys) > len(pts):
        raise Nonsense("number of frames")
    for stamps in (pts, keys):
        if any(b <= a for a, b in itertools.pairwise(stamps)):
            raise Nonsense("time stamps that do not rise")
    if keys and not set(keys) <= set(pts):
        raise Nonsense("keyframes that are no frames")
    return FrameIndex(whole(message, "stream", 0, 1 << 31), _time_base(message), tuple(pts), tuple(keys))


def whole(message: Message, name: str, least: int, most: int) -> int:
    """A whole number in a range. Raises: Nonsense."""
    value = message.get(name)
    if type(value) is not int or not least <= value <= most:
        raise Nonsense(name)
    return value


def word(message: Message, name: str) -> str:
    """A short text on one line. Raises: Nonsense."""
    return _word(message, name)


def plane_layouts(message: Message, most_bytes: int) -> list[tuple[int, int, str]]:
    """Rows, samples in a row and kind of each plane of stored samples, together no larger than a slot.

    Raises:
        Nonsense: another kind than 8 or 16 bits, or more than there is room for.
    """
    planes = message.get("planes")
    if not isinstance(planes, list) or not 0 < len(planes) <= 4:
        raise Nonsense("planes")
    found = []
    left = most_bytes
    for plane in planes:
        if not isinstance(plane, list) or len(plane) != 3 or plane[2] not in ("u1", "<u2", ">u2"):
            raise Nonsense("plane")
        rows, columns = (whole({"n": value}, "n", 1, most_bytes) for value in plane[:2])
        left -= rows * columns * int(plane[2][-1])
        if left < 0:
            raise Nonsense("plane")
        found.append((rows, columns, str(plane[2])))
    return found


def digest(message: Message, name: str) -> str:
    """A SHA-256 in hexadecimal. Raises: Nonsense."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise Nonsense(name)
    return value


def plain(value: Any) -> Any:
    """A task's result as data that can be kept: finite numbers of 64 bits, valid text, no deeper than 64.

    Broken text is repaired (a lone half of a character pair cannot be stored), everything else is refused.

    Raises:
        Nonsense: a number that is not finite or does not fit, or too much nesting.
    """
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Nonsense("nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_plain(name, depth): _plain(inside, depth + 1) for name, inside in value.items()}
    if isinstance(value, list):
        return [_plain(inside, depth + 1) for inside in value]
    if type(value) is int and not -_INTEGER <= value < _INTEGER:
        raise Nonsense("a number that is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise Nonsense("a number that is not finite")
    return value


def _stream(facts: Any, limits: DecodeLimits) -> StreamInfo:
    if not isinstance(facts, dict):
        raise Nonsense("stream")
    width, height = (whole({name: 0} | facts, name, 0, 1 << 31) for name in ("width", "height"))
    if width * height > limits.max_pixels and facts.get("kind") in ("video", "image"):
        width = height = 0
    turn = facts.get("turn", 0)
    if turn not in (0, 90, 180, 270):
        raise Nonsense("turn")
    return StreamInfo(
        index=whole(facts, "index", 0, 1 << 31),
        kind=_word(facts, "kind"),
        codec=_word(facts, "codec"),
        width=width,
        height=height,
        pixel_format=_word({"pixel_format": ""} | facts, "pixel_format"),
        bit_depth=whole({"bit_depth": 8} | facts, "bit_depth", 1, 64),
        time_base=_time_base({"num": 1, "den": 1} | facts),
        start_pts=_optional(facts, "start_pts"),
        duration_pts=_optional(facts, "duration_pts"),
        frame_count=_optional(facts, "frame_count"),
        average_rate=_word({"average_rate": ""} | facts, "average_rate"),
        colour_range=_word({"colour_range": ""} | facts, "colour_range"),
        colour_space=_word({"colour_space": ""} | facts, "colour_space"),
        orientation=Orientation(int(turn), facts.get("mirror", False) is True),
    )


def _optional(facts: Message, name: str) -> int | None:
    return None if facts.get(name) is None else whole(facts, name, -_INTEGER, _INTEGER - 1)


def _word(facts: Message, name: str, longest: int = _WORD) -> str:
    value = facts.get(name)
    if not isinstance(value, str):
        raise Nonsense(name)
    return one_line(value, longest)


def _time_base(facts: Message) -> TimeBase:
    # A broken header can make the demuxer give a numerator of 0; it is kept away from every division.
    return TimeBase(whole(facts, "num", 1, 1 << 31), whole(facts, "den", 1, 1 << 31))


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value < 1e13:
        raise Nonsense("duration")
    return float(value)
