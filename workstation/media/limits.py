"""What the decoder child may use up while it reads one exhibit."""

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
    """

    max_pixels: int = 100_000_000
    memory_bytes: int = 4 * _GIB
    cpu_seconds: int = 120
    item_timeout_s: float = 60.0
