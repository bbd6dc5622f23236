"""The embedded finder agrees with plain facenet-pytorch at full size, never downloads and says nothing (G4, P3, P4)."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from workstation.domain.errors import DeviceFault, FinderUnavailable
from workstation.domain.media import RgbArray
from workstation.faces import mtcnn
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder, load_finder

# The two searches share every candidate box; what is left is rounding of float sums.
_AGREE = 0.1


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_finder("mtcnn")


@pytest.fixture(scope="module")
def plain() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from facenet_pytorch import MTCNN

        return MTCNN(keep_all=True)


def _scaled(scale: float) -> RgbArray:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(skimage.data.astronaut(), None, fx=scale, fy=scale, interpolation=how))


def _scene(height: int, width: int, *faces: tuple[float, int, int], mirror: bool = False) -> RgbArray:
    """A grey slope with the portrait pasted at (scale, x, y), cut at the border."""
    slope = np.linspace(40, 160, width).astype(np.uint8)
    scene = np.repeat(np.tile(slope, (height, 1))[..., None], 3, axis=2)
    for scale, x, y in faces:
        # Head and shoulders only: 300 x 300 of the portrait.
        portrait = cv2.resize(
            skimage.data.astronaut()[:300, 80:380],
            None,
            fx=scale,
            fy=scale,
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        )
        portrait = portrait[:, ::-1] if mirror else portrait
        part = portrait[: height - y, : width - x]
        scene[y : y + part.shape[0], x : x + part.shape[1]] = part
    return np.ascontiguousarray(scene)


def _close_up(side: int) -> RgbArray:
    return np.asarray(
        cv2.resize(skimage.data.astronaut()[50:200, 150:300], (side, side), interpolation=cv2.INTER_CUBIC)
    )


SCENES = {
    "portrait": (lambda: skimage.data.astronaut(), 1),
    "half size": (lambda: _scaled(0.5), 1),
    "double size": (lambda: _scaled(2), 1),
    "bottom right": (lambda: _scene(480, 640, (0.8, 380, 230)), 1),
    "mirrored at the left": (lambda: _scene(480, 640, (1.2, 0, 60), mirror=True), 1),
    "four faces": (lambda: _scene(600, 800, (1.0, 0, 0), (0.7, 420, 30), (0.5, 300, 380), (1.0, 500, 280)), 4),
    "faces of 24 px": (lambda: _scene(360, 640, (0.22, 60, 70), (0.22, 400, 200)), 2),
    "close-up": (lambda: _close_up(720), 1),
    "1080p": (lambda: _scene(1080, 1920, (2.0, 100, 100), (0.5, 1300, 600)), 2),
}


@pytest.mark.parametrize("name", SCENES)
def test_landmarks_equal_plain_mtcnn_at_full_size(name: str, finder: FaceFinder, plain: Any):
    make, expected = SCENES[name]
    frame = make()
    ours = finder.find([frame])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        boxes, odds, points = plain.detect(frame, landmarks=True)
    certain = [i for i, p in enumerate(odds) if p >= 0.95]
    assert len(ours) == len(certain) == expected
    for i in certain:
        marks = np.asarray(points[i], dtype=float)
        apart = [np.abs(np.array([[p.x, p.y] for p in face.landmarks]) - marks).max() for face in ours]
        best = int(np.argmin(apart))
        assert apart[best] < _AGREE
        box = ours[best].box
        np.testing.assert_allclose([box.x0, box.y0, box.x1, box.y1], np.asarray(boxes[i], float), atol=_AGREE)
        assert ours[best].confidence == pytest.approx(float(odds[i]), abs=1e-3)


def test_faces_come_largest_first_and_points_left_first(finder: FaceFinder):
    faces = finder.find([SCENES["four faces"][0]()])[0]
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    for face in faces:
        eye, other, nose, mouth, corner = face.landmarks
        assert eye.x < other.x
        assert mouth.x < corner.x
        assert eye.y < nose.y < mouth.y


def test_a_face_cut_by_a_tight_frame_is_found(finder: FaceFinder):
    """The close-up trap: brows to chin fill the frame and its edges cut the head on all sides."""
    tight = cv2.resize(skimage.data.astronaut()[76:166, 182:272], (700, 700), interpolation=cv2.INTER_CUBIC)
    faces = finder.find([np.asarray(tight)])[0]
    assert len(faces) == 1
    assert faces[0].box.height > 400


def test_a_small_face_alone_in_a_large_frame_is_found(finder: FaceFinder):
    """It widens the search down to 20 px before it says that there is no face."""
    faces = finder.find([_scene(1080, 1920, (0.24, 900, 500))])[0]
    assert len(faces) == 1
    assert faces[0].box.height == pytest.approx(26, abs=5)


def test_a_frame_without_a_face_gives_none(finder: FaceFinder):
    frames = [np.zeros((480, 640, 3), np.uint8), skimage.data.coffee(), np.zeros((5, 5, 3), np.uint8)]
    assert finder.find(frames) == [[], [], []]
    assert finder.find([]) == []


def test_same_frame_same_faces_alone_or_in_a_batch(finder: FaceFinder):
    frames = [_scaled(0.5), skimage.data.astronaut(), _scene(256, 256, (0.6, 30, 20)), _scaled(0.5)]
    once, again = finder.find(frames), finder.find(frames)
    assert once == again
    assert [len(faces) for faces in once] == [1, 1, 1, 1]
    for frame, faces in zip(frames, once, strict=True):
        alone = finder.find([frame])[0]
        for one, other in zip(alone, faces, strict=True):
            assert all(
                abs(p.x - q.x) + abs(p.y - q.y) < 0.01 for p, q in zip(one.landmarks, other.landmarks, strict=True)
            )


def test_no_network_is_reached(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was reached")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert len(load_finder("mtcnn").find([skimage.data.astronaut()])[0]) == 1


def test_nothing_is_written_to_the_console():
    code = (
        "import numpy as np, skimage.data\n"
        "from workstation.faces.finder import load_finder\n"
        "f = load_finder('mtcnn')\n"
        "print(len(f.find([skimage.data.astronaut(), np.zeros((90, 90, 3), np.uint8)])[0]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_weights_and_settings_are_stated(finder: FaceFinder):
    total = hashlib.sha256(b"".join(file.read_bytes() for file in mtcnn._weights())).hexdigest()
    assert finder.weights_sha256 == total
    assert finder.settings["smallest_face"] == 20
    assert all(isinstance(value, float) for value in finder.settings.values())


def test_damaged_or_missing_weights_and_devices_give_typed_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    broken = []
    for file in mtcnn._weights():
        copy = tmp_path / file.name
        copy.write_bytes(file.read_bytes()[:1000])
        broken.append(copy)
    monkeypatch.setattr(mtcnn, "_weights", lambda: tuple(broken))
    with pytest.raises(FinderUnavailable, match="cannot read its weights"):
        load_finder("mtcnn")
    broken[0].unlink()
    with pytest.raises(FinderUnavailable, match=r"lacks its weights pnet\.pt"):
        load_finder("mtcnn")
    monkeypatch.undo()
    with pytest.raises(DeviceFault):
        load_finder("mtcnn", device="nowhere")


def test_running_sums_give_exact_means_beyond_32_bits():
    import torch

    from workstation.faces.cascade import Sums

    sums = Sums(np.full((3000, 3000, 3), 255, np.uint8))
    assert torch.all(sums.level(30, 40) == 255)
    corners = torch.tensor([[0, 0, 3000, 2000], [2990, 2990, 3000, 2997]])
    torch.testing.assert_close(sums.patches(corners, 24), torch.full((2, 24, 24, 3), 255.0))


def test_running_sums_equal_adaptive_pooling():
    import torch

    from workstation.faces.cascade import Sums

    frame = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    planes = torch.from_numpy(frame).permute(2, 0, 1).float()
    level = torch.nn.functional.adaptive_avg_pool2d(planes, (40, 55)).permute(1, 2, 0)
    torch.testing.assert_close(Sums(frame).level(40, 55), level, atol=1e-4, rtol=0)
    patch = torch.nn.functional.adaptive_avg_pool2d(planes[:, 20:41, 7:120], (24, 24)).permute(1, 2, 0)
    torch.testing.assert_close(Sums(frame).patches(torch.tensor([[7, 20, 120, 41]]), 24)[0], patch, atol=1e-4, rtol=0)


def test_read_only_and_flipped_frames_are_taken_as_they_are(finder: FaceFinder):
    frame = skimage.data.astronaut()
    frame.setflags(write=False)
    flipped = frame[:, ::-1]
    copied = np.ascontiguousarray(flipped)
    found = finder.find([frame, flipped, copied])
    assert [len(faces) for faces in found] == [1, 1, 1]
    assert found[1] == found[2]
    crops = [align(picture, found[1][0].landmarks).rgb for picture in (flipped, copied)]
    np.testing.assert_array_equal(*crops)
