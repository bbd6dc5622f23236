"""Frames are exact in every container, in any order (X9, G9)."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.fakes import clips
from workstation.domain.errors import FrameNotFound
from workstation.domain.media import Frame, MediaInfo
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, open_media

COUNT = 60
Writer = Callable[[Path], object]


def _plain(suffix: str, **options: object) -> tuple[str, Writer]:
    return suffix, lambda path: clips.write_barcode_clip(path, COUNT, **options)


CONTAINERS: dict[str, tuple[str, Writer]] = {
    "mp4": _plain(".mp4"),
    "mkv": _plain(".mkv"),
    "mpegts": _plain(".ts"),
    "raw h264": _plain(".h264"),
    "avi mpeg4 with b-frames": _plain(".avi", codec="mpeg4", options={"bf": "2", "qscale": "3"}),
    "mpeg2 ts": _plain(".ts", codec="mpeg2video", options={"bf": "2", "b": "4000000"}),
    "open gop mp4": _plain(".mp4", options={"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"}),
    "open gop ts": _plain(".ts", options={"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"}),
    "intra refresh": _plain(".mp4", options={"x264-params": "intra-refresh=1:keyint=12"}),
    "one keyframe": _plain(".mp4", gop=250),
    "all keyframes": _plain(".mkv", gop=1),
    "vp8": _plain(".webm", codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "10", "b": "2000000"}),
    "vp9": _plain(".webm", codec="libvpx-vp9", options={"lag-in-frames": "10", "cpu-used": "8", "b": "1000000"}),
    "hevc": _plain(".mp4", codec="libx265"),
    "variable rate": (".mp4", lambda path: clips.write_uneven_clip(path, COUNT)),
    "variable rate mkv, late start": (".mkv", lambda path: clips.write_uneven_clip(path, COUNT, start=5000)),
    "late start": _plain(".mp4", pts=[300 + i for i in range(COUNT)], time_base=Fraction(1, 25)),
}


@pytest.fixture(params=CONTAINERS, scope="module")
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MediaInfo]:
    suffix, write = CONTAINERS[request.param]
    path = tmp_path_factory.mktemp("exact") / f"clip{suffix}"
    write(path)
    return path, probe(path)


def test_every_frame_is_the_right_one_in_any_order(media: tuple[Path, MediaInfo]) -> None:
    path, info = media
    order = list(range(COUNT))
    random.Random(3).shuffle(order)
    with open_media(path, info) as reader:
        assert len(reader.index) == COUNT == info.video.frame_count
        forward = {f.ref.ordinal: f for f in reader.frames(range(COUNT)) if isinstance(f, Frame)}
        assert [clips.read_barcode(forward[o].rgb) for o in range(COUNT)] == list(range(COUNT))
        for ordinal in [COUNT - 1, 0, *order]:
            frame = reader.frame(ordinal)
            assert clips.read_barcode(frame.rgb) == ordinal
            assert frame.ref == forward[ordinal].ref
            assert np.array_equal(frame.rgb, forward[ordinal].rgb)


def test_a_sample_equals_single_frames_and_steps_backwards(media: tuple[Path, MediaInfo]) -> None:
    path, info = media
    wanted = [0, 1, 11, 12, 13, 30, 47, 58, 59]
    with open_media(path, info) as reader:
        index = reader.index
        sampled = list(reader.frames(wanted))
    back = list(range(COUNT - 1, 39, -1))
    with open_media(path, info, index=index) as again:
        for ordinal, frame in zip(wanted, sampled, strict=True):
            assert isinstance(frame, Frame)
            assert clips.read_barcode(frame.rgb) == ordinal
            assert again.frame(ordinal).ref == frame.ref
        assert [clips.read_barcode(again.frame(ordinal).rgb) for ordinal in back] == back


def test_variable_rate_time_stamps_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "uneven.mp4"
    pts = clips.write_uneven_clip(path, 40)
    with open_media(path, probe(path)) as reader:
        assert [round(Fraction(p) * reader.index.time_base.num / reader.index.time_base.den * 1000) for p in
                reader.index.pts] == pts  # fmt: skip
        assert reader.frame(17).ref.seconds == pts[17] / 1000


def test_a_late_start_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    pts = clips.write_uneven_clip(path, 20, start=5000)
    info = probe(path)
    with open_media(path, info) as reader:
        assert list(reader.index.pts) == pts
        assert reader.index.seconds(0) == 5.0


def test_the_digest_can_be_recomputed_by_another_tool(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        digests = [f.ref.digest for f in reader.frames(range(10)) if isinstance(f, Frame)]
    with av.open(str(clip)) as container:
        for digest, frame in zip(digests, container.decode(video=0), strict=False):
            head = b"workstation-frame-v1\nyuv420p 192x128\n"
            assert digest == hashlib.sha256(head + frame.to_ndarray().tobytes()).hexdigest()


def test_ten_bits_are_hashed_as_stored(tmp_path: Path) -> None:
    path = clips.write_barcode_clip(tmp_path / "deep.mp4", 8, codec="libx265", pixel_format="yuv420p10le")
    info = probe(path)
    assert (info.video.bit_depth, info.video.pixel_format) == (10, "yuv420p10le")
    with open_media(path, info) as reader, av.open(str(path)) as container:
        for ordinal, frame in enumerate(container.decode(video=0)):
            samples = b"".join(
                np.frombuffer(plane, "<u2").reshape(plane.height, -1)[:, : plane.width].tobytes()
                for plane in frame.planes
            )
            expected = hashlib.sha256(b"workstation-frame-v1\nyuv420p10le 192x128\n" + samples).hexdigest()
            got = reader.frame(ordinal)
            assert got.ref.digest == expected
            assert clips.read_barcode(got.rgb) == ordinal


def test_the_digest_is_the_same_in_another_process(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        here = reader.frame(33).ref.digest
    code = (
        "import sys; from pathlib import Path; from workstation.media.probing import probe;"
        "from workstation.media.reader import open_media; p = Path(sys.argv[1]);"
        "r = open_media(p, probe(p)); print(r.frame(33).ref.digest); r.close()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_rotation_is_applied_once_and_the_right_way(tmp_path: Path, turn: int) -> None:
    """The display matrix' angle counts counter-clockwise: the sign trap."""
    path = clips.write_turned_clip(tmp_path / "turned.mp4", turn)
    info = probe(path)
    assert (info.video.orientation.turn, info.video.orientation.mirror) == (turn, False)
    assert info.video.shown_size == (clips.WIDTH, clips.HEIGHT)
    with open_media(path, info) as reader:
        frame = reader.frame(5)
    assert frame.rgb.shape == (clips.HEIGHT, clips.WIDTH, 3)
    assert clips.read_corners(frame.rgb) == (0, 1, 2, 3)
    assert clips.read_barcode(frame.rgb) == 5


def test_the_digest_is_before_rotation(tmp_path: Path) -> None:
    stored = [clips.barcode_frame(o) for o in range(4)]
    digests = []
    for turn in (0, 90):
        path = tmp_path / f"{turn}.mp4"
        clips.write_clip(path, stored, rotation=turn)
        with open_media(path, probe(path)) as reader:
            digests.append(reader.frame(2).ref.digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("hflip", "vflip"), [(True, False), (False, True)])
@pytest.mark.parametrize("degrees", [0, 90])
def test_a_mirrored_display_matrix(tmp_path: Path, degrees: int, hflip: bool, vflip: bool) -> None:
    """What a player shows is the stored frame turned counter-clockwise by ``degrees`` and then flipped."""
    path = tmp_path / "mirrored.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuv420p"
        stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        for frame in clips.barcode_frames(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    expected = np.rot90(clips.barcode_frame(0), degrees // 90)
    expected = expected[:, ::-1] if hflip else expected[::-1]
    with open_media(path, probe(path)) as reader:
        shown = reader.frame(0).rgb
    assert clips.read_corners(shown) == clips.read_corners(np.ascontiguousarray(expected))


@pytest.mark.parametrize(("matrix", "range_"), [(1, 1), (1, 2), (5, 1), (9, 1)])
def test_colours_follow_the_streams_matrix_and_range(tmp_path: Path, matrix: int, range_: int) -> None:
    path = tmp_path / "tagged.mp4"
    y, u, v = 120, 100, 170
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, range_
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(frame.planes, (y, u, v), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace, frame.color_range = matrix, range_
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    kr, kb = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    luma = y / 255 if range_ == 2 else (y - 16) / 219
    span = 255 if range_ == 2 else 224
    blue, red = luma + 2 * (1 - kb) * (u - 128) / span, luma + 2 * (1 - kr) * (v - 128) / span
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    info = probe(path)
    assert info.video.colour_range == {1: "tv", 2: "pc"}[range_]
    with open_media(path, info) as reader:
        got = reader.frame(0).rgb[24, 32].astype(float)
    assert np.abs(got - 255 * np.array([red, green, blue])).max() <= 3


def test_frames_are_read_only_and_ordinals_checked(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        frame = reader.frame(0)
        with pytest.raises(ValueError, match="read-only"):
            frame.rgb[0, 0] = 0
        for ordinal in (-1, 60):
            with pytest.raises(FrameNotFound):
                reader.frame(ordinal)
            with pytest.raises(FrameNotFound):
                reader.frames([ordinal])
        with pytest.raises(ValueError, match="rise"):
            reader.frames([3, 3])


def test_a_frame_asked_for_in_the_middle_of_a_pass(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        seen = []
        for frame in reader.frames(range(60)):
            assert isinstance(frame, Frame)
            seen.append(clips.read_barcode(frame.rgb))
            if len(seen) in (7, 30):
                assert clips.read_barcode(reader.frame(50).rgb) == 50
        assert seen == list(range(60))


def test_a_pass_given_up_half_way(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        for _ in zip(range(3), reader.frames(range(60)), strict=False):
            pass
        assert clips.read_barcode(reader.frame(2).rgb) == 2
        assert all(not isinstance(f, FrameFailure) for f in reader.frames(range(60)))


def test_the_reader_names_its_decoder(clip: Path) -> None:
    with open_media(clip, probe(clip)) as reader:
        assert reader.decoder == probe(clip).decoder
        assert "PyAV" in reader.decoder
        assert "libavcodec" in reader.decoder


def test_a_stream_that_grows(tmp_path: Path) -> None:
    """MPEG-TS may change its picture size on the way: later frames must not be cut to the first size.

    The joint is a gap in the stream's packet counter, so the frames next to it are not held to be whole.
    """
    small, large = tmp_path / "small.ts", tmp_path / "large.ts"
    clips.write_barcode_clip(small, 10)
    frames = [np.kron(clips.barcode_frame(o), np.ones((4, 4, 1), np.uint8)) for o in range(10, 20)]
    clips.write_clip(large, frames, pts=list(range(10, 20)), time_base=Fraction(1, 25))
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with open_media(path, probe(path)) as reader:
        shapes = {f.ref.ordinal: f.rgb.shape[:2] for f in reader.frames(range(20)) if isinstance(f, Frame)}
    assert shapes | {7: (128, 192), 8: (128, 192), 9: (128, 192)} == dict.fromkeys(
        range(10), (128, 192)
    ) | dict.fromkeys(range(10, 20), (512, 768))
