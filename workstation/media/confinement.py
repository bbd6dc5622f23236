"""Limits the decoder child lays on itself before it touches an exhibit. Where a limit does not exist it is skipped."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

_OPEN_FILES = 48


def confine(memory_bytes: int) -> None:
    """No new files, no core dump, few descriptors, bounded memory. None of this can be undone by the child."""
    if sys.platform == "win32":
        return
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if sys.platform.startswith("linux"):
        # macOS accepts RLIMIT_AS but does not keep to it, and refuses values below what is already mapped.
        _lower(resource.RLIMIT_AS, memory_bytes)


def grant_cpu(seconds: int) -> None:
    """Allow ``seconds`` of processor time from now on; past that the kernel ends the child with SIGXCPU.

    The soft limit counts from the start of the process, so it is moved on at every step; the parent's watchdog does not
    depend on it.
    """
    if sys.platform == "win32":
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _lower(kind: int, value: int) -> None:
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
