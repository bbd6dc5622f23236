"""A picture that is not in the exhibit is never shown: after losses every frame is the recorded one, or a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from tests.fakes import corpus
from workstation.domain.errors import DamagedMedia
from workstation.media.framehash import write_framehash
from workstation.media.h264_gaps import GapWatch
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, open_media

pytestmark = pytest.mark.skipif(corpus.FFMPEG is None, reason="no ffmpeg on this machine to make the clips")
BASES = ("b_frames", "cfr", "open_gop", "intra_refresh", "interlaced", "open_gop_hevc", "ten_bit_hevc")
CUTS: dict[str, Callable[[int], bool]] = {
    "one gone": lambda number: number != 8,
    "three gone": lambda number: number not in (7, 8, 9),
    "begins in the middle": lambda number: number >= 5,
}
_ALWAYS = {("b_frames", "three gone"), ("intra_refresh", "one gone"), ("open_gop", "begins in the middle"),
           ("open_gop_hevc", "one gone")}  # fmt: skip
CASES = [
    pytest.param(base, cut, marks=() if (base, cut) in _ALWAYS else pytest.mark.harness)
    for base in BASES
    for cut in CUTS
]


def cut_packets(source: Path, target: Path, keep: Callable[[int], bool]) -> None:
    """Copy a stream without some of its packets, counted in decoding order."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        number = 0
        for packet in reader.demux(stream):
            if packet.dts is None:
                continue
            if keep(number):
                packet.stream = copy
                writer.mux(packet)
            number += 1


@pytest.mark.parametrize("suffix", [".mkv", pytest.param(".mp4", marks=pytest.mark.harness)])
@pytest.mark.parametrize(("base", "cut"), CASES)
def test_no_concealed_picture_is_given_out(base: str, cut: str, suffix: str, tmp_path: Path) -> None:
    source = corpus.make(base, tmp_path)
    recorded = {entry.sha256 for entry in corpus.reference(source)}
    target = tmp_path / f"cut{suffix}"
    cut_packets(source, target, CUTS[cut])
    whole = failed = 0
    info = probe(target)
    with open_media(target, info) as reader:
        in_turn = [isinstance(got, FrameFailure) for got in reader.frames(range(len(reader.index)))]
        for ordinal in range(len(reader.index)):
            try:
                found = reader.samples(ordinal).sha256
            except DamagedMedia:
                failed += 1
                assert in_turn[ordinal], "one pass shows what random access refuses"
                continue
            whole += 1
            assert found in recorded, f"frame {ordinal} was never recorded"
            assert not in_turn[ordinal]
    assert whole > 15, "and what is there is not lost"
    assert failed or cut == "one gone"


def test_a_list_of_frames_has_no_line_for_a_damaged_one(tmp_path: Path) -> None:
    source = corpus.make("b_frames", tmp_path)
    recorded = {entry.sha256 for entry in corpus.reference(source)}
    cut_packets(source, tmp_path / "cut.mkv", CUTS["three gone"])
    written = write_framehash(tmp_path / "cut.mkv", probe(tmp_path / "cut.mkv"), tmp_path / "list.txt")
    lines = (tmp_path / "list.txt").read_text().splitlines()
    assert {line[-64:] for line in lines if line[0] == "0"} <= recorded
    assert len(written.damaged) == sum(line.startswith("#damaged 0: ") for line in lines) > 5
    assert written.frames + len(written.damaged) == 57
    theirs = corpus.reference(tmp_path / "cut.mkv")
    assert not {entry.sha256 for entry in theirs} <= recorded, "ffmpeg lists what it made up"


@pytest.mark.parametrize("options", [
    "cqm=jvt", "b-pyramid=normal:bframes=5:ref=6", "slices=4:bframes=2", "intra-refresh=1:bframes=0", "tff=1:bframes=2",
    "open-gop=1:bframes=3:keyint=10", "bluray-compat=1:bframes=2", "stitchable=1:keyint=7", "keyint=300:bframes=0",
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_nothing_is_missing_from_a_whole_stream(options: str, suffix: str, tmp_path: Path) -> None:
    """Against false alarms, and that a missing reference is noticed at once in the same stream."""
    clip = corpus.pattern(tmp_path / f"a{suffix}", f"{corpus.X264} -pix_fmt yuv420p -x264-params {options}", frames=90)
    with av.open(str(clip)) as reader:
        stream: Any = reader.streams.video[0]
        packets = [(bytes(p), p.is_keyframe) for p in reader.demux(stream) if p.size]
        extradata = bytes(stream.codec_context.extradata)
    assert len(packets) == 90
    watch = GapWatch(extradata)
    assert not any(watch.is_missing_before(*packet) for packet in packets)
    noticed = 0
    for gone in range(20, 40):
        watch = GapWatch(extradata)
        noticed += any(watch.is_missing_before(*packet) for packet in packets[:gone] + packets[gone + 1 :])
    assert noticed >= 3, "references among twenty pictures"


def test_words_without_sense_are_no_alarm() -> None:
    watch = GapWatch(b"\x01\x64\x00\x1f\xff\xe1\x00")
    for junk in (b"", b"\x00", b"\x00\x00\x00\x01\x65", bytes(64), b"\xff" * 64, b"\x00\x00\x01\x67\x64" * 9):
        assert not watch.is_missing_before(junk, False)
        assert not GapWatch(junk).is_missing_before(junk, True)
