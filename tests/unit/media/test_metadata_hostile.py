"""Hostile files: whatever stands in them, reading ends with words and warnings, in bounded time and size."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import zlib
from collections.abc import Callable

import pytest

from tests.fakes import described_media as media
from tests.fakes.credentials import make_authority, sign
from workstation.domain.metadata import MediaMetadata
from workstation.domain.metadata_json import from_json, to_json

SEEDS: dict[str, Callable[[], bytes]] = {
    "jpeg": media.full_jpeg,
    "png": media.full_png,
    "gif": media.gif,
    "tiff": lambda: media.saved("TIFF", exif=media.exif()),
    "webp": lambda: media.saved("WEBP", exif=media.exif(), xmp=media.XMP, icc_profile=media.srgb()),
    "avif": lambda: media.saved("AVIF", exif=media.exif(), xmp=media.XMP),
    "mp4": lambda: media.video("mp4", frames=12),
    "mov": lambda: media.video("mov", frames=12),
    "mkv": lambda: media.video("matroska", frames=12),
    "avi": lambda: media.video("avi", "mpeg4", frames=12),
    "ts": lambda: media.video("mpegts", frames=12),
    "signed jpeg": lambda: sign(media.jpeg(), make_authority()),
    "signed mp4": lambda: sign(media.video("mp4", frames=12), make_authority(), "video/mp4"),
}
ROUNDS, MANY_ROUNDS = 25, 1_500


def sound(data: bytes, seconds: float = 30, *, own_only: bool = False) -> MediaMetadata:
    """Read it; fail when it takes too long, is not canonical, or is too large to keep."""
    start = time.monotonic()
    metadata = media.read(data, own_only=own_only)
    assert time.monotonic() - start < seconds
    text = to_json(metadata)
    assert len(text) < 8 << 20
    assert from_json(text) == metadata
    return metadata


def spoil(data: bytes, dice: random.Random) -> bytes:
    """Change a few bytes, overwrite a number with an extreme one, cut, repeat or insert a piece."""
    made = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(made))
        # Heads decide more than pixels do.
        at = at if dice.random() < 0.4 else at % min(len(made), 3000)
        way = dice.randrange(6)
        if way == 0:
            made[at] ^= 1 << dice.randrange(8)
        elif way == 1:
            made[at : at + 4] = dice.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0")
            )
        elif way == 2:
            made[at : at + 2] = bytes(dice.randrange(256) for _ in range(2))
        elif way == 3:
            size = dice.randint(1, 200)
            made[at:at] = made[at : at + size]
        elif way == 4:
            del made[at : at + dice.randint(1, 60)]
        else:
            made = made[: max(16, at)] if dice.random() < 0.3 else made
    return bytes(made)


def spoil_and_read(kind: str, rounds: int) -> None:
    data, dice = SEEDS[kind](), random.Random(f"spoil {kind}")
    for _ in range(rounds):
        sound(spoil(data, dice))


@pytest.mark.parametrize("kind", SEEDS)
def test_spoiled_files_give_words_never_an_exception(kind: str) -> None:
    spoil_and_read(kind, ROUNDS)


@pytest.mark.harness
@pytest.mark.parametrize("kind", SEEDS)
def test_very_many_spoiled_files(kind: str) -> None:
    spoil_and_read(kind, MANY_ROUNDS)


@pytest.mark.parametrize("kind", SEEDS)
def test_files_cut_anywhere(kind: str) -> None:
    data = SEEDS[kind]()
    for share in (0.02, 0.1, 0.3, 0.7, 0.98):
        sound(data[: max(1, int(len(data) * share))])


def with_xmp(packet: bytes) -> bytes:
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    data = media.jpeg()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_entity_bombs_and_outside_entities_are_refused_and_the_bytes_kept() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "ha">' + b"".join(
        b'<!ENTITY x%d "&x%s;&x%s;">' % (k, str(k - 1).encode() if k else b"", str(k - 1).encode() if k else b"")
        for k in range(30)
    ) + b"]><a>&x29;</a>"  # fmt: skip
    outside = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    for packet in (bomb, outside):
        metadata = sound(with_xmp(packet), 2)
        assert any("refused" in line for line in metadata.warnings), metadata.warnings
        assert media.field(metadata, "XMP", "Packet").size == len(packet)
        assert "root:" not in to_json(metadata)


def test_deep_and_wide_xmp_is_bounded() -> None:
    deep = b"<a>" * 9000 + b"</a>" * 9000
    assert (
        any("deeper" in line for line in sound(with_xmp(deep[:60000])).warnings)
        or sound(with_xmp(deep[:60000])).warnings
    )
    wide = b"<a>" + b"<b>1</b>" * 7000 + b"</a>"
    assert any("left out" in line for line in sound(with_xmp(wide)).warnings)


def exif_jpeg(tiff: bytes) -> bytes:
    body = b"Exif\0\0" + tiff
    data = media.jpeg()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_directories_that_lead_in_a_circle_end() -> None:
    loop = b"II*\0\x08\0\0\0" + b"\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    metadata = sound(exif_jpeg(loop))
    assert any("named twice" in line for line in metadata.warnings)


def test_blocks_that_name_others_many_times_do_not_multiply() -> None:
    """Exif with 200 Photoshop blocks, each with an Exif block of 200 Photoshop blocks, and so on."""
    inner = b""
    for _ in range(4):
        resource = b"8BIM" + struct.pack(">HxxI", 0x0422, len(inner)) + inner + b"\0" * (len(inner) % 2)
        head = b"II*\0\x08\0\0\0" + struct.pack("<H", 200)
        place = len(head) + 200 * 12 + 4
        inner = head + struct.pack("<HHII", 0x8649, 7, len(resource), place) * 200 + bytes(4) + resource
    metadata = sound(exif_jpeg(inner), 8)
    assert any("inside others" in line for line in metadata.warnings)


def test_values_that_reach_beyond_the_block_are_told_not_read() -> None:
    tiff = b"II*\0\x08\0\0\0" + b"\x02\0" + struct.pack("<HHII", 0x010F, 2, 0xFFFFFFFF, 8)
    tiff += struct.pack("<HHII", 0x0110, 5, 0x40000000, 8) + bytes(4)
    metadata = sound(exif_jpeg(tiff))
    assert "beyond the block" in media.field(metadata, "EXIF: IFD0", "Make").shown


def test_inflation_bombs_stop_at_their_limit() -> None:
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    body = b"key\0\0" + bomb
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    data = media.full_png()
    at = data.index(b"IDAT") - 4
    metadata = sound(data[:at] + chunk + data[at:])
    assert any("inflates to more" in line for line in metadata.warnings)


def nested(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = media.box(b"moov", body)
    return media.box(b"ftyp", b"isom\0\0\2\0isom") + body


def test_boxes_nested_too_deeply_and_too_many() -> None:
    assert any("deeper" in line for line in sound(nested(500)).warnings)
    many = media.box(b"ftyp", b"isom\0\0\2\0isom") + media.box(b"moov", media.box(b"free") * 25_000)
    assert any("more than" in line for line in sound(many, own_only=True).warnings)
    endless = media.box(b"ftyp", b"isom\0\0\2\0isom") + media.box(b"free") * 12_000
    assert any("left out" in line for line in sound(endless, own_only=True).warnings)


@pytest.mark.harness
def test_library_that_takes_too_long_over_boxes_is_stopped() -> None:
    metadata = sound(media.box(b"ftyp", b"isom\0\0\2\0isom") + media.box(b"moov", media.box(b"free") * 60_000))
    assert metadata.provenance is not None
    assert "took too long" in metadata.provenance.present.reason


def test_item_table_that_announces_pieces_without_a_size() -> None:
    iloc = b"\1\0\0\0" + b"\0\0" + struct.pack(">H", 2000) + (struct.pack(">HHHH", 1, 0, 0, 0xFFFF)) * 2000
    meta = media.box(b"meta", bytes(4) + media.box(b"hdlr", bytes(8) + b"pict" + bytes(13)) + media.box(b"iloc", iloc))
    sound(media.box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta, 3)


def test_element_sizes_of_matroska_at_their_extremes() -> None:
    head = b"\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01"
    for size in (b"\x01\xff\xff\xff\xff\xff\xff\xff", b"\x08\xff\xff\xff\xff", b"\x7f\xff", b"\x01\0\0\0\0\0\0\1"):
        sound(head + b"\x18\x53\x80\x67" + size + b"\x15\x49\xa9\x66" + size + b"\x4d\x80" + size + b"x" * 40)


def test_jpeg_of_markers_only_and_of_fill_bytes_only() -> None:
    sound(b"\xff\xd8\xff" + b"\xff" * (3 << 20), 5)
    sound(b"\xff\xd8" + b"\xff\xfe\0\2" * 40_000, 5)
    sound(b"\xff\xd8\xff\xdb" + struct.pack(">H", 60_002) + b"\x11" * 60_000)


def test_a_file_of_any_kind_has_words() -> None:
    for data in (b"\0", b"x" * 5000, os.urandom(5000), b"RIFF\xff\xff\xff\xffAVI " * 50, b"GIF89a"):
        sound(data)


def test_file_with_a_decompression_bomb_for_a_picture() -> None:
    import numpy as np
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    metadata = sound(bytes(data))
    assert any("earlier compression" in line for line in metadata.warnings)
