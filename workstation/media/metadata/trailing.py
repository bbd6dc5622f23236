"""What follows the end of a file's own format: where, how much, what it begins like, how dense it is."""

from __future__ import annotations

import math
from collections import Counter

from workstation.media.metadata.bounds import Window
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import bytes_field, fact
from workstation.media.sniffing import HEAD_BYTES, Signature, sniff

_SAMPLED = 64 << 10
_STARTS = (
    (b"PK\x03\x04", "a ZIP archive"), (b"%PDF", "a PDF document"), (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"), (b"MZ", "a Windows program"), (b"\x7fELF", "an ELF program"),
    (b"\x1f\x8b", "gzip data"), (b"SEFH", "a Samsung trailer"), (b"\0\0\0\0", "zero bytes"),
)  # fmt: skip


def entropy(data: bytes) -> float:
    """Bits per byte, 0..8."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values()) if total else 0.0


def density(bits: float) -> str:
    """What an entropy usually means; compressed and encrypted data cannot be told apart by it."""
    if bits < 1:
        return "almost constant, such as padding"
    if bits < 6.5:
        return "such as text or plain tables"
    return "such as compressed or encrypted data"


def read_trailing(find: Findings, window: Window) -> None:
    """Describe the bytes behind ``find.end`` that the file itself names nowhere, when there are any."""
    if find.end is None:
        return
    start, before = find.end, find.end_words
    for place, length, words in sorted(find.named):
        if place == start and 0 < length <= window.size - start:
            find.node(None, words, place, length, "named by the file itself")
            start, before = place + length, words
    size = window.size - start
    if size <= 0:
        return
    head = window.some(start, max(HEAD_BYTES, min(_SAMPLED, size)))[:size]
    tail = window.some(max(start, window.size - _SAMPLED), min(_SAMPLED, size))
    bits = entropy(head + (tail if size > _SAMPLED else b""))
    signature = sniff(head[:HEAD_BYTES])
    looks = next((word for mark, word in _STARTS if head.startswith(mark)), "")
    if signature is not Signature.UNKNOWN:
        looks = "a video file" if signature is Signature.VIDEO else f"a {signature} picture"
    find.node(None, "trailing data", start, size, looks and f"begins like {looks}")
    fields = [
        fact("Bytes", size, offset=start),
        fact("BeginsLike", looks or "nothing this product knows"),
        fact("Entropy", f"{bits:.2f} bits per byte, {density(bits)}"),
        bytes_field("FirstBytes", head[:64], head[:16].hex(), offset=start),
    ]
    find.group("Trailing data", f"behind {before}", fields, start)
    find.observe(
        "trailing_data",
        f"{size} bytes follow {before} at {start}"
        + (f"; they begin like {looks}" if looks else "")
        + ". Phones and cameras add further pictures, short videos or notes of their own there; so do other programs.",
        f"trailing data at {start}, {size} bytes, {bits:.2f} bits per byte",
    )
