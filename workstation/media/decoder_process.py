"""The parent's end of a decoder child: start, talk, watch, stop. Turns its answers into typed errors.

The exhibit is opened here, read-only, and only the descriptor is handed down (E3).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workstation.domain.errors import (
    DecoderStopped,
    EmptyFile,
    EvidenceError,
    NotFound,
    PermissionRefused,
    UnreadableMedia,
)
from workstation.media.limits import DecodeLimits
from workstation.media.shared_pixels import SharedPixels
from workstation.media.wire import HEADER, Message, body_length, packed, unpacked

_ERRORS = {kind.code: kind for kind in EvidenceError.__subclasses__()}
_KEPT_ENVIRONMENT = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR",
    "SYSTEMROOT", "USERPROFILE", "APPDATA", "TEMP",
)  # fmt: skip
# By default glibc gives every picture-sized block back to the kernel and faults it in again: half the conversion time.
_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
}
_GRACE_SECONDS = 2.0


def open_exhibit(path: Path) -> int:
    """Open an exhibit read-only and return its descriptor.

    Raises:
        NotFound, PermissionRefused, EmptyFile, UnreadableMedia: when it is no readable, non-empty regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path.name}.", "Check the path.") from error
    except PermissionError as error:
        raise PermissionRefused(f"{path.name} may not be read.", "Ask for read access to it.") from error
    except OSError as error:
        raise UnreadableMedia(f"{path.name} cannot be opened: {error.strerror}.") from error
    facts = os.fstat(fd)
    if stat.S_ISREG(facts.st_mode) and facts.st_size:
        return fd
    os.close(fd)
    if not stat.S_ISREG(facts.st_mode):
        raise UnreadableMedia(f"{path.name} is not a regular file.", "Add files one by one.")
    raise EmptyFile(f"{path.name} is empty (0 bytes).", "Ask for another copy.")


class DecoderProcess:
    """One running child. Not thread-safe; :meth:`close` may be called at any time and more than once."""

    def __init__(self, path: Path, limits: DecodeLimits, slot_bytes: int = 0, slots: int = 0, task: str = "") -> None:
        self._limits = limits
        self._task = task
        self._name = path.name
        self.pixels: SharedPixels | None = None
        self._process: subprocess.Popen[bytes] | None = None
        exhibit = open_exhibit(path)
        try:
            if slots:
                self.pixels = SharedPixels(slot_bytes, slots)
            self._process = self._start(exhibit, path)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(exhibit)

    def _start(self, exhibit: int, path: Path) -> subprocess.Popen[bytes]:
        windows = sys.platform == "win32"
        pixels = self.pixels
        parameters = {
            "fd": -1 if windows else exhibit,
            "path": str(path) if windows else "",
            "name": path.name,
            "task": self._task,
            "limits": dataclasses.asdict(self._limits),
            "slot_bytes": pixels.slot_bytes if pixels else 0,
            "slots": pixels.count if pixels else 0,
            "memory_fd": pixels.fd if pixels else -1,
            "memory_tag": pixels.tag if pixels else "",
        }
        handed_down = [] if windows else [exhibit, *([pixels.fd] if pixels else [])]
        kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        return subprocess.Popen(
            # -P: a folder with exhibits may be the working directory, and must not be searched for modules.
            [sys.executable, "-P", "-B", "-m", "workstation.media.child", json.dumps(parameters)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if windows else subprocess.PIPE,
            bufsize=0,
            pass_fds=handed_down,
            env={**kept, **_MALLOC},
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send(self, message: Message) -> None:
        """Raises: DecoderStopped."""
        process = self._process
        if process is None or process.stdin is None:
            raise DecoderStopped(f"The decoder of {self._name} has stopped.")
        rest = memoryview(packed(message))
        try:
            while rest:
                rest = rest[os.write(process.stdin.fileno(), rest) :]
        except OSError:
            self._raise_stopped()

    def receive(self, on_beat: Callable[[], None] | None = None) -> Message:
        """Return the next message that is not a mere sign of life.

        Raises:
            DecoderStopped: when the child died, broke the protocol, or was silent for longer than the limit (it is
                then killed).
            EvidenceError: the typed error the child reported.
        """
        while True:
            message = self._read_message()
            kind = message.get("is")
            if kind == "beat":
                if on_beat is not None:
                    on_beat()
                continue
            if kind == "error":
                raise error_of(message)
            return message

    def ask(self, message: Message) -> Message:
        """Send and receive."""
        self.send(message)
        return self.receive()

    def close(self) -> None:
        """End the child and free the shared memory. Leaves no process and no descriptor behind."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        pixels, self.pixels = self.pixels, None
        if pixels is not None:
            pixels.close()

    def _read_message(self) -> Message:
        try:
            return unpacked(self._read_exactly(body_length(self._read_exactly(HEADER.size))))
        except ValueError as error:
            self._kill()
            raise DecoderStopped(f"The decoder of {self._name} answered nonsense and was stopped.") from error

    def _read_exactly(self, size: int) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise DecoderStopped(f"The decoder of {self._name} has stopped.")
        fd = process.stdout.fileno()
        parts = bytearray()
        while len(parts) < size:
            part = self._read_some(fd, size - len(parts))
            if not part:
                self._raise_stopped()
            parts += part
        return bytes(parts)

    def _read_some(self, fd: int, size: int) -> bytes:
        seconds = self._limits.item_timeout_s
        if sys.platform == "win32":
            # Pipes cannot be waited for with a time limit there: a timer ends the child, which ends the read.
            timer = threading.Timer(seconds, self._kill)
            timer.start()
            try:
                return os.read(fd, min(size, 1 << 20))
            finally:
                timer.cancel()
        waiter = select.poll()
        waiter.register(fd, select.POLLIN)
        if not waiter.poll(seconds * 1000):
            self._kill()
            raise DecoderStopped(
                f"The decoder of {self._name} gave no sign for {seconds:g} s and was stopped.",
                "The exhibit may be built to hang a decoder.",
            )
        return os.read(fd, min(size, 1 << 20))

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()

    def _raise_stopped(self) -> None:
        process = self._process
        assert process is not None
        self._kill_if_alive(process)
        code = process.returncode
        said = _last_words(process)
        if code < 0:
            reason = {
                getattr(signal, "SIGXCPU", 0): "used up its processor time",
                signal.SIGSEGV: "crashed",
                signal.SIGABRT: "crashed",
            }.get(-code, f"was ended by signal {-code}")
        else:
            reason = f"ended with code {code}"
        raise DecoderStopped(
            f"The decoder of {self._name} {reason}{f' ({said})' if said else ''}.",
            "The exhibit may be damaged or hostile; the rest of the case is not touched.",
        )

    @staticmethod
    def _kill_if_alive(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def error_of(message: Message) -> EvidenceError:
    """The typed error a child reported."""
    kind = _ERRORS.get(str(message.get("code")), EvidenceError)
    return kind(str(message.get("message", "")), str(message.get("advice", "")))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    # The child leaves when its input ends; one that is deep in a decoder is not waited for.
    deadline = time.monotonic() + 0.05
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _last_words(process: subprocess.Popen[bytes]) -> str:
    if process.stderr is None:
        return ""
    with contextlib.suppress(OSError):
        os.set_blocking(process.stderr.fileno(), False)
        text = os.read(process.stderr.fileno(), 4000).decode(errors="replace")
        return text.strip().splitlines()[-1][:200] if text.strip() else ""
    return ""
