"""Before Qt: can a window be shown here at all? Qt itself would abort the process, so everything is tried first."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import sys
from pathlib import Path

from workstation.domain.errors import DisplayMissing

HEADLESS = ("offscreen", "minimal", "vnc")
GRAB = "A picture of the window needs no display: workstation gui CASE --grab PICTURE.png"


def require_qt() -> None:
    """Raises DisplayMissing naming the system library when Qt cannot be loaded."""
    try:
        importlib.import_module("PySide6.QtWidgets")
        importlib.import_module("PySide6.QtSvg")
    except ImportError as error:
        raise _missing(str(error)) from error


def require_display() -> None:
    """Raises DisplayMissing when no display can be reached or its plug-in lacks a library. Does nothing off Linux."""
    if not sys.platform.startswith("linux"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if platform in HEADLESS:
        return
    wayland, display = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if wayland and platform != "xcb":
        return
    if not display:
        raise DisplayMissing(
            "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set.",
            f"Start it on a desktop or through ssh -X, or use the command line. {GRAB}",
        )
    _require_xcb_plugin()
    _require_connection(display)


def _require_xcb_plugin() -> None:
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        raise DisplayMissing("PySide6 is not installed.", "Run the set-up again.")
    plugin = Path(spec.submodule_search_locations[0]) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    if not plugin.is_file():
        return
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise _missing(str(error)) from error


def _require_connection(display: str) -> None:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise _missing(str(error)) from error
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if refused:
        raise DisplayMissing(
            f"The display {display} does not answer.", f"Check DISPLAY and the right to use it. {GRAB}"
        )


def package_of(library: str) -> str:
    """The Debian or Ubuntu package that holds a shared library, by the rule of its name.

    Debian Policy Manual, 8.1: the library's name in lower case with the version of its interface, and a hyphen between
    them where the name ends in a digit. ``libFoo.so.1`` is in ``libfoo1``, ``libfoo-7.so.3`` in ``libfoo-7-3``.
    """
    name, _, version = library.partition(".so.")
    return f"{name.lower()}{'-' if name[-1:].isdigit() else ''}{version.split('.')[0]}"


def _missing(detail: str) -> DisplayMissing:
    found = re.search(r"(lib[\w.+-]+\.so\.\d[.\d]*)", detail)
    if found is None:
        return DisplayMissing(f"The window cannot be loaded: {detail}", "Run: workstation diagnose")
    library = Path(found.group(1)).name
    advice = f"On Debian and Ubuntu: sudo apt-get install {package_of(library)}"
    return DisplayMissing(f"The system library {library} is missing, which the window needs.", advice)
