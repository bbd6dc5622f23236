"""RIFF files (WebP, AVI): the tree of chunks, AVI headers, what the INFO list and the metadata chunks hold."""

from __future__ import annotations

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import LARGEST_READ, Broken, Window, integer
from workstation.media.metadata.exif import TiffBlock, read_tiff
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.icc import read_icc
from workstation.media.metadata.jpeg_segments import read_embedded
from workstation.media.metadata.texts import fact, fourcc, text_field
from workstation.media.metadata.xmp import read_xmp

_MOST_CHUNKS = 5_000
_MOVI_SHOWN = 8
_INFO = {
    "IARL": "ArchivalLocation", "IART": "Artist", "ICMS": "Commissioned", "ICMT": "Comment", "ICOP": "Copyright",
    "ICRD": "CreationDate", "IENG": "Engineer", "IGNR": "Genre", "IKEY": "Keywords", "IMED": "Medium", "INAM": "Title",
    "IPRD": "Product", "ISBJ": "Subject", "ISFT": "Software", "ISRC": "Source", "ITCH": "Technician",
    "IDIT": "DateTimeOriginal", "ISMP": "Timecode",
}  # fmt: skip


def read_riff(find: Findings, window: Window) -> None:
    """Read a RIFF file; an AVI may go on in further RIFF pieces (OpenDML)."""
    position = 0
    while position + 12 <= window.size and window.take(position, 4) == b"RIFF":
        head = window.take(position, 12)
        size, form = integer(head, 4, 4, "little"), fourcc(head[8:])
        if not position:
            find.format = {"WEBP": "WebP", "AVI ": "AVI"}.get(form, f"RIFF ({form})")
        end = position + 8 + size
        if end > window.size:
            find.warn(f"The RIFF piece at {position} announces {size} bytes; the file ends before.")
            end = window.size
        node = find.node(None, "RIFF", position, end - position, form)
        find.attempt(f"RIFF {form} at {position}",
                     lambda p=position, e=end, n=node: _chunks(find, window, p + 12, e, n, ""))  # type: ignore[misc]  # fmt: skip
        position = end + (end & 1)
    find.end, find.end_words = min(position, window.size), "the RIFF piece"


def _chunks(find: Findings, window: Window, position: int, end: int, parent: Node, inside: str) -> None:
    left_out, count = 0, 0
    while position + 8 <= end:
        head = window.take(position, 8)
        size, name = integer(head, 4, 4, "little"), fourcc(head[:4])
        if position + 8 + size > end:
            find.node(parent, name, position, end - position, "reaches beyond what holds it")
            find.warn(f"Chunk {name} at {position} reaches beyond what holds it.")
            return
        count += 1
        if count > _MOST_CHUNKS:
            raise Broken(f"more than {_MOST_CHUNKS} chunks in one list")
        if inside == "movi" and count > _MOVI_SHOWN:
            left_out += 1
        elif name in ("LIST", "RIFF") and size >= 4:
            form = fourcc(window.take(position + 8, 4))
            node = find.node(parent, "LIST", position, size + 8, form)
            if form == "movi" and size > 64 << 20:
                node.detail += ", content not listed"
            else:
                _chunks(find, window, position + 12, position + 8 + size, node, form)
        else:
            node = find.node(parent, name, position, size + 8)
            find.attempt(f"RIFF chunk {name} at {position}",
                         lambda n=name, p=position, s=size, k=node: _chunk(find, window, n, p + 8, s, inside, k))  # type: ignore[misc]  # fmt: skip
        if inside == "movi" and left_out > 2000:
            parent.detail += ", further chunks not counted"
            return
        position += 8 + size + (size & 1)
    if left_out:
        parent.detail += f", {left_out} further chunks"


def _chunk(find: Findings, window: Window, name: str, offset: int, size: int, inside: str, node: Node) -> None:
    where = f"RIFF {name} chunk"
    if inside == "INFO" or name in ("IDIT", "ISMP", "ISFT", "strn"):
        body = window.take(offset, min(size, 1 << 16)).rstrip(b"\0")
        find.group("RIFF INFO", where, [text_field(_INFO.get(name, name), body, offset=offset)], offset)
        if name in ("ICRD", "IDIT"):
            find.time(_INFO[name], "RIFF INFO", body.decode("latin-1").strip(), ZoneKind.NONE)
    elif name == "avih":
        _avih(find, window.take(offset, min(size, 56)), offset)
    elif name == "strh":
        _strh(find, window.take(offset, min(size, 56)), offset, node)
    elif name == "EXIF":
        start = 6 if window.some(offset, 6) == b"Exif\0\0" else 0
        block = TiffBlock(window, offset + start, offset + size, where)
        for inner in read_tiff(find, block, node):
            find.attempt(f"{inner.kind} in {where}", lambda i=inner: read_embedded(find, i, where))  # type: ignore[misc]
    elif name in ("XMP ", "_PMX") and size <= LARGEST_READ:
        read_xmp(find, window.take(offset, size), where, offset)
    elif name == "ICCP" and size <= LARGEST_READ:
        read_icc(find, window.take(offset, size), where, offset)
    elif name == "VP8X":
        body = window.take(offset, 10)
        bits = [
            word
            for bit, word in ((1, "animation"), (2, "XMP"), (3, "EXIF"), (4, "alpha"), (5, "ICC"))
            if body[0] >> bit & 1
        ]
        node.detail = f"{integer(body, 4, 3, 'little') + 1} x {integer(body, 7, 3, 'little') + 1}, {', '.join(bits)}"
    elif name == "C2PA":
        find.group("C2PA block", where, [fact("Bytes", size, offset=offset)])


def _avih(find: Findings, body: bytes, offset: int) -> None:
    names = ("MicroSecPerFrame", "MaxBytesPerSec", "PaddingGranularity", "Flags", "TotalFrames", "InitialFrames",
             "Streams", "SuggestedBufferSize", "Width", "Height")  # fmt: skip
    fields: list[MetaField] = [
        fact(name, integer(body, 4 * k, 4, "little"), offset=offset + 4 * k, size=4) for k, name in enumerate(names)
    ]
    find.group("AVI header", "RIFF avih chunk", fields, offset)


def _strh(find: Findings, body: bytes, offset: int, node: Node) -> None:
    kind, codec = fourcc(body[:4]), fourcc(body[4:8])
    node.detail = f"{kind} {codec}"
    scale, rate = integer(body, 20, 4, "little"), integer(body, 24, 4, "little")
    fields = [
        fact("Type", kind, offset=offset),
        fact("Handler", codec, offset=offset + 4),
        fact("Rate", f"{rate}/{scale}" + (f" = {rate / scale:.6g}" if scale else ""), offset=offset + 20),
        fact("Length", integer(body, 32, 4, "little"), offset=offset + 32),
    ]
    find.group("AVI stream", "RIFF strh chunk", fields, offset)
