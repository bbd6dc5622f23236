"""TIFF directories (TIFF 6.0, Exif 3.0), as they stand in JPEG, PNG, WebP, HEIF and TIFF files.

Every directory, entry and value is bounded; a directory that was read already is not read again, so loops end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from workstation.domain.metadata import MetaField
from workstation.media.metadata import exif_tags as tags
from workstation.media.metadata.bounds import LARGEST_READ, Broken, Window
from workstation.media.metadata.exif_values import Value, gps_position, keep_times, shown_value
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.texts import bytes_field, fact, fourcc, text_field

_MOST_ENTRIES = 1_000
_MOST_DIRECTORIES = 64
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_KINDS = {1: "BYTE", 2: "ASCII", 3: "SHORT", 4: "LONG", 5: "RATIONAL", 6: "SBYTE", 7: "UNDEFINED", 8: "SSHORT",
          9: "SLONG", 10: "SRATIONAL", 11: "FLOAT", 12: "DOUBLE", 13: "IFD", 16: "LONG8", 17: "SLONG8", 18: "IFD8",
          129: "UTF-8"}  # fmt: skip
_FORMS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_NUMBERS = 4_096
_EMBEDDED = {0x02BC: "xmp", 0x83BB: "iptc", 0x8649: "photoshop", 0x8773: "icc"}


@dataclass(slots=True)
class Embedded:
    """What stands inside a directory and has a format of its own. ``offset`` is from the beginning of the file."""

    kind: str
    offset: int | None
    data: bytes


@dataclass(slots=True)
class TiffBlock:
    """A TIFF structure inside a file.

    Attributes:
        window: where to read; ``base``: the byte its offsets count from; ``end``: where it ends.
        mapped: positions in ``window`` are positions in the exhibit's file.
    """

    window: Window
    base: int
    end: int
    where: str
    mapped: bool = True
    order: str = "little"
    big: bool = False
    seen: set[int] = field(default_factory=set)
    embedded: list[Embedded] = field(default_factory=list)
    gathered: dict[str, tuple[str, Value]] = field(default_factory=dict)

    def take(self, offset: int, count: int) -> bytes:
        if offset < 0 or self.base + offset + count > self.end:
            raise Broken(f"{count} bytes at {offset} reach beyond the block of {self.end - self.base} bytes")
        return self.window.take(self.base + offset, count)

    def number(self, offset: int, size: int) -> int:
        return int.from_bytes(self.take(offset, size), "little" if self.order == "little" else "big")

    def at(self, offset: int) -> int | None:
        return self.base + offset if self.mapped else None


def read_tiff(find: Findings, block: TiffBlock, parent: Node | None = None, name: str = "EXIF") -> list[Embedded]:
    """Read all directories of a block into groups "EXIF: IFD0", "EXIF: Exif", "EXIF: GPS"... Raises: Broken."""
    head = block.take(0, 8)
    block.order = {b"II": "little", b"MM": "big"}.get(head[:2], "")
    if not block.order:
        raise Broken(f"it begins with {head[:2].hex()} instead of a byte order")
    version = int.from_bytes(head[2:4], "little" if block.order == "little" else "big")
    block.big = version == 43
    if version not in (42, 43):
        find.warn(f"{block.where}: version {version} instead of 42.")
    offset = block.number(8, 8) if block.big else block.number(4, 4)
    number = 0
    while offset and number < _MOST_DIRECTORIES:
        offset = _directory(find, block, offset, f"{name}: IFD{number}", tags.IMAGE, parent)
        number += 1
    if offset and number >= _MOST_DIRECTORIES:
        find.warn(f"{block.where}: more than {_MOST_DIRECTORIES} directories.")
    keep_times(find, block.gathered)
    return block.embedded


def _directory(find: Findings, block: TiffBlock, offset: int, name: str, names: dict[int, str],
               parent: Node | None) -> int:  # fmt: skip
    """Read one directory and those below it. Returns the offset of the next one, 0 at the end."""
    if offset in block.seen or len(block.seen) >= _MOST_DIRECTORIES:
        find.warn(f"{block.where}: a directory at {offset} is named twice, or there are too many.")
        return 0
    block.seen.add(offset)
    wide, step = (8, 20) if block.big else (2, 12)
    count = block.number(offset, wide)
    start = offset + wide
    if count > _MOST_ENTRIES:
        find.warn(f"{name}: {count} entries announced; {_MOST_ENTRIES} are read.")
    kept = min(count, _MOST_ENTRIES)
    node = None
    if block.mapped:
        node = find.node(
            parent, name, block.base + offset, wide + step * kept, f"{count} entries, {block.order}-endian"
        )
    values: dict[str, Value] = {}
    fields: list[MetaField] = []
    below: list[tuple[int, str, dict[int, str]]] = []
    for position in range(kept):
        at = start + step * position
        if not find.attempt(f"{name}, entry {position}",
                            lambda at=at: _entry(block, at, names, values, fields, below)):  # type: ignore[misc]  # fmt: skip
            break
    find.group(name, block.where, fields, block.at(offset))
    gps_position(find, name, block.where, values)
    for key, value in values.items():
        block.gathered.setdefault(key, (name, value))
    _thumbnail(find, block, values)
    for inner, inner_name, inner_names in below:
        full = f"{name.split(':')[0]}: {inner_name}"
        find.attempt(
            f"{block.where}, {full}",
            lambda inner=inner, full=full, inner_names=inner_names: _below(  # type: ignore[misc]
                find, block, inner, full, inner_names, node
            ),
        )
    after = start + step * count
    try:
        return block.number(after, 8 if block.big else 4)
    except Broken:
        return 0


def _below(find: Findings, block: TiffBlock, offset: int, name: str, names: dict[int, str], node: Node | None) -> None:
    _directory(find, block, offset, name, names, node)


def _entry(block: TiffBlock, at: int, names: dict[int, str], values: dict[str, Value], fields: list[MetaField],
           below: list[tuple[int, str, dict[int, str]]]) -> None:  # fmt: skip
    tag, kind = block.number(at, 2), block.number(at + 2, 2)
    wide = 8 if block.big else 4
    count = block.number(at + 4, wide)
    inline = at + 4 + wide
    name = names.get(tag) or tags.EXIF.get(tag) or tags.IMAGE.get(tag) or f"0x{tag:04X}"
    if kind not in _SIZES:
        fields.append(fact(name, f"stored in an unknown type ({kind})", kind=f"type {kind}", offset=block.at(at)))
        return
    size = _SIZES[kind] * count
    words = _KINDS[kind] + (f" x{count}" if count != 1 and kind not in (2, 7, 129) else "")
    place = inline if size <= wide else block.number(inline, wide)
    if size > LARGEST_READ or place + size > block.end - block.base:
        fields.append(fact(name, f"{size} bytes at {place}, beyond the block", kind=words, offset=block.at(at)))
        return
    data = block.take(place, size)
    offset = block.at(place)
    if tag in _EMBEDDED and size > 4:
        block.embedded.append(Embedded(_EMBEDDED[tag], offset, data))
        fields.append(bytes_field(name, data, f"{size} bytes; see its own group", kind=words, offset=offset))
        return
    value = Value(name, kind, data, _numbers(block, kind, count, data))
    values[name] = value
    fields.append(_shown(value, words, offset))
    if tag in (0x8769, 0x8825, 0xA005) and value.numbers:
        inner_name, inner_names = {
            0x8769: ("Exif", tags.EXIF), 0x8825: ("GPS", tags.GPS), 0xA005: ("Interop", tags.INTEROP)
        }[tag]  # fmt: skip
        below.append((int(value.numbers[0]), inner_name, inner_names))
    elif tag == 0x014A:
        below += [(int(one), f"SubIFD{k}", tags.IMAGE) for k, one in enumerate(value.numbers[:16])]


def _numbers(block: TiffBlock, kind: int, count: int, data: bytes) -> tuple[float | int, ...]:
    """Numbers of a value; rationals as numerator, denominator, numerator..."""
    count = min(count, _MOST_NUMBERS)
    mark = "<" if block.order == "little" else ">"
    if kind in (5, 10):
        return struct.unpack_from(f"{mark}{2 * count}{'I' if kind == 5 else 'i'}", data)
    form = _FORMS.get(kind)
    return struct.unpack_from(f"{mark}{count}{form}", data) if form else ()


def _shown(value: Value, kind: str, offset: int | None) -> MetaField:
    if value.name == "MakerNote":
        begins = fourcc(value.data[:12].split(b"\0")[0])
        words = f"{len(value.data)} bytes" + (f', begins "{begins}"' if begins else "") + "; not decoded"
        return bytes_field(value.name, value.data, words, kind=kind, offset=offset)
    if value.kind in (2, 129):
        return text_field(value.name, value.data.rstrip(b"\0"), kind=kind, offset=offset)
    text = shown_value(value)
    if value.kind == 7 or not value.numbers:
        return bytes_field(value.name, value.data, text, kind=kind, offset=offset)
    return fact(value.name, text, raw=value.plain(), kind=kind, offset=offset, size=len(value.data))


def _thumbnail(find: Findings, block: TiffBlock, values: dict[str, Value]) -> None:
    start, length = values.get("JPEGInterchangeFormat"), values.get("JPEGInterchangeFormatLength")
    if start is None or length is None or not start.numbers or not length.numbers:
        return
    place, size = int(start.numbers[0]), int(length.numbers[0])
    if 0 < size <= LARGEST_READ and place + size <= block.end - block.base:
        block.embedded.append(Embedded("thumbnail", block.at(place), block.take(place, size)))
    else:
        find.warn(f"{block.where}: a thumbnail of {size} bytes at {place} reaches beyond the block.")
