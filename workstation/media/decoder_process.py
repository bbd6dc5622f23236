"""The parent's end of a decoder child: start, talk, watch, stop. Turns its answers into typed errors.

The exhibit is opened here, read-only, and only the descriptor is handed down (E3).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from workstation.domain.errors import DecoderStopped, EmptyFile, NotFound, PermissionRefused, UnreadableMedia
from workstation.domain.media import MediaLocation
from workstation.media.answers import error_of, layer_names, one_line
from workstation.media.limits import DecodeLimits
from workstation.media.running import RunningChild
from workstation.media.shared_pixels import SharedPixels
from workstation.media.starting import start_child
from workstation.media.wire import (
    HEADER,
    Message,
    body_length,
    packed,
    packed_numbers,
    unpacked,
    unpacked_numbers,
)

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
    """One running child. Not thread-safe; :meth:`close` may be called at any time and more than once.

    Attributes:
        layers: names of the layers of confinement in force, the outermost first; known with the first answer.
    """

    def __init__(
        self, location: Path | MediaLocation, limits: DecodeLimits, slot_bytes: int = 0, slots: int = 0, task: str = ""
    ) -> None:
        place = MediaLocation.of(location)
        self._limits = limits
        self._name = place.name
        self._deadline: float | None = None
        self._heard_bytes = 0
        self.layers: tuple[str, ...] = ()
        self.pixels: SharedPixels | None = None
        self._child: RunningChild | None = None
        exhibit = open_exhibit(place.path)
        try:
            if slots:
                self.pixels = SharedPixels(slot_bytes, slots)
            self._child = self._start(exhibit, place, task)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(exhibit)

    def _start(self, exhibit: int, place: MediaLocation, task: str) -> RunningChild:
        windows = sys.platform == "win32"
        pixels = self.pixels
        memory = pixels.fd if pixels is not None and pixels.fd >= 0 else None
        child, self._outer = start_child(None if windows else exhibit, memory)
        self._child = child
        if not windows:
            os.set_blocking(child.inbox, False)
        # The key of a sealed exhibit goes through the pipe: a command line or an environment could be read by others.
        self.send(
            {
                "name": self._name[:255],
                "path": str(place.path) if windows else "",
                "key": place.key.hex() if place.key is not None else "",
                "task": task,
                "limits": dataclasses.asdict(self._limits),
                "slot_bytes": pixels.slot_bytes if pixels else 0,
                "slots": pixels.count if pixels else 0,
                "memory_tag": pixels.tag if pixels else "",
            }
        )
        return child

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def send(self, message: Message) -> None:
        """Raises: DecoderStopped."""
        self._send(packed(message))

    def send_numbers(self, numbers: Sequence[int]) -> None:
        """Raises: DecoderStopped."""
        self._send(packed_numbers(numbers))

    def _send(self, data: bytes) -> None:
        """Write without trusting the child to read: one that does not is stopped like one that is silent."""
        child = self._child
        if child is None:
            raise self._gone()
        rest = memoryview(data)
        self._deadline = None
        while rest:
            try:
                rest = rest[os.write(child.inbox, rest) :]
            except BlockingIOError:
                if not _ready(child.inbox, select.POLLOUT, self._limits.item_timeout_s):
                    raise self._silent() from None
            except OSError:
                self._raise_stopped()

    def receive(self, on_beat: Callable[[], None] | None = None) -> Message:
        """Return the next message that is not a mere sign of life.

        Raises:
            DecoderStopped: when the child died, broke the protocol, was silent for longer than the limit, or took
                longer for one answer than the limit (it is then killed).
            EvidenceError: the typed error the child reported.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.question_timeout_s
            self._heard_bytes = 0
        while True:
            message = self._read_message()
            kind = message.get("is")
            if kind == "beat":
                if on_beat is not None:
                    on_beat()
                continue
            if kind == "hello":
                self.layers = (*self._outer, *layer_names(message))
                continue
            if kind == "error":
                self._deadline = None
                raise error_of(message)
            if kind != "said":
                self._deadline = None
            return message

    def receive_numbers(self) -> tuple[int, ...]:
        """Return the array of whole numbers that follows some messages. Raises: as :meth:`receive`."""
        try:
            return unpacked_numbers(self._read_body())
        except ValueError as error:
            raise self.nonsense() from error

    def nonsense(self) -> DecoderStopped:
        """Stop a child that broke the protocol and return the error that says so."""
        self._kill()
        return DecoderStopped(
            f"The decoder of {self._name} answered nonsense and was stopped.",
            "The exhibit may be hostile; the rest of the case is not touched.",
        )

    def ask(self, message: Message) -> Message:
        """Send and receive."""
        self.send(message)
        return self.receive()

    def close(self) -> None:
        """End the child and free the shared memory. Leaves no process and no descriptor behind."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.release()
        pixels, self.pixels = self.pixels, None
        if pixels is not None:
            pixels.close()

    def _read_message(self) -> Message:
        try:
            return unpacked(self._read_body())
        except ValueError as error:
            raise self.nonsense() from error

    def _read_body(self) -> bytes:
        """Raises: ValueError for a length no message has."""
        length = body_length(self._read_exactly(HEADER.size))
        self._heard_bytes += length
        if self._heard_bytes > self._limits.answer_bytes:
            raise ValueError("too much said")
        return self._read_exactly(length)

    def _read_exactly(self, size: int) -> bytes:
        child = self._child
        if child is None:
            raise self._gone()
        parts = bytearray()
        while len(parts) < size:
            part = self._read_some(child.outbox, min(size - len(parts), 1 << 20))
            if not part:
                self._raise_stopped()
            parts += part
        return bytes(parts)

    def _read_some(self, fd: int, size: int) -> bytes:
        seconds = self._limits.item_timeout_s
        left = seconds if self._deadline is None else self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        seconds = min(seconds, left)
        if sys.platform == "win32":
            # Pipes cannot be waited for with a time limit there: a timer ends the child, which ends the read.
            timer = threading.Timer(seconds, self._kill)
            timer.start()
            try:
                return os.read(fd, size)
            finally:
                timer.cancel()
        if not _ready(fd, select.POLLIN, seconds):
            raise self._silent() if seconds == self._limits.item_timeout_s else self._late()
        return os.read(fd, size)

    def _late(self) -> DecoderStopped:
        self._kill()
        return DecoderStopped(
            f"The decoder of {self._name} had no answer after {self._limits.question_timeout_s:g} s and was stopped.",
            "The exhibit may be built to keep a decoder busy.",
        )

    def _silent(self) -> DecoderStopped:
        self._kill()
        return DecoderStopped(
            f"The decoder of {self._name} gave no sign for {self._limits.item_timeout_s:g} s and was stopped.",
            "The exhibit may be built to hang a decoder.",
        )

    def _gone(self) -> DecoderStopped:
        return DecoderStopped(f"The decoder of {self._name} has stopped.")

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def _raise_stopped(self) -> NoReturn:
        child = self._child
        assert child is not None
        code = child.wait(_GRACE_SECONDS)
        if code is None:
            child.kill()
            code = child.wait(_GRACE_SECONDS)
        said = _last_words(child)
        raise DecoderStopped(
            f"The decoder of {self._name} {_fate(code)}{f' ({said})' if said else ''}.",
            "The exhibit may be damaged or hostile; the rest of the case is not touched.",
        )


def _fate(code: int | None) -> str:
    if code is None:
        return "does not end"
    if code >= 0:
        return f"ended with code {code}"
    return {
        getattr(signal, "SIGXCPU", 0): "used up its processor time",
        getattr(signal, "SIGSYS", 0): "was ended by the system: it asked for what no decoder needs",
        signal.SIGSEGV: "crashed",
        signal.SIGABRT: "crashed",
        getattr(signal, "SIGBUS", 0): "crashed",
        signal.SIGILL: "crashed",
        signal.SIGFPE: "crashed",
    }.get(-code, f"was ended by signal {-code}")


def _ready(fd: int, event: int, seconds: float) -> bool:
    waiter = select.poll()
    waiter.register(fd, event)
    return bool(waiter.poll(seconds * 1000))


def _last_words(child: RunningChild) -> str:
    if child.errors is None:
        return ""
    with contextlib.suppress(OSError):
        os.set_blocking(child.errors, False)
        text = os.read(child.errors, 4000).decode(errors="replace").strip()
        return one_line(text.splitlines()[-1], 200) if text else ""
    return ""
