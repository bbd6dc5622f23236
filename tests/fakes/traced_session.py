"""The whole session under strace and without a network, once for all tests that look at what it asked for."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from tests.fakes.marked_engine import marked_portrait
from workstation.media.clips import write_clip

_OPENING = "openat,open,openat2,creat"
_CHANGING = (
    "rename,renameat,renameat2,unlink,unlinkat,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,chown,fchown,lchown,"
    "fchownat,link,linkat,symlink,symlinkat,utimensat,utime,utimes,futimesat,setxattr,lsetxattr,fsetxattr,removexattr,"
    "lremovexattr,fremovexattr"
)
_TALKING = "socket,connect,bind,sendto,sendmsg"
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_WRITES = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND)\b")
OLD = 1_000_000_000


@dataclass(frozen=True)
class Call:
    """One system call: its name and its arguments as strace prints them, with the paths of descriptors."""

    name: str
    arguments: str

    @property
    def writes(self) -> bool:
        """Whether it opens something for writing, or changes a name, a mode, a time or contents."""
        if self.name in _OPENING.split(","):
            return self.name == "creat" or bool(_WRITES.search(self.arguments))
        return self.name in _CHANGING.split(",")

    @property
    def internet(self) -> bool:
        return self.name in _TALKING.split(",") and ("AF_INET" in self.arguments or "sin_addr" in self.arguments)


@dataclass(frozen=True)
class Traced:
    source: Path
    case: Path
    output: str
    calls: tuple[Call, ...]
    without_network: bool


def traced(command: list[str], log: Path, *, cut_off: bool) -> subprocess.CompletedProcess[str]:
    """Run a program under strace; with ``cut_off`` in a network name space that has no interface up."""
    watch = ["strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "4096", "-o", str(log)]
    watch += ["-e", f"trace={_OPENING},{_CHANGING},{_TALKING}"]
    away = ["unshare", "--net", "--map-current-user"] if cut_off else []
    return subprocess.run([*away, *watch, *command], capture_output=True, text=True, check=False, timeout=280)


def calls(log: Path) -> tuple[Call, ...]:
    found = (_CALL.match(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines())
    return tuple(Call(match.group(1), match.group(2)) for match in found if match)


def works(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run([*command, "true"], check=False).returncode == 0


@lru_cache(maxsize=1)
def whole_session() -> Traced:
    """Skips where the system has no strace or does not let it look."""
    if not works("strace", "-f", "--seccomp-bpf", "-o", os.devnull):
        pytest.skip("strace is not here or may not look")
    root = Path(tempfile.mkdtemp(prefix="workstation-traced-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    source = root / "clip.mp4"
    write_clip(source, (marked_portrait((200 + number, 125)) for number in range(6)))
    os.utime(source, (OLD, OLD + 100))
    cut_off = works("unshare", "--net", "--map-current-user")
    program = [sys.executable, "-m", "tests.fakes.whole_session", str(source), str(root)]
    before = os.environ.get("WORKSTATION_HOME")
    os.environ["WORKSTATION_HOME"] = str(root / "home")
    try:
        done = traced(program, root / "trace", cut_off=cut_off)
    finally:
        if before is not None:
            os.environ["WORKSTATION_HOME"] = before
    assert done.returncode == 0, done.stdout + done.stderr
    return Traced(source, root / "case", done.stdout, calls(root / "trace"), cut_off)
