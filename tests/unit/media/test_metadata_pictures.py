"""Metadata of pictures: what is shown is what stands in the file at the stated place."""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from tests.fakes import described_media as media
from workstation.domain.metadata import MediaMetadata, Part, ZoneKind


def parts(metadata: MediaMetadata) -> list[Part]:
    found: list[Part] = []
    waiting = list(metadata.structure)
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.parts
    return found


MAKERS = {
    "JPEG": media.full_jpeg,
    "PNG": media.full_png,
    "WebP": lambda: media.saved("WEBP", exif=media.exif(), xmp=media.XMP, icc_profile=media.srgb()),
    "AVIF": lambda: media.saved("AVIF", exif=media.exif(), xmp=media.XMP),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_exif_of_every_format_stands_where_it_is_said_to_stand(kind: str) -> None:
    data = MAKERS[kind]()
    metadata = media.read(data)
    assert metadata.warnings == ()
    make = media.field(metadata, "EXIF: IFD0", "Make")
    assert make.shown == "Maker"
    assert make.offset is not None
    assert data[make.offset : make.offset + 5] == b"Maker"
    assert media.field(metadata, "EXIF: Exif", "ExposureTime").shown == "1/125 s"
    assert media.field(metadata, "EXIF: Exif", "FNumber").shown == "f/2.8"
    if kind != "AVIF":  # its encoder turns the tag into a property of the picture
        assert media.field(metadata, "EXIF: IFD0", "Orientation").shown == "turn 90° clockwise (6)"
    note = media.field(metadata, "EXIF: Exif", "MakerNote")
    assert "614 bytes" in note.shown
    assert "Apple iOS" in note.shown
    assert note.size == 614
    assert len(note.sha256) == 64
    position = media.field(metadata, "GPS position", "Position").shown
    assert position.startswith("41.403389°, -2.174028°")
    assert media.field(metadata, "XMP", "xmp:CreatorTool").shown == "Tool 5"
    assert media.field(metadata, "XMP", "dc:subject[2]").shown == "two"
    assert media.field(metadata, "XMP", "dc:title[x-default]").shown == "A title"


def test_times_with_and_without_an_offset_are_kept_apart() -> None:
    times = {(time.source, time.name): time for time in media.read(media.full_jpeg()).times}
    original = times["EXIF: Exif", "DateTimeOriginal"]
    assert (original.zone, original.utc) == (ZoneKind.OFFSET, "2026-01-02T01:04:05Z")
    digitised = times["EXIF: Exif", "DateTimeDigitized"]
    assert (digitised.zone, digitised.utc) == (ZoneKind.NONE, "")
    assert times["EXIF: GPS", "GPSDateStamp + GPSTimeStamp"].utc == "2026-01-02T01:04:05Z"
    assert times["XMP", "xmp:CreateDate"].utc == "2026-01-02T01:04:05Z"
    assert times["XMP", "xmp:ModifyDate"].zone is ZoneKind.NONE


def test_words_that_turn_the_reading_direction_are_escaped() -> None:
    assert media.field(media.read(media.full_jpeg()), "JPEG comment", "Comment").shown == "hello \\u202e turned"


def test_long_value_is_cut_with_its_length_and_digest() -> None:
    import hashlib

    one = media.field(media.read(media.full_png()), "PNG text", "long")
    assert one.size == 5000
    assert "5000 bytes in all" in one.shown
    assert len(one.shown) < 2200
    assert one.sha256 == hashlib.sha256(b"y" * 5000).hexdigest()


def test_icc_profile_is_named() -> None:
    metadata = media.read(media.full_jpeg())
    assert media.field(metadata, "ICC", "Description").shown == "sRGB built-in"
    assert media.field(metadata, "ICC", "ColourSpace").shown == "RGB"


def test_tiff_is_read_as_directories() -> None:
    metadata = media.read(media.saved("TIFF", exif=media.exif(), compression="tiff_lzw"))
    assert metadata.format == "TIFF"
    assert media.field(metadata, "TIFF: IFD0", "Compression").shown == "LZW (5)"
    assert media.field(metadata, "TIFF: IFD0", "Make").shown == "Maker"


def iptc_segment() -> bytes:
    sets = b"".join(
        b"\x1c" + bytes((record, number)) + struct.pack(">H", len(value)) + value
        for record, number, value in (
            (1, 90, b"\x1b%G"), (2, 80, "Ruiz Ñ".encode()), (2, 25, b"one"), (2, 25, b"two"),
            (2, 55, b"20260102"), (2, 60, b"030405+0200"),
        )
    )  # fmt: skip
    resource = b"8BIM" + struct.pack(">HxxI", 0x0404, len(sets)) + sets + (b"\0" if len(sets) % 2 else b"")
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def test_iptc_in_a_photoshop_block() -> None:
    data = media.jpeg()
    data = data[:2] + iptc_segment() + data[2:]
    metadata = media.read(data)
    author = media.field(metadata, "IPTC", "By-line")
    assert author.shown == "Ruiz Ñ"
    assert author.offset is not None
    assert data[author.offset :].startswith("Ruiz Ñ".encode())
    (time,) = [one for one in metadata.times if one.source == "IPTC"]
    assert time.utc == "2026-01-02T01:04:05Z"


def test_bytes_behind_the_end_are_told_with_place_size_and_look() -> None:
    plain = media.jpeg()
    metadata = media.read(plain + b"PK\x03\x04" + b"secret" * 40)
    told = media.field(metadata, "Trailing data", "Bytes")
    assert (told.shown, told.offset) == ("244", len(plain))
    assert media.field(metadata, "Trailing data", "BeginsLike").shown == "a ZIP archive"
    assert [one.code for one in metadata.observations if one.code == "trailing_data"]
    assert not [one for one in media.read(plain).observations if one.code == "trailing_data"]
    again = media.read(plain + media.jpeg())
    assert media.field(again, "Trailing data", "BeginsLike").shown == "a JPEG picture"


def test_pictures_the_file_names_are_no_trailing_data() -> None:
    out = io.BytesIO()
    media.picture().save(out, "MPO", save_all=True, append_images=[media.picture(seed=3)])
    data = out.getvalue()
    metadata = media.read(data)
    assert "trailing_data" not in {one.code for one in metadata.observations}
    second = next(one for one in metadata.structure if "multi-picture" in one.name)
    assert data[second.offset : second.offset + 2] == b"\xff\xd8"
    assert second.offset + second.size == len(data)
    behind = media.read(data + media.video("mp4", frames=4))
    told = media.field(behind, "Trailing data", "Bytes")
    assert told.offset == len(data)
    assert media.field(behind, "Trailing data", "BeginsLike").shown == "a video file"


@pytest.mark.parametrize("make", [media.full_png, media.gif, lambda: media.saved("WEBP"), lambda: media.saved("BMP")])
def test_trailing_data_of_other_formats(make: object) -> None:
    data = make()  # type: ignore[operator]
    assert not [one for one in media.read(data).observations if one.code == "trailing_data"]
    metadata = media.read(data + b"%PDF-1.7 " + bytes(range(256)) * 4)
    assert media.field(metadata, "Trailing data", "Bytes").offset == len(data)
    assert media.field(metadata, "Trailing data", "BeginsLike").shown == "a PDF document"


def test_png_chunks_with_the_state_of_their_crc() -> None:
    data = bytearray(media.full_png())
    assert all("CRC agrees" in one.detail for one in parts(media.read(bytes(data))) if one.name in ("IHDR", "IDAT"))
    at = data.index(b"tEXt")
    data[at + 6] ^= 1
    metadata = media.read(bytes(data))
    (wrong,) = [one for one in parts(metadata) if one.name == "tEXt"]
    assert "CRC does not agree" in wrong.detail
    assert wrong.offset == at - 4
    assert "crc_mismatch" in {one.code for one in metadata.observations}


def test_duplicate_chunks_are_observed() -> None:
    data = media.full_png()
    body = struct.pack(">IIB", 2835, 2835, 1)
    chunk = struct.pack(">I", len(body)) + b"pHYs" + body + struct.pack(">I", zlib.crc32(b"pHYs" + body))
    at = data.index(b"IDAT") - 4
    codes = {one.code for one in media.read(data[:at] + chunk + chunk + data[at:]).observations}
    assert "duplicate_chunks" in codes


def test_gif_blocks_and_comment() -> None:
    metadata = media.read(media.gif())
    assert metadata.format == "GIF89a"
    assert media.field(metadata, "GIF comment", "Comment").shown == "gif words"
    assert media.field(metadata, "GIF", "Frames").shown == "2"
    assert media.field(metadata, "GIF", "Delays (1/100 s)").shown == "10, 10"
    assert media.field(metadata, "GIF loop", "NETSCAPE2.0").shown == "endless repeats"


def test_jpeg_markers_cover_the_whole_file_without_gaps() -> None:
    data = media.full_jpeg()
    position = 0
    for one in media.read(data).structure:
        assert one.offset == position, one
        position += one.size
    assert position == len(data)


def test_heic_items_are_read_without_decoding() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    pillow_heif.from_pillow(media.picture()).save(out, exif=media.exif().tobytes(), quality=50)
    data = out.getvalue()
    metadata = media.read(data)
    make = media.field(metadata, "EXIF: IFD0", "Make")
    assert make.offset is not None
    assert data[make.offset :].startswith(b"Maker")
    assert metadata.format == "ISO base media (HEIF)"
