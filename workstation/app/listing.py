"""What an import is about to look at: every file and everything beside it, listed before the first byte is read (X10).

Nothing found on the way is passed over in silence. A folder is walked in name order; hidden entries, links, devices and
pipes are listed with the reason why they are left out, folders that may not be read with the refusal. What is named
itself is taken as it is named: a hidden file, or the file a link leads to.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Identity: TypeAlias = "tuple[int, int]"
LEFT_OUT = "left_out"
# FILE_ATTRIBUTE_HIDDEN and IO_REPARSE_TAG_MOUNT_POINT, where the system has them.
_HIDDEN = 0x2
_JUNCTION = 0xA0000003


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing found. ``code`` and ``line`` are empty for a file that is to be taken in; otherwise they say why not:
    ``left_out`` by rule, or the code of the error. ``size`` in bytes and ``modified_ns`` as listed."""

    path: str
    size: int = 0
    modified_ns: int = 0
    code: str = ""
    line: str = ""


def list_files(
    paths: Sequence[Path], *, case: Path, on_count: Callable[[int], None] | None = None
) -> tuple[Listed, ...]:
    """List files and everything in the folders named, each path once, as absolute paths with links left as they are.

    Args:
        case: the case folder; it is never taken into itself.
        on_count: called with the number found so far; what it raises ends the listing.
    """
    found: dict[str, Listed] = {}
    itself = _identity(case)
    for path in paths:
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they were named
        for entry in _named(whole, itself):
            found.setdefault(entry.path, entry)
            if on_count is not None:
                on_count(len(found))
    return tuple(found.values())


def shown(path: str | Path) -> str:
    """A path as text that can be stored and printed: bytes that are no UTF-8 are written as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def located(text: str) -> Path:
    """The path that ``shown`` wrote as ``text``: itself where it is there, else the entry that is shown that way."""
    whole = Path(text)
    if "\\x" not in text or os.path.lexists(whole):
        return whole
    place = Path(whole.anchor)
    for part in whole.parts[1:]:
        step = place / part
        if not os.path.lexists(step):
            try:
                step = next((entry for entry in place.iterdir() if shown(entry.name) == part), step)
            except OSError:
                return whole
        place = step
    return place


def changed_since(listed_size: int, listed_ns: int, path: Path) -> str:
    """What is different now from the listing, in words; empty when nothing is or the file cannot be looked at."""
    try:
        now = path.stat()
    except OSError:
        return ""
    told = []
    if now.st_size != listed_size:
        told.append(f"{listed_size} bytes when listed, {now.st_size} bytes now")
    if now.st_mtime_ns != listed_ns:
        told.append("written to since")
    return ", ".join(told)


def _identity(folder: Path) -> Identity | None:
    """Device and inode: what a folder is, by whatever name it is reached."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _named(path: Path, case: Identity | None) -> Iterator[Listed]:
    """A path somebody named: links are followed, hidden files meant."""
    try:
        facts = path.stat()
    except OSError as fault:
        yield _refused(path, fault)
        return
    if stat.S_ISDIR(facts.st_mode):
        yield from _inside(path, case)
    elif stat.S_ISREG(facts.st_mode):
        yield Listed(shown(path), facts.st_size, facts.st_mtime_ns)
    else:
        line = f"{shown(path)} is not a file. Name a picture or a video."
        yield Listed(shown(path), 0, facts.st_mtime_ns, "input", line)


def _inside(folder: Path, case: Identity | None) -> Iterator[Listed]:
    """Everything under a folder, in name order; a stack, because folders nest deeper than calls may."""
    waiting: list[Path | Listed] = [folder]
    while waiting:
        at = waiting.pop()
        if isinstance(at, Listed):
            yield at
            continue
        if case is not None and _identity(at) == case:
            yield _left_out(at, "it is the folder of this case")
            continue
        try:
            with os.scandir(at) as entries:
                ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name), reverse=True)
        except OSError as fault:
            yield _refused(at, fault)
            continue
        waiting.extend(_entry(entry) for entry in ordered)


def _entry(entry: os.DirEntry[str]) -> Path | Listed:
    """What to do with one entry of a folder: a path to walk into, or the line of the list."""
    path = Path(entry.path)
    try:
        facts = entry.stat(follow_symlinks=False)
        mode = facts.st_mode
        if entry.name.startswith(".") or getattr(facts, "st_file_attributes", 0) & _HIDDEN:
            what = "it is a hidden folder; nothing in it was looked at" if stat.S_ISDIR(mode) else "it is hidden"
            return _left_out(path, what)
        if stat.S_ISLNK(mode) or getattr(facts, "st_reparse_tag", 0) == _JUNCTION:
            return _left_out(path, f"it is a link to {shown(path.readlink())}")
    except OSError as fault:
        return _refused(path, fault)
    if stat.S_ISDIR(mode):
        return path
    if stat.S_ISREG(mode):
        return Listed(shown(path), facts.st_size, facts.st_mtime_ns)
    return _left_out(path, f"it is {_special(mode)}, not a file")


def _special(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"))
    return next((words for test, words in kinds if test(mode)), "a device")


def _left_out(path: Path, why: str) -> Listed:
    return Listed(shown(path), code=LEFT_OUT, line=f"{shown(path)} was left out: {why}.")


def _refused(path: Path, fault: OSError) -> Listed:
    if isinstance(fault, FileNotFoundError | NotADirectoryError):
        return Listed(shown(path), code="not_found", line=f"{shown(path)} does not exist.")
    if isinstance(fault, PermissionError):
        line = f"{shown(path)} may not be read ({fault.strerror}). Check its permissions."
        return Listed(shown(path), code="permission_refused", line=line)
    return Listed(shown(path), code="evidence", line=f"{shown(path)} cannot be looked at ({fault.strerror}).")
