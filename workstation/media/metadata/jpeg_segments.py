"""What JPEG application segments hold: JFIF, Exif, XMP, ICC, MPF, JUMBF, Photoshop resources, Adobe, comments."""

from __future__ import annotations

from workstation.media.metadata.bounds import Broken, Window, integer, memory_window
from workstation.media.metadata.exif import Embedded, TiffBlock, read_tiff
from workstation.media.metadata.findings import Findings, Node
from workstation.media.metadata.icc import read_icc
from workstation.media.metadata.iptc import read_iptc, read_photoshop
from workstation.media.metadata.texts import bytes_field, fact, fourcc, text_field, visible
from workstation.media.metadata.xmp import read_xmp

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_MOST_EXTENDED = 8 << 20
_UNITS = {0: "no unit, aspect only", 1: "per inch", 2: "per centimetre"}
_ADOBE = {0: "no colour transform", 1: "YCbCr", 2: "YCCK"}


class Segments:
    """Takes application segments as they come; what is spread over several is put together in :meth:`finish`."""

    def __init__(self, find: Findings, window: Window) -> None:
        self._find, self._window = find, window
        self._icc: dict[int, bytes] = {}
        self._icc_at: int | None = None
        self._extended: dict[bytes, dict[int, bytes]] = {}
        self._jumbf = 0
        self._c2pa = False
        self._exif = 0

    def take(self, code: int, name: str, body: bytes, position: int, node: Node) -> None:
        """Read one segment. ``position``: of its marker in the file."""
        if code == 0xFE:
            self._find.group("JPEG comment", "JPEG COM segment", [text_field("Comment", body, offset=position + 4)])
        elif 0xE0 <= code <= 0xEF:
            what = f"JPEG {name} segment at {position}"
            self._find.attempt(what, lambda: self._application(code, body, position + 4, node))

    def _application(self, code: int, body: bytes, offset: int, node: Node) -> None:
        where = f"JPEG APP{code - 0xE0} segment"
        if code == 0xE0 and body[:5] == b"JFIF\0":
            node.detail = "JFIF"
            self._jfif(body, offset)
        elif code == 0xE0 and body[:5] == b"JFXX\0":
            node.detail = "JFIF extension"
            if integer(body, 5, 1) == 0x10:
                self._find.small_pictures.append(("JFIF extension", offset + 6, body[6:]))
        elif code == 0xE1 and body[:6] in (b"Exif\0\0", b"Exif\0\xff"):
            node.detail = "Exif"
            self._exif += 1
            name = "EXIF" if self._exif == 1 else f"EXIF {self._exif}"
            block = TiffBlock(self._window, offset + 6, offset + len(body), where)
            self.embedded(read_tiff(self._find, block, node, name), f"{where}, Exif")
        elif code == 0xE1 and body.startswith(_XMP):
            node.detail = "XMP"
            read_xmp(self._find, body[len(_XMP) :], where, offset + len(_XMP))
        elif code == 0xE1 and body.startswith(_XMP_MORE):
            node.detail = "XMP, extended part"
            self._extended_part(body[len(_XMP_MORE) :])
        elif code == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            node.detail = f"ICC profile, part {integer(body, 12, 1)} of {integer(body, 13, 1)}"
            self._icc.setdefault(integer(body, 12, 1), body[14:])
            self._icc_at = offset + 14 if self._icc_at is None else self._icc_at
        elif code == 0xE2 and body.startswith(b"MPF\0"):
            node.detail = "multi-picture format"
            self._mpf(body, offset, where)
        elif code == 0xEB and body[:2] == b"JP":
            self._jumbf += 1
            self._c2pa = self._c2pa or b"c2pa" in body[:80]
            node.detail = f"JUMBF, {fourcc(body[12:16])}"
        elif code == 0xED and body.startswith(b"Photoshop 3.0\0"):
            node.detail = "Photoshop resources"
            self.embedded(read_photoshop(self._find, body[14:], where, offset + 14), where)
        elif code == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            node.detail = "Adobe"
            words = _ADOBE.get(body[11], str(body[11]))
            fields = [fact("Version", integer(body, 5, 2)), fact("Colour transform", words, raw=body[11])]
            self._find.group("Adobe", where, fields, offset)
        else:
            head = visible(body[:24].split(b"\0")[0].decode("latin-1"))
            node.detail = head
            self._find.group(
                f"APP{code - 0xE0} (not decoded)", where, [bytes_field(head or "data", body, offset=offset)]
            )

    def _jfif(self, body: bytes, offset: int) -> None:
        unit = integer(body, 7, 1)
        fields = [
            fact("Version", f"{body[5]}.{body[6]:02d}", offset=offset + 5),
            fact("Density", f"{integer(body, 8, 2)} x {integer(body, 10, 2)} {_UNITS.get(unit, f'unit {unit}')}",
                 offset=offset + 7),
            fact("Thumbnail", f"{integer(body, 12, 1)} x {integer(body, 13, 1)} pixels", offset=offset + 12),
        ]  # fmt: skip
        self._find.group("JFIF", "JPEG APP0 segment", fields, offset)

    def _mpf(self, body: bytes, offset: int, where: str) -> None:
        """CIPA DC-007: where further pictures lie in the file, behind the first one's end."""
        block = TiffBlock(self._window, offset + 4, offset + len(body), where)
        inner = Findings()
        read_tiff(inner, block, None, "MPF")
        entries = next((f for g in inner.groups for f in g.fields if f.name == "0xB002"), None)
        count = entries.size // 16 if entries is not None and entries.size else 0
        fields = [fact("Pictures", count)]
        for number in range(min(count, 32)):
            assert entries is not None
            assert entries.offset is not None
            data = self._window.take(entries.offset + 16 * number, 16)
            size, place = integer(data, 4, 4, block.order), integer(data, 8, 4, block.order)
            start = place + offset + 4 if place else 0
            fields.append(
                fact(f"Picture {number + 1}", f"{size} bytes at {start}", offset=entries.offset + 16 * number)
            )
            if start:
                self._find.named.append((start, size, f"picture {number + 1} of the multi-picture format"))
        self._find.group("Multi-picture format", where, fields, offset)

    def _extended_part(self, body: bytes) -> None:
        guid, place = body[:32], integer(body, 36, 4)
        parts = self._extended.setdefault(guid, {})
        if len(parts) < 200 and len(self._extended) <= 4:
            parts[place] = body[40:]

    def embedded(self, inner: list[Embedded], where: str) -> None:
        """Read what stood inside a directory or a resource."""
        for one in inner:
            what = f"{one.kind} in {where}"
            self._find.attempt(what, lambda one=one: read_embedded(self._find, one, where))  # type: ignore[misc]

    def finish(self) -> None:
        """Read what was spread over several segments."""
        if self._icc:
            data = b"".join(part for _, part in sorted(self._icc.items()))
            self._find.attempt("ICC profile", lambda: read_icc(self._find, data, "JPEG APP2 segments", self._icc_at))
        for guid, parts in self._extended.items():
            data = b"".join(part for _, part in sorted(parts.items()))
            if len(data) > _MOST_EXTENDED:
                self._find.warn(f"Extended XMP of {len(data)} bytes is not read.")
                continue
            where = f"JPEG APP1 segments, extended XMP {visible(guid.decode('latin-1'))}"
            self._find.attempt("Extended XMP", lambda d=data, w=where: read_xmp(self._find, d, w, None))  # type: ignore[misc]
        if self._jumbf:
            self._find.group(
                "C2PA block" if self._c2pa else "JUMBF", "JPEG APP11 segments", [fact("Segments", self._jumbf)]
            )
        if self._exif > 1:
            self._find.observe("several_exif", f"The file carries {self._exif} Exif segments; programs read the first.",
                               "JPEG APP1 segments")  # fmt: skip


def read_embedded(find: Findings, one: Embedded, where: str) -> None:
    """Read XMP, IPTC, Photoshop resources or an ICC profile that stood inside something else; keep a thumbnail.

    Raises:
        Broken: it is not what it should be.
    """
    find.count_embedded()
    if one.kind == "xmp":
        read_xmp(find, one.data, where, one.offset)
    elif one.kind == "iptc":
        read_iptc(find, one.data, where, one.offset)
    elif one.kind == "icc":
        read_icc(find, one.data, where, one.offset)
    elif one.kind == "photoshop":
        for inner in read_photoshop(find, one.data, where, one.offset):
            read_embedded(find, inner, where)
    elif one.kind == "exif":
        block = TiffBlock(memory_window(one.data), 0, len(one.data), where, mapped=False)
        for inner in read_tiff(find, block):
            read_embedded(find, inner, where)
    elif one.kind == "thumbnail":
        find.small_pictures.append((where, one.offset, one.data))
    else:
        raise Broken(f"nothing reads {one.kind}")
