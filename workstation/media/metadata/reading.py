"""The task "metadata": everything an exhibit says about itself, read inside the confined decoder child."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace

import defusedxml
import PIL
from PIL import Image

import workstation
from workstation.domain.metadata import JpegFacts, JpegThumbnail, MediaMetadata, Provenance
from workstation.domain.metadata_json import to_plain
from workstation.media.metadata import compression_history, provenance, streams
from workstation.media.metadata.bounds import Window
from workstation.media.metadata.exif import TiffBlock, read_tiff
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.gif import read_gif
from workstation.media.metadata.isobmff import read_isobmff
from workstation.media.metadata.jpeg import read_jpeg, read_thumbnails
from workstation.media.metadata.jpeg_segments import read_embedded
from workstation.media.metadata.matroska import read_matroska
from workstation.media.metadata.mpegts import packet_size, read_mpegts
from workstation.media.metadata.png import read_png
from workstation.media.metadata.riff import read_riff
from workstation.media.metadata.tell import tell
from workstation.media.metadata.texts import fact
from workstation.media.metadata.trailing import read_trailing
from workstation.media.open_exhibit import OpenExhibit
from workstation.media.sniffing import HEAD_BYTES, Signature, sniff
from workstation.media.wire import Message

_ENCODINGS = ("utf-8", "latin-1", "ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "mac_roman", "iso2022_jp",
              "cp1252", "backslashreplace")  # fmt: skip
_ASPECT = 0.02


def warm_up() -> None:
    """Load what is loaded on first use, before no file can be opened any more."""
    for name in _ENCODINGS[:-1]:
        b"".decode(name, errors="backslashreplace")
    Image.init()
    streams.warm_up()
    provenance.warm_up()
    compression_history.warm_up()
    json.dumps({})


def read(exhibit: OpenExhibit, arguments: Message, beat: Callable[[], None], say: Callable[[Message], None]) -> Message:
    """Read one exhibit.

    Args:
        arguments: ``anchors``: PEM text of trusted C2PA certificates, empty when none is installed;
            ``own_readers_only``: leave out what runs other libraries over the file.

    Returns:
        ``MediaMetadata`` as plain values. Hostile content gives warnings, never an error.
    """
    own_only = arguments.get("own_readers_only") is True
    metadata = examine(exhibit, str(arguments.get("anchors", "")), beat, own_only)
    return to_plain(metadata)


def examine(exhibit: OpenExhibit, anchors: str, beat: Callable[[], None], own_only: bool = False) -> MediaMetadata:
    """As :func:`read`, as words."""
    find = Findings()
    beat = find.watched(beat)
    find.tools["workstation"] = workstation.__version__
    claims: list[Provenance] = []
    with exhibit.file() as file:
        window = Window(file, exhibit.size, beat)
        head = window.some(0, HEAD_BYTES)
        signature = sniff(head)
        find.attempt(f"{signature} structure", lambda: _structure(find, window, signature, head))
        read_thumbnails(find)
        find.attempt("Trailing data", lambda: read_trailing(find, window))
    beat()
    if not own_only:
        _with_libraries(find, exhibit, signature, anchors, beat, claims)
    find.tools["defusedxml"] = defusedxml.__version__
    jpeg = _jpeg(find)
    tell(find, claims[0] if claims else None)
    return MediaMetadata(
        format=find.format,
        size=exhibit.size,
        groups=tuple(find.groups),
        times=tuple(find.times),
        structure=tuple(node.part() for node in find.roots),
        jpeg=jpeg,
        gop=find.gop,
        provenance=claims[0] if claims else provenance.unread(anchors),
        observations=tuple(find.observations),
        tools=tuple(sorted(find.tools.items())),
        warnings=tuple(find.warnings),
    )


def _with_libraries(
    find: Findings,
    exhibit: OpenExhibit,
    signature: Signature,
    anchors: str,
    beat: Callable[[], None],
    claims: list[Provenance],
) -> None:
    if not signature.is_picture:
        find.attempt("Streams", lambda: streams.read_streams(find, exhibit, beat))
    if signature is Signature.JPEG and find.jpeg is not None:
        find.tools["Pillow"] = PIL.__version__
        with exhibit.file() as file:
            find.attempt("Traces of earlier compression", lambda: compression_history.read_history(
                find, file, exhibit.limits.max_pixels, beat))  # fmt: skip
    beat()
    find.attempt("Content credentials (C2PA)", lambda: claims.append(_claims(find, exhibit, signature, anchors, beat)))
    find.tools["c2pa"] = provenance.version()


def _claims(
    find: Findings, exhibit: OpenExhibit, signature: Signature, anchors: str, beat: Callable[[], None]
) -> Provenance:
    embedded = any(group.name == "C2PA block" for group in find.groups)
    with exhibit.file() as file:
        return provenance.read_provenance(file, exhibit.size, find.format, signature, anchors, beat, embedded)


def _structure(find: Findings, window: Window, signature: Signature, head: bytes) -> None:
    if signature is Signature.JPEG:
        read_jpeg(find, window)
    elif signature is Signature.PNG:
        read_png(find, window)
    elif signature is Signature.GIF:
        read_gif(find, window)
    elif signature is Signature.TIFF:
        _tiff(find, window)
    elif head[:4] == b"RIFF":
        read_riff(find, window)
    elif head[:4] == b"\x1a\x45\xdf\xa3":
        read_matroska(find, window)
    elif signature in (Signature.HEIF, Signature.AVIF) or _has_box(head):
        read_isobmff(find, window)
    elif packet_size(head):
        read_mpegts(find, window)
    elif signature is Signature.BMP:
        _bmp(find, head)
    else:
        find.format = "not told apart by this product; see the container group"


def _has_box(head: bytes) -> bool:
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"pnot")


def _tiff(find: Findings, window: Window) -> None:
    find.format = "TIFF"
    block = TiffBlock(window, 0, window.size, "TIFF file")
    for inner in read_tiff(find, block, None, "TIFF"):
        find.attempt(inner.kind, lambda i=inner: read_embedded(find, i, "TIFF file"))  # type: ignore[misc]


def _bmp(find: Findings, head: bytes) -> None:
    find.format = "BMP"
    size, start, width, height = *struct.unpack_from("<I4xI", head, 2), *struct.unpack_from("<ii", head, 18)
    fields = [fact("SizeStated", size, offset=2), fact("PixelsAt", start, offset=10),
              fact("Size", f"{width} x {abs(height)} pixels", offset=18)]  # fmt: skip
    find.group("BMP header", "BITMAPFILEHEADER, BITMAPINFOHEADER", fields, 0)
    find.end, find.end_words = size or None, "the size the header states"


def _jpeg(find: Findings) -> JpegFacts | None:
    """The facts with thumbnails and history; thumbnails are compared with the main picture here."""
    if find.jpeg is None:
        return None
    main = find.jpeg
    kept: list[JpegThumbnail] = []
    for one in find.thumbnails[:8]:
        differs = False
        if one.width and one.height and main.width and main.height:
            ratio = max(main.width, main.height) / min(main.width, main.height)
            small = max(one.width, one.height) / min(one.width, one.height)
            turned = (main.width >= main.height) != (one.width >= one.height)
            differs = turned or abs(small / ratio - 1) > _ASPECT
        kept.append(replace(one, aspect_differs=differs))
    find.jpeg = replace(main, thumbnails=tuple(kept), history=find.history)
    return find.jpeg
