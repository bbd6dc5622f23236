"""Root's special rights, laid down by the decoder child: a workstation may be run as root, a decoder never should.

Without this a child of root could raise its own limits (CAP_SYS_RESOURCE) where bubblewrap is missing.
"""

from __future__ import annotations

import ctypes
import sys

_VERSION_3 = 0x20080522  # linux/capability.h: 64 capabilities in two words
_NO_NEW_PRIVILEGES = 38


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Words(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def drop_privileges() -> bool:
    """Give up every capability, and any way to get one by starting a program. Returns whether that is so."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), ctypes.byref((_Words * 2)())) == 0)
