"""GIF files (GIF89a): header, blocks, comments, application extensions, frames and their delays."""

from __future__ import annotations

from workstation.media.metadata.bounds import Broken, Window, integer
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import decoded, fact, text_field
from workstation.media.metadata.xmp import read_xmp

_MOST_BLOCKS = 20_000
_MOST_TEXT = 1 << 20
_LABELS = {0x01: "plain text", 0xF9: "graphic control", 0xFE: "comment", 0xFF: "application"}


def read_gif(find: Findings, window: Window) -> None:
    """Read a GIF file. Raises: Broken when its header is cut short."""
    head = window.take(0, 13)
    find.format = decoded(head[:6], "latin-1")
    flags = head[10]
    table = 3 << ((flags & 7) + 1) if flags & 0x80 else 0
    find.node(None, "header", 0, 13 + table, f"global colour table of {table // 3} colours" if table else "")
    position, frames, delays = 13 + table, 0, list[int]()
    for _ in range(_MOST_BLOCKS):
        if position >= window.size:
            find.warn("The GIF data has no trailer; the file may be cut short.")
            break
        mark = window.take(position, 1)[0]
        if mark == 0x3B:
            find.node(None, "trailer", position, 1)
            find.end, find.end_words = position + 1, "the GIF trailer"
            break
        if mark == 0x2C:
            descriptor = window.take(position, 10)
            local = 3 << ((descriptor[9] & 7) + 1) if descriptor[9] & 0x80 else 0
            after, _ = _blocks(window, position + 11 + local, keep=False)
            words = f"{integer(descriptor, 5, 2, 'little')} x {integer(descriptor, 7, 2, 'little')}"
            find.node(None, "image", position, after - position, words)
            frames += 1
        elif mark == 0x21:
            label = window.take(position + 1, 1)[0]
            after, body = _blocks(window, position + 2, keep=True)
            name = _LABELS.get(label, f"extension 0x{label:02X}")
            find.node(None, name, position, after - position)
            if label == 0xF9 and len(body) >= 4:
                delays.append(integer(body, 1, 2, "little"))
            elif label == 0xFE:
                find.group("GIF comment", "GIF comment extension", [text_field("Comment", body, offset=position + 3)])
            elif label == 0xFF:
                find.attempt("GIF application extension",
                             lambda b=body, p=position: _application(find, window, b, p))  # type: ignore[misc]  # fmt: skip
        else:
            find.warn(f"Byte 0x{mark:02X} at {position} begins no GIF block.")
            break
        position = after
    fields = [
        fact("Size", f"{integer(head, 6, 2, 'little')} x {integer(head, 8, 2, 'little')} pixels", offset=6),
        fact("Frames", frames),
        fact("Delays (1/100 s)", ", ".join(map(str, delays[:50]))),
    ]
    find.group("GIF", "header and blocks", fields, 0)


def _blocks(window: Window, position: int, keep: bool) -> tuple[int, bytes]:
    """Pass a chain of sub-blocks. Returns where it ends and, with ``keep``, its bytes up to a limit."""
    kept = bytearray()
    while True:
        size = window.take(position, 1)[0]
        if not size:
            return position + 1, bytes(kept)
        if position + 1 + size > window.size:
            raise Broken(f"a block at {position} reaches beyond the end of the file")
        if keep and len(kept) < _MOST_TEXT:
            kept += window.take(position + 1, size)
        position += size + 1


def _application(find: Findings, window: Window, body: bytes, position: int) -> None:
    name = decoded(body[:11], "latin-1")
    if name in ("NETSCAPE2.0", "ANIMEXTS1.0") and len(body) >= 14:
        count = integer(body, 12, 2, "little")
        find.group("GIF loop", "GIF application extension", [fact(name, f"{count or 'endless'} repeats")], position)
    elif name == "XMP DataXMP":
        raw = window.some(position + 14, _MOST_TEXT)
        end = raw.find(b"\x01\xff\xfe\xfd")
        if end < 0:
            raise Broken("the XMP packet has no end")
        read_xmp(find, raw[:end], "GIF application extension", position + 14)
    else:
        find.group("GIF application", "GIF application extension", [text_field("Name", name)], position)
