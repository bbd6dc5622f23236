"""Items of HEIF and AVIF files (ISO/IEC 23008-12): what there is, and the Exif and XMP blocks among them."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.media.metadata.bounds import LARGEST_READ, Broken, Window, integer, memory_window
from workstation.media.metadata.exif import TiffBlock, read_tiff
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.isobmff_boxes import Box
from workstation.media.metadata.jpeg_segments import read_embedded
from workstation.media.metadata.texts import decoded, fact, fourcc, visible
from workstation.media.metadata.xmp import read_xmp

_MOST_ITEMS = 2_000
_MOST_EXTENTS = 64
_LARGEST_BOX = 4 << 20


@dataclass(slots=True)
class Item:
    number: int
    kind: str = ""
    name: str = ""
    content: str = ""
    method: int = 0
    extents: tuple[tuple[int, int], ...] = ()


def read_items(find: Findings, window: Window, children: dict[str, Box], parent: Node | None) -> None:
    """Read ``iinf`` and ``iloc``, then every Exif and XMP item they name. Raises: Broken."""
    items: dict[int, Item] = {}
    if "iinf" in children:
        _info(window, children["iinf"], items)
    _places(_body(window, children["iloc"]), items)
    data = children.get("idat")
    fields = []
    if "pitm" in children:
        body = _body(window, children["pitm"])
        fields.append(
            fact("PrimaryItem", integer(body, 4, 2 if body[0] == 0 else 4), offset=children["pitm"].inner + 4)
        )
    for item in list(items.values())[:_MOST_ITEMS]:
        size = sum(length for _, length in item.extents)
        words = f"{item.kind} {item.content}{item.name}".strip() + f", {size} bytes in {len(item.extents)} piece(s)"
        if item.kind not in ("hvc1", "av01", "") or len(items) < 64:
            fields.append(fact(f"Item {item.number}", words, offset=item.extents[0][0] if item.extents else None))
        find.attempt(f"Item {item.number} ({item.kind})",
                     lambda i=item: _content(find, window, i, data, parent))  # type: ignore[misc]  # fmt: skip
    kinds: dict[str, int] = {}
    for item in items.values():
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
    fields.insert(0, fact("Items", ", ".join(f"{kind or '?'} x{count}" for kind, count in kinds.items())))
    find.group("HEIF items", "meta", fields[:300])


def _body(window: Window, box: Box) -> bytes:
    size = box.end - box.inner
    if size > _LARGEST_BOX:
        raise Broken(f"box {box.name} of {size} bytes is not read")
    return window.take(box.inner, size)


def _info(window: Window, box: Box, items: dict[int, Item]) -> None:
    body = _body(window, box)
    wide = 2 if integer(body, 0, 1) == 0 else 4
    count, position = integer(body, 4, wide), 4 + wide
    for _ in range(min(count, _MOST_ITEMS)):
        size = integer(body, position, 4)
        entry = body[position : position + size]
        if size < 12 or len(entry) < size:
            raise Broken(f"an item entry of {size} bytes at {position}")
        if entry[4:8] == b"infe" and entry[8] >= 2:
            step = 2 if entry[8] == 2 else 4
            number = integer(entry, 12, step)
            texts = entry[18 + step :].split(b"\0")
            item = Item(number, fourcc(entry[14 + step : 18 + step]), visible(decoded(texts[0])))
            if item.kind == "mime" and len(texts) > 1:
                item.content = visible(decoded(texts[1]))
            items[number] = item
        position += size


def _places(body: bytes, items: dict[int, Item]) -> None:
    version = integer(body, 0, 1)
    sizes = integer(body, 4, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    wide = 4 if version == 2 else 2
    count, position = integer(body, 6, wide), 6 + wide
    for _ in range(min(count, _MOST_ITEMS)):
        number = integer(body, position, wide)
        position += wide
        method = 0
        if version in (1, 2):
            method = integer(body, position, 2) & 15
            position += 2
        base = integer(body, position + 2, base_size)
        extents, position = integer(body, position + 2 + base_size, 2), position + 4 + base_size
        kept: list[tuple[int, int]] = []
        if extents > 1 and not index_size + offset_size + length_size:
            raise Broken(f"item {number} announces {extents} pieces that have no size")
        for _ in range(extents):
            start = integer(body, position + index_size, offset_size) + base
            length = integer(body, position + index_size + offset_size, length_size)
            position += index_size + offset_size + length_size
            if len(kept) < _MOST_EXTENTS:
                kept.append((start, length))
        item = items.setdefault(number, Item(number))
        item.method, item.extents = method, tuple(kept)


def _content(find: Findings, window: Window, item: Item, data: Box | None, parent: Node | None) -> None:
    if item.kind != "Exif" and item.content != "application/rdf+xml":
        return
    if item.method > 1 or not item.extents:
        raise Broken("it lies where this product does not look")
    shift = 0
    if item.method == 1:
        if data is None:
            raise Broken("it should lie in an idat box that is not there")
        shift = data.inner
    if sum(length for _, length in item.extents) > LARGEST_READ:
        raise Broken("it is too large to read")
    whole = b"".join(window.take(start + shift, length) for start, length in item.extents)
    mapped = len(item.extents) == 1
    start = item.extents[0][0] + shift
    where = f"HEIF item {item.number}"
    if item.kind == "Exif":
        skip = 4 + integer(whole, 0, 4)
        if mapped:
            block = TiffBlock(window, start + skip, start + len(whole), where)
        else:
            block = TiffBlock(memory_window(whole), skip, len(whole), where, mapped=False)
        for inner in read_tiff(find, block, None):
            find.attempt(f"{inner.kind} in {where}", lambda i=inner: read_embedded(find, i, where))  # type: ignore[misc]
    else:
        read_xmp(find, whole, where, start if mapped else None)
