"""MPEG transport streams (ISO/IEC 13818-1): programs and their streams from PAT, PMT and SDT, at most the first MiB."""

from __future__ import annotations

from workstation.domain.metadata import MetaField
from workstation.media.metadata.bounds import Broken, Window, integer
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import decoded, fact, text_field

_LOOKED_AT = 1 << 20
_SIZES = (188, 192, 204)
_KINDS = {0x01: "MPEG-1 video", 0x02: "MPEG-2 video", 0x03: "MPEG-1 audio", 0x04: "MPEG-2 audio", 0x06: "private data",
          0x0F: "AAC (ADTS)", 0x10: "MPEG-4 part 2 video", 0x11: "AAC (LATM)", 0x1B: "H.264 video", 0x24: "H.265 video",
          0x33: "H.266 video", 0x81: "AC-3", 0x87: "E-AC-3"}  # fmt: skip


def packet_size(head: bytes) -> int:
    """188, 192 or 204 when ``head`` looks like a transport stream, else 0."""
    for size in _SIZES:
        lead = 4 if size == 192 and head[:1] != b"\x47" else 0
        if len(head) > lead + 3 * size and all(head[lead + k * size] == 0x47 for k in range(4)):
            return size
    return 0


def read_mpegts(find: Findings, window: Window) -> None:
    """Read the tables at the beginning of a transport stream. Raises: Broken when it is none."""
    data = window.some(0, _LOOKED_AT)
    size = packet_size(data)
    if not size:
        raise Broken("no transport stream packets at the beginning")
    find.format = "MPEG transport stream"
    lead = 4 if size == 192 and data[:1] != b"\x47" else 0
    counts: dict[int, int] = {}
    tables: dict[int, bytearray] = {}
    programs: dict[int, int] = {}
    wanted = {0, 0x11}
    for at in range(lead, len(data) - 187, size):
        if data[at] != 0x47:
            find.warn(f"The packet at {at} has no sync byte; reading stops there.")
            break
        pid = integer(data, at + 1, 2) & 0x1FFF
        counts[pid] = counts.get(pid, 0) + 1
        if pid in wanted:
            _gather(data[at : at + 188], tables.setdefault(pid, bytearray()))
            if pid == 0 and not programs:
                programs = _pat(bytes(tables[0]))
                wanted |= set(programs.values())
    whole = window.size // size
    fields: list[MetaField] = [fact("PacketSize", size), fact("Packets", whole), fact("LookedAt", f"{len(data)} bytes")]
    fields += [fact(f"PID {pid}", f"{count} packets") for pid, count in sorted(counts.items())[:64]]
    find.group("Transport stream", "packets", fields)
    find.node(None, "packets", 0, whole * size, f"{whole} packets of {size} bytes")
    find.end, find.end_words = whole * size, "the last whole packet"
    for number, pid in list(programs.items())[:32]:
        find.attempt(f"Program {number}", lambda n=number, p=pid: _pmt(find, n, p, bytes(tables.get(p, b""))))  # type: ignore[misc]
    if 0x11 in tables:
        find.attempt("Service description", lambda: _sdt(find, bytes(tables[0x11])))


def _gather(packet: bytes, section: bytearray) -> None:
    """Add a packet's payload to the first section of its table."""
    start = bool(packet[1] & 0x40)
    at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if not packet[3] & 0x10 or at >= 188:
        return
    if start:
        if section:
            return
        at += 1 + packet[at]
    elif not section:
        return
    if len(section) < 4096:
        section += packet[at:188]


def _section(data: bytes) -> bytes:
    size = integer(data, 1, 2) & 0xFFF
    if len(data) < 3 + size or size < 9:
        raise Broken("its table is not whole in the part that is read")
    return data[: 3 + size - 4]


def _pat(data: bytes) -> dict[int, int]:
    try:
        body = _section(data)
    except Broken:
        return {}
    return {
        integer(body, k, 2): integer(body, k + 2, 2) & 0x1FFF for k in range(8, len(body) - 3, 4) if integer(body, k, 2)
    }


def _pmt(find: Findings, number: int, pid: int, data: bytes) -> None:
    body = _section(data)
    fields: list[MetaField] = [fact("PMT", f"PID {pid}"), fact("ClockPID", integer(body, 8, 2) & 0x1FFF)]
    at = 12 + (integer(body, 10, 2) & 0xFFF)
    while at + 5 <= len(body) and len(fields) < 64:
        kind, stream = body[at], integer(body, at + 1, 2) & 0x1FFF
        fields.append(fact(f"Stream PID {stream}", f"{_KINDS.get(kind, 'unknown')} (0x{kind:02X})"))
        at += 5 + (integer(body, at + 3, 2) & 0xFFF)
    find.group(f"Program {number}", "PMT", fields)


def _sdt(find: Findings, data: bytes) -> None:
    body = _section(data)
    at, fields = 11, list[MetaField]()
    while at + 5 <= len(body):
        size = integer(body, at + 3, 2) & 0xFFF
        inner, end = at + 5, min(at + 5 + size, len(body))
        while inner + 2 <= end:
            if body[inner] == 0x48 and inner + 4 < end:
                first = body[inner + 3]
                provider = body[inner + 4 : inner + 4 + first]
                service = body[inner + 5 + first : inner + 2 + body[inner + 1]]
                fields += [text_field("Provider", decoded(provider)), text_field("Service", decoded(service))]
            inner += 2 + body[inner + 1]
        at = end
    find.group("Service description", "SDT", fields)
