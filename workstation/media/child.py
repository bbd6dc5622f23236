"""The decoder child: the only process that parses exhibits.

It gets the exhibit as an open read-only descriptor and the shared picture memory, reads one message that says what it
is about, locks itself up (:mod:`confinement`), says which layers hold, and then answers messages until its input ends;
so it also ends when its parent dies. It serves one exhibit and is never used for a second: a child that was taken over
would meet the next one.

It comes into being by a fork of the starter (:mod:`starter`), or on its own with
``python -m workstation.media.child EXHIBIT_FD MEMORY_FD``.
"""

from __future__ import annotations

import importlib
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NoReturn, cast

from workstation.domain.errors import EvidenceError, MediaTooLarge
from workstation.media.confinement import grant_cpu, lock, prepare
from workstation.media.limits import DecodeLimits
from workstation.media.open_exhibit import OpenExhibit
from workstation.media.sniffing import HEAD_BYTES, Signature, sniff
from workstation.media.tasks_table import TASKS
from workstation.media.wire import (
    HEADER,
    Message,
    TooLong,
    body_length,
    packed,
    packed_numbers,
    unpacked,
    unpacked_numbers,
)

if TYPE_CHECKING:
    import mmap

    from workstation.media.decoded import Decoded, Index, Source
    from workstation.media.syscalls import CallFilter

Task = Callable[[OpenExhibit, Message, Callable[[], None], Callable[[Message], None]], Message]
Pack = Callable[["Decoded", int], tuple[Message, int]]

_BEAT_SECONDS = 0.5
_DECODED_AHEAD = 2
_NO_MEMORY = "Decoding needs more memory than one exhibit may use."


class Stopped(Exception):
    """The parent no longer wants the frames that are being decoded."""


class Child:
    """The child's loop: one request at a time, frames decoded ahead as long as there is a free slot."""

    def __init__(self, inbox: int, outbox: int, exhibit_fd: int, memory_fd: int) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._fd = exhibit_fd
        first = self._read()
        if first is None:
            leave()
        self._name: str = first["name"]
        self._path: str = first["path"]
        self._key = bytes.fromhex(first["key"]) or None
        self._limits = DecodeLimits(**first["limits"])
        self._slot_bytes: int = first["slot_bytes"]
        self._free: list[int] = list(range(first["slots"]))
        self._memory: mmap.mmap | None = None
        if self._free:
            from workstation.media.shared_pixels import attach

            self._memory = attach(memory_fd, first["memory_tag"], self._slot_bytes * len(self._free))
        self._task_name: str = first["task"]
        self._exhibit: OpenExhibit | None = None
        self._source: Source | None = None
        self._serving = 0
        self._work: deque[tuple[Message, Future[str], Future[tuple[Message, int]]]] = deque()
        self._hasher = ThreadPoolExecutor(1)
        self._packer = ThreadPoolExecutor(1)
        self._last_beat = time.monotonic()

    def lock_up(self, calls: CallFilter | None, notes: Sequence[str]) -> None:
        """Load what this exhibit's task needs, lay on every layer, and tell the parent which hold."""
        warm_task_up(self._task_name)
        layers = lock(self._limits.memory_bytes, calls)
        grant_cpu(self._limits.cpu_seconds)
        self._write({"is": "hello", "layers": layers, "notes": list(notes)})

    def serve(self) -> None:
        handlers: dict[str, Callable[[Message], None]] = {
            "describe": self._describe,
            "index": self._index,
            "use_index": self._use_index,
            "frames": self._frames,
            "task": self._task,
        }
        while (message := self._read()) is not None:
            name = message["do"]
            if name == "free":
                self._free.append(message["slot"])
                continue
            if name == "stop":
                continue
            self._beat()
            try:
                handlers[name](message)
            except EvidenceError as error:
                self._write(_failure(error))
            except MemoryError:
                self._write(_failure(MediaTooLarge(_NO_MEMORY)))

    def _opened(self) -> OpenExhibit:
        if self._exhibit is None:
            self._exhibit = (
                OpenExhibit.over_path(self._path, self._name, self._limits, self._key)
                if self._fd < 0
                else OpenExhibit.over_descriptor(self._fd, self._name, self._limits, self._key)
            )
        return self._exhibit

    def _open(self) -> Source:
        if self._source is None:
            exhibit = self._opened()
            with exhibit.file() as file:
                signature = sniff(file.read(HEAD_BYTES))
            if signature.is_picture:
                from workstation.media.image_source import ImageSource

                self._source = ImageSource(exhibit, signature)
            else:
                from workstation.media.video_source import VideoSource

                self._source = VideoSource(exhibit, signature is not Signature.UNKNOWN)
        return self._source

    def _describe(self, _: Message) -> None:
        source = self._open()
        facts = source.describe(self._beat)
        self._write({"is": "facts", "decoder": source.decoder, **facts})

    def _index(self, _: Message) -> None:
        source = self._open()
        index = source.index(self._beat)
        source.use_index(index)
        self._write({"is": "index", "decoder": source.decoder, **index.message()})
        self._send(packed_numbers(index.pts))
        self._send(packed_numbers(index.keys))

    def _use_index(self, message: Message) -> None:
        from workstation.media.decoded import Index

        source = self._open()
        pts, keys = self._read_numbers(), self._read_numbers()
        index: Index = Index(message["stream"], message["num"], message["den"], list(pts), list(keys))
        source.use_index(index)
        self._write({"is": "ready", "decoder": source.decoder})

    def _task(self, message: Message) -> None:
        function = load_task(self._task_name)
        result = function(self._opened(), message["arguments"], self._beat, self._say)
        self._write({"is": "done", "result": result})

    def _say(self, part: Message) -> None:
        self._write({"is": "said", "part": part})

    def _frames(self, message: Message) -> None:
        self._serving = message["request"]
        ordinals = self._read_numbers()
        pack = self._pack_samples if message.get("form") == "samples" else self._pack
        try:
            for ordinal in ordinals:
                self._one_frame(ordinal, len(ordinals) == 1, pack)
            self._hand_over(0)
        except Stopped:
            self._forget_work()
        self._write({"is": "end", "request": self._serving})
        self._serving = 0

    def _one_frame(self, ordinal: int, keep_passed: bool, pack: Pack) -> None:
        """Decode here, hash and convert in two other threads, hand over in order."""
        try:
            decoded = self._open().fetch(ordinal, keep_passed, self._beat)
            if decoded.width * decoded.height > self._limits.max_pixels:
                raise MediaTooLarge(f"Frame {ordinal} is {decoded.width} x {decoded.height} pixels, above the limit.")
        except EvidenceError as error:
            self._hand_over(0)
            self._write({**_failure(error), "is": "failed", "ordinal": ordinal})
            return
        if not self._free:
            self._hand_over(0)
        while not self._free:
            self._take_order(self._read())
        slot = self._free.pop()
        facts = {"is": "frame", "ordinal": ordinal, "slot": slot, "width": decoded.width, "height": decoded.height}
        self._work.append((facts, self._hasher.submit(decoded.digest), self._packer.submit(pack, decoded, slot)))
        self._hand_over(_DECODED_AHEAD)
        self._beat()

    def _pack(self, decoded: Decoded, slot: int) -> tuple[Message, int]:
        """Write the picture into its slot, if it fits. Returns its stride as a message and its size in bytes."""
        stride, pixels = decoded.rgb()
        size = stride * decoded.height
        if size <= self._slot_bytes:
            assert self._memory is not None
            start = slot * self._slot_bytes
            self._memory[start : start + size] = pixels[:size]
        return {"stride": stride}, size

    def _pack_samples(self, decoded: Decoded, slot: int) -> tuple[Message, int]:
        """The same with the stored samples: the planes one after the other, rows without gaps."""
        pixel_format, layout, pieces = decoded.samples()
        size = sum(len(piece) for piece in pieces)
        if size <= self._slot_bytes:
            assert self._memory is not None
            at = slot * self._slot_bytes
            for piece in pieces:
                self._memory[at : at + len(piece)] = piece
                at += len(piece)
        return {"format": pixel_format, "planes": [list(plane) for plane in layout]}, size

    def _hand_over(self, leave: int) -> None:
        """Send what is ready, in order, and wait until at most ``leave`` pictures are still in work."""
        while self._work and (len(self._work) > leave or (self._work[0][1].done() and self._work[0][2].done())):
            facts, digest, packed_ = self._work.popleft()
            try:
                more, size = packed_.result()
                facts |= {"digest": digest.result(), **more}
            except (EvidenceError, MemoryError) as error:
                known = error if isinstance(error, EvidenceError) else MediaTooLarge(_NO_MEMORY)
                self._free.append(facts["slot"])
                self._write({**_failure(known), "is": "failed", "ordinal": facts["ordinal"]})
                continue
            if size > self._slot_bytes:
                self._free.append(facts["slot"])
                self._write({"is": "grow", "bytes": size})
                raise Stopped
            self._write(facts)

    def _forget_work(self) -> None:
        for facts, digest, packed_ in self._work:
            wait([cast("Future[object]", digest), cast("Future[object]", packed_)])
            self._free.append(facts["slot"])
        self._work.clear()

    def _beat(self) -> None:
        """Called between steps: renew the processor time, tell the parent we live, see whether it changed its mind."""
        now = time.monotonic()
        if now - self._last_beat >= _BEAT_SECONDS:
            self._last_beat = now
            grant_cpu(self._limits.cpu_seconds)
            self._write({"is": "beat"})
        if self._serving and self._waiting():
            self._take_order(self._read())

    def _waiting(self) -> bool:
        if sys.platform == "win32":
            return False
        return bool(select.select([self._inbox], [], [], 0)[0])

    def _take_order(self, message: Message | None) -> None:
        if message is None:
            leave()
        if message["do"] == "free":
            self._free.append(message["slot"])
        elif message["do"] == "stop" and message["request"] == self._serving:
            raise Stopped

    def _read(self) -> Message | None:
        body = self._read_body()
        return None if body is None else unpacked(body)

    def _read_numbers(self) -> tuple[int, ...]:
        body = self._read_body()
        if body is None:
            leave()
        return unpacked_numbers(body)

    def _read_body(self) -> bytes | None:
        header = self._read_exactly(HEADER.size)
        return None if header is None else self._read_exactly(body_length(header))

    def _read_exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._inbox, min(size - len(parts), 1 << 20))
            if not part:
                return None
            parts += part
        return bytes(parts)

    def _write(self, message: Message) -> None:
        try:
            data = packed(message)
        except TooLong:
            data = packed(_failure(MediaTooLarge("What this exhibit says about itself is longer than one may be.")))
        self._send(data)

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._outbox, rest) :]


def load_task(name: str) -> Task:
    """Import the module of a task of the closed table and return its function."""
    module, _, function = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), function)
    return task


def warm_task_up(name: str) -> None:
    """Load what the task will need, as long as files can still be opened."""
    if name:
        module = importlib.import_module(TASKS[name].partition(":")[0])
        getattr(module, "warm_up", lambda: None)()


def _failure(error: EvidenceError) -> Message:
    return {"is": "error", "code": error.code, "message": error.message, "advice": error.advice}


def leave() -> NoReturn:
    """End at once: the decoders' threads are not waited for (they can hang at exit, PyAV issues 367 and 909)."""
    os._exit(0)


def run(
    inbox: int, outbox: int, exhibit_fd: int, memory_fd: int, calls: CallFilter | None, notes: Sequence[str]
) -> NoReturn:
    """Be the child of one exhibit until the parent is done with it. Never returns."""
    try:
        child = Child(inbox, outbox, exhibit_fd, memory_fd)
        child.lock_up(calls, notes)
        child.serve()
    except BrokenPipeError:
        leave()
    except BaseException as error:  # noqa: BLE001 (a decoder's surprise: leave its name for the parent, then die)
        os.write(2, f"{type(error).__name__}: {error}"[:2000].encode(errors="replace"))
        os._exit(70)
    leave()


def main() -> None:
    """A child of its own, where there is no starter (not Linux, or it could not be started)."""
    exhibit_fd, memory_fd = (int(word) for word in sys.argv[1:3])
    inbox, outbox = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)  # a library that prints must not speak to the parent
    os.close(nothing)
    if sys.platform != "win32":
        os.set_blocking(2, False)
    calls, notes = prepare()
    if sys.platform.startswith("linux"):
        # Elsewhere files can still be opened later, and start-up is shorter without it.
        from workstation.media.warm_up import warm_up

        warm_up()
    run(inbox, outbox, exhibit_fd, memory_fd, calls, notes)


if __name__ == "__main__":
    main()
