"""What a person kept outside a case, as the commands take it: codes off paper and files with signed heads (E7)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.storage.verification import Kept


def read_note(path: Path) -> str:
    """The text of a signed head. Raises: InputError when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read.", "Name a signed head written by: case checkpoint.") from None


def read_kept(codes: Sequence[str], notes: Sequence[Path]) -> Kept:
    """Raises: InputError when a file cannot be read."""
    return Kept(tuple(codes), tuple(read_note(path) for path in notes))
