"""The folder of a case: the names in it, and making it without leaving anything half made."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.errors import CaseExists
from workstation.storage.durable import file_error


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """Where things are inside one case folder. ``root`` is absolute."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "case.sqlite"

    @property
    def wal(self) -> Path:
        """Committed pages not yet moved into the database file; absent while the case is closed."""
        return self.root / "case.sqlite-wal"

    @property
    def anchor(self) -> Path:
        """The head of the chain of custody, kept outside the database (E7)."""
        return self.root / "custody.head"

    @property
    def lock(self) -> Path:
        return self.root / "case.lock"

    @property
    def key_file(self) -> Path:
        """The wrapped master key; there only when the case is encrypted."""
        return self.root / "case.key"

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    @property
    def maps(self) -> Path:
        return self.root / "maps"

    @property
    def derived(self) -> Path:
        return self.root / "derived"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def parts(self) -> tuple[Path, ...]:
        return (self.evidence, self.derived, self.maps, self.reports)

    def writable(self) -> bool:
        return os.access(self.root, os.W_OK | os.X_OK) and os.access(self.database, os.W_OK)


@contextmanager
def making(root: Path) -> Iterator[CaseFolder]:
    """Make a case folder and its parts; whatever fails inside the block takes all of it away again.

    Args:
        root: a folder that does not exist yet, or exists and is empty.

    Raises:
        CaseExists: the place is taken.
        PermissionRefused, StorageFull: the folder cannot be made.
    """
    root = root.absolute()
    existed = root.exists()
    try:
        taken = existed and (not root.is_dir() or any(root.iterdir()))
    except OSError as fault:
        raise file_error(fault, root) from fault
    if taken:
        holds = "already holds a case" if (root / "case.sqlite").exists() else "is not an empty folder"
        raise CaseExists(f"{root} {holds}.", "Choose another folder for the new case.")
    made = _first_missing(root)
    folder = CaseFolder(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in folder.parts:
            part.mkdir()
        yield folder
    except BaseException as fault:
        _remove(folder, made, existed)
        if isinstance(fault, OSError):
            raise file_error(fault, root) from fault
        raise


def _first_missing(root: Path) -> Path:
    first = root
    while not first.parent.exists():
        first = first.parent
    return first


def _remove(folder: CaseFolder, made: Path, existed: bool) -> None:
    with contextlib.suppress(OSError):
        if not existed:
            shutil.rmtree(made, ignore_errors=True)
            return
        for entry in folder.root.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
