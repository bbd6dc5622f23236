"""Files that ship with the program: detector packages, fonts, icons."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource_path(relative: str) -> Path:
    """Return the path of a shipped file or folder, e.g. ``resource_path("fonts/NotoSans-Regular.ttf")``.

    Raises:
        FileNotFoundError: when nothing of that name ships with this build.
    """
    path = Path(str(files("resources"))) / relative
    if not path.exists():
        raise FileNotFoundError(f"the program does not carry {relative}")
    return path
