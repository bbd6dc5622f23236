"""U30: random scrubbing over 1080p with a keyframe every 250 frames, with proxies and without. ``make bench``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import corpus
from workstation.app.frames import FrameServer
from workstation.domain.ids import EvidenceId
from workstation.domain.media import FrameIndex, MediaInfo, MediaLocation
from workstation.media.probing import probe
from workstation.media.reader import open_media

CLIP = EvidenceId("clip")
FRAMES, STEPS = 600, 40
Opened = tuple[MediaLocation, MediaInfo, FrameIndex | None]


def _open(path: Path) -> Opened:
    info = probe(path)
    with open_media(path, info) as reader:
        return MediaLocation.of(path), info, reader.index


def _times(server: FrameServer, ordinals: list[int], proxies: bool) -> tuple[list[float], list[float]]:
    """Seconds from each request to the first picture, and to the exact one."""
    first: list[float] = []
    exact: list[float] = []
    for ordinal in ordinals:
        seen: list[float] = []
        done = threading.Event()

        def took(_: object, seen: list[float] = seen, done: threading.Event = done, last: bool = True) -> None:
            seen.append(time.perf_counter())
            if last:
                done.set()

        shown: Callable[[object], None] = lambda proxy, took=took: took(proxy, last=False)  # noqa: E731
        start = time.perf_counter()
        server.request(CLIP, ordinal, took, shown if proxies else None)
        assert done.wait(60)
        first.append(seen[0] - start)
        exact.append(seen[-1] - start)
    return first, exact


@pytest.mark.benchmark
@pytest.mark.timeout(900)
@pytest.mark.skipif(corpus.FFMPEG is None, reason="no ffmpeg to make the clip")
def test_random_scrubbing_with_and_without_proxies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coding = f"{corpus.X264} -g 250 -keyint_min 250 -sc_threshold 0 -bf 3 -crf 28 -pix_fmt yuv420p"
    opened = _open(corpus.pattern(tmp_path / "clip.mp4", coding, size="1920x1080", frames=FRAMES))
    ordinals = np.random.default_rng(3).integers(0, FRAMES, STEPS).tolist()

    bare = FrameServer(lambda _: opened)
    bare.fetch(CLIP, 0)  # the child is running in both cases
    without, _ = _times(bare, ordinals, proxies=False)
    bare.close()

    server = FrameServer(lambda _: opened)
    server.fetch(CLIP, 0)
    began = time.perf_counter()
    server.proxy(CLIP, 0)
    strip = server.strip(CLIP)
    assert strip is not None
    while not len(strip):
        time.sleep(0.005)
    ready = time.perf_counter() - began
    while not strip.whole:
        time.sleep(0.05)
    filled = time.perf_counter() - began
    first, exact = _times(server, ordinals, proxies=True)
    again, _ = _times(server, ordinals[-20:], proxies=True)
    server.close()

    def line(name: str, values: list[float]) -> str:
        worst = np.percentile(values, 95)
        return f"{name}: median {np.median(values) * 1000:.2f} ms, 95 % {worst * 1000:.2f} ms"

    lines = (
        f"\nfirst proxy after {ready:.2f} s, strip of {len(strip)} whole after {filled:.2f} s",
        line("first picture, no proxies", without),
        line("first picture, proxies", first),
        line("exact frame, proxies", exact),
        line("frames seen before", again),
        f"ratio of medians: {np.median(without) / np.median(first):.0f}\n",
    )
    with capsys.disabled():
        sys.stdout.write("\n".join(lines))
    assert np.percentile(first, 95) < np.median(without) / 2, "a stand-in comes long before its frame"
    assert np.median(without) / np.median(first) > 5
    assert np.median(exact) < 1.5 * np.median(without), "proxies must not slow the exact frames down"
