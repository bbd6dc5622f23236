"""Reference pictures that are missing from an H.264 stream, told by its own count of them.

A packet that was cut out whole leaves no broken data behind: the decoder puts another picture in its place without a
word, and everything predicted from it shows what was never recorded (measured: up to 29 wrong frames for one missing
packet, none marked). But every slice carries ``frame_num``, which counts reference pictures (ISO/IEC 14496-10, 7.4.3):
it may only repeat or go on by one. H.265 decoders find missing references themselves; MPEG-2 and MPEG-4 part 2 have no
such count.
"""

from __future__ import annotations

from collections.abc import Iterator

_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_SLICES = (1, 2, 5)
_SPS, _PPS, _IDR = 7, 8, 5
_HEAD = 48


class _Bits:
    """Bits of a NAL unit from its second byte on, most significant first, without emulation prevention (7.4.1)."""

    def __init__(self, unit: bytes) -> None:
        self._value = int.from_bytes(body := unit[1:].replace(b"\x00\x00\x03", b"\x00\x00"), "big")
        self._left = 8 * len(body)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the unit is too short")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """An Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


class GapWatch:
    """Follows the packets of one H.264 stream in decoding order, from wherever decoding starts.

    Args:
        extradata: of the stream, in either form; parameter sets in the packets are read, too.
    """

    def __init__(self, extradata: bytes) -> None:
        described = len(extradata) > 6 and extradata[0] == 1
        self._width = (extradata[4] & 3) + 1 if described else 0
        self._counters: dict[int, tuple[int, bool, bool]] = {}
        self._sets: dict[int, int] = {}
        self._last: int | None = None
        for unit in _described_units(extradata) if described else _units(extradata, 0):
            self._learn(unit)

    def is_missing_before(self, packet: bytes, is_key: bool) -> bool:
        """Whether a reference picture is missing between the packet before and this one."""
        for unit in _units(packet, self._width):
            kind = unit[0] & 31
            if kind in _SLICES:
                return self._follow(unit, kind, is_key)
            self._learn(unit)
        return False

    def _follow(self, unit: bytes, kind: int, is_key: bool) -> bool:
        try:
            bits = _Bits(unit[:_HEAD])
            bits.unsigned()
            intra = bits.unsigned() % 5 in (2, 4)
            width, planes, gaps_allowed = self._counters[self._sets[bits.unsigned()]]
            bits.take(2 if planes else 0)
            number = bits.take(width)
        except (ValueError, KeyError):
            self._last = None
            return False
        last, self._last = self._last, number if unit[0] & 0x60 else self._last
        if last is None or kind == _IDR or gaps_allowed or (intra and is_key):
            self._last = number if self._last is None or kind == _IDR or (intra and is_key) else self._last
            return False
        # 0 and 1 are let pass: a picture can set the count back (memory management operation 5, 8.2.1).
        return number not in (last, (last + 1) % (1 << width), 0, 1)

    def _learn(self, unit: bytes) -> None:
        kind = unit[0] & 31
        try:
            if kind == _SPS:
                number, counter = _sequence_set(_Bits(unit))
                self._counters[number] = counter
            elif kind == _PPS:
                bits = _Bits(unit[:_HEAD])
                self._sets[bits.unsigned()] = bits.unsigned()
        except ValueError:
            return


def _sequence_set(bits: _Bits) -> tuple[int, tuple[int, bool, bool]]:
    """Number of a sequence parameter set; bits of its frame count, separate colour planes, gaps allowed (7.3.2.1.1)."""
    profile = bits.take(8)
    bits.take(16)
    number = bits.unsigned()
    planes = False
    if profile in _HIGH_PROFILES:
        chroma = bits.unsigned()
        if chroma == 3:
            planes = bool(bits.take(1))
        bits.unsigned()
        bits.unsigned()
        bits.take(1)
        if bits.take(1):
            for place in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if place < 6 else 64)
    width = bits.unsigned() + 4
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned() & 255):
            bits.signed()
    bits.unsigned()
    return number, (min(width, 16), planes, bool(bits.take(1)))


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _described_units(extradata: bytes) -> Iterator[bytes]:
    """Parameter sets of a decoder configuration record (ISO/IEC 14496-15, 5.3.3.1)."""
    at = 5
    for mask in (31, 255):
        if at >= len(extradata):
            return
        count = extradata[at] & mask
        at += 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            unit = extradata[at + 2 : at + 2 + length]
            at += 2 + length
            if unit:
                yield unit


def _units(payload: bytes, width: int) -> Iterator[bytes]:
    """NAL units of a packet, with lengths of ``width`` bytes or (0) start codes; lazily, the first slice ends it."""
    at = 0
    if width:
        while at + width < len(payload):
            length = int.from_bytes(payload[at : at + width], "big")
            at += width
            if length:
                yield payload[at : at + length]
            at += length
        return
    at = payload.find(b"\x00\x00\x01")
    while 0 <= at < len(payload) - 3:
        kind = payload[at + 3] & 31
        end = payload.find(b"\x00\x00\x01", at + 3) if kind not in _SLICES else at + 3 + _HEAD
        yield payload[at + 3 : end if end >= 0 else len(payload)]
        at = end
