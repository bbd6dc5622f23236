"""The façade of this room: all that an exhibit says about itself, read in a confined decoder child."""

from __future__ import annotations

from collections.abc import Callable
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
    answer = run_task(location, "metadata", {"anchors": anchors}, limits, on_beat)
    try:
        return from_plain(answer)
    except ValueError as error:
        raise DecoderStopped(
            "The reader of metadata answered nonsense.",
            "The exhibit may be hostile; the rest of the case is not touched.",
        ) from error
