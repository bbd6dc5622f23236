"""ISO base media files (ISO/IEC 14496-12), QuickTime and HEIF: the tree of boxes, and who reads which box.

Boxes of 64-bit size, ``uuid`` boxes and boxes that reach to the end of the file are followed. Media data is passed, not
read, so that a file of any size costs only its headers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from workstation.media.metadata import isobmff_boxes as boxes
from workstation.media.metadata import quicktime_meta as meta
from workstation.media.metadata.bounds import Broken, Window
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.heif import read_items
from workstation.media.metadata.isobmff_boxes import Box, Movie, header
from workstation.media.metadata.texts import fact
from workstation.media.metadata.xmp import read_xmp

_HOLDERS = frozenset(
    {
        "moov",
        "trak",
        "mdia",
        "minf",
        "stbl",
        "dinf",
        "edts",
        "moof",
        "traf",
        "mvex",
        "mfra",
        "iprp",
        "ipco",
        "tapt",
        "gmhd",
        "sinf",
        "schi",
        "udta",
        "clip",
        "matt",
        "rinf",
        "strk",
        "strd",
    }
)
_TOP = frozenset(
    {
        "ftyp",
        "styp",
        "moov",
        "moof",
        "mdat",
        "free",
        "skip",
        "wide",
        "meta",
        "uuid",
        "mfra",
        "sidx",
        "ssix",
        "pnot",
        "pdin",
        "prft",
        "emsg",
        "jumb",
        "PICT",
        "idat",
        "udta",
        "meco",
        "junk",
    }
)
_ONCE_TOP = frozenset({"ftyp", "moov", "meta", "mfra", "pdin"})
_ONCE = {
    "moov": frozenset({"mvhd", "iods"}),
    "trak": frozenset({"tkhd", "mdia", "edts"}),
    "mdia": frozenset({"mdhd", "hdlr", "minf"}),
    "stbl": frozenset({"stsd", "stts", "ctts", "stsc", "stsz", "stco", "stss"}),
}
_XMP_UUID = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")
_C2PA_UUID = uuid.UUID("d8fec3d6-1b0e-483c-9297-5828877ec481")
_UUIDS = {_XMP_UUID: "XMP", _C2PA_UUID: "C2PA", uuid.UUID("85c0b687-820f-11e0-8111-f4ce462b6a48"): "Canon CMT"}
_MOST_TOP = 10_000
_MOOFS_WALKED = 2
_LARGEST_META = 8 << 20

Reader = Callable[[Findings, Movie, Box, bytes], None]
_READERS: dict[str, tuple[Reader, int]] = {
    "ftyp": (boxes.file_type, 4096), "styp": (boxes.file_type, 4096), "mvhd": (boxes.movie_header, 256),
    "tkhd": (boxes.track_header, 256), "mdhd": (boxes.media_header, 64), "hdlr": (boxes.handler, 1024),
    "elst": (boxes.edit_list, 1 << 20), "stts": (boxes.time_to_sample, 8 << 20),
    "ctts": (boxes.composition_offsets, 8 << 20), "stsz": (boxes.sample_sizes, 8 << 20),
    "stz2": (boxes.counted, 64), "stsc": (boxes.counted, 64), "stco": (boxes.chunk_offsets, 8 << 20),
    "co64": (boxes.chunk_offsets, 16 << 20), "stss": (boxes.counted, 64), "stsd": (boxes.sample_entries, 1 << 16),
    "keys": (meta.keys, 1 << 18), "loci": (meta.location, 4096),
}  # fmt: skip


@dataclass(slots=True)
class _State:
    find: Findings
    window: Window
    movie: Movie
    moofs: int = 0


def read_isobmff(find: Findings, window: Window) -> None:
    """Read a file of boxes from its first byte to the last whole box."""
    state = _State(find, window, Movie())
    position, order = 0, list[str]()
    for _ in range(_MOST_TOP):
        if position + 8 > window.size:
            break
        box = header(window, position, window.size)
        if box is None or not _plausible(box, order):
            break
        order.append(box.name)
        if box.end > window.size:
            find.warn(f"Box {box.name} at {position} announces {box.size} bytes; the file ends before.")
            box.size = window.size - position
        _visit(state, box, None, "")
        position = box.end
    else:
        find.warn(f"More than {_MOST_TOP} boxes at the top level; the others are left out.")
    if len(order) < _MOST_TOP:
        find.end, find.end_words = position, "the last box"
    _tell_order(find, order)
    boxes.tell_movie(find, state.movie)


def _plausible(box: Box, order: list[str]) -> bool:
    """Whether this is a box at all, or something else that follows the last one."""
    if not order or box.name in _TOP:
        return True
    return len(box.name) == 4 and box.name.isascii() and box.name.replace(" ", "a").isalnum() and box.size < 1 << 50


def _visit(state: _State, box: Box, parent: Node | None, inside: str) -> None:
    find = state.find
    notes = [word for word, so in (("64-bit size", box.large), ("to the end of the file", box.to_end)) if so]
    if box.kind is not None:
        notes.append(f"{box.kind} {_UUIDS.get(box.kind, '')}".strip())
    box.node = find.node(parent, box.name, box.offset, box.size, ", ".join(notes))
    box.path = f"{inside}/{box.name}".lstrip("/")
    if box.name == "moof":
        state.moofs += 1
        if state.moofs > _MOOFS_WALKED:
            return
    if box.name == "trak":
        state.movie.start_track()
    find.attempt(f"Box {box.path} at {box.offset}", lambda: _inside(state, box))


def _inside(state: _State, box: Box) -> None:
    find, window, movie = state.find, state.window, state.movie
    if box.name == "udta":
        meta.user_data(find, window, box, lambda child: _visit(state, child, box.node, box.path))
    elif box.name in _HOLDERS:
        _children(state, box, box.inner)
    elif box.name == "meta":
        _meta(state, box)
    elif box.name == "ilst":
        meta.item_list(find, window, movie, box)
    elif box.kind == _XMP_UUID and box.end - box.inner <= _LARGEST_META:
        read_xmp(find, window.take(box.inner, box.end - box.inner), f"uuid box in {box.path}", box.inner)
    elif box.kind == _C2PA_UUID:
        find.group("C2PA block", box.path, [fact("Bytes", box.end - box.inner, offset=box.inner)])
    elif box.name in _READERS:
        reader, most = _READERS[box.name]
        reader(find, movie, box, window.take(box.inner, min(most, box.end - box.inner)))


def _meta(state: _State, box: Box) -> None:
    """``meta`` is a full box in ISO files and a plain one in QuickTime's; the first inner box tells which."""
    first = state.window.some(box.inner + 4, 4)
    start = box.inner if first in (b"hdlr", b"keys", b"ilst") else box.inner + 4
    keys, state.movie.keys = state.movie.keys, []
    children = _children(state, box, start)
    state.movie.keys = keys
    if "iloc" in children:
        read_items(state.find, state.window, children, box.node)


def _children(state: _State, box: Box, start: int) -> dict[str, Box]:
    found: dict[str, Box] = {}
    position, once = start, _ONCE.get(box.name, frozenset())
    while position + 8 <= box.end:
        child = header(state.window, position, box.end)
        if child is None:
            if any(state.window.some(position, min(64, box.end - position))):
                raise Broken(f"there is no box at {position}, where one should begin")
            break
        if child.end > box.end:
            state.find.warn(f"Box {child.name} at {position} reaches beyond {box.path}.")
            child.size = box.end - position
        if child.name in found and child.name in once:
            state.find.observe("duplicate_boxes", f"Box {child.name} stands more than once in {box.path}.",
                               f"{child.name} at {child.offset}")  # fmt: skip
        found.setdefault(child.name, child)
        _visit(state, child, box.node, box.path)
        position = child.end
    return found


def _tell_order(find: Findings, order: list[str]) -> None:
    shown = " ".join(order[:60]) + (f" … ({len(order)} boxes)" if len(order) > 60 else "")
    find.group("Box order", "top level", [fact("Order", shown)])
    if "moov" in order and "mdat" in order:
        before = order.index("moov") < order.index("mdat")
        place = "before" if before else "after"
        find.observe(
            "moov_before_mdat" if before else "moov_after_mdat",
            f"The movie header (moov) stands {place} the media data (mdat)."
            + (" Programs that prepare files for streaming write it so; some devices do too." if before
               else " Devices that record without knowing the length write it so; so do many programs."),
            shown,
        )  # fmt: skip
    unknown = sorted({name for name in order if name not in _TOP})
    if unknown:
        find.observe("unknown_boxes", f"Top-level boxes this product does not know: {', '.join(unknown[:20])}.", shown)
    twice = sorted(name for name in _ONCE_TOP if order.count(name) > 1)
    if twice:
        find.observe("duplicate_boxes", f"Boxes that may stand once only stand more often: {', '.join(twice)}.", shown)
