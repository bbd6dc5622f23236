"""Which layers of confinement lie around a decoder on this system, asked of a real child."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workstation.domain.errors import EvidenceError
from workstation.media.decoder_process import DecoderProcess
from workstation.media.limits import DecodeLimits
from workstation.media.starting import confinement_notes


@dataclass(frozen=True, slots=True)
class Confinement:
    """``layers`` in force, the outermost first; ``notes`` say what is missing and why, a sentence each."""

    layers: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """Whether a decoder that was taken over can neither open a file nor reach the network."""
        return "seccomp" in self.layers or {"bubblewrap", "landlock"} <= set(self.layers)

    def text(self) -> str:
        """One line for the record and for people."""
        return ", ".join(self.layers) or "none"


@lru_cache(maxsize=1)
def confinement() -> Confinement:
    """Start a decoder child over a file of one byte and return what it says. Cheap after the first call.

    Raises:
        DecoderStopped: no child can be started at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "byte"
        path.write_bytes(b"\0")
        child = DecoderProcess(path, DecodeLimits())
        try:
            with contextlib.suppress(EvidenceError):
                child.ask({"do": "describe"})
            layers = child.layers
        finally:
            child.close()
    notes = list(confinement_notes())
    if sys.platform == "win32":
        notes.append("The job object was never tried on Windows; it keeps nobody from files or the network.")
    elif not sys.platform.startswith("linux"):
        notes.append("This system has no sandbox that this product uses: a decoder has limits and nothing more.")
    return Confinement(layers, tuple(notes))
