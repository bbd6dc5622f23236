"""How stored pixels become shown pixels: EXIF orientation and the display matrix of ISO 14496-12, 8.3.2.

Every format has its own trap: the display matrix counts counter-clockwise where FFmpeg reports it as an angle, TIFF and
HEIC libraries turn the picture themselves, JPEG, PNG, WebP and AVIF ones do not. Here there is one word for it,
:class:`~workstation.domain.media.Orientation`: mirror left-right first, then turn clockwise.
"""

from __future__ import annotations

import math
import struct

# EXIF 2.32, tag 0x0112: value -> (clockwise turn, mirrored left-right before it).
EXIF: dict[int, tuple[int, bool]] = {
    1: (0, False),
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (270, True),
    6: (90, False),
    7: (90, True),
    8: (270, False),
}


def from_display_matrix(data: bytes) -> tuple[int, bool, bool]:
    """Read a 36-byte display matrix (nine native-endian int32, 16.16 and 2.30 fixed point).

    Returns:
        ``(turn, mirror, exact)``: clockwise degrees (0, 90, 180, 270), mirrored before turning, and whether the matrix
        is such a quarter turn at all. When it is not, turn is 0 and mirror False.
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", data)
    mirror = a * d - b * c < 0
    if mirror:
        a, b = -a, -b
    if not (a or b):
        return 0, False, False
    # x' = a x + c y and y' = b x + d y with y down, so a positive angle is clockwise.
    angle = math.degrees(math.atan2(b, a))
    turn = round(angle / 90) * 90
    if abs(angle - turn) > 0.5:
        return 0, False, False
    return turn % 360, mirror, True
