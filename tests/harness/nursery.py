"""A process that imports everything once and then makes children by ``fork`` (``python -m tests.harness.nursery``).

Requests and answers are lines of JSON on standard input and output. A child is a session of its own, so that it can be
killed with everything it started; it runs the real command line, or an act of :mod:`tests.harness.acts`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.harness.instruments import Bench, Plan, install

_MOST_SECONDS = 120.0
_GRACE_SECONDS = 3.0
_STARTED: set[int] = set()


def _warm() -> None:
    """Import what the acts need before the first fork."""
    import alembic.command  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import workstation.app.demo
    import workstation.app.reporting
    import workstation.cli.main
    import workstation.faces.alignment
    import workstation.faces.quality
    import workstation.faces.tracker
    import workstation.reporting.builder
    import workstation.reporting.figures
    import workstation.reporting.signing
    import workstation.reporting.verification
    import workstation.storage.verification  # noqa: F401
    from tests.harness import acts, quick_engine  # noqa: F401
    from workstation.app.environment import source_digest

    source_digest()


def _child(request: dict[str, Any]) -> NoReturn:
    """Everything after the fork. Never returns."""
    code = 99
    try:
        os.setsid()
        for number, path in ((1, request["stdout"]), (2, request["stderr"])):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.dup2(descriptor, 0)
        os.environ.update(request["environment"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        random.seed()
        from tests.harness.quick_engine import fit_out

        fit_out()
        paper = os.open(request["paper"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        bench = Bench(Plan(**request["plan"]), paper)
        install(bench)
        bench.say("begun", pid=os.getpid())
        code = _run(request)
        bench.say("ended", code=code, **bench.counted())
    except BaseException:  # noqa: BLE001 - a child of a fork must never come back into the nursery
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _run(request: dict[str, Any]) -> int:
    from tests.harness import acts
    from workstation.cli.main import run

    try:
        if request["act"]:
            return int(getattr(acts, request["act"])(*request["arguments"]) or 0)
        run(list(request["arguments"]))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _start(request: dict[str, Any]) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _child(request)
    _STARTED.add(pid)
    return pid


def _adopt() -> None:
    """Whatever a child leaves behind becomes a child of this process (PR_SET_CHILD_SUBREAPER), whatever session it is
    in. Only on Linux."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _left() -> list[str]:
    """What ended children left running, after some seconds of grace."""
    end = time.monotonic() + _GRACE_SECONDS
    while True:
        left = [pid for pid in _children() if pid not in _STARTED and os.waitpid(pid, os.WNOHANG)[0] == 0]
        if not left or time.monotonic() > end:
            break
        time.sleep(0.01)
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return lines


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()]
    except OSError:
        return []


def _wait(pid: int, kill_after: float, group: bool) -> dict[str, Any]:
    """Wait for a child; kill it when its time has come."""
    begun = time.monotonic()
    killed = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        seconds = time.monotonic() - begun
        if done:
            _STARTED.discard(pid)
            return {"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "left": _left()}
        if not killed and seconds >= (kill_after or _MOST_SECONDS):
            killed = True
            with contextlib.suppress(ProcessLookupError):
                if group or not kill_after:
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.001 if kill_after else 0.005)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    _warm()
    _adopt()
    print(json.dumps({"ready": os.getpid()}), flush=True)  # noqa: T201
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["do"]
        answer: dict[str, Any]
        if kind == "run":
            answer = _wait(_start(request), request["kill_after"], request["plan"].get("group", True))
        elif kind == "start":
            answer = {"pid": _start(request)}
        elif kind == "wait":
            answer = _wait(request["pid"], request["kill_after"], True)
        else:
            answer = {"fault": f"unknown: {kind}"}
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
