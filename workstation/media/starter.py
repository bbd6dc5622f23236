"""The starter: a process that has loaded every decoder, has never seen an exhibit, and forks one child for each.

Loading PyAV, numpy and Pillow takes a third of a second; a fork of a process that has them takes milliseconds. The
starter runs inside bubblewrap where that works, so its children are born into a system without a home, a case, a
network or other processes. It reads nothing but requests of its own parent, so no exhibit can reach it, and a child
that was taken over cannot either: it may send no signal, trace no process and open no file.

What the children share is the layout of their memory, which they have from the starter: a child that gives its layout
away helps an attack on the next. Android and Chromium start their processes the same way and accept the same.

It ends, and with it all its children, when its parent closes its end of the socket or dies. ``PR_SET_PDEATHSIG`` (and
bubblewrap's ``--die-with-parent``) is not used for that: it follows the thread that started it, and threads end before
their process does.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn

from workstation.media import child, tasks_table
from workstation.media.confinement import prepare
from workstation.media.syscalls import CallFilter
from workstation.media.warm_up import warm_up

REQUEST_BYTES = 1 << 16
MOST_FDS = 8
_DEATH_SIGNAL = 1


class Starter:
    """The loop of the starter process. Single-threaded, as a process that forks has to be."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._calls: CallFilter | None = None
        self._notes: tuple[str, ...] = ()

    def serve(self) -> NoReturn:
        while True:
            data, fds, _, _ = socket.recv_fds(self._control, REQUEST_BYTES, MOST_FDS)
            if not data:
                self._end()
            request = json.loads(data)
            if request["do"] == "prepare":
                self._prepare(request)
            elif request["do"] == "start":
                self._start(list(fds))
            elif request["do"] == "reap":
                self._reap(request["child"])

    def _prepare(self, request: dict[str, Any]) -> None:
        tasks_table.TASKS.update(request["more_tasks"])
        self._calls, self._notes = prepare()
        warm_up()
        missing = []
        for name, place in tasks_table.TASKS.items():
            try:
                importlib.import_module(place.partition(":")[0])
            except ImportError:
                missing.append(name)
        gc.collect()
        gc.freeze()
        self._answer({"is": "ready", "notes": self._notes, "missing": missing})

    def _start(self, fds: list[int]) -> None:
        starter = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(fds, starter)
        for fd in fds:
            os.close(fd)
        self._children.add(pid)
        handle = os.pidfd_open(pid)
        self._answer({"is": "started", "child": pid}, [handle])
        os.close(handle)

    def _become_child(self, fds: list[int], starter: int) -> NoReturn:
        try:
            _follow_parent(starter)
            self._control.close()
            inbox, outbox, errors, exhibit, *memory = fds
            os.dup2(errors, 2)
            os.close(errors)
            os.set_blocking(2, False)
        except BaseException:  # noqa: BLE001 (nothing of the starter may go on running in its child)
            os._exit(71)
        child.run(inbox, outbox, exhibit, memory[0] if memory else -1, self._calls, self._notes)

    def _reap(self, pid: int) -> None:
        status: int | None = None
        if pid in self._children:
            self._children.discard(pid)
            with suppress(ChildProcessError):
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._answer({"is": "reaped", "status": status})

    def _answer(self, message: dict[str, Any], fds: list[int] | None = None) -> None:
        data = json.dumps(message).encode()
        try:
            if fds:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
                self._control.sendmsg([data], [rights])
            else:
                self._control.sendall(data)
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        for pid in self._children:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)


def _follow_parent(parent: int) -> None:
    """End with the starter, should it die before its children; it has one thread, so its death is the process's."""
    import ctypes

    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = []
    Starter(control).serve()


if __name__ == "__main__":
    main()
