"""Finders whose weights are files: listing, typed errors, search at several sizes, and the close-up trap (G4, P4)."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from workstation.domain.errors import FinderUnavailable
from workstation.domain.faces import FaceDetection
from workstation.domain.geometry import Box, Point
from workstation.faces.alignment import TEMPLATE
from workstation.faces.canvas import CANVAS, View, detection, search, tiles, view
from workstation.faces.finder import finders, load_finder
from workstation.faces.merging import merged

WEIGHTS = Path(__file__).parents[4] / "shared" / "data" / "weights"
DATA = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="the development data is not here")


def test_listing_names_the_default_first_and_what_is_missing(tmp_path: Path):
    states = finders(tmp_path)
    assert [state.id for state in states] == ["mtcnn", "insightface", "yunet"]
    assert states[0].available
    assert not states[0].reason
    assert "det_10g.onnx" in states[1].reason
    assert "yunet*.onnx" in states[2].reason
    assert not any(state.available for state in states[1:])
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "det_500m.onnx").write_bytes(b"x")
    assert [state.available for state in finders(tmp_path)] == [True, True, False]


def test_listing_and_importing_loads_no_network_library():
    code = (
        "import sys\n"
        "import workstation.faces.alignment, workstation.faces.quality, workstation.faces.tracker\n"
        "from workstation.faces.finder import finders\n"
        "finders()\n"
        "print([m for m in ('torch', 'onnxruntime', 'insightface', 'facenet_pytorch', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("finder", "file"), [("yunet", "yunet_x.onnx"), ("insightface", "det_10g.onnx")])
def test_missing_and_damaged_files_give_one_line(finder: str, file: str, tmp_path: Path):
    for folder in (None, tmp_path, tmp_path / "not there"):
        with pytest.raises(FinderUnavailable) as caught:
            load_finder(finder, weights_folder=folder)
        assert ".onnx" in caught.value.line()
        assert "\n" not in caught.value.line()
    (tmp_path / file).write_bytes(b"not a network")
    with pytest.raises(FinderUnavailable, match=f"cannot read {file}") as caught:
        load_finder(finder, weights_folder=tmp_path)
    assert "\n" not in caught.value.line()


def test_an_unknown_finder_is_refused_with_the_choice():
    with pytest.raises(FinderUnavailable, match="no face finder called nobody") as caught:
        load_finder("nobody")
    assert "mtcnn" in caught.value.advice


def test_a_network_without_five_points_is_refused(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes, outputs = [], []
    for i, (stride, width) in enumerate([(s, w) for w in (1, 4) for s in (8, 16, 32)]):
        count = (CANVAS // stride) ** 2 * 2
        value = helper.make_tensor(f"v{i}", kind, [count, width], np.zeros(count * width, np.float32))
        nodes.append(helper.make_node("Constant", [], [f"o{i}"], value=value))
        outputs.append(helper.make_tensor_value_info(f"o{i}", kind, [count, width]))
    picture = helper.make_tensor_value_info("input.1", kind, [1, 3, CANVAS, CANVAS])
    model = helper.make_model(
        helper.make_graph(nodes, "boxes only", [picture], outputs), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, tmp_path / "det_10g.onnx")
    with pytest.raises(FinderUnavailable, match="no five points"):
        load_finder("insightface", weights_folder=tmp_path)


@given(st.integers(1, 5000), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_tiles_cover_the_whole_frame_and_overlap(height: int, width: int):
    windows = tiles(height, width)
    if max(height, width) <= 1600:
        assert windows == []
        return
    for axis, length in (("x", width), ("y", height)):
        spans = sorted({(getattr(w, f"{axis}0"), getattr(w, f"{axis}1")) for w in windows})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        assert all(after[0] <= before[1] - 0.19 * 1280 for before, after in itertools.pairwise(spans))


def _seen_square(seen: View) -> list[FaceDetection]:
    """Finds the one red square on a canvas, as a stand-in for a network with exact answers."""
    red = (seen.canvas[..., 0] > 128) & (seen.canvas[..., 1] < 128)
    if not red.any():
        return []
    ys, xs = np.nonzero(red)
    x0, x1, y0, y1 = xs.min(), xs.max(), ys.min(), ys.max()
    five = (TEMPLATE - 56) / 112 * (x1 - x0) + [(x0 + x1) / 2, (y0 + y1) / 2]
    return [detection(seen, [float(x0) - 0.5, float(y0) - 0.5, float(x1) + 0.5, float(y1) + 0.5], five, 0.9, "test")]


@pytest.mark.parametrize(("shape", "box"), [
    ((480, 640), Box(100, 50, 220, 170)),
    ((1080, 1920), Box(1500, 700, 1800, 1000)),
    ((2400, 3600), Box(3000, 2000, 3060, 2060)),
    ((90, 60), Box(10, 20, 40, 50)),
])  # fmt: skip
def test_every_size_and_tile_maps_back_to_the_same_place(shape: tuple[int, int], box: Box):
    frame = np.full((*shape, 3), 255, np.uint8)
    frame[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = (255, 0, 0)
    found = search(frame, _seen_square)
    assert len(found) == 1
    tolerance = max(1.0, 1.2 * max(shape) / 320)
    got = found[0].box
    for ours, truth in zip((got.x0, got.y0, got.x1, got.y1), (box.x0, box.y0, box.x1, box.y1), strict=True):
        assert ours == pytest.approx(truth - 0.5, abs=tolerance)


def test_a_view_keeps_the_shape_of_the_picture():
    seen = view(np.full((300, 600, 3), 200, np.uint8), 320)
    lit = np.argwhere(seen.canvas.max(axis=2) > 0)
    assert (lit.max(axis=0) - lit.min(axis=0) + 1).tolist() == [160, 320]
    centre = seen.to_frame(319.5, 319.5)
    assert (centre.x, centre.y) == pytest.approx((299.5, 149.5), abs=1e-9)


def test_merging_keeps_one_detection_per_face_and_drops_what_is_none():
    def face(x: float, confidence: float, side: float = 100) -> FaceDetection:
        a, b, c, d, e = (Point(x + side * float(u) / 112, side * float(v) / 112) for u, v in TEMPLATE)
        return FaceDetection(Box(x, 0, x + side, side), (a, b, c, d, e), confidence, "test")

    good = face(0, 0.9)
    nested = FaceDetection(Box(30, 30, 70, 70), good.landmarks, 0.8, "test")
    mirrored = FaceDetection(Box(500, 0, 600, 100), tuple(Point(900 - p.x, p.y) for p in good.landmarks), 0.99, "test")  # type: ignore[arg-type]
    assert merged([face(3, 0.7), nested, good, mirrored, face(300, 0.6, 200)]) == [face(300, 0.6, 200), good]
    assert merged([good], [face(3, 0.99)]) == [good], "an earlier search is trusted over a later one"


@DATA
@pytest.mark.data
@pytest.mark.parametrize("name", ["yunet", "insightface"])
def test_real_weights_find_the_portrait_and_a_close_up(name: str):
    finder = load_finder(name, weights_folder=WEIGHTS)
    reference = load_finder("mtcnn")
    portrait = skimage.data.astronaut()
    close_up = np.asarray(cv2.resize(portrait[60:180, 165:285], (1000, 1000), interpolation=cv2.INTER_CUBIC))
    wide = np.full((1080, 1920, 3), 120, np.uint8)
    wide[600:1000, 1300:1700] = cv2.resize(portrait, (400, 400), interpolation=cv2.INTER_AREA)
    frames = [portrait, close_up, wide, skimage.data.coffee()]
    found = finder.find(frames)
    assert [len(faces) for faces in found] == [1, 1, 1, 0]
    for faces, others in zip(found[:3], reference.find(frames)[:3], strict=True):
        size = others[0].box.height
        for p, q in zip(faces[0].landmarks, others[0].landmarks, strict=True):
            assert abs(p.x - q.x) + abs(p.y - q.y) < 0.2 * size
    assert finder.find([portrait])[0] == found[0]
    known = {hashlib.sha256(file.read_bytes()).hexdigest() for file in WEIGHTS.rglob("*.onnx")}
    assert finder.weights_sha256 in known
