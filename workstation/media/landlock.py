"""Landlock: the kernel itself refuses this process every file it has not already open (Linux 5.13 and later).

It needs no privilege, no program and no library, so it also holds where bubblewrap or libseccomp are missing. From its
fourth version it also refuses TCP, from its sixth signals to processes outside.
"""

from __future__ import annotations

import ctypes
import os
import sys

_CREATE, _RESTRICT = 444, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_NO_NEW_PRIVILEGES = 38
# Rights over files that each version of the interface knows, as the number of its lowest bits that are set.
_FILE_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
_FILE_BITS_NEWEST = 16
_TCP_FROM, _SCOPE_FROM = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _System:
    """The C library, loaded before confinement."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.syscall.restype = ctypes.c_long


_system: _System | None = None


def version() -> int:
    """The interface version of this kernel; 0 where there is none. Also loads what :func:`close_files` needs."""
    global _system
    if not sys.platform.startswith("linux"):
        return 0
    _system = _system or _System()
    found = _system.libc.syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(0, int(found))


def close_files() -> bool:
    """From now on open no file, make no TCP connection and signal no process outside. Returns whether that is so."""
    known = version()
    if not known or _system is None:
        return False
    bits = _FILE_BITS.get(known, _FILE_BITS_NEWEST)
    rules = _Ruleset((1 << bits) - 1, 3 if known >= _TCP_FROM else 0, 3 if known >= _SCOPE_FROM else 0)
    # Older kernels refuse a structure longer than their own unless the rest of it is zero, which it then is.
    call = _system.libc.syscall
    ruleset = call(ctypes.c_long(_CREATE), ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
    if ruleset < 0:
        return False
    try:
        if _system.libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return bool(call(ctypes.c_long(_RESTRICT), ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)
