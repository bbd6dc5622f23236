"""The harness's own side: a nursery at work, folders for one case after another, and what a child said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.harness.instruments import Plan

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended. ``code`` is its exit status, or minus the signal that ended it; ``left`` names processes it
    started that still ran some seconds later."""

    code: int
    seconds: float
    said: tuple[dict[str, Any], ...]
    stdout: str
    stderr: str
    left: tuple[str, ...] = ()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.said if line["is"] == kind]

    @property
    def pid(self) -> int:
        return int(self.of("begun")[0]["pid"]) if self.of("begun") else 0

    @property
    def killed(self) -> bool:
        return self.code == -9

    @property
    def points(self) -> int:
        ended = self.of("ended")
        return int(ended[-1]["points"]) if ended else 0

    @property
    def calls(self) -> int:
        ended = self.of("ended")
        return int(ended[-1]["calls"]) if ended else 0

    @property
    def killed_at(self) -> str:
        killed = self.of("killed")
        return str(killed[-1]["point"]) if killed else "moment"


class Nursery:
    """A running :mod:`tests.harness.nursery`. A context manager.

    Attributes:
        deep: whether plans may be ``deep``: there is a C compiler here, and a loader that knows ``LD_PRELOAD``.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._count = 0
        place.mkdir(parents=True, exist_ok=True)
        library = _failing_calls(place)
        self.deep = library is not None
        environment = os.environ | {
            "PYTHONPATH": str(CHECKOUT),
            **({"LD_PRELOAD": str(library)} if library else {}),
            **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")},
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=environment,
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(
        self,
        home: Path,
        *arguments: object,
        act: str = "",
        plan: Plan | None = None,
        kill_after: float = 0.0,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run one child to its end (or its kill, ``kill_after`` seconds from now) and return what it said."""
        request = self._request(home, arguments, act, plan or Plan(), environment or {})
        answer = self._ask({"do": "run", "kill_after": kill_after, **request})
        return self._outcome(request, answer)

    def start(
        self,
        home: Path,
        *arguments: object,
        act: str = "",
        plan: Plan | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        """Start a child and go on."""
        request = self._request(home, arguments, act, plan or Plan(), environment or {})
        return Running(self, request, int(self._ask({"do": "start", **request})["pid"]))

    def _request(
        self, home: Path, arguments: Sequence[object], act: str, plan: Plan, environment: Mapping[str, str]
    ) -> dict[str, Any]:
        self._count += 1
        name = self._place / f"run-{self._count:04d}"
        return {
            "act": act,
            "arguments": [str(a) for a in arguments],
            "plan": asdict(plan),
            "environment": {"WORKSTATION_HOME": str(home), **environment},
            "paper": f"{name}.said",
            "stdout": f"{name}.out",
            "stderr": f"{name}.err",
        }

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the nursery ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    @staticmethod
    def _outcome(request: Mapping[str, Any], answer: Mapping[str, Any]) -> Outcome:
        return Outcome(
            int(answer["code"]),
            float(answer["seconds"]),
            read_paper(Path(request["paper"])),
            _text(request["stdout"]),
            _text(request["stderr"]),
            tuple(answer["left"]),
        )


def _failing_calls(place: Path) -> Path | None:
    """Build ``failing_calls.c``; None where that cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library = place / "failing_calls.so"
    source = Path(__file__).with_name("failing_calls.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    return library if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


@dataclass
class Running:
    """A child at work."""

    nursery: Nursery
    request: dict[str, Any]
    pid: int

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in read_paper(Path(self.request["paper"])) if line["is"] == kind]

    def wait_for(self, kind: str, count: int = 1, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until the child has said ``kind`` that many times."""
        end = time.monotonic() + seconds
        while len(found := self.said(kind)) < count:
            assert time.monotonic() < end, f"no {kind} in {seconds} s: {_text(self.request['stderr'])}"
            time.sleep(0.005)
        return found

    def wait(self, kill_after: float = 0.0, before_kill: Callable[[], None] | None = None) -> Outcome:
        """Wait for its end, or kill it after so many seconds; ``before_kill`` happens just before that."""
        if before_kill is not None:
            time.sleep(kill_after)
            before_kill()
            kill_after = 0.001
        answer = self.nursery._ask({"do": "wait", "pid": self.pid, "kill_after": kill_after})
        return self.nursery._outcome(self.request, answer)


def _text(name: str) -> str:
    path = Path(name)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def read_paper(path: Path) -> tuple[dict[str, Any], ...]:
    """What a child acknowledged, line by line."""
    return tuple(json.loads(line) for line in _text(str(path)).splitlines() if line.endswith("}"))


@dataclass
class Place:
    """Case, home and an outside folder that belong together, and can be copied as one."""

    root: Path
    exports: Path = field(init=False)

    def __post_init__(self) -> None:
        self.exports = self.root / "exports"
        self.exports.mkdir(parents=True, exist_ok=True)

    @property
    def case(self) -> Path:
        return self.root / "case"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def copy(self, target: Path) -> Place:
        shutil.copytree(self.root, target, symlinks=True)
        return Place(target)

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
