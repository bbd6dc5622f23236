"""The clip writer and the thumbnails."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fakes import clips
from workstation.domain.errors import DamagedMedia, InputError
from workstation.media.clips import write_clip
from workstation.media.probing import probe
from workstation.media.sniffing import Signature, sniff
from workstation.media.thumbnails import thumbnail_png


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    written = set()
    for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4"):
        written.add(clips.write_barcode_clip(tmp_path / name, 20).read_bytes())
    assert len(written) == 1


def test_rate_and_keyframes(tmp_path: Path) -> None:
    path = clips.write_barcode_clip(tmp_path / "slow.mp4", 30, rate=Fraction(30000, 1001), gop=10)
    info = probe(path)
    assert info.video.average_rate == "30000/1001"
    assert info.duration_s == pytest.approx(30 * 1001 / 30000, abs=0.01)


@pytest.mark.parametrize(
    ("name", "frames", "options"),
    [
        ("a.xyz", [np.zeros((16, 16, 3), np.uint8)], {}),
        ("a.mp4", [], {}),
        ("a.mp4", [np.zeros((15, 16, 3), np.uint8)], {}),
        ("a.mp4", [np.zeros((16, 16, 3), np.uint8), np.zeros((32, 16, 3), np.uint8)], {}),
        ("a.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, {"pts": [0, 5, 5], "time_base": Fraction(1, 100)}),
        ("a.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, {"pts": [0, 5]}),
    ],
    ids=["suffix", "no frames", "odd", "size changes", "stamps stand still", "stamps missing"],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, name: str, frames: list, options: dict) -> None:
    with pytest.raises(InputError):
        write_clip(tmp_path / name, frames, **options)
    assert list(tmp_path.iterdir()) == []


def test_thumbnail_is_upright_and_small(tmp_path: Path) -> None:
    path = clips.write_turned_clip(tmp_path / "turned.mp4", 90)
    image = Image.open(io.BytesIO(thumbnail_png(path, probe(path), 96)))
    assert image.format == "PNG"
    assert image.size == (96, 64)
    picture = np.asarray(image)
    assert np.abs(picture[2, 2].astype(int) - clips.CORNERS[0]).max() < 40
    assert np.abs(picture[-3, -3].astype(int) - clips.CORNERS[3]).max() < 40


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    Image.fromarray(clips.astronaut_rgb(64)).save(path)
    assert Image.open(io.BytesIO(thumbnail_png(path, probe(path)))).size == (64, 64)


def test_thumbnail_of_a_video_whose_start_is_broken(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clips.front_indexed_copy(clip, tmp_path / "front.mp4").read_bytes())
    start = data.index(b"mdat") + 4
    data[start + 40 : start + 600] = bytes(560)
    path = tmp_path / "hit.mp4"
    path.write_bytes(data)
    try:
        assert thumbnail_png(path, probe(path)).startswith(b"\x89PNG")
    except DamagedMedia as error:
        pytest.fail(str(error))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", Signature.JPEG),
        (b"RIFF\0\0\0\0WEBPVP8 ", Signature.WEBP),
        (b"RIFF\0\0\0\0AVI LIST", Signature.VIDEO),
        (b"RIFF\0\0\0\0WAVEfmt ", Signature.UNKNOWN),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", Signature.VIDEO),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Signature.HEIF),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Signature.AVIF),
        (b"BM of the city of Hamburg", Signature.UNKNOWN),
        (b"plain text", Signature.UNKNOWN),
        (b"", Signature.UNKNOWN),
    ],
)
def test_sniffing(head: bytes, expected: Signature) -> None:
    assert sniff(head) is expected
