"""The confined child reads the same as this process, for every format; its answers are checked; it beats and ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import described_media as media
from workstation.domain.errors import Cancelled, EmptyFile, NotFound
from workstation.domain.metadata import StateWord
from workstation.media.limits import DecodeLimits
from workstation.media.metadata import facade
from workstation.media.metadata.facade import read_metadata
from workstation.media.metadata.reading import examine
from workstation.media.open_exhibit import over_bytes


def heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    pillow_heif.from_pillow(media.picture()).save(out, exif=media.exif().tobytes(), quality=50)
    return out.getvalue()


def strange_jpeg() -> bytes:
    """Encodings and profiles that libraries load on first use."""
    data = media.full_jpeg()
    packet = '<?xml version="1.0" encoding="cp437"?><a b="é"/>'.encode("cp437")
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:] + b"%PDF"


FORMATS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: media.jpeg(media.picture(320, 240), exif=media.exif(), xmp=media.XMP, progressive=True),
    "strange jpeg": strange_jpeg,
    "png": media.full_png,
    "gif": media.gif,
    "tiff": lambda: media.saved("TIFF", exif=media.exif()),
    "webp": lambda: media.saved("WEBP", exif=media.exif()),
    "avif": lambda: media.saved("AVIF", exif=media.exif()),
    "heic": heic,
    "bmp": lambda: media.saved("BMP"),
    "mp4": lambda: media.video("mp4", frames=8),
    "mkv": lambda: media.video("matroska", "libx265", frames=8),
    "avi": lambda: media.video("avi", "mpeg4", frames=8),
    "ts": lambda: media.video("mpegts", frames=8),
    "cut mp4": lambda: media.video("mp4", frames=8)[:-400],
    "noise": lambda: bytes(range(256)) * 40,
}


@pytest.mark.parametrize("kind", FORMATS)
def test_confined_reading_is_the_same_as_here(kind: str, tmp_path: Path) -> None:
    data = FORMATS[kind]()
    path = tmp_path / "exhibit"
    path.write_bytes(data)
    assert read_metadata(path) == media.read(data)
    assert path.read_bytes() == data


def test_what_cannot_be_opened_has_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_metadata(tmp_path / "none")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(EmptyFile):
        read_metadata(tmp_path / "empty")


def test_own_readers_alone_still_tell_fields_and_structure(tmp_path: Path) -> None:
    """What is read again when a foreign library ended the child."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(media.video("mp4", frames=8))
    found = facade._read(path, {"anchors": "", "own_readers_only": True}, None, None)
    assert media.field(found, "Movie header", "TimeScale").shown == "1000"
    assert found.gop is None
    assert found.provenance is not None
    assert found.provenance.present.state is StateWord.NOT_CHECKED


@pytest.mark.harness
def test_child_that_is_stopped_is_followed_by_own_readers(tmp_path: Path) -> None:
    """The library's quadratic walk over boxes uses up the time; the second reading tells the rest."""
    path = tmp_path / "boxes.mp4"
    path.write_bytes(media.box(b"ftyp", b"isom\0\0\2\0isom") + media.box(b"moov", media.box(b"free") * 25_000))
    found = read_metadata(path, limits=DecodeLimits(question_timeout_s=6))
    assert found.structure
    assert found.warnings[0].startswith("Read again without decoders")


def test_beat_in_this_process_ends_everything() -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        examine(over_bytes(media.full_jpeg(), DecodeLimits()), "", stop)


def test_an_exception_of_the_beat_ends_the_reading(tmp_path: Path) -> None:
    """Cancelling reaches a reading that is under way."""
    path = tmp_path / "slow.mp4"
    path.write_bytes(
        media.box(b"ftyp", b"isom\0\0\2\0isom") + media.box(b"moov", media.box(b"free") * 25_000)
    )  # fmt: skip

    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        read_metadata(path, on_beat=stop)
