"""Where the passphrase of an encrypted case comes from when nobody hands one over with the call.

In this order: what a door was given for this run (``--passphrase-file``), the environment variable
``WORKSTATION_PASSPHRASE``, the account's keyring, and last whoever sits in front of the program. Never the command
line itself, where every process of the machine could read it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workstation.app.paths import refused
from workstation.domain.errors import CaseLocked, InputError

VARIABLE = "WORKSTATION_PASSPHRASE"
T = TypeVar("T")
_MOST_BYTES = 4096


class Passphrases:
    """What one run of the program knows. ``ask`` is set by a door that can ask a person; it may answer None."""

    def __init__(self) -> None:
        self.given: str | None = None
        self.ask: Callable[[Path], str | None] | None = None

    def known(self) -> str | None:
        """The passphrase given for this run, or the one in the environment."""
        return self.given if self.given is not None else os.environ.get(VARIABLE)

    def unlocking(self, folder: Path, passphrase: str | None, work: Callable[[str | None], T]) -> T:
        """Do something that needs the passphrase of the case in ``folder``; a person is asked once, and last.

        Raises:
            CaseLocked: there is none, or a wrong one; and what ``work`` raises.
        """
        if not is_encrypted(folder):
            return work(passphrase)
        first = passphrase if passphrase is not None else self.known()
        try:
            return work(first)
        except CaseLocked:
            answer = self.ask(folder) if first is None and self.ask is not None else None
            if answer is None:
                raise
            return work(answer)


RUN = Passphrases()


def is_encrypted(folder: Path) -> bool:
    """Whether the case in a folder is encrypted."""
    return (folder / "case.key").is_file()


def read_file(path: Path) -> str:
    """The passphrase in a file: its first line.

    Raises:
        InputError: it is empty, too long or not UTF-8.
        CaseNotFound, PermissionRefused: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise refused(fault, path) from fault
    try:
        line = data.decode("utf-8-sig").splitlines()[0] if len(data) <= _MOST_BYTES and data else ""
    except (UnicodeDecodeError, IndexError):
        line = ""
    if not line:
        raise InputError(f"{path.name} holds no passphrase in its first line.", "Write it there as plain text.")
    return line
