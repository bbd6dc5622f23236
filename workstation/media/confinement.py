"""What the decoder child lays on itself before it touches an exhibit. Where a layer does not exist it is left out.

Layers, from the outside in; each holds without the others:

* ``bubblewrap``: namespaces of its own for files, processes, network and users (laid on by :mod:`starting`);
* ``landlock``: the kernel refuses every file that is not open already, TCP, and signals to others;
* ``seccomp``: only the system calls that decoding needs (:mod:`syscalls`);
* ``limits``: bounded memory and processor time, no new files, no core dump, few descriptors, and none of root's special
  rights (:mod:`privileges`), even when the workstation is run as root.

``RLIMIT_NPROC`` is not among them: it counts the threads of the whole account on the machine, so that a value that
stops a fork here would also stop the decoder's own threads, or not stop anything, depending on what else runs. The
allow-list of system calls lets threads through and nothing else.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from workstation.media.syscalls import CallFilter

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


def prepare() -> tuple[CallFilter | None, tuple[str, ...]]:
    """Build what :func:`lock` lays on, as long as libraries can still be loaded.

    Returns:
        the filter of system calls, None when there is none, and notes on what is missing and why.
    """
    if not sys.platform.startswith("linux"):
        return None, ("Landlock and seccomp exist on Linux alone.",)
    from workstation.media import landlock
    from workstation.media import privileges as _loaded_now  # noqa: F401 (no file can be opened later)

    notes = [] if landlock.version() else ["This kernel has no Landlock."]
    try:
        from workstation.media.syscalls import CallFilter

        return CallFilter(), tuple(notes)
    except (ImportError, RuntimeError, OSError, ValueError, AttributeError, TypeError) as error:
        return None, (*notes, f"No filter of system calls: {str(error)[:200]}.")


def lock(memory_bytes: int, calls: CallFilter | None) -> tuple[str, ...]:
    """Lay everything on this process that can be had and return the names of the layers now in force."""
    confine(memory_bytes)
    if sys.platform == "win32":
        return ()
    layers = ["limits"]
    if sys.platform.startswith("linux"):
        from workstation.media import landlock, privileges

        privileges.drop_privileges()
        if landlock.close_files():
            layers.insert(0, "landlock")
        if calls is not None:
            calls.load()
            layers.insert(-1, "seccomp")
    return tuple(layers)


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
