"""The façade of this room: all that an exhibit says about itself, read in a confined decoder child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workstation.domain.errors import DecoderStopped
from workstation.domain.media import MediaLocation
from workstation.domain.metadata import MediaMetadata
from workstation.domain.metadata_json import from_plain
from workstation.media.limits import DecodeLimits
from workstation.media.tasks import run_task


def read_metadata(
    location: Path | MediaLocation,
    *,
    anchors: str = "",
    limits: DecodeLimits | None = None,
    on_beat: Callable[[], None] | None = None,
) -> MediaMetadata:
    """Read metadata, structure, compression facts and provenance of an exhibit.

    Args:
        anchors: PEM text of the certificates that are trusted for content credentials; empty for none.
        on_beat: called about twice a second; an exception of it ends the reading and goes on.

    Raises:
        NotFound, PermissionRefused, EmptyFile, UnreadableMedia: the file cannot be opened.
        DecoderStopped: the child crashed, hung, used up its limits or answered nonsense.
    """
    try:
        return _read(location, {"anchors": anchors}, limits, on_beat)
    except DecoderStopped as error:
        # What runs foreign libraries over the whole file may have ended the child; the rest is worth having.
        found = _read(location, {"anchors": "", "own_readers_only": True}, limits, on_beat)
        line = (
            f"Read again without decoders and content credentials, because the first reading stopped: {error.message}"
        )
        return replace(found, warnings=(line, *found.warnings))


def _read(
    location: Path | MediaLocation,
    arguments: dict[str, object],
    limits: DecodeLimits | None,
    on_beat: Callable[[], None] | None,
) -> MediaMetadata:
    answer = run_task(location, "metadata", arguments, limits, on_beat)
    try:
        return from_plain(answer)
    except ValueError as error:
        raise DecoderStopped(
            "The reader of metadata answered nonsense.",
            "The exhibit may be hostile; the rest of the case is not touched.",
        ) from error
