"""Names inside a pack: what may be written to any disk without leaving its folder or meeting another file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 400
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")
_DRIVE = re.compile(r"(?i)[a-z]:")


def problem_of(name: str) -> str:
    """Why a member's name is refused; empty when it is sound on every system."""
    if not name or len(name) > _LONGEST:
        return "its name is empty or too long"
    if "\\" in name:
        return "its name holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "its name is absolute"
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") for letter in name):
        return "its name holds characters that cannot be seen"
    if name != unicodedata.normalize("NFC", name):
        return "its name is not in normal form"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "its name leads out of its folder, or is a folder"
        if part.endswith((".", " ")) or part.startswith(" ") or set(part) & set('<>:"|?*'):
            return "its name cannot be used on every system"
        if _RESERVED.fullmatch(part):
            return "its name is reserved on some systems"
    return ""


def clash_of(names: Iterable[str]) -> str:
    """Two names that some system takes for the same file, or for a file and a folder; empty when there are none."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        folded = _folded(name)
        if folded in seen:
            return f"{seen[folded]} and {name}" if seen[folded] != name else f"{name}, twice"
        seen[folded] = name
        parts = folded.split("/")
        for depth in range(1, len(parts)):
            folders.setdefault("/".join(parts[:depth]), name)
    for folded, name in seen.items():
        if folded in folders:
            return f"{name} and {folders[folded]}"
    # The same folder in two spellings becomes two folders on one system and one on another.
    spelt: dict[str, str] = {}
    for name in seen.values():
        for depth in range(1, name.count("/") + 1):
            folder = "/".join(name.split("/")[:depth])
            if spelt.setdefault(_folded(folder), folder) != folder:
                return f"{spelt[_folded(folder)]} and {folder}"
    return ""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
