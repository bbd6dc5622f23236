"""U30: a proxy at once and marked as one, the exact frame after it, and no frame decoded twice."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import clips
from workstation.app import strips
from workstation.app.frame_cache import FrameCache
from workstation.app.frames import FrameServer
from workstation.app.strips import Proxy, Strip
from workstation.domain.errors import FrameNotFound, WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame, FrameIndex, FrameRef, MediaInfo, MediaLocation, TimeBase
from workstation.media.probing import probe
from workstation.media.reader import open_media

CLIP = EvidenceId("clip")
COUNT = 60
Opened = tuple[MediaLocation, MediaInfo, FrameIndex | None]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    path = clips.write_barcode_clip(tmp_path_factory.mktemp("clips") / "long.mp4", COUNT, gop=60)
    info = probe(path)
    with open_media(path, info) as reader:
        return MediaLocation.of(path), info, reader.index


@pytest.fixture
def server(opened: Opened) -> Iterator[FrameServer]:
    served = FrameServer(lambda _: opened, lambda _: "ab" * 32)
    yield served
    served.close()


class Inbox:
    """Collects what is delivered, in order."""

    def __init__(self) -> None:
        self.got: list[object] = []
        self._event = threading.Event()

    def exact(self, answer: Frame | WorkstationError) -> None:
        self.got.append(answer)
        self._event.set()

    def wait(self) -> Frame:
        assert self._event.wait(20)
        answer = self.got[-1]
        assert isinstance(answer, Frame), answer
        return answer


def _until(true: object, seconds: float = 20.0) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def _fill(server: FrameServer) -> Strip:
    server.proxy(CLIP, 0)
    strip = server.strip(CLIP)
    assert strip is not None
    _until(lambda: strip.whole)
    return strip


def test_a_proxy_comes_before_the_exact_frame(server: FrameServer) -> None:
    _fill(server)
    inbox = Inbox()
    server.request(CLIP, 41, inbox.exact, inbox.got.append)
    exact = inbox.wait()
    stand_in = inbox.got[0]
    assert isinstance(stand_in, Proxy)
    assert (stand_in.ordinal, stand_in.ref.ordinal, stand_in.exact) == (41, 41, True)
    assert (stand_in.width, stand_in.height) == (clips.WIDTH, clips.HEIGHT)
    assert exact.ref.ordinal == clips.read_barcode(exact.rgb) == 41
    assert len(exact.ref.digest) == 64


def test_a_frame_at_hand_needs_no_proxy(server: FrameServer) -> None:
    _fill(server)
    server.fetch(CLIP, 7)
    inbox = Inbox()
    server.request(CLIP, 7, inbox.exact, inbox.got.append)
    assert inbox.wait().ref.ordinal == 7
    assert len(inbox.got) == 1


def test_only_slow_exhibits_get_a_strip(server: FrameServer, opened: Opened) -> None:
    inbox = Inbox()
    server.request(CLIP, 30, inbox.exact, inbox.got.append)
    inbox.wait()
    assert server.strip(CLIP) is None, "a frame of a small clip is as quick as its proxy"
    _, info, index = opened
    large = dataclasses.replace(info, streams=(dataclasses.replace(info.video, width=1920, height=1080),))
    assert strips.is_worth_it(large, index)
    assert not strips.is_worth_it(info, index)
    assert not strips.is_worth_it(large, None)


def test_without_a_strip_there_is_only_the_exact_frame(server: FrameServer) -> None:
    inbox = Inbox()
    server.request(CLIP, 30, inbox.exact)
    assert inbox.wait().ref.ordinal == 30
    assert server.strip(CLIP) is None, "nobody asked for proxies"


def test_frames_kept_are_shared_and_not_decoded_again(server: FrameServer) -> None:
    inbox = Inbox()
    server.request(CLIP, 12, inbox.exact)
    assert server.fetch(CLIP, 12) is inbox.wait()


def test_walking_reads_ahead_in_its_direction(server: FrameServer) -> None:
    for ordinal in (30, 29):
        inbox = Inbox()
        server.request(CLIP, ordinal, inbox.exact)
        inbox.wait()
    _until(lambda: server._kept(CLIP, 25) is not None)
    assert server._kept(CLIP, 33) is None
    jump = Inbox()
    server.request(CLIP, 5, jump.exact)
    jump.wait()
    time.sleep(0.1)
    assert server._kept(CLIP, 6) is None, "a jump is no walk"


def test_what_cannot_be_had_is_an_answer(server: FrameServer) -> None:
    inbox = Inbox()
    server.request(CLIP, COUNT, inbox.exact, inbox.got.append)
    _until(lambda: inbox.got)
    assert isinstance(inbox.got[-1], FrameNotFound)


def test_closing_ends_a_strip_in_the_making(opened: Opened, tmp_path: Path) -> None:
    path = clips.write_barcode_clip(tmp_path / "longer.mp4", 250, gop=250)
    info = probe(path)
    with open_media(path, info) as reader:
        index = reader.index
    served = FrameServer(lambda _: (MediaLocation.of(path), info, index))
    served.proxy(CLIP, 0)
    strip = served.strip(CLIP)
    _until(lambda: strip is not None and len(strip))
    started = time.monotonic()
    served.close()
    assert time.monotonic() - started < 3
    assert not any(thread.name == "proxies" for thread in threading.enumerate())


def test_the_cache_is_bounded_in_bytes() -> None:
    def frame(ordinal: int) -> Frame:
        return Frame(FrameRef(0, ordinal, TimeBase(1, 25), "0" * 64, ordinal), np.zeros((10, 10, 3), np.uint8))

    cache = FrameCache(capacity=1000)
    for ordinal in range(5):
        cache.put(("x", 0, ordinal), frame(ordinal))
        cache.get(("x", 0, 0))
    assert cache.size == 900
    assert [ordinal for ordinal in range(5) if cache.get(("x", 0, ordinal))] == [0, 3, 4]
    cache.put(("x", 0, 9), Frame(frame(9).ref, np.zeros((100, 100, 3), np.uint8)))
    assert cache.get(("x", 0, 9)) is None


def test_a_strip_gives_the_nearest_picture() -> None:
    strip = Strip(CLIP)
    assert strip.near(3) is None
    for ordinal in (10, 20):
        ref = FrameRef(0, ordinal, TimeBase(1, 25), "0" * 64, ordinal)
        strip.add(Frame(ref, np.full((1080, 1920, 3), ordinal, np.uint8)))
    assert [strip.near(n).ref.ordinal for n in (0, 10, 14, 15, 16, 99)] == [10, 10, 10, 10, 20, 20]  # type: ignore[union-attr]
    near = strip.near(16)
    assert near is not None
    assert near.rgb.shape == (180, 320, 3)
    assert (near.width, near.height, near.exact) == (1920, 1080, False)
    assert np.all(near.rgb == 20)


def test_rounds_cover_the_exhibit_evenly() -> None:
    index = FrameIndex(0, TimeBase(1, 25), tuple(range(0, 30_000, 10)), tuple(range(0, 30_000, 500)))
    first, rest = strips.rounds(index, 300)
    assert len(first) == 48
    assert not set(first) & set(rest)
    assert len(rest) <= 300
    gaps = np.diff(sorted([*first, *rest]))
    assert gaps.max() <= 10
    long = FrameIndex(0, TimeBase(1, 25), tuple(range(50_000)), tuple(range(0, 50_000, 250)))
    assert all(ordinal % 250 == 0 for round_ in strips.rounds(long, 300) for ordinal in round_)


def test_a_slow_exhibit_gets_its_strip_after_the_first_frame(opened: Opened) -> None:
    served = FrameServer(lambda _: opened)
    try:
        inbox = Inbox()
        served.request(CLIP, 3, inbox.exact)
        inbox.wait()
        assert served.strip(CLIP) is None, "nobody asked for proxies"
        served._slow[CLIP] = True  # as for a large clip
        inbox = Inbox()
        served.request(CLIP, 40, inbox.exact, inbox.got.append)
        inbox.wait()
        _until(lambda: served.strip(CLIP) is not None)
    finally:
        served.close()
