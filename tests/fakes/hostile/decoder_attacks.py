"""What a decoder taken over by its exhibit would try. A task of tests alone: the shipped table does not know it."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
_libc = ctypes.CDLL(None, use_errno=True)


def _call(number_of: str, *arguments: Any) -> str:
    ctypes.set_errno(0)
    got = getattr(_libc, number_of)(*arguments)
    return _named(ctypes.get_errno()) if got == -1 else "done"


def _named(number: int) -> str:
    return errno.errorcode.get(number, str(number))


def _open(path: str, flags: int) -> str:
    os.close(os.open(path, flags, 0o600))
    return "done"


def _socket(kind: int) -> str:
    with socket.socket(kind, socket.SOCK_STREAM):
        return "done"


def _fork() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "done"


def _memory(limit: int) -> str:
    kept = []
    for _ in range(limit // (64 << 20) + 2):
        kept.append(bytearray(64 << 20))
    return "done"


def _run_memory() -> str:
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.close()
    return "done"


def _raise_limit() -> str:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "done"


def _descriptors() -> str:
    """Which descriptors are open, and which of them can be written; the pipe to the parent and nothing else may."""
    import fcntl

    found = []
    for fd in range(256):
        try:
            mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            continue
        found.append(f"{fd}:{'r' if mode == os.O_RDONLY else 'w'}")
    return " ".join(found)


def _shrink(fd: int) -> str:
    os.ftruncate(fd, 0)
    return "done"


def _write(fd: int) -> str:
    os.write(fd, b"x")
    return "done"


def _thread() -> str:
    import threading

    ran: list[int] = []
    thread = threading.Thread(target=lambda: ran.append(1))
    thread.start()
    thread.join()
    return "done" if ran else "not run"


def _spin() -> str:
    while True:
        pass


ATTACKS: dict[str, Callable[[Message], str]] = {
    "read file": lambda a: _open(a["path"], os.O_RDONLY),
    "write file": lambda a: _open(a["path"], os.O_WRONLY | os.O_CREAT),
    "list folder": lambda a: str(os.listdir(a["path"])),  # noqa: PTH208
    "remove file": lambda a: str(os.unlink(a["path"])),  # noqa: PTH108
    "link": lambda a: str(os.symlink("/etc/passwd", a["path"])),  # noqa: PTH211
    "make folder": lambda a: str(os.mkdir(a["path"])),  # noqa: PTH102
    "change mode": lambda a: str(os.chmod(a["path"], 0o777)),  # noqa: PTH101
    "inet": lambda a: _socket(socket.AF_INET),
    "unix": lambda a: _socket(socket.AF_UNIX),
    "netlink": lambda a: _socket(socket.AF_NETLINK),
    "pair": lambda a: str(socket.socketpair()),
    "fork": lambda a: _fork(),
    "vfork": lambda a: _call("vfork"),
    "exec": lambda a: str(os.execv("/bin/sh", ["sh", "-c", "true"])),
    "ptrace": lambda a: _call("ptrace", 16, a["pid"], 0, 0),
    "read memory": lambda a: _call("process_vm_readv", a["pid"], None, 0, None, 0, 0),
    "kill parent": lambda a: str(os.kill(a["pid"], signal.SIGKILL)),
    "kill all": lambda a: str(os.kill(-1, signal.SIGKILL)),
    "signal own": lambda a: _call("tgkill", os.getpid(), os.getpid(), 9),
    "unshare": lambda a: _call("unshare", 0x10000000),
    "mount": lambda a: _call("mount", b"none", b"/", b"tmpfs", 0, None),
    "bpf": lambda a: _call("syscall", ctypes.c_long(321), 0, None, 0),
    "io_uring": lambda a: _call("syscall", ctypes.c_long(425), 1, None),
    "memfd": lambda a: str(os.memfd_create("x")),
    "pidfd": lambda a: str(os.pidfd_open(a["pid"])),
    "dumpable": lambda a: _call("prctl", 4, 1, 0, 0, 0),
    "memory": lambda a: _memory(a["limit"]),
    "code": lambda a: _run_memory(),
    "raise limit": lambda a: _raise_limit(),
    "more priority": lambda a: str(os.nice(-5)),
    "shrink": lambda a: _shrink(a["fd"]),
    "write exhibit": lambda a: _write(a["fd"]),
    "spin": lambda a: _spin(),
    "sleep": lambda a: str(time.sleep(3600)),
    # What has to go on working:
    "descriptors": lambda a: _descriptors(),
    "thread": lambda a: _thread(),
    "environment": lambda a: " ".join(sorted(os.environ)),
    "home": lambda a: str(Path("~").expanduser()),
}


def run(
    exhibit: object, arguments: Message, beat: Callable[[], None], say: Callable[[Message], None]
) -> Message:  # the shape of a task
    name = arguments["attack"]
    if name == "beat for ever":
        while True:
            beat()
            time.sleep(0.05)
    if name == "say for ever":
        while True:
            say({"text": "x" * 1_000_000})
    if name == "answer":
        return {"value": eval(arguments["python"], {})}  # noqa: S307 (a test's own text)
    if name == "raw":
        fd = arguments["fd"]
        os.write(fd, bytes.fromhex(arguments["hex"]))
        time.sleep(arguments.get("then", 0.0))
        os._exit(0)
    try:
        return {"outcome": ATTACKS[name](arguments)}
    except MemoryError:
        raise
    except OSError as error:
        return {"outcome": _named(error.errno or 0)}
    except Exception as error:  # noqa: BLE001 (the test reads it)
        return {"outcome": f"{type(error).__name__}: {error}"}
