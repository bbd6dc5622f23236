"""Pictures that are more than 8-bit RGB: their stored samples are kept, and what is done for the screen is told."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from PIL import Image, ImageCms

from workstation.domain.media import Frame, MediaInfo, Samples
from workstation.media.probing import probe
from workstation.media.reader import open_media


def _read(path: Path) -> tuple[MediaInfo, Frame, Samples]:
    info = probe(path)
    with open_media(path, info) as reader:
        return info, reader.frame(0), reader.samples(0)


def _ramp(width: int = 40, height: int = 24, channels: int = 3) -> npt.NDArray[np.uint16]:
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    ramp: npt.NDArray[np.uint16] = ((x * 1600 + y * 37 + c * 9001) % 65536).astype(np.uint16)
    return ramp


def _write_deep_png(path: Path, samples: npt.NDArray[np.uint16]) -> None:
    """A PNG of 16 bits a sample (Pillow writes none in colour)."""
    height, width, channels = samples.shape

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _write_deep_tiff(path: Path, samples: npt.NDArray[np.uint16]) -> None:
    """The smallest TIFF of 16-bit RGB: one strip, not compressed, little-endian (TIFF 6.0, section 6)."""
    height, width, channels = samples.shape
    data = samples.astype("<u2").tobytes()
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8 + len(data)), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    start = 8 + len(data) + 6
    path.write_bytes(b"II*\0" + struct.pack("<I", start) + data + struct.pack("<3H", 16, 16, 16) + directory)


@pytest.mark.parametrize("channels", [3, 4])
def test_deep_png_keeps_its_samples(channels: int, tmp_path: Path) -> None:
    stored = _ramp(channels=channels)
    _write_deep_png(tmp_path / "a.png", stored)
    info, frame, samples = _read(tmp_path / "a.png")
    assert samples.pixel_format == {3: "rgb48be", 4: "rgba64be"}[channels]
    assert np.array_equal(samples.planes[0].reshape(stored.shape), stored)
    assert info.video.bit_depth == 16
    assert any("16-bit samples are reduced" in warning for warning in info.warnings)
    assert np.abs(frame.rgb.astype(int) - (stored[..., :3] >> 8)).max() <= 1


def test_deep_tiff_keeps_its_samples(tmp_path: Path) -> None:
    stored = _ramp()
    _write_deep_tiff(tmp_path / "a.tif", stored)
    info, frame, samples = _read(tmp_path / "a.tif")
    assert samples.pixel_format == "rgb48le"
    assert np.array_equal(samples.planes[0].reshape(stored.shape), stored)
    assert info.video.bit_depth == 16
    assert np.abs(frame.rgb.astype(int) - (stored >> 8)).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_deep_grey_keeps_its_samples(form: str, tmp_path: Path) -> None:
    stored = _ramp(channels=1)[..., 0]
    Image.fromarray(stored).save(tmp_path / "a.bin", form)
    info, frame, samples = _read(tmp_path / "a.bin")
    assert np.array_equal(samples.planes[0], stored)
    assert samples.planes[0].dtype.itemsize == 2
    assert info.video.bit_depth == 16
    assert np.abs(frame.rgb[..., 1].astype(int) - stored / 257).max() <= 1


def test_ten_bit_heic_keeps_its_samples(tmp_path: Path) -> None:
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    stored = np.repeat(np.repeat(_ramp(8, 6), 16, axis=0), 16, axis=1)
    heif: Any = pillow_heif.from_bytes(mode="RGB;16", size=(128, 96), data=stored.astype("<u2").tobytes())
    heif.save(tmp_path / "a.heic", quality=-1, chroma=444, matrix_coefficients=0)
    info, _, samples = _read(tmp_path / "a.heic")
    assert info.video.bit_depth == 10
    assert samples.pixel_format == "rgb48le"
    found = samples.planes[0].reshape(96, 128, 3)
    assert len(np.unique(found)) > 64
    assert np.abs(found.astype(int) - stored).max() < 65536 / 1024 * 4


def test_plain_pictures_give_their_own_mode(tmp_path: Path) -> None:
    rgb = (_ramp() >> 8).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "b.tif")
    Image.fromarray(rgb).quantize(32).save(tmp_path / "c.png")
    Image.fromarray(np.dstack([rgb, rgb[..., 0]])).save(tmp_path / "d.png")
    found = {path.stem: _read(path) for path in sorted(tmp_path.iterdir())}
    modes = {name: (samples.pixel_format, samples.planes[0].shape) for name, (_, _, samples) in found.items()}
    assert modes == {
        "a": ("RGB", (24, 120)),
        "b": ("CMYK", (24, 160)),
        "c": ("RGB", (24, 120)),
        "d": ("RGBA", (24, 160)),
    }
    assert np.array_equal(found["a"][2].planes[0].reshape(rgb.shape), rgb)
    told = {name: " ".join(info.warnings) for name, (info, _, _) in found.items()}
    assert told["a"] == ""
    assert "CMYK" in told["b"]
    assert "palette" in told["c"]
    assert "Transparency" in told["d"]


def test_a_profile_is_named_and_not_applied(tmp_path: Path) -> None:
    rgb = (_ramp() >> 8).astype(np.uint8)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in (("lab", lab), ("srgb", srgb), ("broken", b"\xff" * 140)):
        Image.fromarray(rgb).save(tmp_path / f"{name}.png", icc_profile=profile)
    found = {path.stem: _read(path) for path in tmp_path.iterdir()}
    assert any("profile (Lab identity" in w and "not applied" in w for w in found["lab"][0].warnings)
    assert found["srgb"][0].warnings == ()
    assert any("without a name" in warning for warning in found["broken"][0].warnings)
    for _, frame, _ in found.values():
        assert np.array_equal(frame.rgb, rgb)
