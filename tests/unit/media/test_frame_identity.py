"""G9, X9: our list of frames is ffmpeg's list of frames, however a file numbers and times its pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import clips, corpus
from workstation.domain.errors import InputError, StorageFull
from workstation.media.digests import header
from workstation.media.framehash import write_framehash
from workstation.media.probing import probe
from workstation.media.reader import open_media

needs_ffmpeg = pytest.mark.skipif(corpus.FFMPEG is None, reason="no ffmpeg on this machine to compare with")
_ALWAYS = (
    "b_frames", "open_gop", "open_gop_hevc", "ten_bit_hevc", "variable_mkv", "webm_vp9", "interlaced_mpeg2",
    "avi_h264", "rotated_90", "cut_start", "two_edits", "open_gop_wrap", "odd_sizes",
)  # fmt: skip
_EVERY = [
    pytest.param(name, marks=() if name in _ALWAYS else pytest.mark.harness) for name in (*corpus.PLAIN, *corpus.MADE)
]
# Without time stamps in the file every program counts in units of its own; these are compared by digest alone.
_COUNTED = ("raw_h264", "raw_h264_b", "raw_hevc", "avi_packed", "avi_h264")


def _comparable(text: str, name: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("#software")]
    if name in _COUNTED:
        lines = [line.rsplit(",", 2)[-2:][0] + line.rsplit(",", 1)[-1] for line in lines if line[0] != "#"]
    if name in ("variable", "windows_media"):
        # ffmpeg 5.1 caps the duration of a picture at its nominal rate; later ones print the container's, as we do.
        lines = [line if line[0] == "#" else ",".join(line.split(",")[:3] + line.split(",")[4:]) for line in lines]
    return lines


@needs_ffmpeg
@pytest.mark.parametrize("name", _EVERY)
def test_the_list_of_frames_is_ffmpegs_own(name: str, tmp_path: Path) -> None:
    clip = corpus.make(name, tmp_path)
    output = tmp_path / "frames.txt"
    written = write_framehash(clip, probe(clip), output)
    text = output.read_text()
    reference = corpus.reference_text(clip)
    assert _comparable(text, name) == _comparable(reference, name)
    assert not written.damaged
    assert written.frames == text.count("\n0, ") > 10
    assert len({line[-64:] for line in text.splitlines() if line[0] == "0"}) == written.frames


@needs_ffmpeg
@pytest.mark.parametrize("name", _ALWAYS)
def test_random_seeks_give_ffmpegs_frames(name: str, tmp_path: Path) -> None:
    """Frames asked for in a random order, one by one: samples, digests and time stamps, 0 mismatches (G9)."""
    assert _mismatches(name, tmp_path, 12) == []


@needs_ffmpeg
@pytest.mark.harness
@pytest.mark.parametrize("name", [*corpus.PLAIN, *corpus.MADE])
def test_two_hundred_random_seeks_give_ffmpegs_frames(name: str, tmp_path: Path) -> None:
    assert _mismatches(name, tmp_path, 200) == []


def _mismatches(name: str, folder: Path, number: int) -> list[int]:
    clip = corpus.make(name, folder)
    reference = corpus.reference(clip)
    wanted = np.random.default_rng(len(name)).integers(0, len(reference), number).tolist()
    wrong = []
    with open_media(clip, probe(clip)) as reader:
        assert len(reader.index) == len(reference)
        for ordinal in wanted:
            samples = reader.samples(ordinal)
            expected = reference[ordinal]
            right = samples.sha256 == expected.sha256 and sum(p.nbytes for p in samples.planes) == expected.size
            if name not in _COUNTED:
                right = right and samples.ref.pts == expected.pts
            text = header(samples.pixel_format, samples.width, samples.height)
            named = hashlib.sha256(text + b"".join(plane.tobytes() for plane in samples.planes)).hexdigest()
            right = right and named == samples.ref.digest == reader.frame(ordinal).ref.digest
            if not right:
                wrong.append(ordinal)
    return wrong


@needs_ffmpeg
@pytest.mark.parametrize(("name", "held", "shown"), [("cut_start", 60, 42), ("two_edits", 60, 24)])
def test_frames_outside_the_edit_list_are_counted_and_told(name: str, held: int, shown: int, tmp_path: Path) -> None:
    info = probe(corpus.make(name, tmp_path))
    assert info.video.frame_count == shown
    (told,) = info.warnings
    assert f"holds {held} frames" in told
    assert f"shows {shown}" in told
    assert f"{held - shown} are cut away" in told


def test_a_counted_stream_keeps_its_number(tmp_path: Path) -> None:
    """Counting opens the file a second time; what was asked of the first opening must not be read from it then."""
    path = clips.write_barcode_clip(tmp_path / "raw.h264", 12)
    info = probe(path)
    for _ in range(8):
        with open_media(path, info) as reader:
            assert (reader.index.stream, len(reader.index), reader.index.keyframes) == (0, 12, ())


@needs_ffmpeg
def test_the_command_that_is_named_makes_the_same_list(tmp_path: Path) -> None:
    clip = corpus.make("rotated_90", tmp_path)
    written = write_framehash(clip, probe(clip), tmp_path / "frames.txt")
    words = [str(clip) if word == "FILE" else word for word in written.command.split()]
    assert words[0] == "ffmpeg"
    theirs = _comparable(corpus.ffmpeg(*words[1:]), "")
    assert _comparable((tmp_path / "frames.txt").read_text(), "") == theirs


def test_the_same_list_again(clip: Path, tmp_path: Path) -> None:
    info = probe(clip)
    first = write_framehash(clip, info, tmp_path / "a.txt")
    second = write_framehash(clip, info, tmp_path / "b.txt")
    assert first == second
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()


def test_a_picture_has_no_list(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(clips.barcode_frame(1)).save(tmp_path / "a.png")
    with pytest.raises(InputError):
        write_framehash(tmp_path / "a.png", probe(tmp_path / "a.png"), tmp_path / "frames.txt")


def test_nothing_is_left_where_the_list_cannot_be_written(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        write_framehash(clip, probe(clip), tmp_path / "no such folder" / "frames.txt")
    assert list(tmp_path.iterdir()) == []
