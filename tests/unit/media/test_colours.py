"""From stored samples to RGB: matrix, range and depth as the file says, and what is done where it says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from workstation.media.probing import probe
from workstation.media.reader import open_media

# ITU-T H.273, table 4: name -> (code, Kr, Kb).
MATRICES = {
    "unspecified": (2, 0.299, 0.114),
    "smpte170m": (6, 0.299, 0.114),
    "bt709": (1, 0.2126, 0.0722),
    "bt2020nc": (9, 0.2627, 0.0593),
}
PATCHES = np.array([
    (255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255),
    (255, 0, 255), (224, 172, 150), (92, 60, 44), (30, 90, 160),
], np.float64)  # fmt: skip
_SIDE = 16


def coded(kr: float, kb: float, bits: int, full: bool) -> npt.NDArray[np.float64]:
    """Code values of the patches, (patches, 3), by H.273, 8.3."""
    r, g, b = (PATCHES / 255).T
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        top, middle = (1 << bits) - 1, 1 << (bits - 1)
        values = np.stack([y * top, cb * top + middle, cr * top + middle], axis=1)
    else:
        step = 1 << (bits - 8)
        values = np.stack([219 * y + 16, 224 * cb + 128, 224 * cr + 128], axis=1) * step
    rounded: npt.NDArray[np.float64] = np.clip(np.round(values), 0, (1 << bits) - 1)
    return rounded


def write_patches(
    path: Path, matrix: str, full: bool, pixel_format: str, *, height: int = _SIDE, transfer: int = 2
) -> list[npt.NDArray[Any]]:
    """Three frames with one patch beside the other, lossless; returns the planes of a frame."""
    code, kr, kb = MATRICES[matrix]
    bits = 10 if "10" in pixel_format else 8
    values = coded(kr, kb, bits, full)
    kind = np.dtype("u1" if bits == 8 else "<u2")
    frame = av.VideoFrame(len(PATCHES) * _SIDE, height, pixel_format)
    planes = []
    for number, plane in enumerate(frame.planes):
        rows = np.zeros((plane.height, plane.line_size // kind.itemsize), kind)
        rows[:, : plane.width] = np.repeat(values[:, number], plane.width // len(PATCHES)).astype(kind)
        plane.update(rows.tobytes())
        planes.append(rows[:, : plane.width])
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixel_format
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_trc = code, 2 if full else 1, transfer
        for pts in range(3):
            frame.pts = pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return planes


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_known_patches(matrix: str, full: bool, pixel_format: str, tmp_path: Path) -> None:
    """Within 1 level from 10 bits; from 8 bits the quick converter is off by 2, in limited range by up to 3."""
    planes = write_patches(tmp_path / "patches.mp4", matrix, full, pixel_format)
    info = probe(tmp_path / "patches.mp4")
    assert info.video.colour_space == ("" if matrix == "unspecified" else matrix)
    if full or matrix != "unspecified":  # x264 writes no range where nothing else is said
        assert info.video.colour_range == ("pc" if full else "tv")
    assert info.video.bit_depth == (10 if "10" in pixel_format else 8)
    with open_media(tmp_path / "patches.mp4", info) as reader:
        shown = reader.frame(1).rgb
        samples = reader.samples(1)
    middles = shown[_SIDE // 2, _SIDE // 2 :: _SIDE].astype(int)
    assert np.abs(middles - PATCHES).max() <= (1 if "10" in pixel_format else 2 if full else 3)
    for plane, stored in zip(samples.planes, planes, strict=True):
        assert plane.dtype == stored.dtype
        assert np.array_equal(plane, stored)
        assert not plane.flags.writeable


def test_the_wrong_matrix_would_be_noticed(tmp_path: Path) -> None:
    """BT.709 patches that say nothing are read by BT.601: the test above can fail."""
    write_patches(tmp_path / "a.mp4", "bt709", False, "yuv420p")
    data = (tmp_path / "a.mp4").read_bytes()
    with open_media(tmp_path / "a.mp4", probe(tmp_path / "a.mp4")) as reader:
        right = reader.frame(0).rgb.astype(int)
    MATRICES["other"] = (2, *MATRICES["bt709"][1:])
    try:
        write_patches(tmp_path / "b.mp4", "other", False, "yuv420p")
    finally:
        del MATRICES["other"]
    assert data != (tmp_path / "b.mp4").read_bytes()
    with open_media(tmp_path / "b.mp4", probe(tmp_path / "b.mp4")) as reader:
        assert np.abs(reader.frame(0).rgb - right).max() > 10


def test_what_is_not_plain_is_told(tmp_path: Path) -> None:
    write_patches(tmp_path / "pq.mp4", "bt2020nc", False, "yuv420p10le", transfer=16)
    write_patches(tmp_path / "hlg.mp4", "bt2020nc", False, "yuv420p10le", transfer=18)
    write_patches(tmp_path / "large.mp4", "unspecified", False, "yuv420p", height=720)
    write_patches(tmp_path / "small.mp4", "unspecified", False, "yuv420p")
    told = {name: " ".join(probe(tmp_path / f"{name}.mp4").warnings) for name in ("pq", "hlg", "large", "small")}
    assert "PQ (SMPTE ST 2084): shown without tone mapping" in told["pq"]
    assert "10-bit samples are shown and examined with 8 bits" in told["pq"]
    assert "HLG (ARIB STD-B67)" in told["hlg"]
    assert "BT.601 is assumed" in told["large"]
    assert told["small"] == ""
