"""Digests beside the container's own: one for each elementary stream, so that a re-muxed copy can be matched (E2)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamDigest:
    """Digest of a stream's packets as stored, in the order of the file, without container framing.

    Attributes:
        stream: index in the container.
        packets, size: number of packets and their bytes in all.
        sha256: over the packets' payloads one after the other; what ``ffmpeg -c copy -f streamhash`` prints.
        normal_sha256: over what all containers keep alike (for H.264 and H.265 the slices alone, with start codes
            instead of lengths; for AAC the frames without ADTS heads), so that MP4, Matroska and transport streams
            agree; empty where the codec needs no such form.
    """

    stream: int
    kind: str
    codec: str
    packets: int
    size: int
    sha256: str
    normal_sha256: str = ""
