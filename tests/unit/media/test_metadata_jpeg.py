"""JPEG facts against the encoders at hand, and traces of an earlier compression with their measured figures."""

from __future__ import annotations

import io
from pathlib import Path

import av
import cv2
import jpeglib
import numpy as np
import pytest
from PIL import Image, JpegPresets

from tests.fakes import described_media as media
from workstation.domain.metadata import CompressionHistory, JpegFacts, MediaMetadata
from workstation.media.metadata import jpeg_tables

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def facts(data: bytes) -> JpegFacts:
    found = media.read(data).jpeg
    assert found is not None
    return found


def history(data: bytes) -> CompressionHistory:
    found = facts(data).history
    assert found is not None
    return found


@pytest.mark.parametrize("name", SUBSAMPLINGS)
def test_pillow_settings_are_found_exactly(name: str) -> None:
    image = media.picture(32, 32)
    for quality in (1, 10, 24, 50, 75, 90, 99, 100):
        data = media.jpeg(image, quality=quality, subsampling=SUBSAMPLINGS[name])
        found = facts(data)
        assert found.subsampling == name
        assert [(fit.standard, fit.exact) for fit in found.quality] == [("luminance", True), ("chrominance", True)]
        assert all(quality in (fit.quality, *fit.also) for fit in found.quality), (quality, found.quality)
        assert any("IJG scale (" in name and f"quality {quality}" in name for name in found.encoders)
        assert [list(table.values) for table in found.tables] == [
            list(Image.open(io.BytesIO(data)).quantization[table.id]) for table in found.tables
        ]


def test_every_table_of_the_standard_scale_is_what_pillow_writes() -> None:
    """The whole scale at once, against the library's tables."""
    image = media.picture(16, 16)
    for quality in range(1, 101):
        stored = Image.open(io.BytesIO(media.jpeg(image, quality=quality))).quantization
        assert tuple(stored[0]) == jpeg_tables.scaled(jpeg_tables.K1_LUMINANCE, quality)
        assert tuple(stored[1]) == jpeg_tables.scaled(jpeg_tables.K2_CHROMINANCE, quality)


def test_opencv_writes_the_standard_scale() -> None:
    pixels = np.asarray(media.picture(32, 32))
    for quality in (30, 95):
        _, made = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert any(f"quality {quality}" in name for name in facts(made.tobytes()).encoders)


@pytest.mark.parametrize(("version", "words"), [("9e", "libjpeg 9e"), ("mozjpeg403", "mozjpeg"), ("6b", "IJG scale (")])
def test_tables_of_other_libraries_are_known(version: str, words: str, tmp_path: Path) -> None:
    pixels = np.asarray(media.picture(32, 32))
    path = tmp_path / "made.jpg"
    # At 90 and above the chroma mean of 9e and of the others is the same; below 1/255 mozjpeg leaves 8 bits.
    for quality in (30, 50, 75):
        with jpeglib.version(version):
            jpeglib.from_spatial(pixels).write_spatial(str(path), qt=quality)
        found = facts(path.read_bytes())
        if version == "mozjpeg403" and found.tables[0].precision == 16:
            continue
        assert any(words in name and f"quality {quality}" in name for name in found.encoders), (quality, found.encoders)


def ffmpeg_jpeg(scale: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="image2pipe") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        stream.codec_context.qmin = stream.codec_context.qmax = scale
        frame = av.VideoFrame.from_ndarray(np.asarray(media.picture(64, 64)), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuvj420p")))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_ffmpeg_scale_is_known() -> None:
    for scale in (2, 5, 31):
        metadata = media.read(ffmpeg_jpeg(scale))
        assert metadata.jpeg is not None
        assert f"FFmpeg mjpeg, q {scale}" in metadata.jpeg.encoders
        assert not metadata.jpeg.quality[0].exact
        assert metadata.jpeg.quality[0].residual > 0
        assert media.field(metadata, "JPEG comment", "Comment").shown.startswith("Lavc")


def test_pillow_presets_are_known() -> None:
    for name in JpegPresets.presets:
        assert any(f'"{name}"' in one for one in facts(media.jpeg(quality=name)).encoders)


def test_tables_nobody_is_known_to_write_say_so_and_conclude_nothing() -> None:
    own = [list(range(1, 65)), list(range(2, 66))]
    found = facts(media.jpeg(qtables=own))
    assert found.encoders == ()
    assert "nothing follows" in found.encoder_note
    assert not found.quality[0].exact


def test_process_restart_huffman_and_grey() -> None:
    assert facts(media.jpeg(progressive=True)).process == "progressive (SOF2)"
    assert facts(media.jpeg(progressive=True)).scans > 1
    assert facts(media.jpeg()).huffman == "standard tables (Annex K.3)"
    assert facts(media.jpeg(optimize=True)).huffman == "own tables (optimised)"
    assert facts(media.jpeg(restart_marker_blocks=4)).restart_interval == 4
    grey = facts(media.jpeg(media.picture().convert("L"), quality=80))
    assert (grey.subsampling, len(grey.components), grey.quality[0].quality) == ("none", 1, 80)


def with_thumbnail(width: int, height: int) -> bytes:
    """A JPEG whose first directory's successor holds a small JPEG of its own tables."""
    small = media.jpeg(media.picture(width, height), quality=40)
    ifd0 = b"\x00\x00" + (14).to_bytes(4, "little")
    entries = ((0x0201, 14 + 2 + 24 + 4), (0x0202, len(small)))
    ifd1 = b"\x02\x00" + b"".join(
        tag.to_bytes(2, "little") + b"\x04\x00\x01\x00\x00\x00" + value.to_bytes(4, "little") for tag, value in entries
    )
    tiff = b"II*\x00\x08\x00\x00\x00" + ifd0 + ifd1 + bytes(4) + small
    body = b"Exif\0\0" + tiff
    data = media.jpeg(quality=90)
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


@pytest.mark.parametrize(("width", "height", "differs"), [(80, 60, False), (80, 80, True), (60, 80, True)])
def test_thumbnail_with_its_own_tables_and_proportions(width: int, height: int, differs: bool) -> None:
    data = with_thumbnail(width, height)
    metadata = media.read(data)
    assert metadata.jpeg is not None
    (one,) = metadata.jpeg.thumbnails
    assert (one.width, one.height, one.aspect_differs) == (width, height, differs)
    assert [fit.quality for fit in one.quality] == [40, 40]
    assert data[one.offset : one.offset + 2] == b"\xff\xd8"
    codes = {observation.code for observation in metadata.observations}
    assert ("thumbnail_aspect" in codes) is differs


def test_thumbnail_of_another_format_is_read_alike() -> None:
    data = with_thumbnail(80, 60)
    at = data.index(b"Exif\0\0") + 6
    size = int.from_bytes(data[at - 8 : at - 6], "big") - 8
    webp = media.saved("WEBP", exif=data[at : at + size])
    assert media.field(media.read(webp), "Thumbnail", "Size").shown == "80 x 60 pixels"


def test_exif_size_that_differs_is_observed_without_a_conclusion() -> None:
    metadata: MediaMetadata = media.read(media.full_jpeg())
    (one,) = [o for o in metadata.observations if o.code == "exif_size_differs"]
    assert "160 x 121" in one.text


def textures() -> list[Image.Image]:
    """Own pictures of several kinds, cut from larger ones that were made smaller, so that no old grid is left."""
    from skimage import data

    made: list[Image.Image] = []
    rng = np.random.default_rng(11)
    for name in ("coffee", "chelsea", "brick", "grass", "gravel", "camera", "rocket", "astronaut"):
        source = Image.fromarray(getattr(data, name)()).convert("RGB")
        for share in (0.8, 0.55):
            small = source.resize((int(source.width * share), int(source.height * share)), Image.Resampling.LANCZOS)
            for _ in range(3):
                width, height = min(256, small.width - 8), min(256, small.height - 8)
                left, top = int(rng.integers(0, small.width - width)), int(rng.integers(0, small.height - height))
                made.append(small.crop((left, top, left + width, top + height)))
    return made


def again(data: bytes, quality: int) -> bytes:
    return media.jpeg(Image.open(io.BytesIO(data)).convert("RGB"), quality=quality)


def auc(lower: list[float], higher: list[float]) -> float:
    a, b = np.array(lower)[:, None], np.array(higher)[None, :]
    return float((b > a).mean() + (a == b).mean() / 2)


PAIRS = ((50, 75), (60, 85), (70, 90), (80, 95), (90, 95), (80, 90))
EVERY_PAIR = tuple((a, b) for b in (60, 75, 85, 90, 95) for a in (50, 60, 70, 80, 90, 95) if a != b)


def quick(data: bytes) -> CompressionHistory:
    """The measure alone, without the rest of the reading."""
    from workstation.media.metadata.compression_history import _luma, measure

    steps = np.array(Image.open(io.BytesIO(data)).quantization[0])
    found = measure(_luma(io.BytesIO(data), 1 << 26), steps)
    assert found is not None
    return found


def compare(
    pictures: list[Image.Image], pairs: tuple[tuple[int, int], ...]
) -> dict[tuple[int, int], tuple[float, float]]:
    """(first, second quality) -> AUC of unevenness and of distance over chance, once against twice compressed."""
    once = {q: [quick(media.jpeg(one, quality=q)) for one in pictures] for q in {second for _, second in pairs}}
    found = {}
    for first, second in pairs:
        twice = [quick(again(media.jpeg(one, quality=first), second)) for one in pictures]
        found[first, second] = (
            auc([h.unevenness for h in once[second]], [h.unevenness for h in twice]),
            auc([h.measure - h.null for h in once[second]], [h.measure - h.null for h in twice]),
        )
    return found


def test_pictures_compressed_twice_measure_higher() -> None:
    """AUC of at least 0.98 where the steps of both compressions differ clearly."""
    for pair, (uneven, apart) in compare(textures()[::3], PAIRS).items():
        assert uneven >= 0.98, (pair, uneven)
        assert apart >= 0.98, (pair, apart)


@pytest.mark.harness
def test_every_pair_of_qualities(capsys: pytest.CaptureFixture[str]) -> None:
    """27 pairs over 48 pictures, printed; coarser before finer is found, much finer before coarser is not."""
    found = compare(textures(), EVERY_PAIR)
    with capsys.disabled():
        for (first, second), (uneven, apart) in found.items():
            print(f"\n{first} then {second}: unevenness {uneven:.3f}, distance {apart:.3f}", end="")  # noqa: T201
    for (first, second), (uneven, apart) in found.items():
        if first < second:
            assert min(uneven, apart) >= 0.94, (first, second)
        assert max(uneven, apart) >= 0.45, (first, second)


def test_same_setting_twice_leaves_no_trace_and_the_words_say_so() -> None:
    """The stated blind spot: the same steps on the same grid."""
    pictures = textures()[::4]
    once = [quick(media.jpeg(one, quality=85)) for one in pictures]
    twice = [quick(again(media.jpeg(one, quality=85), 85)) for one in pictures]
    assert abs(float(np.mean([h.measure for h in once]) - np.mean([h.measure for h in twice]))) < 0.02
    assert "with the same steps" in once[0].words
    assert once[0].scale == "uncalibrated"


def test_history_is_part_of_the_reading_and_absent_for_pictures_too_small() -> None:
    big = media.picture(320, 240)
    assert history(media.jpeg(big, quality=85)).blocks == 1200
    assert facts(media.jpeg(media.picture(64, 64))).history is None
    assert facts(media.jpeg(Image.new("RGB", (320, 320), (9, 9, 9)))).history is None
