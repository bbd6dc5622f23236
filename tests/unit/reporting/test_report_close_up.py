"""The enlarged face lies on the face, and the map beside it keeps its range and direction (3.4)."""

from __future__ import annotations

import numpy as np
import pytest

from workstation.domain.geometry import Box
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.reports import BurnFace, BurnIn
from workstation.reporting.close_up import close_up


def burn(box: Box, *, with_map: bool = True) -> BurnIn:
    """A grey frame with a red square at (60..80, 40..60); the map is 1 there, 0.25 elsewhere in the left half."""
    rgb = np.full((120, 200, 3), 100, np.uint8)
    rgb[40:60, 60:80] = (220, 0, 0)
    field = np.full((120, 200), np.nan, np.float32)
    field[:, :100] = 0.25
    field[40:60, 60:80] = 1.0
    return BurnIn(
        exhibit="EX-01",
        exhibit_sha256="0" * 64,
        frame=FrameRef(0, 0, TimeBase(1, 1), "0" * 64, 0),
        rgb=rgb,
        faces=(BurnFace(box, 1, "d", 0.5),),
        map=field if with_map else None,
        map_title="m",
    )


def test_the_square_is_centred_on_the_face_and_map_and_frame_agree() -> None:
    found = close_up(burn(Box(55, 35, 85, 65)), 1, 102)
    assert found is not None
    assert found.field is not None
    red = (found.plain[..., 0] > 180) & (found.plain[..., 1] < 40)
    white = found.field[..., 0] > 230
    assert np.argwhere(red).mean(axis=0) == pytest.approx([50.5, 50.5], abs=1)
    assert np.argwhere(white).mean(axis=0) == pytest.approx(np.argwhere(red).mean(axis=0), abs=1)


def test_the_map_is_never_stretched() -> None:
    found = close_up(burn(Box(10, 70, 30, 90)), 1, 64)
    assert found is not None
    assert found.field is not None
    assert np.unique(found.field).tolist() == [64]


def test_outside_the_map_the_frame_stands_darkened() -> None:
    found = close_up(burn(Box(150, 40, 190, 80)), 1, 64)
    assert found is not None
    assert found.field is not None
    assert found.field.max() == 18


def test_a_face_at_the_border_keeps_the_square_inside_the_frame() -> None:
    found = close_up(burn(Box(-10, -10, 20, 20)), 1, 64)
    assert found is not None
    assert found.plain.shape == (64, 64, 3)
    assert found.plain.min() == 100


def test_without_a_map_there_is_no_field_and_without_the_face_nothing() -> None:
    found = close_up(burn(Box(55, 35, 85, 65), with_map=False), 1, 64)
    assert found is not None
    assert found.field is None
    assert close_up(burn(Box(55, 35, 85, 65)), 2, 64) is None
