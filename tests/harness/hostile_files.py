"""Files made to break a decoder, all made here: cut, flipped, bombs, lies in headers, odd times, wrong kinds of file.

``corpus(folder, every)`` writes them and returns their paths; the same call always writes the same files.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, PngImagePlugin

from tests.harness.hostile_boxes import BOXES

SIDE = (64, 48)
MANY_CUTS = ("mp4", "mkv", "ts", "jpg", "png")
_VIDEOS: dict[str, tuple[str, str, str]] = {
    # suffix: muxer, encoder, pixel format
    "mp4": ("mp4", "libx264", "yuv420p"),
    "mov": ("mov", "mpeg4", "yuv420p"),
    "mkv": ("matroska", "libx264", "yuv420p"),
    "webm": ("webm", "libvpx", "yuv420p"),
    "vp9.webm": ("webm", "libvpx-vp9", "yuv420p"),
    "avi": ("avi", "mpeg4", "yuv420p"),
    "ffv1.avi": ("avi", "ffv1", "yuv420p"),
    "ts": ("mpegts", "libx264", "yuv420p"),
    "h264": ("h264", "libx264", "yuv420p"),
    "hevc": ("hevc", "libx265", "yuv420p"),
    "hevc.mp4": ("mp4", "libx265", "yuv420p10le"),
    "mpg": ("mpeg", "mpeg2video", "yuv420p"),
    "m2v": ("mpeg2video", "mpeg2video", "yuv420p"),
    "flv": ("flv", "flv", "yuv420p"),
    "mjpeg": ("mjpeg", "mjpeg", "yuvj420p"),
    "ivf": ("ivf", "libvpx", "yuv420p"),
    "nut": ("nut", "mpeg4", "yuv420p"),
    "y4m": ("yuv4mpegpipe", "wrapped_avframe", "yuv420p"),
    "wmv": ("asf", "wmv2", "yuv420p"),
    "mxf": ("mxf", "mpeg2video", "yuv420p"),
    "frag.mp4": ("mp4", "libx264", "yuv420p"),
    "prores.mov": ("mov", "prores_ks", "yuv422p10le"),
    "dv.avi": ("avi", "dvvideo", "yuv420p"),
    "gif.mov": ("mov", "png", "rgb24"),
}
_ODD_TIMES: dict[str, list[int]] = {
    "negative": [-900, -600, -300, 0, 300, 600, 900, 1200],
    "equal": [0, 300, 300, 300, 600, 600, 900, 900],
    "decreasing": [2400, 2100, 1800, 1500, 1200, 900, 600, 300],
    "jump": [0, 300, 600, 9_000_000_000, 9_000_000_300, 900, 1200, 1500],
    "wrap": [(1 << 33) - 900 + 300 * i for i in range(8)],
    "wrapped": [((1 << 33) - 900 + 300 * i) % (1 << 33) for i in range(8)],
    "huge": [(1 << 62) + 300 * i for i in range(8)],
}


def _frames(count: int = 8) -> list[Any]:
    y, x = np.mgrid[0 : SIDE[1], 0 : SIDE[0]]
    return [
        np.stack([(x * 3 + y + n * 9) % 256, (y * 4 + n * 5) % 256, (x + n) % 256], -1).astype(np.uint8)
        for n in range(count)
    ]


def _encode(muxer: str, codec: str, form: str, stamps: list[int] | None = None, fragmented: bool = False) -> bytes:
    out = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    size = (720, 576) if codec == "dvvideo" else SIDE
    base = Fraction(1, 25) if stamps is None else Fraction(1, 9000)
    with av.open(out, "w", format=muxer, container_options=options) as container:
        stream: Any = container.add_stream(codec, rate=25, options={"g": "4", "threads": "1"})
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none:pools=none:frame-threads=1"}
        stream.width, stream.height, stream.pix_fmt = *size, form
        packets = []
        for number, rgb in enumerate(_frames()):
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(*size, form)
            frame.pts = number
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for number, packet in enumerate(packets):
            if stamps is not None:
                packet.time_base = base
                packet.pts = packet.dts = stamps[number % len(stamps)]
            with contextlib.suppress(av.error.FFmpegError):
                container.mux(packet)
    return out.getvalue()


def _picture(form: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(_frames(1)[0]).convert(mode).save(out, form, **options)
    return out.getvalue()


def _moving(form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.fromarray(frame) for frame in _frames(4))
    first.save(out, form, save_all=True, append_images=others, **options)
    return out.getvalue()


def bases() -> dict[str, bytes]:
    """One sound file of each kind, by suffix. A kind that this build cannot write is left out."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    pillow_heif.register_avif_opener() if hasattr(pillow_heif, "register_avif_opener") else None
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    pictures: dict[str, Callable[[], bytes]] = {
        "jpg": lambda: _picture("JPEG", exif=exif),
        "progressive.jpg": lambda: _picture("JPEG", progressive=True),
        "cmyk.jpg": lambda: _picture("JPEG", "CMYK"),
        "png": lambda: _picture("PNG"),
        "palette.png": lambda: _picture("PNG", "P"),
        "apng": lambda: _moving("PNG"),
        "gif": lambda: _moving("GIF"),
        "webp": lambda: _picture("WEBP"),
        "lossless.webp": lambda: _picture("WEBP", lossless=True),
        "moving.webp": lambda: _moving("WEBP"),
        "tif": lambda: _picture("TIFF"),
        "lzw.tif": lambda: _picture("TIFF", compression="tiff_lzw"),
        "deflate.tif": lambda: _picture("TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": lambda: _picture("TIFF", compression="jpeg"),
        "pages.tif": lambda: _moving("TIFF"),
        "bmp": lambda: _picture("BMP"),
        "heic": lambda: _picture("HEIF"),
        "avif": lambda: _picture("AVIF"),
        "jp2": lambda: _picture("JPEG2000"),
        "mpo": lambda: _moving("MPO"),
        "ico": lambda: _picture("ICO"),
        "pcx": lambda: _picture("PCX"),
    }
    found: dict[str, bytes] = {}
    for suffix, (muxer, codec, form) in _VIDEOS.items():
        with contextlib.suppress(av.error.FFmpegError, ValueError, OSError):
            found[suffix] = _encode(muxer, codec, form, fragmented=suffix.startswith("frag"))
    for suffix, make in pictures.items():
        with contextlib.suppress(OSError, KeyError, ValueError):
            found[suffix] = make()
    return {suffix: data for suffix, data in found.items() if data}


def mechanical(base: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Cuts and flips of every kind: name and content."""
    for suffix, data in base.items():
        dice = random.Random(suffix)
        cuts = 100 if suffix in MANY_CUTS else 8
        for number in range(cuts):
            yield f"cut{number:03}.{suffix}", data[: 1 + (len(data) - 2) * number // cuts]
        for number in range(10):
            broken = bytearray(data)
            for _ in range(1 + number * 3):
                broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
            yield f"flip{number:02}.{suffix}", bytes(broken)
        for number in range(5):
            broken = bytearray(data)
            for _ in range(4 + number * 4):
                broken[dice.randrange(min(len(broken), 600))] = dice.choice([0, 0xFF, 0x7F, 0x80, dice.randrange(256)])
            yield f"head{number}.{suffix}", bytes(broken)
        middle = len(data) // 2
        yield f"hole.{suffix}", data[:middle] + bytes(5000) + data[middle + 100 :]
        yield f"tail.{suffix}", data + random.Random(1).randbytes(3000)
        yield f"twice.{suffix}", data + data
        yield f"front.{suffix}", b"prefix text\n" + data
        yield f"zeros.{suffix}", data[:100] + bytes(len(data))


def lies(base: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Bombs, false headers, odd times, other formats under a media name, several formats in one file."""
    yield from _bombs()
    yield from BOXES(base)
    for name, stamps in _ODD_TIMES.items():
        for suffix, muxer in (("mkv", "matroska"), ("ts", "mpegts"), ("avi", "avi"), ("mp4", "mp4"), ("nut", "nut")):
            with contextlib.suppress(av.error.FFmpegError, ValueError, OverflowError):
                yield f"times-{name}.{suffix}", _encode(muxer, "mpeg4", "yuv420p", stamps)
    yield from _others(base)
    wrong = list(base)
    for one, other in itertools.pairwise([*wrong, wrong[0]]):
        yield f"wrong-{one.replace('.', '-')}.{other}", base[one]


def _png(width: int, height: int, *chunks: tuple[bytes, bytes], bits: int = 8, kind: int = 2) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    whole = [(b"IHDR", head), *chunks, (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in whole
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _squeezed(megabytes: int) -> bytes:
    squeeze = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(squeeze.compress(block) for _ in range(megabytes)) + squeeze.flush()


def _bombs() -> Iterator[tuple[str, bytes]]:
    bomb = _squeezed(200)
    small = zlib.compress(b"".join(b"\0" + bytes(3 * 8) for _ in range(8)))
    squeeze = zlib.compressobj(6)
    row = bytes(1 + -(-30_000 // 8))
    rows = b"".join(squeeze.compress(row * 100) for _ in range(300)) + squeeze.flush()
    yield "bomb30000.png", _png(30_000, 30_000, (b"IDAT", rows), bits=1, kind=0)
    yield "bomb9999.png", _png(9_999, 9_999, (b"IDAT", _squeezed(286)))
    yield "ztxt.png", _png(8, 8, (b"zTXt", b"Comment\0\0" + bomb), (b"IDAT", small))
    yield "itxt.png", _png(8, 8, (b"iTXt", b"c\0\1\0\0\0" + bomb), (b"IDAT", small))
    many_texts = [(b"zTXt", b"k\0\0" + zlib.compress(bytes(900_000))) for _ in range(400)]
    yield "manytexts.png", _png(8, 8, *many_texts, (b"IDAT", small))
    yield "iccp.png", _png(8, 8, (b"iCCP", b"p\0\0" + bomb), (b"IDAT", small))
    yield "idatbomb.png", _png(8, 8, (b"IDAT", bomb))
    yield "zero.png", _png(0, 0, (b"IDAT", small))
    yield "widest.png", _png(0x7FFFFFFF, 0x7FFFFFFF, (b"IDAT", small))
    yield "thin.png", _png(90_000_000, 1, (b"IDAT", small))
    yield "frames.apng", _png(8, 8, (b"acTL", struct.pack(">II", 0xFFFFFFFF, 0)), (b"IDAT", small))
    yield "manychunks.png", _png(8, 8, *[(b"tEXt", b"a\0b")] * 60_000, (b"IDAT", small))
    info = PngImagePlugin.PngInfo()
    info.add_text("XML:com.adobe.xmp", "<a>" * 20_000)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=info)
    yield "deepxmp.png", out.getvalue()
    laughs = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
    )
    outside = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x:xmpmeta>&e;</x:xmpmeta>'
    for name, text in (("laughs", laughs + "]><x>&k;</x>"), ("outside", outside)):
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, "JPEG", xmp=text.encode())
        yield f"{name}.jpg", out.getvalue()
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6)
    one = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    full = b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\x00"
    yield "canvas.gif", gif + one + b";"
    yield "full.gif", gif + full + b";"
    tiny = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x80, 0, 0) + bytes(6)
    yield "frames.gif", tiny + one * 60_000 + b";"
    yield "comments.gif", tiny + (b"!\xfe" + (b"\xff" + bytes(255)) * 4000 + b"\0") + one + b";"
    yield "endless.gif", tiny + b"!\xff\x0bNETSCAPE2.0" + b"\x03\x01\0\0" * 200_000
    yield from _tiff_bombs(bomb)
    sof = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65500, 65500, 3) + b"\1\x22\0\2\x11\0\3\x11\0"
    yield "huge.jpg", sof + b"\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0" + bytes(500) + b"\xff\xd9"
    scans = _picture("JPEG", progressive=True)
    cut = scans.rindex(b"\xff\xda")
    yield "scans.jpg", scans[:cut] + scans[cut:-2] * 3000 + b"\xff\xd9"
    yield "markers.jpg", b"\xff\xd8" + b"\xff\xe1\x00\x08Exif\0\0" * 50_000 + scans[2:]
    yield (
        "icc.jpg",
        b"\xff\xd8"
        + b"".join(
            b"\xff\xe2" + struct.pack(">H", 60_016) + b"ICC_PROFILE\0" + bytes([n + 1, 255]) + bytes(60_000)
            for n in range(200)
        )
        + scans[2:],
    )
    loop = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x8769, 4, 1, 8, 8)
    yield "exifloop.jpg", b"\xff\xd8\xff\xe1" + struct.pack(">H", len(loop) + 8) + b"Exif\0\0" + loop + scans[2:]
    for name, width, height in (("wide", 0x7FFFFFFF, 1), ("both", 60_000, 60_000), ("upside", 64, -0x7FFFFFFF)):
        info_head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        yield f"{name}.bmp", b"BM" + struct.pack("<IHHI", 54 + 600, 0, 0, 54) + info_head + bytes(600)
    rle = struct.pack("<IiiHHIIiiII", 40, 9_000, 9_000, 1, 8, 1, 0, 0, 0, 256, 0)
    yield "rle.bmp", b"BM" + struct.pack("<IHHI", 4000, 0, 0, 1078) + rle + bytes(1024) + b"\xff\1" * 1000 + b"\0\1"
    vp8l = b"\x2f" + struct.pack("<I", 16383 | 16383 << 14) + bytes(60)
    yield "large.webp", b"RIFF" + struct.pack("<I", len(vp8l) + 12) + b"WEBPVP8L" + struct.pack("<I", len(vp8l)) + vp8l


def _tiff_bombs(bomb: bytes) -> Iterator[tuple[str, bytes]]:
    def tiff(
        width: int, height: int, compression: int, data: bytes, *more: tuple[int, int, int, int], again: int = 0
    ) -> bytes:
        tags = [
            (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1),
            (273, 4, 1, 400), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(data)), *more,
        ]  # fmt: skip
        entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
        head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", again)
        return head.ljust(400, b"\0") + data

    yield "deflate.tif", tiff(9_000, 9_000, 8, bomb)
    yield "over.tif", tiff(100_000, 100_000, 8, bomb)
    yield "short.tif", tiff(9_000, 9_000, 8, bomb[:2000])
    yield "outside.tif", tiff(64, 64, 1, b"x", (65000, 2, 0xFFFFFFFF, 0xFFFFFFF0))
    yield "counts.tif", tiff(64, 64, 1, bytes(4096), (330, 4, 0x40000000, 8), (700, 1, 0x7FFFFFFF, 8))
    yield "loop.tif", tiff(64, 64, 1, bytes(4096), again=8)
    yield "packbits.tif", tiff(9_000, 9_000, 32773, b"\x81\0" * 3000)
    yield "big.tif", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 0xFFFFFFFFFFFFFFFF) + bytes(300)


def _others(base: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    texts = {
        "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "hls2.m3u8": "#EXTM3U\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n",
        "concat.mp4": "ffconcat version 1.0\nfile '/etc/passwd'\n",
        "dash.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>/etc/passwd</BaseURL></Period></MPD>',
        "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "drawing.png": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "page.jpg": "<html><script>1</script></html>",
        "script.mp4": "#!/bin/sh\nrm -rf /\n",
        "subtitles.mp4": "1\n00:00:00,000 --> 00:00:01,000\nHello\n",
        "picture%03d.png": "x",
    }
    for name, text in texts.items():
        yield name, text.encode()
    yield "archive.mp4", b"PK\3\4" + bytes(3000)
    yield "program.jpg", b"\x7fELF\2\1\1" + bytes(3000)
    yield "paper.jpg", b"%PDF-1.7\n" + bytes(3000)
    yield "paper-jpeg.pdf", b"%PDF-1.7\n1 0 obj\n<< >>\nstream\n" + base["jpg"] + b"\nendstream\n%%EOF"
    yield "jpeg-zip.jpg", base["jpg"] + b"PK\3\4" + bytes(500) + b"PK\5\6" + bytes(18)
    yield "gif-script.gif", b"GIF89a/*" + base["gif"][8:] + b"*/=1;"
    yield "png-mp4.png", base["png"] + base["mp4"]
    yield "mp4-png.mp4", base["mp4"] + base["png"]
    yield "mp4-mkv.mp4", base["mp4"] + base["mkv"]
    yield "free-then-mkv.mp4", struct.pack(">I4s", len(base["mkv"]) + 8, b"free") + base["mkv"] + base["mp4"]
    yield "bmp-text.bmp", b"BM" + b"text " * 400
    for size in (1, 2, 3, 4, 8, 12, 100, 4096, 100_000):
        yield f"zeros{size}.mp4", bytes(size)
        yield f"ones{size}.jpg", b"\xff" * size
        yield f"noise{size}.mkv", random.Random(size).randbytes(size)
    yield "sync.ts", (b"\x47" + bytes(187)) * 3000
    yield "nulls.ts", (b"\x47\x1f\xff\x10" + bytes(184)) * 8000
    yield "starts.h264", b"\0\0\0\1\x67" * 20_000
    yield "starts.m2v", b"\0\0\1\xb3" * 20_000
    yield "packs.mpg", b"\0\0\1\xba" + (b"\0\0\1\xe0\xff\xff" + bytes(100)) * 5000


def special(folder: Path, base: dict[str, bytes], holes: bool) -> list[Path]:
    """Things that are no plain file, names that no one would choose, and files of 1 TiB that are almost all hole."""
    made: list[Path] = []

    def keep(path: Path) -> Path:
        made.append(path)
        return path

    (folder / "target.mp4").write_bytes(base["mp4"] + b"unique target")
    with contextlib.suppress(OSError):
        keep(folder / "link.mp4").symlink_to(folder / "target.mp4")
        keep(folder / "dangling.mp4").symlink_to(folder / "absent.mp4")
        keep(folder / "loop.mp4").symlink_to(folder / "loop.mp4")
        for device in ("zero", "null", "full", "random"):
            keep(folder / f"{device}.mp4").symlink_to(f"/dev/{device}")
        keep(folder / "memory.mp4").symlink_to("/proc/self/mem")
        os.mkfifo(keep(folder / "pipe.mp4"))
    made += [folder / "target.mp4", folder / "absent-entirely.mp4"]
    (keep(folder / "empty.mp4")).touch()
    names = ("-i.mp4", "new\nline.mp4", "‮4pm.exe", "é" * 100 + ".mp4", "fd:3", "concat:a|b.mp4", "http:x.mp4", "%d.png")
    for number, name in enumerate(names):
        keep(folder / name).write_bytes(base["mp4"] + bytes([number]))
    with contextlib.suppress(OSError, UnicodeError):
        raw = os.fsencode(str(folder)) + b"/\xff\xfe\x80.mp4"
        Path(os.fsdecode(raw)).write_bytes(base["mkv"] + b"raw name")
        made.append(Path(os.fsdecode(raw)))
    for name, head in (("hole.mp4", base["mp4"]), ("hole.ts", base["ts"]), ("hole.bin", b"")):
        if holes or name == "hole.bin":
            path = keep(folder / name)
            path.write_bytes(head)
            os.truncate(path, 1 << 40)
    unread = keep(folder / "unreadable.mp4")
    unread.write_bytes(base["mp4"] + b"unreadable")
    unread.chmod(0)
    return made


def corpus(folder: Path, every: int = 1) -> tuple[list[Path], list[Path]]:
    """Write the files: every n-th of the mechanical ones; with 0 a small slice that still has a few of every kind.

    Returns:
        plain files, and the special ones that :func:`special` describes.
    """
    base = bases()
    dice = random.Random(4)
    made = [("whole." + suffix, data) for suffix, data in base.items()]
    if every:
        made += itertools.islice(mechanical(base), every // 2, None, every)
        made += lies(base)
    else:
        made = dice.sample(made, 6)
        some = {suffix: base[suffix] for suffix in dice.sample(sorted(base), 8)}
        made += dice.sample(list(mechanical(some)), 16)
        made += dice.sample([entry for entry in lies(base) if len(entry[1]) < 250_000], 20)
    plain: list[Path] = []
    for number, (name, data) in enumerate(made):
        path = folder / "plain" / f"{number:04}-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        plain.append(path)
    odd = folder / "odd"
    odd.mkdir()
    return plain, special(odd, base, holes=bool(every))
