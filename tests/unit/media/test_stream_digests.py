"""E2: a digest for each elementary stream, held against ffmpeg's own, and kept through changes of container."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.fakes import corpus
from workstation.domain.errors import DamagedMedia, UnreadableMedia
from workstation.media import stream_digests as task
from workstation.media.limits import DecodeLimits
from workstation.media.open_exhibit import over_bytes
from workstation.media.streams import stream_digests

needs_ffmpeg = pytest.mark.skipif(corpus.FFMPEG is None, reason="no ffmpeg on this machine to compare with")
_ALWAYS = ("b_frames", "cut_both", "avi", "webm_vp9", "open_gop_hevc", "transport_hevc", "interlaced_mpeg2")
_EVERY = (*corpus.PLAIN, *corpus.MADE)


def _within(data: bytes) -> list[dict[str, object]]:
    """The task without a child, for the many small cases."""
    exhibit = over_bytes(data, DecodeLimits())
    streams: list[dict[str, object]] = task.read(exhibit, {}, lambda: None, lambda _: None)["streams"]
    return streams


def _reference(path: Path) -> list[str]:
    wanted = "-map 0 -c copy -copyinkf -f streamhash -hash sha256 -"
    text = corpus.ffmpeg("-i", path, *wanted.split())
    return [line.split("=")[1].strip() for line in text.splitlines()]


def _with_sound(folder: Path, name: str) -> Path:
    clip = corpus.make(name, folder)
    path = clip.with_name(f"{name}_sound{clip.suffix}")
    corpus.ffmpeg("-i", clip, "-f", "lavfi", "-i", "sine=d=2", "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "aac",
                  path)  # fmt: skip
    return path


def _remuxed(source: Path, path: Path) -> Path:
    to_raw = source.suffix == ".ts" and path.suffix == ".mp4"
    corpus.ffmpeg("-i", source, "-map", "0", "-c", "copy", *(["-bsf:a", "aac_adtstoasc"] if to_raw else []), path)
    return path


@needs_ffmpeg
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in _ALWAYS else pytest.mark.harness) for name in _EVERY
])  # fmt: skip
def test_equal_to_ffmpeg(name: str, tmp_path: Path) -> None:
    path = corpus.make(name, tmp_path)
    assert [entry["sha256"] for entry in _within(path.read_bytes())] == _reference(path)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["b_frames", pytest.param("ten_bit_hevc", marks=pytest.mark.harness)])
def test_remuxed_copies_are_matched(name: str, tmp_path: Path) -> None:
    """mp4 -> mkv -> mp4 -> ts -> mp4: other files every time, the same streams."""
    files = [_with_sound(tmp_path, name)]
    for number, suffix in enumerate((".mkv", ".mp4", ".ts", ".mp4")):
        files.append(_remuxed(files[-1], tmp_path / f"{number}{suffix}"))
    found = [stream_digests(path) for path in files]
    assert [[entry.sha256 for entry in digests] for digests in found] == [_reference(path) for path in files]
    assert len({path.read_bytes() for path in files}) == len(files)
    # In one framing the plain digests agree ...
    assert found[0][0].sha256 == found[1][0].sha256 == found[2][0].sha256 != found[3][0].sha256
    # ... and the normal ones agree through all, for pictures and sound.
    assert [entry.codec for entry in found[0]] == ["hevc" if "hevc" in name else "h264", "aac"]
    for stream in (0, 1):
        assert len({digests[stream].normal_sha256 for digests in found}) == 1
        assert found[0][stream].normal_sha256


@needs_ffmpeg
def test_another_encoding_is_not_matched(tmp_path: Path) -> None:
    first = corpus.pattern(tmp_path / "a.mp4", f"{corpus.X264} -crf 23", frames=10)
    second = corpus.pattern(tmp_path / "b.mp4", f"{corpus.X264} -crf 24", frames=10)
    (one,), (other,) = (_within(path.read_bytes()) for path in (first, second))
    assert one["sha256"] != other["sha256"]
    assert one["normal_sha256"] != other["normal_sha256"]


@needs_ffmpeg
def test_one_changed_bit_in_a_slice_changes_both(tmp_path: Path) -> None:
    data = bytearray(corpus.pattern(tmp_path / "a.mp4", corpus.X264, frames=10).read_bytes())
    before = _within(bytes(data))[0]
    data[data.find(b"mdat") + 3000] ^= 1
    after = _within(bytes(data))[0]
    assert before["sha256"] != after["sha256"]
    assert before["normal_sha256"] != after["normal_sha256"]


def test_no_container_is_refused() -> None:
    with pytest.raises(UnreadableMedia):
        _within(b"words, and nothing but words\n" * 200)


def _picture() -> Image.Image:
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.stack([x * 3, y * 4, x + y], axis=-1).astype(np.uint8))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    data = BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_without_its_metadata_is_matched(progressive: bool) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    options = {"quality": 90, "progressive": progressive}
    plain = _saved(_picture(), "JPEG", **options)
    dressed = _saved(_picture(), "JPEG", exif=exif, icc_profile=b"x" * 300, comment=b"a comment", **options)
    other = _saved(_picture(), "JPEG", **{**options, "quality": 89})
    assert plain != dressed
    assert _within(plain) == _within(dressed)
    assert _within(plain)[0]["sha256"] != _within(other)[0]["sha256"]


def test_png_webp_and_gif_without_their_metadata_are_matched() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    pairs = [
        (_saved(_picture(), "PNG"), _saved(_picture(), "PNG", pnginfo=text)),
        (_saved(_picture(), "WEBP", lossless=True), _saved(_picture(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0")),
        (_saved(_picture().quantize(16), "GIF"), _saved(_picture().quantize(16), "GIF", comment=b"words")),
    ]
    for plain, dressed in pairs:
        assert plain != dressed
        first, second = _within(plain)[0], _within(dressed)[0]
        assert first["sha256"] == second["sha256"]
    altered = _picture()
    altered.putpixel((5, 5), (1, 2, 3))
    assert _within(_saved(altered, "PNG"))[0]["sha256"] != _within(pairs[0][0])[0]["sha256"]


def test_a_picture_without_a_rule_has_no_digest_and_a_cut_one_is_damaged() -> None:
    assert _within(_saved(_picture(), "BMP")) == []
    with pytest.raises(DamagedMedia):
        _within(_saved(_picture(), "JPEG")[:-200])
    with pytest.raises(DamagedMedia):
        _within(_saved(_picture(), "PNG")[:-20])
