"""Pose proxies on a head of known turn: five points in space, turned, nodded, and looked at from far away."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workstation.detectors.identity.pose import Poses, poses
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.faces.alignment import TEMPLATE, align

# Eyes, nose tip and mouth corners in millimetres: x to the right of the picture, y down, z towards the viewer.
HEAD = np.array([[-31.5, -35, 0], [31.5, -35, 0], [0, 2, 28], [-24, 35, 4], [24, 35, 4]], float)
PICTURE = np.zeros((400, 400, 3), np.uint8)


def crop(yaw: float = 0.0, nod: float = 0.0, roll: float = 0.0, wide: float = 1.0, scale: float = 2.0) -> FaceCrop:
    """``yaw`` turns the nose to the right of the picture, ``nod`` bows the head, ``roll`` tilts it (degrees)."""
    y, p, r = (math.radians(v) for v in (yaw, nod, roll))
    head = HEAD * np.array([[1.0, 1, 1]] * 3 + [[wide, 1, 1]] * 2)
    turn = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    bow = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    tilt = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
    seen = (head @ turn.T @ bow.T)[:, :2] @ tilt.T * scale + 200
    return align(PICTURE, [Point(float(a), float(b)) for a, b in seen], size=224, margin=2.0)


def test_yaw_follows_the_turn_and_its_sign() -> None:
    found = poses([crop(yaw=v) for v in (-40, -20, 0, 20, 40)])
    assert (np.diff(found.yaw) > 10).all()
    assert found.yaw == pytest.approx([-40, -20, 0, 20, 40], abs=8)
    assert found.yaw[0] == pytest.approx(-found.yaw[-1], abs=1e-6)
    edges = Poses(np.array([-22.6, -8, -7, 0, 7.4, 7.6, 22]), np.zeros(7), np.ones(7))
    assert list(edges.bins) == [-2, -1, 0, 0, 0, 1, 1]


def test_pitch_rises_as_the_head_is_bowed() -> None:
    found = poses([crop(nod=v) for v in (-30, -15, 0, 15, 30)])
    assert (np.diff(found.pitch) > 0.02).all()


def test_tilt_and_size_change_nothing() -> None:
    one, other = poses([crop(yaw=15, nod=5)]), poses([crop(yaw=15, nod=5, roll=25, scale=1.3)])
    for name in ("yaw", "pitch", "mouth"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-6)


def test_the_template_is_level_and_frontal() -> None:
    marks = tuple(Point(float(x), float(y)) for x, y in TEMPLATE)
    found = poses([FaceCrop(PICTURE, Affine(1, 0, 0, 0, 1, 0), marks)])  # type: ignore[arg-type]  # five points
    assert found.pitch[0] == pytest.approx(0.0, abs=1e-9)
    assert abs(found.yaw[0]) < 2


def test_expression_energy_is_the_distance_from_the_usual_mouth_and_no_matter_of_yaw() -> None:
    found = poses([crop(), crop(), crop(wide=1.2), crop(wide=0.8), crop(yaw=25)]).expression
    assert found[:2] == pytest.approx([0, 0], abs=1e-6)
    assert found[2:4] == pytest.approx([0.2, 0.2], abs=0.01)
    assert found[4] < 0.05
    assert poses([]).expression.size == 0
