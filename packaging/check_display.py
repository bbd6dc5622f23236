"""Exit code 0 when a screen can be reached (Wayland or X11), 1 when not. Standard library only."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

X_SOCKETS = "/tmp/.X11-unix"


def reachable(family: int, address: str | tuple[str, int]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as line:
            line.settimeout(2)
            line.connect(address)
    except OSError:
        return False
    return True


def wayland() -> bool:
    name, folder = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(name) and reachable(socket.AF_UNIX, str(Path(folder) / str(name)))


def x11() -> bool:
    """Reach the server that ``DISPLAY`` names: ``[host]:number[.screen]``, as X(7) writes it."""
    named = re.fullmatch(r"(?P<host>.*):(?P<number>\d+)(\.\d+)?", os.environ.get("DISPLAY", ""))
    if not named:
        return False
    host, number = named["host"], int(named["number"])
    if host in ("", "unix"):
        path = f"{X_SOCKETS}/X{number}"
        return reachable(socket.AF_UNIX, path) or reachable(socket.AF_UNIX, f"\0{path}")
    return reachable(socket.AF_INET, (host, 6000 + number))


if __name__ == "__main__":
    sys.exit(0 if sys.platform in ("win32", "darwin") or wayland() or x11() else 1)
