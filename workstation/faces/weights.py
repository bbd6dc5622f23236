"""Weight files of the face finders: where they lie and what their digest is (P4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from workstation.domain.errors import FinderUnavailable

_BLOCK = 1 << 20


def digest(files: Sequence[Path]) -> str:
    """SHA-256 (64 lower-case hexadecimal characters) over the bytes of the files, one after the other.

    Raises:
        FinderUnavailable: when a file cannot be read.
    """
    total = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    total.update(block)
        except OSError as error:
            raise FinderUnavailable(
                f"The face finder's weights {file.name} cannot be read: {error.strerror or error}.",
                "Install the file again.",
            ) from error
    return total.hexdigest()


def matching(folder: Path | None, patterns: Sequence[str], depth: int = 2) -> tuple[Path, ...]:
    """Files under ``folder`` whose name matches one of ``patterns``, the first pattern's first, then by path.

    Args:
        folder: where weights are installed, or None.
        patterns: glob patterns of file names, the most wanted first.
        depth: how many folders deep to look; 0 is ``folder`` alone.
    """
    if folder is None or not folder.is_dir():
        return ()
    found: dict[Path, None] = {}
    for pattern in patterns:
        for level in range(depth + 1):
            for file in sorted(folder.glob("*/" * level + pattern)):
                if file.is_file():
                    found.setdefault(file)
    return tuple(found)
