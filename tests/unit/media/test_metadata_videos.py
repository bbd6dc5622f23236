"""Structure of video files: boxes, edit lists, times, encoder strings, keyframes, and what other containers hold."""

from __future__ import annotations

import struct

import pytest

from tests.fakes import described_media as media
from tests.fakes.described_media import box
from workstation.domain.metadata import MediaMetadata, Part

FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2")


def tree(metadata: MediaMetadata) -> dict[str, Part]:
    """Paths of all parts, the first of each name."""
    found: dict[str, Part] = {}

    def walk(parts: tuple[Part, ...], path: str) -> None:
        for one in parts:
            name = f"{path}/{one.name}".lstrip("/")
            found.setdefault(name, one)
            walk(one.parts, name)

    walk(metadata.structure, "")
    return found


def codes(metadata: MediaMetadata) -> set[str]:
    return {one.code for one in metadata.observations}


def test_mp4_from_first_to_last_box() -> None:
    data = media.video("mp4")
    metadata = media.read(data)
    assert metadata.warnings == ()
    assert metadata.format == "ISO base media (MP4)"
    position = 0
    for one in metadata.structure:
        assert one.offset == position
        position += one.size
    assert position == len(data)
    parts = tree(metadata)
    stsz = parts["moov/trak/mdia/minf/stbl/stsz"]
    assert data[stsz.offset + 4 : stsz.offset + 8] == b"stsz"
    assert stsz.detail == "40 samples"
    assert media.field(metadata, "Movie header", "CreationTime").shown == "2026-01-02T03:04:05Z"
    assert media.field(metadata, "Movie header", "Duration").shown == "1.600000 s"
    assert media.field(metadata, "Track 1", "HandlerName").shown == "VideoHandler"
    assert media.field(metadata, "Track 1", "MeanRate").shown == "25 per second"
    assert media.field(metadata, "Track 1", "SyncSamples").shown == "4"
    assert media.field(metadata, "Track 1", "Edit 1").shown.startswith(
        "1.600000 s on the movie's clock, from media time"
    )
    assert media.field(metadata, "iTunes metadata", "EncodingTool").shown.startswith("Lavf")
    assert "moov_after_mdat" in codes(metadata)


def test_moov_in_front_is_told_as_such() -> None:
    assert "moov_before_mdat" in codes(media.read(media.video("mp4", movflags="faststart")))


def test_encoder_strings_inside_the_stream() -> None:
    for form, codec, words in (
        ("mp4", "libx264", "x264 - core"), ("mpegts", "libx264", "x264 - core"), ("matroska", "libx265", "x265 (build"),
        ("avi", "mpeg4", "Lavc"),
    ):  # fmt: skip
        metadata = media.read(media.video(form, codec))
        (group,) = [g for g in metadata.groups if g.name == "Encoder (inside the video stream)"]
        assert group.fields[0].shown.startswith(words), (form, group)
        assert "encoder_string" in codes(metadata)
    assert "options: cabac=1" in media.read(media.video("mp4")).shown("Encoder (inside the video stream)", "x264")


def test_keyframes_are_counted_without_decoding() -> None:
    gop = media.read(media.video("matroska", frames=45)).gop
    assert gop is not None
    assert (gop.packets, gop.keyframes, gop.usual, gop.longest, gop.complete) == (45, 5, 10, 10, True)
    assert gop.reordered, "x264 writes B-frames by default"
    assert gop.codec == "h264"


def test_quicktime_keys_and_user_data() -> None:
    data = media.video("mov", movflags="use_metadata_tags")
    metadata = media.read(data)
    title = media.field(metadata, "QuickTime metadata", "title")
    assert title.shown == "A title"
    assert title.offset is not None
    assert data[title.offset :].startswith(b"A title")
    plain = media.read(media.video("mov"))
    assert plain.format == "ISO base media (QuickTime (MOV))"
    assert media.field(plain, "User data", "Software").shown.startswith("Lavf")


def test_iso_6709_location_becomes_degrees() -> None:
    text = b"+41.4034-002.1740+012.3/"
    atom = box(b"\xa9xyz", struct.pack(">HH", len(text), 0x15C7) + text)
    metadata = media.read(FTYP + box(b"moov", box(b"udta", atom)))
    assert media.field(metadata, "GPS position", "Position").shown.startswith("41.403400°, -2.174000°")


def edits(*entries: tuple[int, int]) -> bytes:
    """A movie of one track, time scale 1000 (movie) and 600 (media), with these edits (duration, media time)."""
    mvhd = box(b"mvhd", struct.pack(">4xIIII", 0, 0, 1000, 9000) + bytes(80))
    tkhd = box(b"tkhd", struct.pack(">B3xIIII I", 0, 0, 0, 1, 0, 9000) + bytes(60))
    elst = box(
        b"elst", struct.pack(">4xI", len(entries)) + b"".join(struct.pack(">Iihh", d, t, 1, 0) for d, t in entries)
    )
    mdhd = box(b"mdhd", struct.pack(">4xIIIIHH", 0, 0, 600, 5400, 0x55C4, 0))
    hdlr = box(b"hdlr", struct.pack(">4x4x4s12x", b"vide") + b"Some handler\0")
    trak = box(b"trak", tkhd + box(b"mdia", mdhd + hdlr) + box(b"edts", elst))
    return FTYP + box(b"moov", mvhd + trak) + box(b"mdat", bytes(64))


def test_edit_lists_are_decoded_and_hidden_stretches_observed() -> None:
    metadata = media.read(edits((2000, 600), (1000, 3000)))
    assert media.field(metadata, "Track 1", "Edit 1").shown == (
        "2.000000 s on the movie's clock, from media time 1.000000 s, rate 1"
    )
    assert media.field(metadata, "Track 1", "Edit 2").raw == "1000 3000 1"
    assert "edit_list_parts" in codes(metadata)
    assert "edit_list_start" in codes(media.read(edits((2000, 1200))))
    assert not {"edit_list_parts", "edit_list_start"} & codes(media.read(edits((500, -1), (9000, 0))))
    empty = media.field(media.read(edits((500, -1), (9000, 0))), "Track 1", "Edit 1")
    assert "shows nothing" in empty.shown


def test_boxes_of_64_bits_uuid_and_to_the_end() -> None:
    import uuid

    xmp = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
    data = (
        FTYP + box(b"free", bytes(5), large=True) + box(b"uuid", xmp + media.XMP) + box(b"mdat", bytes(99), to_end=True)
    )
    metadata = media.read(data)
    parts = tree(metadata)
    assert parts["free"].size == 21
    assert "64-bit size" in parts["free"].detail
    assert "XMP" in parts["uuid"].detail
    assert parts["mdat"].detail == "to the end of the file"
    assert media.field(metadata, "XMP", "xmp:CreatorTool").shown == "Tool 5"


def test_unknown_duplicate_and_trailing_boxes_are_observed() -> None:
    data = FTYP + box(b"moov") + box(b"moov") + box(b"Xtra", bytes(8)) + box(b"mdat", bytes(8))
    assert {"duplicate_boxes", "unknown_boxes"} <= codes(media.read(data))
    behind = media.read(FTYP + box(b"moov") + box(b"mdat", bytes(8)) + b"\0\0\0\3junk" * 40)
    assert "trailing_data" in codes(behind)


def test_times_of_zero_are_not_set_and_make_no_reading() -> None:
    metadata = media.read(edits((9000, 0)))
    assert media.field(metadata, "Movie header", "CreationTime").shown == "not set (0)"
    assert metadata.times == ()


def test_matroska_elements() -> None:
    data = media.video("matroska")
    metadata = media.read(data)
    assert metadata.warnings == ()
    app = media.field(metadata, "Segment information", "WritingApp")
    assert app.offset is not None
    assert data[app.offset :].startswith(app.shown.encode())
    assert media.field(metadata, "Segment information", "DateUTC").shown == "2026-01-02T03:04:05Z"
    assert media.field(metadata, "Track 1", "CodecID").shown == "V_MPEG4/ISO/AVC"
    assert media.field(metadata, "Matroska tags", "COMMENT").shown == "words"
    assert media.read(media.video("webm", "libvpx-vp9", 6)).format == "WebM"


def test_avi_and_transport_stream() -> None:
    avi = media.read(media.video("avi", "mpeg4"))
    assert avi.warnings == ()
    assert media.field(avi, "AVI header", "TotalFrames").shown == "40"
    assert media.field(avi, "RIFF INFO", "Software").shown.startswith("Lavf")
    stream = media.read(media.video("mpegts"))
    assert media.field(stream, "Program 1", "Stream PID 256").shown.startswith("H.264 video")
    assert media.field(stream, "Service description", "Provider").shown == "FFmpeg"


@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
def test_every_tool_that_read_is_named(form: str) -> None:
    tools = dict(media.read(media.video(form, frames=4)).tools)
    assert {"workstation", "PyAV", "FFmpeg libavformat", "defusedxml", "c2pa"} <= set(tools)
