"""A still picture opened by Pillow (HEIC through pillow-heif) inside the decoder child.

Orientation traps, measured: Pillow gives TIFF already turned, libheif gives HEIC already turned, and JPEG, PNG, WebP
and AVIF come as stored. TIFF is turned back here, so that its digest is over the stored samples; HEIC cannot be, its
turn is part of the coded item and the digest is over the picture as libheif gives it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

from PIL import Image, features

from workstation.domain.errors import DamagedMedia, MediaTooLarge, SealedFileDamaged, UnreadableMedia
from workstation.media.decoded import Beat, Decoded, Index, PlaneLayout
from workstation.media.deep_pictures import deep_samples
from workstation.media.digests import samples_digest
from workstation.media.open_exhibit import OpenExhibit
from workstation.media.orientation import EXIF
from workstation.media.sniffing import Signature
from workstation.media.wire import Message

_ORIENTATION = 0x0112
_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_PLUGINS = {
    Signature.WEBP: "WebPImagePlugin",
    Signature.TIFF: "TiffImagePlugin",
    Signature.AVIF: "AvifImagePlugin",
}
_Sampler = Callable[[Image.Image], tuple[str, list[PlaneLayout], Sequence[memoryview]]]
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")


class ImageSource:
    """One picture, read from the open exhibit."""

    def __init__(self, exhibit: OpenExhibit, signature: Signature) -> None:
        limits = exhibit.limits
        self._signature = signature
        self._warnings: list[str] = []
        self._decoded: Image.Image | None = None
        Image.MAX_IMAGE_PIXELS = None  # the check below is stricter and typed
        warnings.simplefilter("ignore")
        self.decoder = load_plugin(signature)
        self._exhibit = exhibit
        self._file = exhibit.file()
        try:
            self._image = Image.open(self._file, formats=(signature.value,))
        except MemoryError as error:
            raise _too_large() from error
        except SealedFileDamaged:
            raise
        except Exception as error:
            raise _damaged(signature) from error
        width, height = self._image.size
        if width * height > limits.max_pixels:
            raise MediaTooLarge(
                f"The picture is {width} x {height} pixels, above the limit of {limits.max_pixels:,} pixels."
            )
        # Before anything else is asked: looking for EXIF in a PNG decodes it, and then there are no tiles any more.
        self._deep = any(";16" in str(tile) for tile in getattr(self._image, "tile", ()))
        self._exif = self._read_orientation()
        self._bits = int(self._image.info.get("bit_depth") or 8)

    def _read_orientation(self) -> int:
        """EXIF value 1..8 still to be applied to the stored samples."""
        if self._signature is Signature.HEIF:
            # ISO/IEC 23008-12: the item's own transformations count, an EXIF value does not.
            if self._heif_turns():
                self._warnings.append(
                    "The HEIC item is stored turned or mirrored; its decoder undoes that, so that size, samples and "
                    "digest here are those after it."
                )
            elif int(self._image.info.get("original_orientation") or 1) != 1:
                self._warnings.append("EXIF asks for a turn that the HEIC item itself does not; shown without it.")
            return 1
        try:
            if self._signature is Signature.TIFF:
                value = cast(Any, self._image).tag_v2.get(_ORIENTATION, 1)
            else:
                value = self._image.getexif().get(_ORIENTATION, 1)
        except SealedFileDamaged:
            raise
        except Exception:  # noqa: BLE001 (as above)
            self._warnings.append("The EXIF block cannot be read; the picture is shown as stored.")
            return 1
        return value if isinstance(value, int) and value in EXIF else 1

    def _heif_turns(self) -> bool:
        with self._exhibit.file() as file:
            head = file.read(1 << 16)
        return b"irot" in head or b"imir" in head

    def _load(self) -> Image.Image:
        """Samples as stored, in a mode whose bytes mean the same everywhere."""
        if self._decoded is not None:
            return self._decoded
        image: Image.Image = self._image
        try:
            image.load()
            if self._signature is Signature.TIFF and self._exif in _UNDO:
                image = image.transpose(_UNDO[self._exif])
            if image.mode == "P":
                image = image.convert("RGBA" if "transparency" in image.info else "RGB")
            elif image.mode == "1":
                image = image.convert("L")
        except MemoryError as error:
            raise _too_large() from error
        except SealedFileDamaged:
            raise
        except Exception as error:
            raise _damaged(self._signature) from error
        self._decoded = image
        return image

    def _count(self) -> int:
        """Pictures in the file, as far as they can be counted; the first is whole already when this is asked."""
        try:
            return int(getattr(self._image, "n_frames", 1))
        except SealedFileDamaged:
            raise
        except Exception:  # noqa: BLE001 (as above)
            self._warnings.append("The file is cut short or broken behind its first picture.")
            return 1

    def describe(self, beat: Beat) -> Message:
        image = self._load()
        beat()
        _to_rgb(image)
        turn, mirror = EXIF[self._exif]
        frames = self._count()
        if frames > 1 and self._image.format != "MPO":
            self._warnings.append(f"The file holds {frames} pictures; only the first is examined.")
        self._warnings += self._colour_notes(image)
        stream = {
            "index": 0,
            "kind": "image",
            "codec": self._signature.value.lower(),
            "width": image.width,
            "height": image.height,
            "pixel_format": image.mode,
            "bit_depth": 16 if self._deep or image.mode in _SIXTEEN_BIT else self._bits,
            "start_pts": 0,
            "frame_count": 1,
            "turn": turn,
            "mirror": mirror,
        }
        return {
            "kind": "image",
            "container": self._signature.value,
            "streams": [stream],
            "primary": 0,
            "duration_s": None,
            "warnings": self._warnings,
        }

    def _colour_notes(self, image: Image.Image) -> list[str]:
        """What becomes of the stored colours on their way to 8-bit RGB. Nothing of it happens silently."""
        notes: list[str] = []
        if "A" in image.getbands() or "a" in image.getbands():
            notes.append("Transparency is left aside; colours are taken as stored.")
        bits = 16 if self._deep else self._bits
        if bits > 8 and image.mode not in _SIXTEEN_BIT:
            notes.append(f"{bits}-bit samples are reduced to 8 bits by the decoder.")
        elif image.mode in _SIXTEEN_BIT:
            notes.append("16-bit samples are shown and examined with 8 bits; the stored ones are kept beside them.")
        if self._image.mode in ("P", "PA"):
            notes.append("Colours come from a palette.")
        if image.mode in ("CMYK", "YCCK"):
            notes.append("Printing colours (CMYK) are converted to RGB without a colour profile.")
        profile = self._image.info.get("icc_profile")
        if profile:
            name = _profile_name(profile)
            if not name.lower().startswith("srgb"):
                notes.append(f"The picture has a colour profile ({name}) that is not applied: colours are as stored.")
        return notes

    def _samples(self, image: Image.Image) -> tuple[str, list[PlaneLayout], Sequence[memoryview]]:
        if (self._deep or self._bits > 8) and image.mode not in _SIXTEEN_BIT:
            deep = deep_samples(self._exhibit, self._signature)
            if deep is not None:
                return deep
        data = memoryview(image.tobytes())
        kind = "u1"
        if image.mode in _SIXTEEN_BIT:
            kind = ">u2" if image.mode == "I;16B" else "<u2"
        size = int(kind[-1])
        return image.mode, [PlaneLayout(image.height, len(data) // image.height // size, kind)], [data]

    def index(self, beat: Beat) -> Index:
        return Index(0, 1, 1, [0], [0])

    def use_index(self, index: Index) -> None:
        pass

    def fetch(self, ordinal: int, keep_passed: bool, beat: Beat) -> Decoded:
        return _DecodedImage(self._load(), self._samples)

    def close(self) -> None:
        self._file.close()


class _DecodedImage:
    def __init__(self, image: Image.Image, samples: _Sampler) -> None:
        self._image = image
        self._samples = samples
        self.width, self.height = image.size

    def digest(self) -> str:
        return samples_digest(self._image.mode, self.width, self.height, self._image.tobytes())

    def rgb(self) -> tuple[int, memoryview]:
        return self.width * 3, memoryview(_to_rgb(self._image).tobytes())

    def samples(self) -> tuple[str, list[PlaneLayout], Sequence[memoryview]]:
        return self._samples(self._image)


def _profile_name(profile: bytes) -> str:
    """The description tag of an ICC profile (ICC.1:2022, 9.2.41), read without a colour engine."""
    try:
        for number in range(min(100, int.from_bytes(profile[128:132], "big"))):
            at = 132 + 12 * number
            if profile[at : at + 4] != b"desc":
                continue
            start = int.from_bytes(profile[at + 4 : at + 8], "big")
            if profile[start : start + 4] == b"desc":
                length = int.from_bytes(profile[start + 8 : start + 12], "big")
                return profile[start + 12 : start + 12 + min(length, 80)].decode("ascii", "replace").strip("\0 ")
            length, offset = (int.from_bytes(profile[start + p : start + p + 4], "big") for p in (20, 24))
            text = profile[start + offset : start + offset + min(length, 160)]
            return text.decode("utf-16-be", "replace").strip("\0 ")
    except (IndexError, ValueError):
        pass
    return "without a name"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in _SIXTEEN_BIT:
        import numpy as np

        samples = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((samples * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    if image.mode in ("F", "I"):
        raise UnreadableMedia("The picture holds measured values (float or 32-bit samples), not a photograph.")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise UnreadableMedia(f"Pictures in colour mode {image.mode} cannot be examined.") from error


def load_plugin(signature: Signature) -> str:
    """Register the one plugin that is needed, and return the decoder's name with versions."""
    name = f"Pillow {Image.__version__}" if hasattr(Image, "__version__") else "Pillow"
    if signature is Signature.HEIF:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
        info = pillow_heif.libheif_info()
        used = ", ".join(str(v) for v in info.get("decoders", {}).values())
        return f"{name}, pillow-heif {pillow_heif.__version__}, libheif {info.get('libheif', '')}, {used}"
    if signature in _PLUGINS:
        __import__(f"PIL.{_PLUGINS[signature]}")
    library = {
        Signature.JPEG: ("libjpeg-turbo", features.version_feature, "libjpeg_turbo"),
        Signature.PNG: ("zlib", features.version_codec, "zlib"),
        Signature.TIFF: ("libtiff", features.version_codec, "libtiff"),
        Signature.WEBP: ("libwebp", features.version_module, "webp"),
        Signature.AVIF: ("libavif", features.version_module, "avif"),
    }.get(signature)
    return f"{name}, {library[0]} {library[1](library[2])}" if library else name


def _damaged(signature: Signature) -> DamagedMedia:
    return DamagedMedia(
        f"The file begins like a {signature.value} picture but cannot be decoded: it is cut short or broken.",
        "Ask for another copy.",
    )


def _too_large() -> MediaTooLarge:
    return MediaTooLarge("Decoding needs more memory than one exhibit may use.", "The limit is stated in the settings.")
