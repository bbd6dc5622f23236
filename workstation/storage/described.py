"""What the custody event ``evidence_described`` says about a row: one digest for each thing found in an exhibit.

Every such event has ``evidence``, ``exhibit``, ``what`` and ``sha256``. The last event of an exhibit and ``what`` gives
the digest of what stands in the tables now:

==============  ==========================================================================================
``what``        ``sha256`` is over
==============  ==========================================================================================
frame_index     canonical JSON of stream, time_base, and the SHA-256 of the columns pts and keyframes as stored
thumbnail       the column png
streams         canonical JSON {"streams": [...]} of the rows in ``stream_digests``, in order of position
metadata        the column text, as UTF-8
work            the column work, as UTF-8 (set by the program; no event: "to do")
exhibit         canonical JSON of the same event's ``facts``: made when a case of format 1.0 is brought up to date, for
                what ``evidence_taken_in`` did not state then
==============  ==========================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum

from workstation.domain.custody import canonical_json
from workstation.domain.streams import StreamDigest


class Described(StrEnum):
    """The values of ``what``."""

    FRAME_INDEX = "frame_index"
    THUMBNAIL = "thumbnail"
    STREAMS = "streams"
    METADATA = "metadata"
    WORK = "work"
    EXHIBIT = "exhibit"


def sha256_of(data: bytes | str) -> str:
    """SHA-256 in hex; text as UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def index_digest(stream: int, num: int, den: int, pts: bytes, keyframes: bytes) -> str:
    """Digest of one row of ``frame_indexes``; the two blobs as stored."""
    parts = {
        "stream": stream,
        "time_base": [num, den],
        "pts": sha256_of(pts),
        "keyframes": sha256_of(keyframes),
    }
    return sha256_of(canonical_json(parts))


def streams_text(streams: Sequence[StreamDigest]) -> str:
    """Canonical JSON that the digest of ``streams`` is over."""
    return canonical_json({"streams": [asdict(stream) for stream in streams]})


def exhibit_facts(row: Mapping[str, object]) -> dict[str, object]:
    """What ``evidence_taken_in`` states of an exhibit beside its digest, since format 1.1, from a row's columns."""
    media = row["media"]
    return {
        "stored_path": row["stored_path"],
        "media_sha256": "" if media is None else sha256_of(str(media)),
        "problem": row["problem"],
        "integrity": row["integrity"],
        "verified_at": row["verified_at"],
    }
