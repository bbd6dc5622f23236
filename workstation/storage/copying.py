"""One read of the bytes: hashing and writing at the same time (E1).

The reader fills a few large buffers; a thread hashes each while the calling thread writes it. Both work on the same
memory, so that what is hashed is what is written, and no byte of the source is read twice. The system is told that the
source is read in order, and both the source's and the copy's pages are given back behind the work, so that taking in a
large file does not push everything else out of memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from workstation.domain.errors import Cancelled, InputError

Progress = Callable[[int, int], None]
Sink = Callable[[memoryview], object]

CHUNK = 4 << 20
_BUFFERS = 4
_GIVE_BACK = 64 << 20
# A thread and four large buffers cost more than they save below this size.
_SMALL = 2 << 20
SECOND_DIGESTS = ("sha512", "blake2b", "md5")


class ReadFault(OSError):
    """The source could not be read on, as opposed to the copy that could not be written."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What one read found: SHA-256 and every digest asked for besides (hex), by name, and the bytes read."""

    sha256: str
    size: int
    others: dict[str, str] = field(default_factory=dict)


def read_once(
    descriptor: int,
    total: int,
    *,
    sink: Sink | None = None,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    others: Iterable[str] = (),
) -> Digests:
    """Read a file to its end, hash it, and hand every chunk to ``sink`` in order.

    Args:
        descriptor: open for reading, at the start; it is left at the end.
        total: bytes expected, for ``on_progress(done, total)``.
        sink: called on this thread with each chunk; the memory is used again afterwards, so it must not keep it.
        others: further digests from the same read: names out of ``SECOND_DIGESTS``.

    Raises:
        InputError: an unknown digest.
        Cancelled: ``cancelled`` said so; checked before every chunk.
        ReadFault: the source cannot be read to its end.
        OSError: what the sink raised.
    """
    names = tuple(dict.fromkeys(name for name in others if name))
    for name in names:
        if name not in SECOND_DIGESTS:
            raise InputError(f'There is no digest "{name}".', f"Choose one of {', '.join(SECOND_DIGESTS)}.")
    if total <= _SMALL:
        return _read_small(descriptor, total, sink, on_progress, cancelled, names)
    _in_order(descriptor)
    hasher = _Hasher(names)
    size = given_back = 0
    try:
        while True:
            if cancelled is not None and cancelled():
                raise Cancelled("Reading was cancelled.")
            buffer = hasher.buffer()
            count = _read_into(descriptor, buffer)
            if not count:
                break
            piece = memoryview(buffer)[:count]
            hasher.put(buffer, count)
            if sink is not None:
                sink(piece)
            hasher.written(buffer)
            size += count
            if size - given_back >= _GIVE_BACK:
                _done_with(descriptor, given_back, size - given_back)
                given_back = size
            if on_progress is not None:
                on_progress(size, total)
    finally:
        found = hasher.finish()
    return Digests(found["sha256"], size, {name: found[name] for name in names})


def _read_small(
    descriptor: int,
    total: int,
    sink: Sink | None,
    on_progress: Progress | None,
    cancelled: Callable[[], bool] | None,
    names: tuple[str, ...],
) -> Digests:
    digests = {name: hashlib.new(name) for name in ("sha256", *names)}
    size = 0
    while True:
        if cancelled is not None and cancelled():
            raise Cancelled("Reading was cancelled.")
        data = _read(descriptor, _SMALL)
        if not data:
            break
        for digest in digests.values():
            digest.update(data)
        if sink is not None:
            sink(memoryview(data))
        size += len(data)
        if on_progress is not None:
            on_progress(size, total)
    return Digests(digests["sha256"].hexdigest(), size, {name: digests[name].hexdigest() for name in names})


class _Hasher:
    """A thread that hashes buffers in the order they come. A buffer is free again when it is hashed and written."""

    def __init__(self, others: tuple[str, ...]) -> None:
        self._digests = {name: hashlib.new(name) for name in ("sha256", *others)}
        self._work: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._half: set[int] = set()
        self._lock = threading.Lock()
        self._made = 0
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
        self._thread.start()

    def buffer(self) -> bytearray:
        if self._made < _BUFFERS:
            self._made += 1
            return bytearray(CHUNK)
        return self._free.get()

    def put(self, buffer: bytearray, count: int) -> None:
        self._work.put((buffer, count))

    def written(self, buffer: bytearray) -> None:
        self._release(buffer)

    def finish(self) -> dict[str, str]:
        self._work.put(None)
        self._thread.join()
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def _run(self) -> None:
        while (entry := self._work.get()) is not None:
            buffer, count = entry
            with memoryview(buffer)[:count] as piece:
                for digest in self._digests.values():
                    digest.update(piece)
            self._release(buffer)

    def _release(self, buffer: bytearray) -> None:
        with self._lock:
            if id(buffer) not in self._half:
                self._half.add(id(buffer))
                return
            self._half.discard(id(buffer))
        self._free.put(buffer)


def _read_into(descriptor: int, buffer: bytearray) -> int:
    if not hasattr(os, "readv"):
        data = _read(descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)
    try:
        return os.readv(descriptor, [buffer])
    except OSError as fault:
        raise ReadFault(fault.errno, fault.strerror) from fault


def _read(descriptor: int, count: int) -> bytes:
    try:
        return os.read(descriptor, count)
    except OSError as fault:
        raise ReadFault(fault.errno, fault.strerror) from fault


def _in_order(descriptor: int) -> None:
    """Tell the system that the file is read from start to end, where it listens."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def _done_with(descriptor: int, offset: int, length: int) -> None:
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_DONTNEED)
