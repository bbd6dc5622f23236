"""PNG files (ISO/IEC 15948): every chunk with the state of its CRC, text chunks, what stands in eXIf and iCCP."""

from __future__ import annotations

import zlib

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import LARGEST_READ, Broken, Window, integer, memory_window
from workstation.media.metadata.exif import TiffBlock, read_tiff
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.icc import read_icc
from workstation.media.metadata.iptc import read_iptc
from workstation.media.metadata.jpeg_segments import read_embedded
from workstation.media.metadata.texts import decoded, fact, fourcc, text_field
from workstation.media.metadata.xmp import read_xmp

_MOST_CHUNKS = 10_000
_MOST_INFLATED = 8 << 20
_CRC_PIECE = 1 << 20
_CRC_IN_ALL = 256 << 20
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey and alpha", 6: "RGB and alpha"}
_UNITS = {0: "no unit, aspect only", 1: "per metre"}
_INTENTS = {0: "perceptual", 1: "relative colorimetric", 2: "saturation", 3: "absolute colorimetric"}
_ONCE = frozenset({"IHDR", "PLTE", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "bKGD", "hIST", "tRNS", "pHYs", "tIME",
                   "eXIf", "IEND", "acTL"})  # fmt: skip


def read_png(find: Findings, window: Window) -> None:
    """Read a PNG file. A wrong CRC, a missing IEND or a chunk that stands twice becomes an observation or a warning."""
    find.format = "PNG"
    position, checked = 8, 0
    counts: dict[str, int] = {}
    find.node(None, "signature", 0, 8)
    for _ in range(_MOST_CHUNKS):
        if position + 12 > window.size:
            break
        head = window.take(position, 8)
        size, name = integer(head, 0, 4), fourcc(head[4:])
        if position + 12 + size > window.size:
            find.node(None, name, position, window.size - position, "reaches beyond the end of the file")
            find.warn(f"Chunk {name} at {position} announces {size} bytes; the file ends before.")
            break
        counts[name] = counts.get(name, 0) + 1
        state = "CRC not checked"
        if checked + size <= _CRC_IN_ALL:
            checked += size
            state = _crc(find, window, position, size, name)
        node = find.node(None, name, position, size + 12, state)
        if size <= LARGEST_READ and name not in ("IDAT", "fdAT"):
            body = window.take(position + 8, size)
            find.attempt(f"PNG chunk {name} at {position}",
                         lambda n=name, b=body, p=position: _chunk(find, window, n, b, p + 8))  # type: ignore[misc]  # fmt: skip
        position += size + 12
        if name == "IEND":
            find.end, find.end_words = position, "the IEND chunk"
            break
        if not head[4] & 0x20 and name not in ("IHDR", "PLTE", "IDAT"):
            node.detail += ", unknown critical chunk"
    if find.end is None:
        find.warn("The PNG data has no IEND chunk; the file may be cut short.")
    twice = [f"{name} x{count}" for name, count in counts.items() if count > 1 and name in _ONCE]
    if twice:
        find.observe("duplicate_chunks", f"Chunks that may stand once only stand more often: {', '.join(twice)}.")
    summary = ", ".join(f"{name} x{count}" for name, count in list(counts.items())[:60])
    find.group("PNG", "chunk list", [fact("Chunks", summary)])


def _crc(find: Findings, window: Window, position: int, size: int, name: str) -> str:
    value, done = zlib.crc32(window.take(position + 4, 4)), 0
    while done < size:
        piece = window.take(position + 8 + done, min(_CRC_PIECE, size - done))
        value = zlib.crc32(piece, value)
        done += len(piece)
    stored = integer(window.take(position + 8 + size, 4), 0, 4)
    if value == stored:
        return "CRC agrees"
    find.observe("crc_mismatch", f"The CRC of chunk {name} does not agree with its content.",
                 f"chunk {name} at {position}: stored {stored:08x}, computed {value:08x}")  # fmt: skip
    return f"CRC does not agree (stored {stored:08x}, computed {value:08x})"


def inflated(data: bytes) -> bytes:
    """Inflate up to a limit. Raises: Broken."""
    try:
        engine = zlib.decompressobj()
        made = engine.decompress(data, _MOST_INFLATED)
    except zlib.error as error:
        raise Broken(f"the compressed data cannot be inflated ({error})") from error
    if engine.unconsumed_tail:
        raise Broken(f"the compressed data inflates to more than {_MOST_INFLATED} bytes")
    return made


def _chunk(find: Findings, window: Window, name: str, body: bytes, offset: int) -> None:
    where = f"PNG {name} chunk"
    if name == "IHDR":
        colours = _COLOURS.get(body[9], str(body[9]))
        fields = [fact("Size", f"{integer(body, 0, 4)} x {integer(body, 4, 4)} pixels", offset=offset),
                  fact("BitDepth", body[8], offset=offset + 8), fact("ColourType", colours, raw=body[9]),
                  fact("Interlace", "Adam7" if body[12] else "none", raw=body[12])]  # fmt: skip
        find.group("PNG header", where, fields, offset)
    elif name in ("tEXt", "zTXt", "iTXt"):
        _text(find, name, body, offset)
    elif name == "eXIf":
        block = TiffBlock(window, offset, offset + len(body), where)
        for inner in read_tiff(find, block):
            find.attempt(f"{inner.kind} in {where}", lambda i=inner: read_embedded(find, i, where))  # type: ignore[misc]
    elif name == "iCCP":
        profile_name, _, rest = body.partition(b"\0")
        find.group("ICC name", where, [text_field("Name", profile_name, encoding="latin-1", offset=offset)])
        read_icc(find, inflated(rest[1:]), where, None)
    elif name == "tIME":
        told = f"{integer(body, 0, 2):04d}-{body[2]:02d}-{body[3]:02d} {body[4]:02d}:{body[5]:02d}:{body[6]:02d}"
        find.time("tIME", "PNG", told, ZoneKind.UTC, f"{told.replace(' ', 'T')}Z")
        find.group("PNG time", where, [fact("LastModification", f"{told} UTC", offset=offset)])
    elif name in ("pHYs", "gAMA", "sRGB", "acTL", "cICP"):
        find.group("PNG properties", where, [fact(name, _property(name, body), raw=body.hex(), offset=offset)])
    elif name == "caBX":
        find.group("C2PA block", where, [fact("Bytes", len(body), offset=offset)])


def _property(name: str, body: bytes) -> str:
    if name == "pHYs":
        return f"{integer(body, 0, 4)} x {integer(body, 4, 4)} {_UNITS.get(body[8], '')}"
    if name == "gAMA":
        return f"{integer(body, 0, 4) / 100000:g}"
    if name == "sRGB":
        return _INTENTS.get(body[0], str(body[0]))
    if name == "acTL":
        return f"{integer(body, 0, 4)} frames, {integer(body, 4, 4) or 'endless'} plays"
    return body.hex()


def _text(find: Findings, name: str, body: bytes, offset: int) -> None:
    where = f"PNG {name} chunk"
    key, _, rest = body.partition(b"\0")
    word = decoded(key, "latin-1")
    place: int | None = offset + len(key) + 1
    encoding = "latin-1"
    if name == "zTXt":
        rest, place = inflated(rest[1:]), None
    elif name == "iTXt":
        packed = rest[:1] == b"\1"
        _, _, tail = rest[2:].partition(b"\0")
        _, _, text = tail.partition(b"\0")
        place = None if packed else offset + len(body) - len(text)
        rest, encoding = (inflated(text) if packed else text), "utf-8"
    if word == "XML:com.adobe.xmp":
        read_xmp(find, rest, where, place)
        return
    if word.startswith("Raw profile type "):
        _raw_profile(find, word[17:], rest, where)
    field: MetaField = text_field(word, rest, encoding=encoding, kind=name, offset=place)
    find.group("PNG text", where, [field], offset)


def _raw_profile(find: Findings, kind: str, text: bytes, where: str) -> None:
    """ImageMagick's way: a name, a length, then hexadecimal digits over many lines."""
    lines = text.split()
    try:
        data = bytes.fromhex(b"".join(lines[2:]).decode("ascii"))
    except (ValueError, UnicodeDecodeError) as error:
        raise Broken(f"the raw profile {kind!r} is no hexadecimal text") from error
    if kind in ("exif", "APP1") and data[:6] == b"Exif\0\0":
        inner = data[6:]
        read_tiff(find, TiffBlock(memory_window(inner), 0, len(inner), where, mapped=False))
    elif kind == "iptc":
        read_iptc(find, data, where, None)
    elif kind == "xmp":
        read_xmp(find, data, where, None)
