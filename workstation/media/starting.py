"""How a decoder child comes into being: forked by a starter in a sandbox where the system offers it, else on its own.

Tried in this order, once in a process, and kept: a starter inside bubblewrap, a starter without it (user namespaces may
be off, the program may be missing), a child started alone for each exhibit (no Linux). What is missing is said in
:func:`confinement_notes` and shown by ``workstation diagnose``.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workstation.media.running import ForkedChild, RunningChild, SpawnedChild
from workstation.media.sandbox import bubblewrap_command

# By default glibc gives every picture-sized block back to the kernel and faults it in again: half the conversion time.
_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
}
# What Windows cannot start a program without. Elsewhere a child has nothing of its parent's environment.
_KEPT_ON_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "TEMP")
_READY_SECONDS = 60.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class StarterFailed(Exception):
    """This way of starting children does not work here; the text says why."""


class StarterHandle:
    """The parent's end of one starter process. Thread-safe."""

    def __init__(
        self,
        sandboxed: bool,
        more_tasks: Mapping[str, str] | None = None,
        more_folders: Sequence[Path] = (),
    ) -> None:
        """Start it and wait until it is ready.

        Args:
            sandboxed: inside bubblewrap.
            more_tasks: tasks beside the closed table, for tests of the confinement.
            more_folders: folders those need on the module path.

        Raises:
            StarterFailed: the program is missing, namespaces are refused, or a library cannot be loaded.
        """
        self.sandboxed = sandboxed
        self.owner = os.getpid()
        self.notes: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._broken = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        try:
            self._process = _spawn(_starter_command(sandboxed, more_folders), theirs, more_folders)
        except OSError as error:
            ours.close()
            raise StarterFailed(str(error)) from error
        finally:
            theirs.close()
        try:
            answer = self._ask({"do": "prepare", "more_tasks": dict(more_tasks or {})}, wait=_READY_SECONDS)[0]
        except (OSError, ValueError) as error:
            self._process.kill()
            said = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
            self._control.close()
            raise StarterFailed(said[-1][:300] if said else str(error)) from error
        self.notes = tuple(answer["notes"])

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and not self._broken and self._process.poll() is None

    def start(self, exhibit: int, memory: int | None) -> RunningChild:
        """Fork a child that holds these two descriptors.

        Raises:
            StarterFailed: the starter is gone.
        """
        pipes = [os.pipe() for _ in range(3)]
        (in_read, in_write), (out_read, out_write), (err_read, err_write) = pipes
        handed = [in_read, out_write, err_write, exhibit, *([memory] if memory is not None else [])]
        try:
            answer, fds = self._ask({"do": "start"}, handed)
            handle, number = fds[0], int(answer["child"])
        except (OSError, ValueError, LookupError) as error:
            for fd in (in_write, out_read, err_read):
                os.close(fd)
            raise StarterFailed(f"The starter of decoders has stopped ({error}).") from error
        finally:
            for fd in (in_read, out_write, err_write):
                os.close(fd)
        return ForkedChild(handle, lambda: self._reap(number), in_write, out_read, err_read)

    def close(self) -> None:
        """End it and whatever it has started."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
        self._process.kill()
        self._process.communicate()

    def forget(self) -> None:
        """After a fork of this process: it belongs to the other one. Close the copy of the socket alone."""
        self._control.close()

    def _reap(self, number: int) -> int | None:
        try:
            status = self._ask({"do": "reap", "child": number})[0]["status"]
        except (OSError, ValueError):
            return None
        return int(status) if status is not None else None

    def _ask(
        self, request: Mapping[str, Any], fds: Sequence[int] = (), wait: float = 30.0
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            try:
                return self._asked(request, fds, wait)
            except (OSError, ValueError):
                # A late answer would be taken for that of the next question: after a failure there is none.
                self._broken = True
                raise

    def _asked(self, request: Mapping[str, Any], fds: Sequence[int], wait: float) -> tuple[dict[str, Any], list[int]]:
        if self._broken:
            raise OSError("it has failed before")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._control.sendmsg([json.dumps(request).encode()], rights)
        waiter = select.poll()
        waiter.register(self._control, select.POLLIN)
        if not waiter.poll(wait * 1000):
            raise OSError("no answer")
        data, got, _, _ = socket.recv_fds(self._control, 1 << 16, 4)
        if not data:
            raise OSError("no answer")
        answer = json.loads(data)
        if not isinstance(answer, dict):
            raise ValueError("no answer")
        return answer, list(got)


def _starter_command(sandboxed: bool, more_folders: Sequence[Path]) -> list[str]:
    python = [sys.executable, "-P", "-s", "-B", "-m", "workstation.media.starter"]
    if not sandboxed:
        return python
    program = shutil.which("bwrap")
    if program is None:
        raise StarterFailed("The program bwrap (bubblewrap) is not installed.")
    return [*bubblewrap_command(program, _PACKAGE_ROOT, more_folders, environment(more_folders)), *python]


def environment(more_folders: Sequence[Path] = ()) -> dict[str, str]:
    """All that a child has of an environment: nothing of the person's, only what its libraries need."""
    kept = {name: os.environ[name] for name in _KEPT_ON_WINDOWS if name in os.environ} if os.name == "nt" else {}
    path = os.pathsep.join(str(folder) for folder in (_PACKAGE_ROOT, *more_folders))
    return {**kept, **_MALLOC, "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}


def _spawn(command: Sequence[str], control: socket.socket, more_folders: Sequence[Path]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=control.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(more_folders),
        cwd="/",
        start_new_session=True,  # an interrupt from the terminal is the parent's to answer
    )


class _Ways:
    """The way that works in this process, found once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starter: StarterHandle | None = None
        self._reasons: list[str] = []
        self._without_starter = not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open")

    def starter(self) -> StarterHandle | None:
        with self._lock:
            known = self._starter
            if known is not None and known.owner != os.getpid():
                known.forget()
                known = self._starter = None
            if known is not None and not known.alive:
                known.close()
                known = self._starter = None
            if known is None and not self._without_starter:
                self._starter = self._first_that_works()
                self._without_starter = self._starter is None
            return self._starter

    def _first_that_works(self) -> StarterHandle | None:
        self._reasons.clear()
        for sandboxed in (True, False):
            try:
                return StarterHandle(sandboxed)
            except StarterFailed as error:
                what = "No bubblewrap" if sandboxed else "No starter of decoders"
                self._reasons.append(f"{what}: {error}")
        return None

    def replace(self, starter: StarterHandle | None) -> StarterHandle | None:
        with self._lock:
            before, self._starter = self._starter, starter
            return before

    def notes(self) -> tuple[str, ...]:
        starter = self.starter()
        return (*self._reasons, *(starter.notes if starter is not None else ()))

    def close(self) -> None:
        starter = self.replace(None)
        if starter is not None and starter.owner == os.getpid():
            starter.close()


_ways = _Ways()
atexit.register(_ways.close)


def prepare() -> None:
    """Start the starter now, so that the first exhibit does not wait for it. Blocks for about half a second, once."""
    _ways.starter()


def confinement_notes() -> tuple[str, ...]:
    """What of the confinement is missing on this system, and why; empty when nothing is."""
    return _ways.notes()


@contextlib.contextmanager
def using(starter: StarterHandle) -> Iterator[None]:
    """Start children with this starter for a while (tests, diagnosis)."""
    before = _ways.replace(starter)
    try:
        yield
    finally:
        _ways.replace(before)


def start_child(exhibit: int | None, memory: int | None) -> tuple[RunningChild, tuple[str, ...]]:
    """Start a child that holds the exhibit's and the shared memory's descriptors.

    Returns:
        the child, and the layers of confinement that lie around it from outside.
    """
    for _ in range(2):
        starter = _ways.starter()
        if starter is None or exhibit is None:
            break
        try:
            return starter.start(exhibit, memory), ("bubblewrap",) if starter.sandboxed else ()
        except StarterFailed:
            starter.close()
    return _alone(exhibit, memory)


def _alone(exhibit: int | None, memory: int | None) -> tuple[RunningChild, tuple[str, ...]]:
    numbers = [str(-1 if fd is None else fd) for fd in (exhibit, memory)]
    command = [sys.executable, "-P", "-s", "-B", "-m", "workstation.media.child", *numbers]
    if sys.platform == "win32":
        from workstation.media.windows_job import start_in_job

        return start_in_job(command, environment())
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=[fd for fd in (exhibit, memory) if fd is not None],
        env=environment(),
        cwd="/",
    )
    return SpawnedChild(process), ()
