"""Windows: the decoder child in a Job object. UNTESTED: written from the documentation, never run on Windows.

A job bounds memory, processes and user-interface rights and ends its processes with its last handle. It keeps nobody
from files or the network: for that Windows has AppContainer and restricted tokens, which this does not use.

Sources: Microsoft Learn, "Job Objects", JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECT_BASIC_UI_RESTRICTIONS,
CREATE_SUSPENDED, NtResumeProcess.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from workstation.media.running import RunningChild, SpawnedChild

_CREATE_SUSPENDED = 0x4
_CREATE_NO_WINDOW = 0x08000000
_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_UI_RESTRICTIONS = 4  # JobObjectBasicUIRestrictions
_ACTIVE_PROCESS = 0x8
_PROCESS_MEMORY = 0x100
_DIE_ON_UNHANDLED = 0x400
_KILL_ON_JOB_CLOSE = 0x2000
_ALL_UI = 0xFF
_MEMORY_BYTES = 4 << 30
LAYER = "job object (untested)"


class _BasicLimits(ctypes.Structure):
    _fields_ = [
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    ]


class _IoCounters(ctypes.Structure):
    _fields_ = [(f"Counter{number}", ctypes.c_uint64) for number in range(6)]


class _ExtendedLimits(ctypes.Structure):
    _fields_ = [
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", _IoCounters),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


def start_in_job(command: Sequence[str], environment: Mapping[str, str]) -> tuple[RunningChild, tuple[str, ...]]:
    """Start the child suspended, put it into a job of its own, let it run.

    Returns:
        the child, and the layer that is in force; none when the job could not be made (the child then runs without).

    Raises:
        OSError: the program cannot be started, or neither confined nor resumed (it is then ended).
    """
    if sys.platform == "win32":
        return _started(command, environment)
    raise OSError("Job objects exist on Windows alone")


def _started(command: Sequence[str], environment: Mapping[str, str]) -> tuple[RunningChild, tuple[str, ...]]:
    process: Any = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=dict(environment),
        creationflags=_CREATE_SUSPENDED | _CREATE_NO_WINDOW,
    )
    windows: Any = ctypes
    kernel = windows.WinDLL("kernel32", use_last_error=True)
    job = _job(kernel, int(process._handle))
    if windows.WinDLL("ntdll").NtResumeProcess(ctypes.c_void_p(int(process._handle))):
        process.kill()
        raise OSError("the decoder child could not be resumed")
    if job is None:
        return SpawnedChild(process), ()
    return SpawnedChild(process, lambda: kernel.CloseHandle(ctypes.c_void_p(job))), (LAYER,)


def _job(kernel: Any, process: int) -> int | None:
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        return None
    limits = _ExtendedLimits()
    basic = limits.BasicLimitInformation
    basic.LimitFlags = _ACTIVE_PROCESS | _PROCESS_MEMORY | _DIE_ON_UNHANDLED | _KILL_ON_JOB_CLOSE
    basic.ActiveProcessLimit = 1
    limits.ProcessMemoryLimit = _MEMORY_BYTES
    screen = ctypes.c_uint32(_ALL_UI)
    handle = ctypes.c_void_p(job)
    done = (
        kernel.SetInformationJobObject(handle, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        and kernel.SetInformationJobObject(handle, _UI_RESTRICTIONS, ctypes.byref(screen), ctypes.sizeof(screen))
        and kernel.AssignProcessToJobObject(handle, ctypes.c_void_p(process))
    )
    if not done:
        kernel.CloseHandle(handle)
        return None
    return int(job)
