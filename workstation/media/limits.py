"""What the decoder child may use up while it reads one exhibit, and how much it may say about it."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Ceilings for hostile or broken media (issue "Bad input").

    Attributes:
        max_pixels: largest picture in pixels (width times height); checked from the header, before anything is decoded.
        memory_bytes: address space of the child (``RLIMIT_AS``), shared picture memory included.
        cpu_seconds: processor time the child may spend without finishing a step (a frame decoded, a stretch indexed).
        item_timeout_s: wall-clock time the parent waits without hearing from the child before it stops it.
        question_timeout_s: wall-clock time for one answer (a description, an index, a task, one frame), signs of life
            or not: an exhibit that keeps a decoder busy for ever must not keep the queue.
        max_streams: streams a container may announce.
        max_frames: frames of the examined stream that are indexed; 4,000,000 are 37 hours at 30 frames a second.
        answer_bytes: bytes of one answer with everything sent ahead of it.
    """

    max_pixels: int = 100_000_000
    memory_bytes: int = 4 * _GIB
    cpu_seconds: int = 120
    item_timeout_s: float = 60.0
    question_timeout_s: float = 4 * 3600.0
    max_streams: int = 256
    max_frames: int = 4_000_000
    answer_bytes: int = 256 << 20
