"""Where this workstation keeps what belongs to the machine and not to a case."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from workstation.domain.errors import PermissionRefused, StorageFull


@dataclass(frozen=True, slots=True)
class Home:
    """The workstation's own folder. ``WORKSTATION_HOME`` overrides the platform's place for user data."""

    root: Path

    @classmethod
    def default(cls) -> Home:
        named = os.environ.get("WORKSTATION_HOME")
        return cls(Path(named).expanduser() if named else Path(platformdirs.user_data_dir("workstation", False)))

    @property
    def keys(self) -> Path:
        """The ledger key of this installation."""
        return self.root / "keys"

    @property
    def identity(self) -> Path:
        """The PKCS#12 file reports are signed with."""
        return self.root / "identity" / "report-signing.p12"

    @property
    def detectors(self) -> Path:
        """Detector packages installed on this machine, beside the embedded ones."""
        return self.root / "detectors"

    @property
    def weights(self) -> Path:
        """Face-finder weights installed as files."""
        return self.root / "weights"

    @property
    def validation(self) -> Path:
        """Signed validation records of detectors, made on demand."""
        return self.root / "validation"

    @property
    def catalogue(self) -> Path:
        return self.root / "catalogue.sqlite"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only.

        Raises:
            PermissionRefused: when the folder cannot be made or written.
            StorageFull: when the disk is full.
        """
        try:
            for folder in (self.root, self.keys, self.identity.parent, self.detectors, self.weights, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refused(error, self.root) from error


def refused(error: OSError, path: Path) -> PermissionRefused | StorageFull:
    """Turn an operating-system refusal to write into the error a person can act on."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(f"The disk of {path} is full.", "Free some space and try again; nothing was left half done.")
    return PermissionRefused(f"{path} cannot be written ({error.strerror}).", "Choose a folder you may write to.")
