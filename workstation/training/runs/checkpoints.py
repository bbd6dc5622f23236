"""Checkpoints of a run: written whole or not at all, and read without running anything that is in them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from workstation.domain.errors import InputError, PermissionRefused, StorageFull

CHECKPOINT = "checkpoint.pt"


class WholeCheckpoints(CheckpointIO):
    """To a temporary name, to the disk, then into place: a cut leaves the checkpoint before or the one after."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        def write(part: Path) -> None:
            torch.save(checkpoint, part)

        write_whole(Path(path), write)

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = read_checkpoint(Path(path))
        return found

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, on the CPU; only tensors and plain values are read. Raises: InputError."""
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(
            f"{path.name} cannot be read ({reason}).", "Take the run's folder away and start it anew."
        ) from error
    return found


def write_whole(path: Path, write: Any) -> None:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk and give it its name.

    Raises:
        StorageFull, PermissionRefused: the file cannot be written; what was there before stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        # torch says "no room" as a RuntimeError of its own.
        full = isinstance(error, RuntimeError) or error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = StorageFull if full else PermissionRefused
        raise kind(f"{path} cannot be written ({error}).", "Free some space and go on with --resume.") from error
