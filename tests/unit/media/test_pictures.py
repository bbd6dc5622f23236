"""Still pictures: every format, orientation exactly once, digest over the stored samples (X9)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from tests.fakes import clips
from workstation.domain.errors import FrameNotFound, UnreadableMedia
from workstation.domain.media import Frame, MediaInfo, MediaKind, RgbArray
from workstation.media.orientation import EXIF
from workstation.media.probing import probe
from workstation.media.reader import open_media

pillow_heif.register_heif_opener()


def _read(path: Path) -> tuple[MediaInfo, Frame]:
    info = probe(path)
    with open_media(path, info) as reader:
        assert reader.index.pts == (0,)
        assert len(list(reader.frames([0]))) == 1
        return info, reader.frame(0)


def _save(path: Path, rgb: RgbArray, form: str, orientation: int = 1, **options: object) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(path, form, exif=exif, **options)
    return path


def _save_heic(path: Path, rgb: RgbArray, orientation: int) -> None:
    """As cameras write it: EXIF names the turn and the item itself carries it too (irot, imir)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    heif = pillow_heif.from_pillow(Image.fromarray(rgb))
    heif.info["exif"] = exif.tobytes()
    heif.save(path, quality=95)
    assert orientation == 1 or b"irot" in path.read_bytes() or b"imir" in path.read_bytes()


def _close(a: RgbArray, b: RgbArray, mean: float = 6.0) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(int) - b.astype(int)).mean()) <= mean


LOSSY = {"JPEG": {"quality": 95}, "WEBP": {"quality": 95}, "AVIF": {"quality": 95}, "HEIF": {"quality": 95}}
LOSSLESS = {"PNG": {}, "TIFF": {}, "BMP": {}}


@pytest.mark.parametrize("form", [*LOSSY, *LOSSLESS])
def test_every_format_is_read(tmp_path: Path, form: str) -> None:
    rgb = clips.astronaut_rgb(160)[:120]
    path = tmp_path / "picture.bin"
    Image.fromarray(rgb).save(path, form, **(LOSSY | LOSSLESS)[form])
    info, frame = _read(path)
    assert info.kind is MediaKind.IMAGE
    assert info.container == form
    assert (info.video.width, info.video.height, info.video.frame_count) == (160, 120, 1)
    assert _close(frame.rgb, rgb)
    if form in LOSSLESS:
        assert np.array_equal(frame.rgb, rgb)
        expected = hashlib.sha256(b"workstation-frame-v1\nRGB 160x120\n" + rgb.tobytes()).hexdigest()
        assert frame.ref.digest == expected
    assert frame.ref.time_base.den == 1


@pytest.mark.parametrize(
    ("form", "orientation"),
    [
        *(("JPEG", value) for value in range(1, 9)),
        *((form, value) for form in ("PNG", "WEBP", "TIFF", "AVIF", "HEIF") for value in (4, 5, 6)),
    ],
)
def test_exif_orientation_is_applied_exactly_once(tmp_path: Path, form: str, orientation: int) -> None:
    """Some libraries turn the picture themselves (TIFF, HEIC), some do not: the shown picture is upright in all."""
    upright = clips.barcode_frame(77)
    # What a camera held that way would have stored: the inverse of what a viewer does for this EXIF value.
    turn, mirror = EXIF[orientation]
    stored = np.rot90(upright, turn // 90)
    stored = np.ascontiguousarray(stored[:, ::-1] if mirror else stored)
    plain = Image.fromarray(stored)
    plain.getexif()[0x0112] = orientation
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(plain)), upright)  # Pillow agrees with our table
    path = tmp_path / "turned.bin"
    if form == "HEIF":
        _save_heic(path, stored, orientation)
    else:
        _save(path, stored, form, orientation, **LOSSY.get(form, {}))
    info, frame = _read(path)
    assert info.video.shown_size == (clips.WIDTH, clips.HEIGHT)
    assert clips.read_corners(frame.rgb) == (0, 1, 2, 3)
    assert clips.read_barcode(frame.rgb) == 77


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_tiff_digest_is_over_stored_samples(tmp_path: Path, compression: str | None) -> None:
    stored = clips.barcode_frame(5)
    digests = set()
    for orientation in (1, 7):
        options = {"compression": compression} if compression else {}
        info, frame = _read(_save(tmp_path / f"{orientation}.tif", stored, "TIFF", orientation, **options))
        assert (info.video.width, info.video.height) == (clips.WIDTH, clips.HEIGHT)
        digests.add(frame.ref.digest)
    assert len(digests) == 1


def test_a_heic_whose_exif_disagrees_is_shown_as_its_item_says(tmp_path: Path) -> None:
    """ISO/IEC 23008-12: only irot and imir turn the picture; the examiner is told of the contradiction."""
    path = _save(tmp_path / "odd.heic", clips.barcode_frame(9), "HEIF", 6, quality=95)
    assert b"irot" not in path.read_bytes()
    info, frame = _read(path)
    assert clips.read_corners(frame.rgb) == (0, 1, 2, 3)
    assert any("EXIF" in warning for warning in info.warnings)


def test_grey_palette_transparency_and_cmyk(tmp_path: Path) -> None:
    rgb = Image.fromarray(clips.astronaut_rgb(64))
    cases = {
        "L": rgb.convert("L"),
        "LA": rgb.convert("LA"),
        "RGBA": rgb.convert("RGBA"),
        "P": rgb.quantize(16),
        "1": rgb.convert("1"),
    }
    for mode, image in cases.items():
        path = tmp_path / f"{mode}.png"
        image.save(path)
        info, frame = _read(path)
        assert np.array_equal(frame.rgb, np.asarray(image.convert("RGB")))
        assert any("Transparency" in w for w in info.warnings) == mode.endswith("A")
    path = tmp_path / "cmyk.jpg"
    rgb.convert("CMYK").save(path, quality=95)
    assert _close(_read(path)[1].rgb, np.asarray(rgb), 12)


def test_sixteen_bit_grey_keeps_its_depth_in_the_digest(tmp_path: Path) -> None:
    samples = (np.arange(64 * 48, dtype=np.uint32) * 21 % 65536).astype("<u2").reshape(48, 64)
    path = tmp_path / "deep.png"
    Image.fromarray(samples).save(path)
    info, frame = _read(path)
    assert info.video.bit_depth == 16
    assert frame.ref.digest == hashlib.sha256(b"workstation-frame-v1\nI;16 64x48\n" + samples.tobytes()).hexdigest()
    assert np.abs(frame.rgb[..., 0].astype(float) - samples / 257).max() <= 0.51


def test_different_geometry_never_collides(tmp_path: Path) -> None:
    grey = np.arange(64 * 48, dtype=np.uint8).reshape(48, 64)
    digests = set()
    for shape in ((48, 64), (64, 48)):
        Image.fromarray(grey.reshape(shape)).save(tmp_path / "grey.png")
        digests.add(_read(tmp_path / "grey.png")[1].ref.digest)
    assert len(digests) == 2


def test_an_animated_picture_counts_as_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(clips.barcode_frame(o)) for o in (3, 4, 5)]
    for form in ("GIF", "WEBP", "PNG"):
        path = tmp_path / f"moving.{form.lower()}"
        frames[0].save(path, form, save_all=True, append_images=frames[1:])
        info, frame = _read(path)
        assert info.kind is MediaKind.IMAGE
        assert any("3 pictures" in warning for warning in info.warnings)
        assert clips.read_barcode(frame.rgb) == 3


def test_measured_values_are_no_photograph(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.zeros((8, 8), np.float32)).save(path)
    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_picture_has_one_frame(tmp_path: Path) -> None:
    path = _save(tmp_path / "one.png", clips.barcode_frame(1), "PNG")
    with open_media(path, probe(path)) as reader:
        assert reader.decoder.startswith("Pillow")
        with pytest.raises(FrameNotFound):
            reader.frame(1)
