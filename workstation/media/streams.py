"""Digests of the elementary streams of an exhibit (E2), made in a confined child."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workstation.domain.errors import DecoderStopped
from workstation.domain.media import MediaLocation
from workstation.domain.streams import StreamDigest
from workstation.media.limits import DecodeLimits
from workstation.media.tasks import run_task
from workstation.media.wire import Message


def stream_digests(
    location: Path | MediaLocation,
    limits: DecodeLimits | None = None,
    on_beat: Callable[[], None] | None = None,
) -> tuple[StreamDigest, ...]:
    """Read an exhibit once, without decoding it, and return one digest for each of its streams.

    A video gives one for every stream, in the order of the container; a picture gives one, or none when its format has
    no rule (:mod:`workstation.media.picture_streams`). What exactly is hashed stands in
    :mod:`workstation.media.stream_digests`.

    Raises:
        EvidenceError: as for ``run_task``.
    """
    answer = run_task(location, "streams", {}, limits, on_beat)
    try:
        return tuple(_digest(entry) for entry in answer["streams"])
    except (KeyError, TypeError, ValueError) as error:
        raise DecoderStopped("The decoder answered nonsense and was stopped.") from error


def _digest(entry: Message) -> StreamDigest:
    sha256, normal = str(entry["sha256"]), str(entry["normal_sha256"])
    if len(bytes.fromhex(sha256)) != 32 or len(bytes.fromhex(normal)) not in (0, 32):
        raise ValueError("not a digest")
    return StreamDigest(
        stream=int(entry["stream"]),
        kind=str(entry["kind"]),
        codec=str(entry["codec"]),
        packets=int(entry["packets"]),
        size=int(entry["size"]),
        sha256=sha256,
        normal_sha256=normal,
    )
