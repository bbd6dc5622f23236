"""Half-made files and folders outside a case: claimed while they are being written, swept once nobody claims them.

Exports, backups and imports write beside their target under a temporary name. A killed program leaves it; the next one
with the same target removes it. The claim is a lock of the operating system, so it ends with the program that holds it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workstation.storage.durable import PART_SUFFIX

if sys.platform == "win32":

    def _lock(descriptor: int) -> bool:
        return False  # an open file cannot be removed there anyway

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def claimed(part: Path) -> Iterator[None]:
    """Hold a file or folder that is there already for the length of the block. Raises: OSError."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def sweep(target: Path) -> None:
    """Remove what killed programs left while they were making ``target``; what somebody still writes stays."""
    if sys.platform == "win32":
        return
    begin = f".{target.name[:70]}."
    with contextlib.suppress(OSError):
        for part in target.parent.iterdir():
            inner = part.name.removeprefix(begin).removesuffix(PART_SUFFIX)
            if part.name != f"{begin}{inner}{PART_SUFFIX}" or len(inner) != 12 or part.is_symlink():
                continue
            with contextlib.suppress(OSError):
                descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    if _lock(descriptor):
                        _remove(part)
                finally:
                    os.close(descriptor)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
