"""What is put into a child before it runs: acknowledgements, points at which it can be killed, calls that can fail.

An acknowledgement is written (one ``write`` to a file opened for appending, so it survives a kill) after the product
said that an act is done. A point is a place between two such acts where the disk has just changed or is about to.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

_CALLS = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "mkdir", "rmdir", "truncate", "ftruncate")
_FAILING = frozenset({"fsync", "replace", "rename", "link", "mkdir", "open"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to one child.

    Attributes:
        kill_at: the number of the point at which it kills itself; 0 for never.
        group: whether its children are killed with it.
        fail_at: the number of the call from which on file-system calls fail; 0 for never.
        fail_for: how many of them fail.
        fail_with: the name of the system's error (``ENOSPC``, ``EROFS``, ``EIO``, ...).
        under: only calls that name something in this folder are counted and fail.
        deep: count and fail the C library's calls (SQLite's own among them) instead of Python's; ``under`` is needed
            and the nursery must have been started with ``failing_calls.c``.
    """

    kill_at: int = 0
    group: bool = True
    fail_at: int = 0
    fail_for: int = 1_000_000
    fail_with: str = "ENOSPC"
    under: str = ""
    deep: bool = False


@dataclass
class Bench:
    """The state of the instruments in one child."""

    plan: Plan
    paper: int
    points: int = 0
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    deep: Any = None

    def counted(self) -> dict[str, int]:
        """How many points and calls there were."""
        if self.deep is not None:
            return {"points": self.deep.harness_points(), "calls": self.deep.harness_calls()}
        return {"points": self.points, "calls": self.calls}

    def say(self, what: str, **facts: object) -> None:
        """Acknowledge: one line of JSON."""
        os.write(self.paper, (json.dumps({"is": what, **facts}) + "\n").encode())

    def point(self, name: str) -> None:
        with self.lock:
            self.points += 1
            if self.points == self.plan.kill_at:
                self.say("killed", point=name, number=self.points)
                self.end()

    def end(self) -> NoReturn:
        if self.plan.group:
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed processes do not go on")

    def call(self, name: str, path: object) -> None:
        """Count a file-system call and let it fail when its turn has come."""
        plan = self.plan
        if name not in _FAILING or not self._concerned(path):
            return
        with self.lock:
            self.calls += 1
            now = self.calls
        if plan.fail_at and plan.fail_at <= now < plan.fail_at + plan.fail_for:
            if now == plan.fail_at:
                self.say("fails", call=name, number=now)
            number = getattr(errno, plan.fail_with)
            raise OSError(number, os.strerror(number), path if isinstance(path, str) else None)

    def _concerned(self, path: object) -> bool:
        if not self.plan.under:
            return True
        if isinstance(path, int):
            try:
                path = Path(f"/proc/self/fd/{path}").readlink()
            except OSError:
                return False
        return os.fspath(path).startswith(self.plan.under)  # type: ignore[call-overload,no-any-return]  # a path


def install(bench: Bench) -> None:
    """Put the instruments into this process. There is no way back: the process ends with them."""
    _acknowledgements(bench)
    if bench.plan.deep:
        _arm(bench)
        return
    for name in _CALLS:
        setattr(os, name, _watched(bench, name, getattr(os, name)))
    sys.addaudithook(functools.partial(_heard, bench))
    _sqlite(bench)


def _arm(bench: Bench) -> None:
    plan, library = bench.plan, ctypes.CDLL(None)
    number = getattr(errno, plan.fail_with)
    library.harness_arm.argtypes = (ctypes.c_char_p, *(ctypes.c_long,) * 5)
    library.harness_arm(plan.under.encode(), plan.kill_at, plan.group, plan.fail_at, plan.fail_for, number)
    library.harness_points.restype = library.harness_calls.restype = ctypes.c_long
    bench.deep = library


def _watched(bench: Bench, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*arguments: Any, **named: Any) -> Any:
        bench.point(f"before {name}")
        bench.call(name, arguments[0])
        value = real(*arguments, **named)
        bench.point(f"after {name}")
        return value

    return call


def _heard(bench: Bench, event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    flags = arguments[2]
    if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        bench.point("before open")
        bench.call("open", os.fsdecode(arguments[0]))


def _sqlite(bench: Bench) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    real: Any = DefaultDialect.do_commit

    def commit(dialect: Any, connection: Any) -> None:
        bench.point("before commit")
        real(dialect, connection)
        bench.point("after commit")

    DefaultDialect.do_commit = commit  # type: ignore[method-assign]  # put in on purpose


def _acknowledgements(bench: Bench) -> None:
    from sqlalchemy import text

    from workstation.app.examining import ExaminationRun
    from workstation.storage.case_store import CaseStore
    from workstation.storage.open_case import OpenCase

    def after(owner: Any, name: str, tell: Callable[..., None]) -> None:
        real = getattr(owner, name)

        @functools.wraps(real)
        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            value = real(self, *arguments, **named)
            tell(self, value, *arguments)
            return value

        setattr(owner, name, call)

    newest = text("SELECT seq, hash FROM custody ORDER BY seq DESC LIMIT 1")

    def event(opened: Any, *_: object) -> None:
        seq, digest = opened.read(lambda c: c.execute(newest).one())
        bench.say("event", seq=seq, hash=bytes(digest).hex())

    def exhibit(_store: Any, _value: object, item: Any, *_: object) -> None:
        bench.say("exhibit", id=item.id, sha256=item.sha256)

    def rows(_store: Any, _value: object, given: Any, *_: object) -> None:
        bench.say("rows", rows=[[r.examination, r.evidence, r.frame.ordinal] for r in given])

    def report(_store: Any, _value: object, record: Any, *_: object) -> None:
        bench.say("report", path=record.path, sha256=record.sha256)

    after(OpenCase, "change", event)
    after(CaseStore, "add_evidence", exhibit)
    after(CaseStore, "append_rows", rows)
    after(CaseStore, "add_report", report)
    examine = ExaminationRun._examine

    def begun(run: Any, batch: Any) -> None:
        bench.say("batch", frames=len(batch))
        examine(run, batch)

    owner: Any = ExaminationRun
    owner._examine = begun
