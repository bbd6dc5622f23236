"""JPEG files (ITU-T T.81, Annex B): every marker with its length, the tables, what application segments hold."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from workstation.domain.metadata import JpegComponent, JpegFacts, JpegThumbnail, MetaField, QualityFit, QuantTable
from workstation.media.metadata import jpeg_tables
from workstation.media.metadata.bounds import Broken, Window, integer, memory_window
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.jpeg_segments import Segments
from workstation.media.metadata.texts import bytes_field, fact

_MOST_SEGMENTS = 10_000
_CHUNK = 1 << 20
_STOP = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_NAMES = {0xC4: "DHT", 0xC8: "JPG", 0xCC: "DAC", 0xD8: "SOI", 0xD9: "EOI", 0xDA: "SOS", 0xDB: "DQT", 0xDC: "DNL",
          0xDD: "DRI", 0xDE: "DHP", 0xDF: "EXP", 0xFE: "COM", 0x01: "TEM"}  # fmt: skip
_NAMES |= {0xC0 + k: f"SOF{k}" for k in range(16) if k not in (4, 8, 12)}
_NAMES |= {0xE0 + k: f"APP{k}" for k in range(16)} | {0xD0 + k: f"RST{k}" for k in range(8)}
_PROCESS = {0: "baseline", 1: "extended sequential", 2: "progressive", 3: "lossless", 5: "differential sequential",
            6: "differential progressive", 7: "differential lossless", 9: "extended sequential, arithmetic",
            10: "progressive, arithmetic", 11: "lossless, arithmetic"}  # fmt: skip
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1", (4, 2): "4:1:0"}


@dataclass(slots=True)
class Frame:
    """What the markers of one JPEG stream say, gathered while walking."""

    sof: int = -1
    precision: int = 0
    width: int = 0
    height: int = 0
    components: tuple[JpegComponent, ...] = ()
    tables: list[QuantTable] = field(default_factory=list)
    huffman: list[tuple[tuple[int, int], bytes]] = field(default_factory=list)
    restart: int = 0
    scans: int = 0
    order: list[str] = field(default_factory=list)
    end: int = 0
    complete: bool = False

    def used_tables(self) -> tuple[QuantTable, ...]:
        """The tables as they stand at the end, one for each id that a component names (all when none does)."""
        last = {table.id: table for table in self.tables}
        used = {component.table for component in self.components}
        return tuple(table for number, table in sorted(last.items()) if number in used or not used)


def read_jpeg(find: Findings, window: Window) -> None:
    """Read a JPEG file from its first byte: structure, facts, application segments, what follows its end."""
    find.format = "JPEG"
    segments = Segments(find, window)
    frame = walk(find, window, 0, window.size, None, segments)
    find.end = frame.end if frame.complete else None
    find.end_words = "the end-of-image marker"
    if not frame.complete:
        find.warn("The JPEG data has no end-of-image marker; the file may be cut short.")
    segments.finish()
    if frame.sof >= 0:
        find.jpeg = facts(frame)


def read_thumbnails(find: Findings) -> None:
    """Read the small pictures that were met inside the file."""
    for where, offset, data in find.small_pictures[:16]:
        find.attempt(
            f"Thumbnail in {where}",
            lambda where=where, offset=offset, data=data: read_thumbnail(find, where, offset, data),  # type: ignore[misc]
        )


def walk(find: Findings, window: Window, start: int, end: int, parent: Node | None, segments: Segments | None) -> Frame:
    """Walk the markers of one JPEG stream in ``start..end``; stops behind its EOI. Raises: Broken."""
    frame = Frame()
    if window.take(start, 2) != b"\xff\xd8":
        raise Broken("it does not begin with a start-of-image marker")
    find.node(parent, "SOI", start, 2)
    position = start + 2
    for _ in range(_MOST_SEGMENTS):
        position, filler = _next_marker(window, position, end)
        if position + 2 > end:
            break
        if filler:
            find.node(parent, "filler", position - filler, filler, "bytes between segments")
        code = window.take(position, 2)[1]
        name = _NAMES.get(code, f"0x{code:02X}")
        if code == 0xD9:
            find.node(parent, name, position, 2)
            frame.end, frame.complete = position + 2, True
            break
        if code in (0x01, 0xD8) or 0xD0 <= code <= 0xD7:
            find.node(parent, name, position, 2, "stands where no such marker belongs" if code != 0x01 else "")
            position += 2
            continue
        length = int.from_bytes(window.take(position + 2, 2), "big")
        if length < 2 or position + 2 + length > end:
            find.node(parent, name, position, min(length + 2, end - position), "reaches beyond the end")
            raise_or_warn(find, parent, f"{name} at {position} announces {length} bytes")
            break
        body = window.take(position + 4, length - 2)
        node = find.node(parent, name, position, length + 2)
        frame.order.append(name)
        find.attempt(f"JPEG {name} at {position}", lambda c=code, b=body, n=node: _segment(frame, c, b, n))  # type: ignore[misc]
        if segments is not None:
            segments.take(code, name, body, position, node)
        position += length + 2
        if code == 0xDA:
            after = _entropy_end(window, position, end)
            find.node(parent, "entropy-coded data", position, after - position)
            position = after
    frame.end = frame.end or min(position, end)
    return frame


def raise_or_warn(find: Findings, parent: Node | None, words: str) -> None:
    """Inside a small picture a broken marker is that picture's error; in the file itself it is a warning."""
    if parent is not None:
        raise Broken(words)
    find.warn(f"{words}.")


def _next_marker(window: Window, position: int, end: int) -> tuple[int, int]:
    """Position of the next marker and how many bytes that are no marker were passed."""
    start = position
    while position < end:
        data = window.some(position, min(_CHUNK, end - position))
        if not data:
            break
        found = re.search(rb"\xff[\x01-\xfe]", data)
        if found is not None:
            return position + found.start(), position + found.start() - start
        position += max(1, len(data) - 1)
        if len(data) == 1:
            break
    return end, end - start


def _entropy_end(window: Window, position: int, end: int) -> int:
    while position < end:
        data = window.some(position, min(_CHUNK, end - position))
        found = _STOP.search(data)
        if found is not None:
            return position + found.start()
        if position + len(data) >= end:
            break
        position += len(data) - 1
    return end


def _segment(frame: Frame, code: int, body: bytes, node: Node) -> None:
    if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
        _sof(frame, code - 0xC0, body, node)
    elif code == 0xDB:
        _dqt(frame, body, node)
    elif code == 0xC4:
        _dht(frame, body, node)
    elif code == 0xDD:
        frame.restart = integer(body, 0, 2)
        node.detail = f"every {frame.restart} units" if frame.restart else "none"
    elif code == 0xDA:
        frame.scans += 1
        count = integer(body, 0, 1)
        names = ", ".join(str(integer(body, 1 + 2 * k, 1)) for k in range(min(count, 4)))
        node.detail = f"scan {frame.scans}, components {names}"


def _sof(frame: Frame, number: int, body: bytes, node: Node) -> None:
    precision, height, width, count = integer(body, 0, 1), integer(body, 1, 2), integer(body, 3, 2), integer(body, 5, 1)
    parts = []
    for k in range(min(count, 8)):
        factors = integer(body, 7 + 3 * k, 1)
        parts.append(
            JpegComponent(integer(body, 6 + 3 * k, 1), factors >> 4, factors & 15, integer(body, 8 + 3 * k, 1))
        )
    node.detail = f"{_PROCESS.get(number, 'unknown')}, {width} x {height}, {precision} bits, {count} component(s)"
    if frame.sof < 0:
        frame.sof, frame.precision, frame.width, frame.height = number, precision, width, height
        frame.components = tuple(parts)


def _dqt(frame: Frame, body: bytes, node: Node) -> None:
    position, named = 0, []
    while position < len(body) and len(frame.tables) < 64:
        kind = integer(body, position, 1)
        wide = 2 if kind >> 4 else 1
        steps = [0] * 64
        for k, place in enumerate(jpeg_tables.ZIGZAG):
            steps[place] = integer(body, position + 1 + k * wide, wide)
        frame.tables.append(QuantTable(kind & 15, 8 * wide, tuple(steps)))
        named.append(f"table {kind & 15} ({8 * wide} bits)")
        position += 1 + 64 * wide
    node.detail = ", ".join(named)


def _dht(frame: Frame, body: bytes, node: Node) -> None:
    position, named = 0, []
    while position + 17 <= len(body) and len(frame.huffman) < 256:
        kind = body[position]
        count = sum(body[position + 1 : position + 17])
        table = body[position + 1 : position + 17 + count]
        key = (kind >> 4, kind & 15)
        frame.huffman.append((key, table))
        same = jpeg_tables.STANDARD_HUFFMAN.get(key) == table
        named.append(f"{'AC' if kind >> 4 else 'DC'} {kind & 15}: {'standard' if same else 'own'}, {count} symbols")
        position += 17 + count
    node.detail = "; ".join(named)


def facts(frame: Frame) -> JpegFacts:
    """The facts of a walked JPEG stream."""
    tables = frame.used_tables()
    encoders = jpeg_tables.encoders_of(tables)
    note = (
        "Programs known to this product that write the same tables; others write them too, and tables can be copied."
        if encoders
        else "No program known to this product writes these tables. Cameras and editors often have tables of their own,"
        " so nothing follows from it."
    )
    return JpegFacts(
        width=frame.width,
        height=frame.height,
        precision=frame.precision,
        process=f"{_PROCESS.get(frame.sof, 'unknown')} (SOF{frame.sof})",
        components=frame.components,
        subsampling=_subsampling(frame.components),
        scans=frame.scans,
        restart_interval=frame.restart,
        huffman=_huffman(frame),
        tables=tables,
        quality=tuple(jpeg_tables.fit(table) for table in tables),
        encoders=encoders,
        encoder_note=note,
        marker_order=_order(frame.order),
    )


def _subsampling(components: tuple[JpegComponent, ...]) -> str:
    if len(components) < 2:
        return "none"
    first, others = components[0], components[1:3]
    if all(one.horizontal == one.vertical == 1 for one in others):
        name = _SUBSAMPLING.get((first.horizontal, first.vertical))
        if name:
            return name
    return " ".join(f"{one.horizontal}x{one.vertical}" for one in components)


def _huffman(frame: Frame) -> str:
    if frame.sof >= 9:
        return "arithmetic coding"
    if not frame.huffman:
        return "no tables in the file"
    if all(jpeg_tables.STANDARD_HUFFMAN.get(key) == table for key, table in frame.huffman):
        return "standard tables (Annex K.3)"
    return "own tables (optimised)"


def _order(names: list[str]) -> str:
    """Marker names in order, repetitions counted."""
    runs: list[tuple[str, int]] = []
    for name in names:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + 1)
        else:
            runs.append((name, 1))
    return " ".join(name if count == 1 else f"{name}x{count}" for name, count in runs[:80])


def read_thumbnail(find: Findings, where: str, offset: int | None, data: bytes) -> None:
    """Read the tables of a small JPEG picture inside another file. Raises: Broken."""
    node = find.node(None, f"thumbnail ({where})", offset or 0, len(data))
    frame = walk(find, memory_window(data), 0, len(data), node, None)
    if frame.sof < 0:
        raise Broken("it has no frame header")
    tables = frame.used_tables()
    quality = tuple(jpeg_tables.fit(table) for table in tables)
    find.thumbnails.append(
        JpegThumbnail(where, offset or 0, len(data), frame.width, frame.height, False,
                      hashlib.sha256(data).hexdigest(), tables, quality)
    )  # fmt: skip
    fields: list[MetaField] = [
        fact("Size", f"{frame.width} x {frame.height} pixels"),
        bytes_field("Data", data, f"{len(data)} bytes", offset=offset),
        fact("Quality estimate", "; ".join(quality_words(one) for one in quality)),
    ]
    find.group("Thumbnail", where, fields, offset)


def quality_words(one: QualityFit) -> str:
    """A quality fit in words."""
    how = "exactly" if one.exact else f"nearest, mean difference {one.residual:g} per step"
    also = f" (the same table as {', '.join(map(str, one.also))})" if one.also else ""
    return f"table {one.table}: Annex K {one.standard} at quality {one.quality}, {how}{also}"
