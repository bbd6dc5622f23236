"""A child that lies: whatever it answers, its parent ends with words of the domain or with one typed error."""

from __future__ import annotations

import copy
import json
import os
import random
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from workstation.domain.errors import DecoderStopped, EvidenceError
from workstation.domain.media import Frame, FrameIndex, MediaInfo
from workstation.media import decoder_process
from workstation.media import reader as reader_module
from workstation.media.answers import Nonsense, frame_index, media_info, plain
from workstation.media.decoder_process import DecoderProcess
from workstation.media.framehash import write_framehash
from workstation.media.limits import DecodeLimits
from workstation.media.metadata.facade import read_metadata
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, open_media
from workstation.media.streams import stream_digests
from workstation.media.tasks import run_task
from workstation.media.wire import HEADER, body_length, packed, packed_numbers, unpacked, unpacked_numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="plays a child over POSIX pipes")
LIMITS = DecodeLimits(item_timeout_s=1.0, question_timeout_s=5.0)
VALUES: list[Any] = [
    None, -1, 0, 1, 7, 2**31, 2**63, 2**64, 10**300, 1.5, 1e308, "", "x", "\ud800", "\0\n\u202e", "9" * 70, [], [[]],
    [None], {}, {"a": 1}, True, [0] * 300, "f" * 64,
]  # fmt: skip


class Player:
    """Plays the child: says what it was given, listens to whatever it is told, then ends."""

    errors: int | None = None
    pid = 0

    def __init__(self, said: bytes, holds: bool) -> None:
        hear, self.inbox = os.pipe()
        self.outbox, say = os.pipe()
        self._threads = [
            threading.Thread(target=self._listen, args=(hear,)),
            threading.Thread(target=self._say, args=(say, said, holds)),
        ]
        self._ended = threading.Event()
        for thread in self._threads:
            thread.start()

    def _listen(self, fd: int) -> None:
        while os.read(fd, 1 << 16):
            pass
        os.close(fd)

    def _say(self, fd: int, said: bytes, holds: bool) -> None:
        try:
            rest = memoryview(said)
            while rest:
                rest = rest[os.write(fd, rest) :]
            if holds:
                self._ended.wait(10)
        except OSError:
            pass
        finally:
            os.close(fd)

    def kill(self) -> None:
        self._ended.set()

    def wait(self, seconds: float) -> int | None:
        return 0

    def release(self) -> None:
        self._ended.set()
        os.close(self.outbox)
        os.close(self.inbox)
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def with_said(said: bytes, holds: bool = False) -> None:
        monkeypatch.setattr(decoder_process, "start_child", lambda *_: (Player(said, holds), ()))

    return with_said


def _recorded(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[bytes]:
    """What a sound child said while ``act`` ran."""
    bodies: list[bytes] = []
    real = DecoderProcess._read_body

    def record(self: DecoderProcess) -> bytes:
        bodies.append(real(self))
        return bodies[-1]

    with monkeypatch.context() as patch:
        patch.setattr(DecoderProcess, "_read_body", record)
        act()
    return bodies


def _whole(bodies: list[bytes]) -> bytes:
    return b"".join(HEADER.pack(len(body)) + body for body in bodies)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, the keys that lead there."""
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from _places(part, (*at, key))


def _put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    changed = copy.deepcopy(value)
    spot = changed
    for key in at[:-1]:
        spot = spot[key]
    spot[at[-1]] = new
    return changed


def _twisted(bodies: list[bytes], dice: random.Random, count: int) -> Iterator[bytes]:
    """Sessions with one message changed in one place, cut, grown, flipped, doubled or left out."""
    spoken = [n for n, body in enumerate(bodies) if body[:1] == b"{"]
    for _ in range(count):
        changed = list(bodies)
        number = dice.choice(spoken)
        message = json.loads(bodies[number])
        place = dice.choice([place for place in _places(message) if place])
        changed[number] = json.dumps(_put(message, place, dice.choice(VALUES))).encode()
        yield _whole(changed)
    whole = _whole(bodies)
    for _ in range(count // 4):
        yield whole[: dice.randrange(len(whole))]
        flipped = bytearray(whole)
        flipped[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        yield bytes(flipped)
        mixed = list(bodies)
        dice.shuffle(mixed)
        yield _whole(mixed[: dice.randrange(1, len(mixed) + 1)])


def _typed(act: Callable[[], object]) -> object:
    try:
        return act()
    except EvidenceError as caught:
        error = caught
    assert "\n" not in error.line()
    error.line().encode()
    return error


def _is_sound(info: object) -> None:
    if isinstance(info, MediaInfo):
        json.dumps([str(info), info.decoder, *info.warnings]).encode()
        assert info.video.width > 0
        assert all(-(2**63) <= (s.start_pts or 0) < 2**63 for s in info.streams)
        for stream in info.streams:
            stream.codec.encode()
            stream.time_base.seconds(90_000)


def test_twisted_descriptions(clip: Path, play: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = _recorded(monkeypatch, lambda: probe(clip))
    outcomes = []
    for said in _twisted(bodies, random.Random(1), 260):
        play(said)
        outcomes.append(_typed(lambda: probe(clip, LIMITS)))
        _is_sound(outcomes[-1])
    assert sum(isinstance(outcome, DecoderStopped) for outcome in outcomes) > 100


def test_twisted_frames(clip: Path, play: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    info = probe(clip)

    def read(limits: DecodeLimits | None = None) -> object:
        with open_media(clip, info, limits) as reader:
            got = list(reader.frames([0, 1, 2]))
            assert [f.ordinal if isinstance(f, FrameFailure) else f.ref.ordinal for f in got] == [0, 1, 2]
            return got

    bodies = _recorded(monkeypatch, read)
    outcomes: list[object] = []
    for said in _twisted(bodies, random.Random(2), 160):
        play(said)
        outcomes.append(_typed(lambda: read(LIMITS)))
    failed = [o for o in outcomes if isinstance(o, EvidenceError) or any(isinstance(f, FrameFailure) for f in o)]  # type: ignore[attr-defined]
    assert len(failed) > 60


def test_twisted_results_of_tasks(clip: Path, play: Callable[..., None]) -> None:
    good = {"is": "done", "result": {"streams": [{"n": 1, "text": "x", "more": [1.5, None, True]}]}}
    dice = random.Random(3)
    outcomes = []
    for said in _twisted([b'{"is":"hello","layers":[]}', json.dumps(good).encode()], dice, 120):
        play(said)
        outcomes.append(_typed(lambda: run_task(clip, "streams", {}, LIMITS)))
        if isinstance(outcomes[-1], dict):
            json.dumps(outcomes[-1], ensure_ascii=False, allow_nan=False).encode()
    assert any(isinstance(outcome, dict) for outcome in outcomes)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff" + b"x" * 1000,
        HEADER.pack(5) + b"hello",
        HEADER.pack(0),
        HEADER.pack(2) + b"[]",
        HEADER.pack(100_000) + b"[" * 100_000,
        HEADER.pack(600_006) + b'{"is":' + b'{"a":' * 120_000,
        HEADER.pack(20) + b'{"is":"facts","a":NaN}'[:20],
        HEADER.pack(22) + b'{"is":"facts","a":NaN}',
        HEADER.pack(9) + b'{"a":1}\xff\xfe',
        HEADER.pack(9) + b"#" + bytes(8),
        HEADER.pack(6_010) + b'{"is":' + b"9" * 6_003 + b"}",
        HEADER.pack(17) + b'{"is":["facts"]} ',
        HEADER.pack(15) + b'{"is":"beat"}  ' * 1,
    ],
    ids=range(15),
)
def test_broken_messages(clip: Path, play: Callable[..., None], said: bytes) -> None:
    play(said)
    assert isinstance(_typed(lambda: probe(clip, LIMITS)), DecoderStopped)
    play(said)
    assert isinstance(_typed(lambda: run_task(clip, "metadata", {}, LIMITS)), DecoderStopped)


def test_a_child_that_never_listens_does_not_hold_its_parent(
    clip: Path, monkeypatch: pytest.MonkeyPatch, play: Callable[..., None]
) -> None:
    """The index of a long video is larger than a pipe: writing it to a child that does not read must end."""
    info = probe(clip)
    monkeypatch.setattr(Player, "_listen", lambda self, fd: (self._ended.wait(10), os.close(fd)))
    play(packed({"is": "hello", "layers": []}), holds=True)
    known = FrameIndex(0, info.video.time_base, tuple(range(200_000)), (0,))
    error = _typed(lambda: open_media(clip, info, LIMITS, known))
    assert isinstance(error, DecoderStopped)
    assert "no sign" in error.message


def _facts() -> dict[str, Any]:
    stream = {"index": 0, "kind": "video", "codec": "h264", "width": 64, "height": 48, "num": 1, "den": 25}
    return {
        "kind": "video", "container": "mov", "streams": [stream], "primary": 0, "duration_s": 1.0, "decoder": "d",
        "warnings": [],
    }  # fmt: skip


def test_a_sound_description_is_taken() -> None:
    assert media_info(_facts(), LIMITS).video.codec == "h264"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("streams", [_facts()["streams"][0]] * 2),
        ("streams", [_facts()["streams"][0] | {"index": n} for n in range(300)]),
        ("streams", [_facts()["streams"][0] | {"den": 0}]),
        ("streams", [_facts()["streams"][0] | {"num": -1}]),
        ("streams", [_facts()["streams"][0] | {"width": 1 << 20, "height": 1 << 20}]),
        ("streams", [_facts()["streams"][0] | {"start_pts": 1 << 63}]),
        ("streams", [_facts()["streams"][0] | {"turn": 45}]),
        ("streams", [_facts()["streams"][0] | {"width": True}]),
        ("primary", 1),
        ("duration_s", float("inf")),
        ("duration_s", -1),
        ("warnings", ["x"] * 1000),
        ("kind", "sound"),
        ("decoder", None),
    ],
)
def test_a_description_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Nonsense):
        media_info(_facts() | {name: value}, LIMITS)


@pytest.mark.parametrize(
    ("pts", "keys"),
    [([], []), ([1, 1], [1]), ([2, 1], []), ([1, 2], [3]), ([1, 2, 3], [2, 1]), ([1], [1, 2])],
)
def test_an_index_that_does_not_rise_is_refused(pts: list[int], keys: list[int]) -> None:
    with pytest.raises(Nonsense):
        frame_index({"stream": 0, "num": 1, "den": 25}, pts, keys, LIMITS)


def test_an_index_above_the_limit_is_refused() -> None:
    with pytest.raises(Nonsense):
        frame_index({"stream": 0, "num": 1, "den": 25}, range(11), [0], DecodeLimits(max_frames=10))


def test_text_that_can_not_be_stored_is_repaired_and_the_rest_refused() -> None:
    assert plain({"a\udfff": ["\ud800x", 1, None, 2.5]}) == {"a?": ["?x", 1, None, 2.5]}
    deep: Any = 0
    for _ in range(80):
        deep = [deep]
    for value in (deep, 1 << 63, float("nan"), float("inf")):
        with pytest.raises(Nonsense):
            plain([value])


@pytest.mark.parametrize("code", ["duplicate_evidence", "empty_file", "frame_not_found", "not_found", "cancelled", 3])
def test_an_exhibit_can_not_talk_itself_out_of_a_case(clip: Path, play: Callable[..., None], code: Any) -> None:
    """Only what a decoder can know is believed; all else is the plain error of the family."""
    play(packed({"is": "error", "code": code, "message": "Already there.\n\x1b[2J", "advice": ""}))
    with pytest.raises(EvidenceError) as caught:
        probe(clip, LIMITS)
    assert type(caught.value) is EvidenceError
    assert caught.value.message == "Already there. [2J"


def test_a_message_that_would_fill_the_memory_is_not_unpacked() -> None:
    with pytest.raises(ValueError, match="too many values"):
        unpacked(b'{"a":[' + b"[]," * 2_000_000 + b"[]]}")


def test_numbers_cross_whole() -> None:
    data = packed_numbers([-(2**63), 0, 2**63 - 1])
    assert body_length(data[:4]) == len(data) - 4
    assert unpacked_numbers(data[4:]) == (-(2**63), 0, 2**63 - 1)
    with pytest.raises(ValueError):
        unpacked_numbers(data[4:-1])
    with pytest.raises(OverflowError):
        packed_numbers([2**63])
    with pytest.raises(ValueError):
        body_length(struct.pack(">I", 1 << 31))
    with pytest.raises(ValueError):
        unpacked(b'{"a": -Infinity}')


def test_frames_of_a_sound_session_played_back_are_frames(
    clip: Path, play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The player itself is sound: untwisted, the same recording gives every frame."""
    info = probe(clip)

    def read() -> list[Any]:
        with open_media(clip, info) as reader:
            return list(reader.frames([0, 1, 2]))

    bodies = _recorded(monkeypatch, read)
    play(_whole(bodies))
    assert all(isinstance(frame, Frame) for frame in read())


def test_twisted_answers_through_the_doors_of_the_tasks(
    clip: Path, tmp_path: Path, play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metadata, digests of streams, lists of frames: the readers behind the tasks hold, too."""
    info = probe(clip)
    doors: list[Callable[[DecodeLimits | None], object]] = [
        lambda limits: read_metadata(clip, limits=limits),
        lambda limits: stream_digests(clip, limits),
        lambda limits: write_framehash(clip, info, tmp_path / "list.txt", limits=limits),
    ]
    for number, door in enumerate(doors):
        bodies = _recorded(monkeypatch, partial(door, None))
        for said in _twisted(bodies, random.Random(number), 160):
            play(said)
            got = _typed(partial(door, LIMITS))
            if not isinstance(got, EvidenceError):
                repr(got).encode()
        monkeypatch.undo()


def test_a_child_that_never_ends_a_request_is_left(
    clip: Path, play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames that nobody asked for, without end, after the caller turned to another frame."""
    monkeypatch.setattr(reader_module, "_PATIENCE_SECONDS", 0.2)
    info = probe(clip)

    def read() -> Any:
        with open_media(clip, info) as reader:
            next(iter(reader.frames([0, 1, 2])))
            return reader.frame(5)

    bodies = _recorded(monkeypatch, read)
    frame = next(body for body in bodies if b'"frame"' in body)
    cut = bodies.index(frame) + 1
    play(_whole([*bodies[:cut], *([frame] * 400_000)]), holds=True)
    started = time.monotonic()
    _typed(read)
    assert time.monotonic() - started < 60


def test_a_child_that_asks_for_more_room_without_end_is_given_up(clip: Path, play: Callable[..., None]) -> None:
    info = probe(clip)
    index = [packed({"is": "hello"}), packed({"is": "index", "decoder": "d", "stream": 0, "num": 1, "den": 25})]
    grow = [packed({"is": "grow", "bytes": 200_000 + n}) for n in range(1, 40)]
    play(b"".join([*index, packed_numbers([0, 1]), packed_numbers([0]), *grow]))
    with open_media(clip, info, DecodeLimits(max_pixels=1_000_000)) as reader:
        (got,) = list(reader.frames([0]))
    assert isinstance(got, FrameFailure)
