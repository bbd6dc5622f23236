"""Turning stored bytes into text that can be shown: nothing in it may move the cursor or turn the reading direction."""

from __future__ import annotations

import hashlib
import unicodedata

from workstation.domain.metadata import MetaField
from workstation.media.metadata.bounds import LONGEST_RAW, LONGEST_TEXT

_PLAIN = frozenset("\n\t")


def visible(text: str) -> str:
    """Write control, format (bidirectional marks included), private and surrogate characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one if one in _PLAIN or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn") else _escape(one)
        for one in text
    )


def _escape(one: str) -> str:
    code = ord(one)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """Text in ``encoding``; what does not fit stands as an escape. Trailing NULs are dropped."""
    try:
        return data.rstrip(b"\0").decode(encoding) if encoding == "utf-8" else data.decode(encoding).rstrip("\0")
    except UnicodeDecodeError:
        return data.rstrip(b"\0").decode("latin-1" if encoding == "utf-8" else encoding, errors="backslashreplace")


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """At most ``most`` characters, with the true length stated where some were left out."""
    return text if len(text) <= most else f"{text[:most]}… (cut; {len(text)} characters in all)"


def text_field(name: str, data: bytes | str, *, kind: str = "", offset: int | None = None, shown: str = "",
               encoding: str = "utf-8") -> MetaField:  # fmt: skip
    """A field whose value is text. A long value is cut, its true size and SHA-256 stated."""
    stored = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    text = visible(decoded(stored[: 8 * LONGEST_TEXT], encoding) if isinstance(data, bytes) else data)
    cut = len(stored) > 8 * LONGEST_TEXT or len(text) > LONGEST_TEXT
    if cut:
        text = f"{text[:LONGEST_TEXT]}… (cut; {len(stored)} bytes in all)"
    digest = hashlib.sha256(stored).hexdigest() if cut else ""
    raw = text if shown and shown != text else ""
    return MetaField(visible(shortened(name, 200)), shortened(visible(shown)) or text, raw, kind, offset, len(stored),
                     digest)  # fmt: skip


def bytes_field(name: str, data: bytes, shown: str = "", *, kind: str = "bytes", offset: int | None = None,
                size: int | None = None) -> MetaField:  # fmt: skip
    """A field whose value is bytes, written as hexadecimal; ``size`` where more were stored than are at hand."""
    cut = len(data) > LONGEST_RAW
    digest = hashlib.sha256(data).hexdigest() if cut else ""
    raw = data[:LONGEST_RAW].hex() + ("…" if cut else "")
    length = len(data) if size is None else size
    return MetaField(
        visible(shortened(name, 200)), shortened(visible(shown)) or f"{length} bytes", raw, kind, offset, length, digest
    )


def fact(name: str, shown: object, *, raw: object = "", kind: str = "", offset: int | None = None,
         size: int | None = None) -> MetaField:  # fmt: skip
    """A field made of a number or of words of our own."""
    return MetaField(visible(shortened(name, 200)), shortened(visible(str(shown))), shortened(visible(str(raw)), 600),
                     kind, offset, size)  # fmt: skip


def fourcc(data: bytes) -> str:
    """Four stored characters as they can be shown."""
    text = data.decode("latin-1")
    return text if text.isascii() and text.isprintable() else visible(text)
