"""What this machine's clock says about itself: source, zone, offset, and whether anything keeps it right (E8).

Linux is asked through ``adjtimex(2)``, which says whether the kernel's clock is being disciplined and how far it may be
off; elsewhere the state is "unknown", which is said and not guessed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex`` as the kernel has it on every Linux; the rest is room it may write to."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    ]


@dataclass(frozen=True, slots=True)
class Zone:
    """Local time as this process sees it: its name and how many seconds it lies ahead of UTC."""

    name: str
    offset_s: int


def zone_now() -> Zone:
    """The zone in force now; a change of the machine's or the process's setting is seen."""
    if hasattr(time, "tzset"):
        time.tzset()
    now = datetime.now().astimezone()
    offset = now.utcoffset()
    return Zone(now.tzname() or "", 0 if offset is None else round(offset.total_seconds()))


def steady() -> float:
    """Seconds of a clock that nobody can set and that goes on while the machine sleeps, where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def clock_facts() -> dict[str, object]:
    """What goes into every ``case_created`` and ``case_opened``: plain JSON values."""
    zone = zone_now()
    return {
        "source": "system clock",
        "resolution_s": time.get_clock_info("time").resolution,
        "zone": zone.name,
        "zone_id": _zone_id(),
        "offset_s": zone.offset_s,
        **_discipline(),
    }


def _zone_id() -> str:
    """The zone's name in the time zone database, empty where the machine does not say."""
    if named := os.environ.get("TZ", "").strip(":"):
        return named
    with contextlib.suppress(OSError):
        place = str(Path("/etc/localtime").readlink())
        return place.partition("zoneinfo/")[2]
    return ""


def _discipline() -> dict[str, object]:
    """Whether the clock is synchronised, by whose word, and the error the kernel admits in seconds."""
    if sys.platform != "linux":
        return {"synchronised": "unknown", "synchronised_by": "not asked on this system"}
    try:
        state, told = _ask_kernel()
    except (OSError, AttributeError):
        return {"synchronised": "unknown", "synchronised_by": "the kernel did not answer"}
    kept = state != _TIME_ERROR and not told.status & _STA_UNSYNC
    facts: dict[str, object] = {"synchronised": "yes" if kept else "no", "synchronised_by": "adjtimex"}
    if kept:
        facts |= {"max_error_s": told.maxerror / 1e6, "estimated_error_s": told.esterror / 1e6}
    return facts


def _ask_kernel() -> tuple[int, _Timex]:
    """Raises: OSError, AttributeError: there is no such call here, or it is forbidden."""
    library = ctypes.CDLL(None, use_errno=True)
    told = _Timex()
    state = int(library.adjtimex(ctypes.byref(told)))
    if state < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return state, told
