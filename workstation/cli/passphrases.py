"""Asking for passphrases on a terminal. They come from a prompt, a file or the environment, never from the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.passphrases import RUN, VARIABLE, read_file
from workstation.domain.errors import CaseLocked, InputError

NEW_VARIABLE = "WORKSTATION_NEW_PASSPHRASE"
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help=f"First line: passphrase of an encrypted case. Or set {VARIABLE}."
    ),
]


def prepare(file: Path | None) -> None:
    """What this run of the command knows: a file's first line; and a person, where one sits at a terminal."""
    RUN.given = None if file is None else read_file(file)
    RUN.ask = _ask if _terminal() else None


def hoisted(arguments: list[str]) -> list[str]:
    """The same arguments with ``--passphrase-file FILE`` in front, so that it may stand anywhere in a command."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*front, *rest, word, *waiting]
        if word == "--passphrase-file" and waiting:
            front += [word, waiting.pop(0)]
        elif word.startswith("--passphrase-file="):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def chosen(file: Path | None, *, again: bool) -> str:
    """A passphrase for a case that gets one.

    Args:
        file: given for this very purpose; its first line counts.
        again: the case has another one now, which the usual sources give.

    Raises:
        InputError: two different answers.
        CaseLocked: none was given, and there is nobody to ask.
    """
    if file is not None:
        return read_file(file)
    known = os.environ.get(NEW_VARIABLE) if again else RUN.known()
    if known:
        return known
    if not _terminal():
        option = "--new-passphrase-file" if again else "--passphrase-file"
        name = NEW_VARIABLE if again else VARIABLE
        raise CaseLocked("An encrypted case needs a passphrase.", f"Give it with {option} or in {name}.")
    first = str(typer.prompt("New passphrase", hide_input=True, err=True))
    if first != typer.prompt("The same again", hide_input=True, err=True):
        raise InputError("The two passphrases differ.", "Nothing was changed; try again.")
    return first


def _ask(folder: Path) -> str | None:
    return str(typer.prompt(f"Passphrase of {folder}", hide_input=True, err=True)) or None


def _terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
