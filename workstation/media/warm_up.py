"""Loads whatever a decoder loads on first use, because behind the confinement no file can be opened any more.

PyAV and Pillow import parts of themselves lazily, Python its text encodings: one small picture of each kind is read
here the way an exhibit will be. The pictures are made here, in memory; no exhibit is ever near.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
import sys

from workstation.media.limits import DecodeLimits
from workstation.media.open_exhibit import OpenExhibit, over_bytes
from workstation.media.sniffing import Signature

# Encodings that only exist on another system, or that do no more than compress.
_NOT_ENCODINGS = {"mbcs", "oem", "bz2_codec", "zlib_codec", "hex_codec", "uu_codec", "quopri_codec", "base64_codec"}
_PICTURES = (Signature.JPEG, Signature.PNG, Signature.GIF, Signature.BMP, Signature.TIFF, Signature.WEBP)


_done = False


def warm_up() -> None:
    """Import and use once everything that pictures, videos and sealed files need. About half a second, once."""
    global _done
    if _done:
        return
    _done = True
    _encodings()
    for name in (
        "workstation.media.sealed_file", "workstation.media.shared_pixels", "workstation.media.indexing",
        "concurrent.futures.thread", "fractions", "traceback", "linecache", "tokenize", "email.utils", "datetime",
    ):  # fmt: skip
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _pictures()
    _video()


def _encodings() -> None:
    import encodings

    for found in pkgutil.iter_modules(encodings.__path__):
        if found.name not in _NOT_ENCODINGS:
            with contextlib.suppress(ImportError, AttributeError):
                importlib.import_module(f"encodings.{found.name}")
    "".encode("idna")


def _pictures() -> None:
    from PIL import Image

    from workstation.media import image_source

    for signature in Signature:
        if signature.is_picture:
            with contextlib.suppress(ImportError):
                image_source.load_plugin(signature)
    for name in ("MpoImagePlugin", "ImageOps", "ImageSequence", "ImageChops", "TiffTags", "ExifTags", "ImageCms"):
        with contextlib.suppress(ImportError):
            importlib.import_module(f"PIL.{name}")
    for signature in _PICTURES:
        data = io.BytesIO()
        Image.new("RGB", (8, 8), (9, 99, 199)).save(data, signature.value)
        source = image_source.ImageSource(over_bytes(data.getvalue(), DecodeLimits()), signature)
        source.describe(_no_beat)
        decoded = source.fetch(0, True, _no_beat)
        decoded.digest()
        decoded.rgb()
        source.close()


def _video() -> None:
    import av

    from workstation.media.video_source import VideoSource

    data = io.BytesIO()
    with av.open(data, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("warm-up")
        os.write(fd, data.getvalue())
        _read_once(VideoSource(OpenExhibit.over_descriptor(fd, "warm-up", DecodeLimits()), True))
        os.close(fd)
    _read_once(VideoSource(over_bytes(data.getvalue(), DecodeLimits()), True))
    broken = over_bytes(data.getvalue()[:200], DecodeLimits())
    with contextlib.suppress(Exception):
        _read_once(VideoSource(broken, True))
    sys.exc_info()


def _read_once(source: object) -> None:
    from workstation.media.video_source import VideoSource

    assert isinstance(source, VideoSource)
    source.describe(_no_beat)
    source.use_index(source.index(_no_beat))
    decoded = source.fetch(1, True, _no_beat)
    decoded.digest()
    decoded.rgb()
    source.close()


def _no_beat() -> None:
    pass
