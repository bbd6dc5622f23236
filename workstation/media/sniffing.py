"""What a file is, from its first bytes. Names and extensions are never trusted."""

from __future__ import annotations

from enum import StrEnum

HEAD_BYTES = 4096


class Signature(StrEnum):
    """Picture formats carry Pillow's own format name; ``VIDEO`` is a container whose signature is known."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    TIFF = "TIFF"
    HEIF = "HEIF"
    AVIF = "AVIF"
    GIF = "GIF"
    BMP = "BMP"
    VIDEO = "video"
    UNKNOWN = "unknown"

    @property
    def is_picture(self) -> bool:
        return self not in (Signature.VIDEO, Signature.UNKNOWN)


_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"pnot"})
_STARTS: tuple[tuple[bytes, Signature], ...] = (
    (b"\xff\xd8\xff", Signature.JPEG),
    (b"\x89PNG\r\n\x1a\n", Signature.PNG),
    (b"II*\x00", Signature.TIFF),
    (b"MM\x00*", Signature.TIFF),
    (b"II+\x00", Signature.TIFF),
    (b"MM\x00+", Signature.TIFF),
    (b"GIF87a", Signature.GIF),
    (b"GIF89a", Signature.GIF),
    (b"\x1a\x45\xdf\xa3", Signature.VIDEO),
    (b"FLV\x01", Signature.VIDEO),
    (b"OggS", Signature.VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Signature.VIDEO),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", Signature.VIDEO),
    (b"DKIF", Signature.VIDEO),
    (b"\x00\x00\x01\xba", Signature.VIDEO),
    (b"\x00\x00\x01\xb3", Signature.VIDEO),
    (b"\x00\x00\x00\x01\x67", Signature.VIDEO),
    (b"YUV4MPEG2", Signature.VIDEO),
)


def sniff(head: bytes) -> Signature:
    """Tell a file from its first bytes (up to ``HEAD_BYTES``). UNKNOWN may still be a video without a signature."""
    for start, signature in _STARTS:
        if head.startswith(start):
            return signature
    if head[:4] == b"RIFF":
        return {b"WEBP": Signature.WEBP, b"AVI ": Signature.VIDEO}.get(head[8:12], Signature.UNKNOWN)
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    if head[4:8] in _BOXES:
        return Signature.VIDEO
    if head[:2] == b"BM" and head[14:18] in (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return Signature.BMP
    if any(len(head) > 2 * step and head[0] == head[step] == head[2 * step] == 0x47 for step in (188, 192, 204)):
        return Signature.VIDEO
    return Signature.UNKNOWN


def _sniff_brands(head: bytes) -> Signature:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major} | {head[i : i + 4] for i in range(16, size - 3, 4)}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and brands & _AVIF_BRANDS):
        return Signature.AVIF
    if major in _HEIF_BRANDS:
        return Signature.HEIF
    return Signature.VIDEO
