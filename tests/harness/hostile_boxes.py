"""Containers that lie: boxes and elements with absurd counts, sizes and depths, streams by the thousand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator


def BOXES(base: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:  # noqa: N802 (reads as a list of kinds)
    yield from _movies(base["mp4"])
    yield from _matroska(base["mkv"])
    yield from _transport(base["ts"])
    yield from _avi(base["avi"])
    yield from _raw(base["h264"])
    for suffix in ("heic", "avif"):
        if suffix in base:
            yield from _stills(suffix, base[suffix])


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _patched(data: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    at = data.find(kind)
    if at < 0:
        return data
    start = at + 4 + offset
    return data[:start] + value + data[start + len(value) :]


def _movies(mp4: bytes) -> Iterator[tuple[str, bytes]]:
    most = b"\xff\xff\xff\xff"
    for kind, offset in (
        (b"stsz", 8),
        (b"stts", 4),
        (b"ctts", 4),
        (b"stsc", 4),
        (b"stco", 4),
        (b"stss", 4),
        (b"stsd", 4),
    ):
        for name, value in (("most", most), ("many", b"\x10\0\0\0"), ("none", bytes(4))):
            yield f"{kind.decode()}-{name}.mp4", _patched(mp4, kind, offset, value)
    yield "stsz-same.mp4", _patched(mp4, b"stsz", 4, b"\0\0\0\1\xff\xff\xff\xff")
    yield "stts-delta.mp4", _patched(mp4, b"stts", 8, most * 2)
    yield "stts-zero.mp4", _patched(mp4, b"stts", 12, bytes(4))
    yield "stts-negative.mp4", _patched(mp4, b"stts", 12, b"\xff\xff\xff\x00")
    yield "stco-outside.mp4", _patched(mp4, b"stco", 8, b"\x7f\xff\xff\xff")
    yield "stco-self.mp4", _patched(mp4, b"stco", 8, bytes(4))
    yield "scale-zero.mp4", _patched(mp4, b"mdhd", 12, bytes(4))
    yield "scale-most.mp4", _patched(mp4, b"mdhd", 12, most)
    yield "movie-scale-zero.mp4", _patched(mp4, b"mvhd", 12, bytes(4))
    yield "movie-duration.mp4", _patched(mp4, b"mvhd", 16, most)
    yield "size-tkhd.mp4", _patched(mp4, b"tkhd", 76, most * 2)
    yield "size-avc1.mp4", _patched(mp4, b"avc1", 24, most)
    yield "size-zero.mp4", _patched(mp4, b"avc1", 24, bytes(4))
    yield "config.mp4", _patched(mp4, b"avcC", 4, most)
    yield "config-units.mp4", _patched(mp4, b"avcC", 5, b"\xff")
    for name, media_time, length in (
        ("empty", -1, 1000),
        ("before", -5000, 100),
        ("after", 1 << 30, 100),
        ("long", 0, -1),
    ):
        yield f"edit-{name}.mp4", _patched(mp4, b"elst", 8, struct.pack(">Ii", length & 0xFFFFFFFF, media_time))
    yield "edit-rate.mp4", _patched(mp4, b"elst", 16, b"\0\2\0\0")
    yield "edit-count.mp4", _patched(mp4, b"elst", 4, most)
    yield "matrix.mp4", _patched(mp4, b"tkhd", 40, most * 9)
    yield "reference.mp4", _patched(mp4, b"url ", 0, b"\0\0\0\0")
    elsewhere = _box(b"dref", bytes(4) + struct.pack(">I", 1) + _box(b"url ", bytes(4) + b"file:///etc/passwd\0"))
    at = mp4.find(b"dref") - 4
    yield "elsewhere.mp4", mp4[:at] + elsewhere + mp4[at + 28 :]
    yield "box-zero.mp4", _patched(mp4, b"moov", -8, bytes(4))
    yield "box-one.mp4", _patched(mp4, b"moov", -8, b"\0\0\0\1")
    yield "box-large.mp4", struct.pack(">I4sQ", 1, b"moov", (1 << 63) - 1) + mp4
    yield "box-wrap.mp4", struct.pack(">I4sQ", 1, b"free", (1 << 64) - 1) + mp4
    deep = b""
    for _ in range(10_000):
        deep = _box(b"moov", deep)[:1_000_000]
    yield "deep.mp4", _box(b"ftyp", b"isom" + bytes(4)) + deep
    start, length = mp4.find(b"trak") - 4, struct.unpack(">I", mp4[mp4.find(b"trak") - 4 : mp4.find(b"trak")])[0]
    track = mp4[start : start + length]
    begin = mp4.find(b"moov") - 4
    head = mp4[begin + 8 : start]
    yield "tracks.mp4", mp4[:begin] + _box(b"moov", head + track * 10_000)
    yield "tracks300.mp4", mp4[:begin] + _box(b"moov", head + track * 300)
    text = _box(b"\xa9nam", struct.pack(">HH", 60_000, 0) + b"n" * 60_000)
    yield "texts.mp4", mp4[:begin] + _box(b"moov", mp4[begin + 8 :] + _box(b"udta", text * 300))
    fragment = _box(b"moof", _box(b"traf", _box(b"tfhd", bytes(8)) + _box(b"trun", struct.pack(">II", 0, 0xFFFFFFFF))))
    yield "fragments.mp4", mp4 + fragment * 5000
    packed = _box(
        b"cmov", _box(b"dcom", b"zlib") + _box(b"cmvd", struct.pack(">I", 0x7FFFFFFF) + zlib.compress(bytes(9_000_000)))
    )
    yield "packed-header.mov", _box(b"ftyp", b"qt  " + bytes(4)) + _box(b"moov", packed)
    yield "uuids.mp4", _box(b"ftyp", b"isom" + bytes(4)) + _box(b"uuid", bytes(16)) * 100_000 + mp4


def _element(number: bytes, body: bytes, size: bytes | None = None) -> bytes:
    return number + (size or struct.pack(">Q", len(body) | 1 << 56)) + body


def _matroska(mkv: bytes) -> Iterator[tuple[str, bytes]]:
    head = mkv[: mkv.find(b"\x18\x53\x80\x67")]
    most = b"\x01\xff\xff\xff\xff\xff\xff\xfe"
    segment, info, tracks, cluster, tags = (
        b"\x18\x53\x80\x67",
        b"\x15\x49\xa9\x66",
        b"\x16\x54\xae\x6b",
        b"\x1f\x43\xb6\x75",
        b"\x12\x54\xc3\x67",
    )
    for name, kind in (("info", info), ("tracks", tracks), ("cluster", cluster)):
        at = mkv.find(kind)
        yield f"size-{name}.mkv", mkv[: at + 4] + most + mkv[at + 12 :]
        yield f"unknown-{name}.mkv", mkv[: at + 4] + b"\x01" + b"\xff" * 7 + mkv[at + 12 :]
    entry = _element(
        b"\xae", _element(b"\xd7", b"\1") + _element(b"\x83", b"\1") + _element(b"\x86", b"V_MPEG4/ISO/AVC")
    )
    yield "tracks10000.mkv", head + _element(segment, _element(tracks, entry * 10_000))
    bomb = zlib.compress(bytes(100_000_000), 9)
    squeezed = _element(b"\x6d\x80", _element(b"\x62\x40", _element(b"\x50\x34", _element(b"\x42\x54", b"\0"))))
    private = _element(b"\x63\xa2", bomb)
    coded = _element(
        b"\xae",
        _element(b"\xd7", b"\1")
        + _element(b"\x83", b"\1")
        + _element(b"\x86", b"V_MPEG4/ISO/AVC")
        + private
        + squeezed,
    )
    yield (
        "squeezed.mkv",
        head
        + _element(
            segment,
            _element(tracks, coded)
            + _element(cluster, _element(b"\xe7", b"\0") + _element(b"\xa3", b"\x81\0\0\x80" + bomb)),
        ),
    )
    deep = b""
    for _ in range(3000):
        deep = _element(b"\x67\xc8", deep)
    yield "deep-tags.mkv", head + _element(segment, _element(tags, _element(b"\x73\x73", deep)))
    simple = _element(b"\x67\xc8", _element(b"\x45\xa3", b"NAME") + _element(b"\x44\x87", b"v" * 1000))
    yield "tags.mkv", mkv + _element(tags, _element(b"\x73\x73", simple * 5000))
    attached = _element(
        b"\x61\xa7",
        _element(b"\x46\x6e", b"a.ttf") + _element(b"\x46\x60", b"font/ttf") + _element(b"\x46\x5c", bytes(30_000)),
    )
    yield (
        "attachments.mkv",
        head
        + _element(
            segment,
            mkv[mkv.find(info) : mkv.find(cluster)]
            + _element(b"\x19\x41\xa4\x69", attached * 600)
            + mkv[mkv.find(cluster) :],
        ),
    )
    yield "scale.mkv", mkv.replace(b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\x00\x00\x00")
    yield "clusters.mkv", mkv + mkv[mkv.find(cluster) :] * 3000
    yield "voids.mkv", head + _element(segment, _element(b"\xec", b"") * 300_000)
    laced = b"\x81\0\0\x86" + b"\xff" + b"\xff" * 60_000
    yield "laced.mkv", mkv + _element(cluster, _element(b"\xe7", b"\0") + _element(b"\xa3", laced) * 50)


def _transport(ts: bytes) -> Iterator[tuple[str, bytes]]:
    packets = [ts[i : i + 188] for i in range(0, len(ts), 188)]
    yield "shuffled.ts", b"".join(packets[::-1])
    yield "repeated.ts", b"".join(packet * 40 for packet in packets)
    many = []
    for pid in range(32, 8190):
        payload = b"\0\0\1\xe0\0\0\x80\x80\x05!\0\x01\0\x01" + bytes(170)
        many.append(struct.pack(">BHB", 0x47, 0x4000 | pid, 0x10) + payload[:184])
    yield "pids.ts", ts + b"".join(many)
    sections = []
    for program in range(2000):
        body = struct.pack(">HBBBHH", 1, 0xC1, 0, 0, program + 1, 0xE000 | (32 + program)) + bytes(4)
        section = b"\0" + b"\0" + struct.pack(">H", 0xB000 | len(body)) + body
        sections.append((struct.pack(">BHB", 0x47, 0x4000, 0x10) + section).ljust(188, b"\xff"))
    yield "programs.ts", b"".join(sections) + ts
    yield "offbyone.ts", b"".join(packet + b"\0" for packet in packets)
    adaptation = [packet[:3] + b"\x30\xff" + packet[5:] for packet in packets]
    yield "adaptation.ts", b"".join(adaptation)


def _avi(avi: bytes) -> Iterator[tuple[str, bytes]]:
    yield "avih.avi", _patched(avi, b"avih", 4, b"\xff" * 56)
    yield "strh-rate.avi", _patched(avi, b"strh", 24, bytes(8))
    yield "strh-length.avi", _patched(avi, b"strh", 36, b"\xff" * 4)
    yield "strf.avi", _patched(avi, b"strf", 8, b"\xff\xff\xff\x7f" * 2)
    yield "index.avi", _patched(avi, b"idx1", 0, b"\xff\xff\xff\x7f")
    at = avi.find(b"idx1")
    yield "index-self.avi", avi[: at + 8] + (b"00dc" + b"\x10\0\0\0" + struct.pack("<II", 4, 0xFFFFFFFF)) * 200_000
    start = avi.find(b"LIST", 20)
    size = struct.unpack("<I", avi[start + 4 : start + 8])[0]
    streams = avi[start : start + 8 + size] * 2000
    yield "streams.avi", avi[:12] + b"LIST" + struct.pack("<I", len(streams) + 60) + b"hdrl" + avi[24:start] + streams


def _raw(h264: bytes) -> Iterator[tuple[str, bytes]]:
    at = h264.find(b"\0\0\0\1\x67")
    for number, fill in enumerate((b"\xff", b"\0", b"\x55", b"\xaa")):
        yield f"parameters{number}.h264", h264[: at + 8] + fill * 12 + h264[at + 20 :]
    yield "endless.h264", h264 * 400
    yield "nal.h264", h264 + b"".join(b"\0\0\0\1" + bytes([kind]) + b"\xff" * 200 for kind in range(32)) * 50
    yield "onenal.h264", b"\0\0\0\1\x67" + b"\xff" * 2_000_000


def _stills(suffix: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    most = b"\xff\xff\xff\xff"
    yield f"ispe.{suffix}", _patched(data, b"ispe", 4, b"\0\1\0\0\0\1\0\0")
    yield f"ispe-most.{suffix}", _patched(data, b"ispe", 4, most * 2)
    yield f"ispe-zero.{suffix}", _patched(data, b"ispe", 4, bytes(8))
    yield f"iloc.{suffix}", _patched(data, b"iloc", 4, b"\x88\x88\xff\xff")
    yield f"iinf.{suffix}", _patched(data, b"iinf", 0, b"\1\0\0\0" + most)
    yield f"ipma.{suffix}", _patched(data, b"ipma", 4, most)
    yield f"iref.{suffix}", data.replace(b"iprp", b"iref")
    yield f"hdlr.{suffix}", data.replace(b"pict", b"vide")
