"""Folders and lists of a dataset on disk: names only, nothing of the media is opened."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workstation.domain.errors import InputError
from workstation.training.samples import Form

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"})
_NAMED = 3
_INNER = frozenset({"videos", "frames", "images", "landmarks", "masks"})
_VIDEO: Form = "video"
_FRAMES: Form = "frames"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Told:
    """Lines gathered while reading: what is not there, and what to know before use."""

    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key in which ``frame2`` comes before ``frame10``."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(name) if part)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name, without hidden names; empty when there is no such folder."""
    try:
        with os.scandir(folder) as found:
            return sorted((one for one in found if not one.name.startswith(".")), key=lambda one: one.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read: {error.strerror}.", "Ask for the right to read it."
        ) from error


def files(folder: Path, suffixes: Iterable[str]) -> list[str]:
    """Names of the files in ``folder`` with one of the ``suffixes`` (lower case, with the dot), sorted."""
    wanted = frozenset(suffixes)
    return [one.name for one in entries(folder) if Path(one.name).suffix.lower() in wanted]


def first_folder(root: Path, *names: str) -> Path | None:
    """The first of the folders ``names`` below ``root`` that exists."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def clips(folder: Path, form: str = "") -> dict[str, tuple[Path, Form]]:
    """Clips of a folder by name without suffix: videos, else folders of frames.

    Looks into ``videos``, ``frames`` and ``images`` below it first, then into the folder itself.

    Args:
        form: ``videos`` or ``frames`` for that one only; empty takes videos where there are any.
    """
    if form in ("", "videos"):
        for place in (folder / "videos", folder):
            found = {Path(name).stem: (place / name, _VIDEO) for name in files(place, VIDEOS)}
            if found:
                return found
    if form in ("", "frames"):
        for place in (folder / "frames", folder / "images", folder):
            inside = [one.name for one in entries(place) if one.is_dir() and one.name not in _INNER]
            if inside:
                return {name: (place / name, _FRAMES) for name in inside}
    return {}


def stem(inner: str) -> str:
    """A path inside a folder without its suffix."""
    before, dot, after = inner.rpartition(".")
    return before if dot and "/" not in after else inner


def pictures(folder: Path, depth: int = 2) -> list[tuple[str, Path]]:
    """Pictures below ``folder`` by their path inside it, at most ``depth`` folders down, sorted."""
    out: list[tuple[str, Path]] = []
    waiting = [(folder, "", 0)]
    while waiting:
        place, before, down = waiting.pop()
        for one in entries(place):
            if one.is_dir():
                if down < depth:
                    waiting.append((Path(one.path), f"{before}{one.name}/", down + 1))
            elif Path(one.name).suffix.lower() in PICTURES:
                out.append((before + one.name, Path(one.path)))
    return sorted(out)


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines of a list that are not empty. Raises: InputError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The list {path.name} cannot be read: {error}.") from error
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def read_json(path: Path) -> object:
    """A JSON list. Raises: InputError when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"The list {path.name} cannot be read: {error}.", "Fetch it again.") from error


def read_table(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Numbered rows of a CSV list. Raises: InputError without one of ``columns``, or with a row of another width."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", restval=None)
            rows = [(reader.line_num, row) for row in reader]
            names = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The list {path.name} cannot be read: {error}.") from error
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise InputError(f"{path.name} lacks the columns {', '.join(lacking)}.", f"It has: {', '.join(names)}.")
    for number, row in rows:
        if "" in row or None in row.values():
            raise InputError(f"{path.name}, line {number} has another number of columns than its head.")
    return rows


def wrong_line(path: Path, number: int, line: str, why: str) -> InputError:
    """The error for a line of a list that cannot be understood; nothing is guessed, as a guess could change a test."""
    return InputError(f'{path.name}, line {number}, "{line[:120]}": {why}.', "Fetch the list again or mend the line.")


def absent(where: str, lost: Sequence[str], of: int) -> str:
    """A line about files that a list names and the disk lacks."""
    more = ", ..." if len(lost) > _NAMED else ""
    return f"{where}: {len(lost)} of {of} are not there, first {', '.join(lost[:_NAMED])}{more}"


def against(what: str, found: int, published: int) -> list[str]:
    """A line where a count differs from the published one."""
    return [] if found == published else [f"{what}: {found}, published are {published}"]


def no_layout(name: str, root: Path, looked_for: Sequence[str], advice: str = "") -> InputError:
    """The error for a folder that is not this dataset."""
    return InputError(
        f"{root} does not look like {name}: looked for {', '.join(looked_for)}.",
        advice or "Name the folder that holds these.",
    )


def words(value: str) -> tuple[str, ...]:
    """An option's value as a list: separated by commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())
