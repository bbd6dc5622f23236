"""Bad input gives one typed error, or a warning and every frame that can be had (issue, "Bad input")."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.fakes import clips
from workstation.domain.errors import (
    DamagedMedia,
    DecoderStopped,
    EmptyFile,
    EvidenceError,
    MediaTooLarge,
    NotFound,
    UnreadableMedia,
    WorkstationError,
)
from workstation.domain.media import Frame
from workstation.media.limits import DecodeLimits
from workstation.media.probing import probe
from workstation.media.reader import FrameFailure, open_media
from workstation.media.streams import stream_digests


def _refused(path: Path, limits: DecodeLimits | None = None) -> WorkstationError:
    with pytest.raises(WorkstationError) as caught:
        probe(path, limits)
    assert "\n" not in caught.value.line()
    return caught.value


def test_a_text_file_named_mp4(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("Meeting on Monday.\n" * 200)
    assert type(_refused(path)) is UnreadableMedia


@pytest.mark.parametrize("size", [1, 12, 188, 5000])
def test_noise_is_no_media(tmp_path: Path, size: int) -> None:
    path = tmp_path / "noise.bin"
    path.write_bytes(random.Random(size).randbytes(size))
    assert isinstance(_refused(path), UnreadableMedia | DamagedMedia)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    assert type(_refused(path)) is EmptyFile


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    assert type(_refused(tmp_path / "absent.mp4")) is NotFound
    assert type(_refused(tmp_path)) is UnreadableMedia


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert type(_refused(path)) is UnreadableMedia


def test_an_mp4_cut_before_its_table_of_contents(clip: Path, tmp_path: Path) -> None:
    assert type(_refused(clips.cut_copy(clip, tmp_path / "cut.mp4", 0.6))) is DamagedMedia


def test_an_mp4_whose_pictures_are_all_missing(clip: Path, tmp_path: Path) -> None:
    whole = clips.front_indexed_copy(clip, tmp_path / "front.mp4")
    start = whole.read_bytes().index(b"mdat")
    path = tmp_path / "headers.mp4"
    path.write_bytes(whole.read_bytes()[: start + 4])
    assert type(_refused(path)) is DamagedMedia


def test_a_cut_video_with_its_index_in_front_is_taken_with_a_warning(clip: Path, tmp_path: Path) -> None:
    whole = clips.front_indexed_copy(clip, tmp_path / "front.mp4")
    path = clips.cut_copy(whole, tmp_path / "cut.mp4", 0.6)
    info = probe(path)
    assert any("cut short" in warning for warning in info.warnings)
    with open_media(path, info) as reader:
        assert 10 < len(reader.index) < 60
        got = list(reader.frames(range(len(reader.index))))
    whole_frames = [f for f in got if isinstance(f, Frame)]
    lost = [f for f in got if isinstance(f, FrameFailure)]
    assert len(whole_frames) > 10
    assert all(clips.read_barcode(f.rgb) == round(f.ref.seconds * 25) for f in whole_frames)
    assert all(isinstance(f.error, DamagedMedia) for f in lost)
    assert len(whole_frames) + len(lost) == len(reader.index)


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_cut_stream_is_taken_with_a_warning_or_counted_right(tmp_path: Path, suffix: str) -> None:
    whole = clips.write_barcode_clip(tmp_path / f"whole{suffix}", 100)
    path = clips.cut_copy(whole, tmp_path / f"cut{suffix}", 0.4)
    info = probe(path)
    assert info.video.frame_count is not None
    assert info.video.frame_count < 60
    if suffix == ".mkv":
        assert any("cut short" in warning for warning in info.warnings)
    with open_media(path, info) as reader:
        good = [f for f in reader.frames(range(len(reader.index))) if isinstance(f, Frame)]
    assert [clips.read_barcode(f.rgb) for f in good] == list(range(len(good)))
    assert len(good) >= info.video.frame_count - 3


def test_damage_in_the_middle_never_gives_a_wrong_frame(clip: Path, tmp_path: Path) -> None:
    """Frames after overwritten bytes are failures or whole, and the same ones alone as in a pass."""
    data = bytearray(clips.front_indexed_copy(clip, tmp_path / "front.mp4").read_bytes())
    start = data.index(b"mdat")
    middle = start + (len(data) - start) // 2
    data[middle : middle + 600] = random.Random(1).randbytes(600)
    path = tmp_path / "hit.mp4"
    path.write_bytes(data)
    info = probe(path)
    with open_media(path, info) as reader, open_media(path, info) as other:
        passed = list(reader.frames(range(60)))
        lost = [f.ordinal for f in passed if isinstance(f, FrameFailure)]
        assert 0 < len(lost) < 30
        for frame in passed:
            if isinstance(frame, Frame):
                assert clips.read_barcode(frame.rgb) == frame.ref.ordinal
        for ordinal in [55, 35, *lost[:2], 20]:
            if ordinal in lost:
                with pytest.raises(DamagedMedia):
                    other.frame(ordinal)
            else:
                assert other.frame(ordinal).ref == next(
                    f.ref for f in passed if isinstance(f, Frame) and f.ref.ordinal == ordinal
                )


def test_a_huge_png_is_refused_from_its_header(tmp_path: Path) -> None:
    path = clips.write_huge_png(tmp_path / "huge.png")
    assert path.stat().st_size < 300_000
    # 900 million pixels would need 900 MB at the least; with this little memory only the header can have been read.
    started = time.monotonic()
    assert type(_refused(path, DecodeLimits(memory_bytes=600 << 20))) is MediaTooLarge
    assert time.monotonic() - started < 5


def test_a_picture_within_the_pixel_limit_that_needs_too_much_memory(tmp_path: Path) -> None:
    path = clips.write_huge_png(tmp_path / "large.png", 16_000)
    limits = DecodeLimits(max_pixels=500_000_000, memory_bytes=600 << 20)
    assert type(_refused(path, limits)) is MediaTooLarge


def test_a_video_above_the_pixel_limit(clip: Path) -> None:
    assert type(_refused(clip, DecodeLimits(max_pixels=10_000))) is MediaTooLarge


def test_a_cut_jpeg(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    Image.fromarray(clips.astronaut_rgb()).save(whole)
    assert type(_refused(clips.cut_copy(whole, tmp_path / "cut.jpg", 0.5))) is DamagedMedia


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_other_cut_pictures(tmp_path: Path, form: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    whole = tmp_path / "whole"
    Image.fromarray(clips.astronaut_rgb(128)).save(whole, form)
    assert isinstance(_refused(clips.cut_copy(whole, tmp_path / "cut", 0.5)), DamagedMedia)


def test_sound_alone_is_no_evidence_of_faces(tmp_path: Path) -> None:
    path = tmp_path / "voice.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(4096))
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert type(_refused(path)) is UnreadableMedia


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{clip}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>{clip}</BaseURL></Period></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
    ids=["hls", "concat", "dash", "sdp"],
)
def test_playlists_never_lead_to_other_files(clip: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(text.format(clip=clip))
    assert type(_refused(path)) is UnreadableMedia


def test_the_name_does_not_matter(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(clip.read_bytes())
    assert probe(path).video.codec == "h264"


def test_broken_headers_never_crash_the_reader(clip: Path, tmp_path: Path) -> None:
    """A few dozen damaged files: each is read, or refused with a typed error."""
    data = clips.front_indexed_copy(clip, tmp_path / "front.mp4").read_bytes()
    dice = random.Random(11)
    for number in range(8):
        broken = bytearray(data)
        for _ in range(20):
            broken[dice.randrange(min(len(broken), 3000))] = dice.randrange(256)
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(broken)
        try:
            info = probe(path, DecodeLimits(item_timeout_s=20))
            with open_media(path, info) as reader:
                for frame in reader.frames(range(0, len(reader.index), 9)):
                    assert isinstance(frame, Frame | FrameFailure)
        except EvidenceError as error:
            assert not isinstance(error, DecoderStopped)  # noqa: PT017 (either outcome is fine, a crash is not)


def test_more_streams_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25, width=32, height=32, pix_fmt="yuv420p") for _ in range(6)]
        for stream in streams:
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = 0
            container.mux([*stream.encode(frame), *stream.encode(None)])
    assert probe(path, DecodeLimits(max_streams=6)).video.codec == "mpeg4"
    assert type(_refused(path, DecodeLimits(max_streams=5))) is MediaTooLarge


def test_more_frames_than_the_limit(clip: Path, tmp_path: Path) -> None:
    assert probe(clip, DecodeLimits(max_frames=60)).video.frame_count == 60
    assert type(_refused(clip, DecodeLimits(max_frames=59))) is MediaTooLarge
    raw = clips.write_barcode_clip(tmp_path / "raw.h264", 20)
    assert type(_refused(raw, DecodeLimits(max_frames=19))) is MediaTooLarge


def test_a_moving_jpeg_with_exif_keeps_its_turn(tmp_path: Path) -> None:
    """Its frames carry a kind of side data that PyAV has no name for."""
    exif = Image.Exif()
    exif[0x0112] = 6
    still = tmp_path / "still.jpg"
    Image.fromarray(clips.astronaut_rgb(64)).save(still, exif=exif)
    path = tmp_path / "moving.mjpeg"
    path.write_bytes(b"camera\n" + still.read_bytes() * 3)
    assert probe(path).video.orientation.turn == 90


@pytest.mark.parametrize(("form", "share"), [("GIF", 0.5), ("TIFF", 0.6)])
def test_a_file_of_several_pictures_cut_behind_the_first(tmp_path: Path, form: str, share: float) -> None:
    first, *more = (Image.fromarray(clips.barcode_frame(n)) for n in range(4))
    whole = tmp_path / "whole"
    first.save(whole, form, save_all=True, append_images=more)
    cut = clips.cut_copy(whole, tmp_path / "cut", share)
    info = probe(cut)
    assert info.warnings
    with open_media(cut, info) as reader:
        assert reader.frame(0).ref.digest


def test_a_programme_that_appears_on_the_way(tmp_path: Path) -> None:
    """A transport stream whose second half holds another programme: what was there from the start is read whole."""
    one = clips.write_barcode_clip(tmp_path / "one.ts", 20).read_bytes()
    two = tmp_path / "two.ts"
    with av.open(str(two), "w") as container:
        streams = [
            container.add_stream("mpeg2video", rate=25, width=64, height=64, pix_fmt="yuv420p") for _ in range(3)
        ]
        for number in range(20):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(clips.barcode_frame(number)[:64, :64].copy(), "rgb24")
                frame.pts = number
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
        for stream in streams:
            container.mux(stream.encode(None))
    path = tmp_path / "both.ts"
    path.write_bytes(one * 60 + two.read_bytes())
    info = probe(path)
    assert info.video.codec == "h264"
    assert (info.video.frame_count or 0) >= 60 * 20
    assert stream_digests(path)[0].codec == "h264"
