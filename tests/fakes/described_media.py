"""Small files that say much about themselves, and a way to read them in this process."""

from __future__ import annotations

import io
import struct
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from workstation.domain.metadata import MediaMetadata, MetaField
from workstation.media.limits import DecodeLimits
from workstation.media.metadata.reading import examine
from workstation.media.open_exhibit import over_bytes

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Kit 1">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    b' xmp:CreatorTool="Tool 5" xmp:CreateDate="2026-01-02T03:04:05+02:00" xmp:ModifyDate="2026-01-03T00:00:00">'
    b'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title>'
    b"<dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject>"
    b'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def read(data: bytes | Path, anchors: str = "", *, own_only: bool = False) -> MediaMetadata:
    """Read in this process what the decoder child reads confined."""
    content = data.read_bytes() if isinstance(data, Path) else data
    return examine(over_bytes(content, DecodeLimits()), anchors, lambda: None, own_only)


def field(metadata: MediaMetadata, group: str, name: str) -> MetaField:
    """The field of that name; fails the test when there is none."""
    for found in metadata.groups:
        for one in found.fields:
            if found.name == group and one.name == name:
                return one
    raise AssertionError(f"no {group} / {name} in {[g.name for g in metadata.groups]}")


def picture(width: int = 160, height: int = 120, seed: int = 1) -> Image.Image:
    """A soft random picture that no camera took."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def exif() -> Image.Exif:
    """Camera fields, a maker note, two times with offsets, a position north and west."""
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x0131], made[0x0112] = "Maker", "Model X", "Editor 1.0", 6
    made[0x0132] = "2026:01:02 03:04:05"
    inner = made.get_ifd(0x8769)
    inner[0x9003], inner[0x9011] = "2026:01:02 03:04:05", "+02:00"
    inner[0x9004] = "2026:01:02 03:04:06"
    inner[0x829A], inner[0x829D] = IFDRational(1, 125), IFDRational(28, 10)
    inner[0x927C] = b"Apple iOS\0\0\1MM" + b"x" * 600
    inner[0xA002], inner[0xA003] = 160, 121
    place = made.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (41.0, 24.0, 12.2), "W", (2.0, 10.0, 26.5)
    place[29], place[7] = "2026:01:02", (1.0, 4.0, 5.0)
    return made


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or picture()).save(out, "JPEG", **options)
    return out.getvalue()


def saved(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture().save(out, kind, **options)
    return out.getvalue()


def full_jpeg() -> bytes:
    return jpeg(exif=exif(), xmp=XMP, icc_profile=srgb(), comment=b"hello \xe2\x80\xae turned", quality=88)


def full_png() -> bytes:
    texts = PngInfo()
    texts.add_text("parameters", "a prompt, Steps: 20")
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    texts.add_text("long", "y" * 5000, zip=True)
    return saved("PNG", pnginfo=texts, exif=exif(), icc_profile=srgb())


def gif() -> bytes:
    out = io.BytesIO()
    first = picture()
    first.save(out, "GIF", save_all=True, append_images=[picture(seed=2)], comment=b"gif words", loop=0, duration=100)
    return out.getvalue()


def video(form: str, codec: str = "libx264", frames: int = 40, **options: str) -> bytes:
    """A short clip with a title, a comment and a creation time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"  # a file, because some muxers read again what they wrote
        _write(path, form, codec, frames, options)
        return path.read_bytes()


def _write(path: Path, form: str, codec: str, frames: int, options: dict[str, str]) -> None:
    with av.open(str(path), "w", format=form, options=options) as container:
        container.metadata.update({"title": "A title", "comment": "words", "creation_time": "2026-01-02T03:04:05Z"})
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.options = {"g": "10", "log-level": "none"} if codec == "libx265" else {"g": "10"}
        pixels = np.asarray(picture())
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(pixels, number * 3, 1)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def box(name: bytes, body: bytes = b"", *, large: bool = False, to_end: bool = False) -> bytes:
    """An ISO base media box."""
    if large:
        return struct.pack(">I4sQ", 1, name, len(body) + 16) + body
    return struct.pack(">I4s", 0 if to_end else len(body) + 8, name) + body
