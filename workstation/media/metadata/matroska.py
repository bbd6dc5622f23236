"""Matroska and WebM (RFC 8794, RFC 9559): the tree of elements, segment information, tracks, tags, attachments."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import Broken, Window
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.quicktime_meta import day
from workstation.media.metadata.texts import bytes_field, decoded, fact, text_field, visible

_MASTER, _UINT, _SINT, _FLOAT, _TEXT, _DATE, _BYTES = "m", "u", "i", "f", "s", "d", "b"
_ELEMENTS: dict[int, tuple[str, str]] = {
    0x1A45DFA3: ("EBML", "m"), 0x4286: ("EBMLVersion", "u"), 0x42F7: ("EBMLReadVersion", "u"),
    0x4282: ("DocType", "s"), 0x4287: ("DocTypeVersion", "u"), 0x4285: ("DocTypeReadVersion", "u"),
    0x18538067: ("Segment", "m"), 0x114D9B74: ("SeekHead", "m"), 0x1549A966: ("Info", "m"),
    0x73A4: ("SegmentUUID", "b"), 0x7384: ("SegmentFilename", "s"), 0x2AD7B1: ("TimestampScale", "u"),
    0x4489: ("Duration", "f"), 0x4461: ("DateUTC", "d"), 0x7BA9: ("Title", "s"), 0x4D80: ("MuxingApp", "s"),
    0x5741: ("WritingApp", "s"), 0x1654AE6B: ("Tracks", "m"), 0xAE: ("TrackEntry", "m"), 0xD7: ("TrackNumber", "u"),
    0x73C5: ("TrackUID", "u"), 0x83: ("TrackType", "u"), 0x536E: ("Name", "s"), 0x22B59C: ("Language", "s"),
    0x86: ("CodecID", "s"), 0x63A2: ("CodecPrivate", "b"), 0x258688: ("CodecName", "s"),
    0x23E383: ("DefaultDuration", "u"), 0xE0: ("Video", "m"), 0xB0: ("PixelWidth", "u"), 0xBA: ("PixelHeight", "u"),
    0x54B0: ("DisplayWidth", "u"), 0x54BA: ("DisplayHeight", "u"), 0xE1: ("Audio", "m"),
    0xB5: ("SamplingFrequency", "f"), 0x9F: ("Channels", "u"), 0x1F43B675: ("Cluster", "m"),
    0x1C53BB6B: ("Cues", "m"), 0x1254C367: ("Tags", "m"), 0x7373: ("Tag", "m"), 0x63C0: ("Targets", "m"),
    0x68CA: ("TargetTypeValue", "u"), 0x63C5: ("TagTrackUID", "u"), 0x67C8: ("SimpleTag", "m"),
    0x45A3: ("TagName", "s"), 0x4487: ("TagString", "s"), 0x447A: ("TagLanguage", "s"),
    0x1941A469: ("Attachments", "m"), 0x61A7: ("AttachedFile", "m"), 0x466E: ("FileName", "s"),
    0x4660: ("FileMediaType", "s"), 0x465C: ("FileData", "b"), 0x467E: ("FileDescription", "s"),
    0x1043A770: ("Chapters", "m"), 0xEC: ("Void", "b"), 0xBF: ("CRC-32", "b"), 0x2AD7B2: ("MaxBlockAdditionID", "u"),
    0x55B0: ("Colour", "m"),
}  # fmt: skip
_CLOSED = frozenset({"SeekHead", "Cluster", "Cues", "Chapters"})
_TOP = frozenset({"SeekHead", "Info", "Tracks", "Cluster", "Cues", "Tags", "Attachments", "Chapters", "Void", "CRC-32"})
_TRACK_TYPES = {1: "video", 2: "audio", 3: "complex", 16: "logo", 17: "subtitle", 18: "buttons", 32: "control"}
_UNKNOWN = -1
_CLUSTERS_SHOWN = 5
_MOST_ELEMENTS = 200_000
_LARGEST_VALUE = 1 << 20
_EPOCH_2001 = 978_307_200


@dataclass(slots=True)
class _Segment:
    clusters: int = 0
    elements: int = 0
    tracks: int = 0
    fields: list[MetaField] = field(default_factory=list)
    tags: list[MetaField] = field(default_factory=list)


def read_matroska(find: Findings, window: Window) -> None:
    """Read an EBML file: its head and every segment; clusters are counted, not read."""
    find.format = "Matroska"
    position, state = 0, _Segment()
    while position < window.size:
        element = _head(window, position)
        if element is None or element[0] not in (0x1A45DFA3, 0x18538067, 0xEC, 0xBF):
            break
        number, inner, size = element
        end = window.size if size == _UNKNOWN else min(inner + size, window.size)
        if size != _UNKNOWN and inner + size > window.size:
            find.warn(f"Element {_name(number)} at {position} announces {size} bytes; the file ends before.")
        _visit(find, window, state, number, position, inner, end, None)
        position = end
    find.end, find.end_words = position, "the last element"
    find.group("Matroska tags", "Tags", state.tags)
    find.group("Matroska clusters", "Segment", [fact("Clusters", state.clusters)])


def _name(number: int) -> str:
    return _ELEMENTS.get(number, (f"0x{number:X}", ""))[0]


def _head(window: Window, position: int) -> tuple[int, int, int] | None:
    """(id, where the content begins, size) of an element; size -1 when it is not stated. None when there is none."""
    raw = window.some(position, 12)
    if not raw or not raw[0]:
        return None
    wide = 9 - raw[0].bit_length()
    if wide > 4 or len(raw) <= wide or not raw[wide]:
        return None
    length = 9 - raw[wide].bit_length()
    if len(raw) < wide + length:
        return None
    size = int.from_bytes(raw[wide : wide + length], "big") & ((1 << 7 * length) - 1)
    if size == (1 << 7 * length) - 1:
        size = _UNKNOWN
    return int.from_bytes(raw[:wide], "big"), position + wide + length, size


def _visit(find: Findings, window: Window, state: _Segment, number: int, position: int, inner: int, end: int,
           parent: Node | None) -> None:  # fmt: skip
    name, kind = _ELEMENTS.get(number, (f"0x{number:X}", _BYTES))
    state.elements += 1
    if state.elements > _MOST_ELEMENTS:
        raise Broken(f"more than {_MOST_ELEMENTS} elements")
    if name == "Cluster":
        state.clusters += 1
        if state.clusters > _CLUSTERS_SHOWN:
            return
    node = find.node(parent, name, position, end - position)
    if name in _CLOSED:
        return
    if name in ("EBML", "Info", "TrackEntry", "AttachedFile", "SimpleTag"):
        find.attempt(f"{name} at {position}", lambda: _record(find, window, state, name, inner, end, node))
    elif kind == _MASTER:
        find.attempt(f"{name} at {position}", lambda: _walk(find, window, state, inner, end, node))


def _walk(find: Findings, window: Window, state: _Segment, position: int, end: int, parent: Node) -> None:
    while position < end:
        element = _head(window, position)
        if element is None:
            raise Broken(f"there is no element at {position}, where one should begin")
        number, inner, size = element
        stop = _unknown_end(window, inner, end, number) if size == _UNKNOWN else inner + size
        if stop > end:
            find.warn(f"Element {_name(number)} at {position} reaches beyond {parent.name}.")
            stop = end
        _visit(find, window, state, number, position, inner, stop, parent)
        position = stop


def _unknown_end(window: Window, position: int, end: int, number: int) -> int:
    """An element of unstated size ends where an element of its parent's level begins."""
    while position < end:
        element = _head(window, position)
        if element is None:
            return end
        if _name(element[0]) in _TOP and element[0] not in (0xEC, 0xBF):
            return position
        if element[2] == _UNKNOWN:
            return end
        position = element[1] + element[2]
    return end


def _record(find: Findings, window: Window, state: _Segment, name: str, position: int, end: int, node: Node) -> None:
    fields: list[MetaField] = []
    values: dict[str, str] = {}
    _values(find, window, state, position, end, node, fields, values, 0)
    if name == "EBML":
        find.format = {"webm": "WebM", "matroska": "Matroska"}.get(values.get("DocType", ""), find.format)
        find.group("EBML header", name, fields, node.offset)
    elif name == "Info":
        find.group("Segment information", "Segment/Info", fields, node.offset)
    elif name == "TrackEntry":
        state.tracks += 1
        kind = _TRACK_TYPES.get(int(values.get("TrackType", "0") or 0), "unknown")
        find.group(f"Track {values.get('TrackNumber', state.tracks)}", f"Segment/Tracks, {kind}", fields, node.offset)
    elif name == "AttachedFile":
        find.group(f"Attachment {values.get('FileName', '')}".strip(), "Segment/Attachments", fields, node.offset)
        find.observe("attachment", f"The file carries an attached file: {values.get('FileName', 'without a name')}.")
    elif name == "SimpleTag":
        text = next((one for one in fields if one.name == "TagString"), None)
        if text is not None:
            key = values.get("TagName", "?")
            state.tags.append(
                MetaField(visible(key), text.shown, text.raw, text.kind, text.offset, text.size, text.sha256)
            )


def _values(find: Findings, window: Window, state: _Segment, position: int, end: int, node: Node,
            fields: list[MetaField], values: dict[str, str], depth: int) -> None:  # fmt: skip
    if depth > 8:
        raise Broken("elements are nested too deeply")
    while position < end:
        element = _head(window, position)
        if element is None or element[2] == _UNKNOWN or element[1] + element[2] > end:
            raise Broken(f"there is no whole element at {position}, where one should begin")
        number, inner, size = element
        name, kind = _ELEMENTS.get(number, (f"0x{number:X}", _BYTES))
        inner_node = find.node(node, name, position, inner + size - position)
        if name == "SimpleTag":
            _record(find, window, state, name, inner, inner + size, inner_node)
        elif kind == _MASTER:
            _values(find, window, state, inner, inner + size, inner_node, fields, values, depth + 1)
        elif name not in ("Void", "CRC-32"):
            made = _value(find, window, name, kind, inner, size)
            fields.append(made)
            values.setdefault(name, made.raw if made.kind.startswith("uint") else made.shown)
        position = inner + size


def _value(find: Findings, window: Window, name: str, kind: str, offset: int, size: int) -> MetaField:
    if size > _LARGEST_VALUE:
        return fact(name, f"{size} bytes, not read", kind="bytes", offset=offset, size=size)
    data = window.take(offset, size)
    if kind == _TEXT:
        return text_field(name, data, kind="UTF-8", offset=offset)
    if kind == _UINT:
        number = int.from_bytes(data, "big")
        shown = f"{_TRACK_TYPES.get(number, 'unknown')} ({number})" if name == "TrackType" else str(number)
        return fact(name, shown, raw=number, kind=f"uint, {size} bytes", offset=offset, size=size)
    if kind == _FLOAT and size in (0, 4, 8):
        real = struct.unpack(">d" if size == 8 else ">f", data)[0] if size else 0.0
        return fact(name, f"{real:.9g}", raw=data.hex(), kind=f"float, {size} bytes", offset=offset, size=size)
    if kind == _DATE and size == 8:
        ticks = int.from_bytes(data, "big", signed=True)
        told = day(_EPOCH_2001 + ticks // 1_000_000_000)
        if told:
            find.time(name, "Segment information", told, ZoneKind.UTC, told)
        return fact(name, told or "beyond the calendar", raw=ticks, kind="ns since 2001", offset=offset, size=size)
    text = decoded(data) if kind == _BYTES and name == "FileName" else ""
    return bytes_field(name, data, text, offset=offset)
