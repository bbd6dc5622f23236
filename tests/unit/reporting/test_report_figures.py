"""Burn-in (P11): every figure names its exhibit, time and frame, and its map keeps the fixed range 0 to 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_facts import burn, portrait

from workstation.domain.errors import ReportError
from workstation.domain.geometry import Box
from workstation.domain.media import RgbArray
from workstation.domain.reports import BurnFace
from workstation.reporting import figures
from workstation.reporting.figures import burn_in, write_png


def picture_of(rgb: RgbArray, height: int) -> tuple[RgbArray, int]:
    """The frame part of a figure, and the height of the header above it."""
    top = next(y for y in range(rgb.shape[0]) if not np.array_equal(rgb[y, 0], (30, 30, 30)))
    return rgb[top : top + height], top


def test_the_map_is_grey_at_a_fixed_range_and_stated_opacity() -> None:
    """0 stays black and 1 white however small the range in this frame: never stretched (requirements 3.4)."""
    frame = np.full((400, 700, 3), 200, dtype=np.uint8)
    values = np.full((400, 700), np.nan, dtype=np.float32)
    values[100:200, 100:200], values[100:200, 300:400], values[100:200, 500:600] = 0.0, 0.25, 1.0
    base = replace(burn(), rgb=frame, faces=(), map=values, opacity=0.4)
    shown, _ = picture_of(burn_in(base), 400)
    assert shown[150, 150].tolist() == [120] * 3
    assert shown[150, 350].tolist() == [round(200 * 0.6 + 0.25 * 255 * 0.4)] * 3
    assert shown[150, 550].tolist() == [222] * 3
    assert shown[300, 50].tolist() == [200] * 3


def test_values_outside_the_range_are_held_at_its_ends() -> None:
    frame = np.full((400, 700, 3), 0, dtype=np.uint8)
    values = np.full((400, 700), 7.5, dtype=np.float32)
    shown, _ = picture_of(burn_in(replace(burn(), rgb=frame + 9, faces=(), map=values, opacity=1.0)), 400)
    assert shown[200, 350].tolist() == [255] * 3


def test_the_legend_runs_from_black_to_white_with_three_ticks() -> None:
    rgb = burn_in(burn(width=896))
    footer = rgb[-60:]
    row = next(r for r in footer if r[:, 0].tolist().count(0) >= 1 and np.all(np.diff(r[12:300, 0].astype(int)) >= 0))
    ramp = row[12:300, 0].astype(int)
    assert ramp[0] <= 3
    assert ramp[-1] > 150
    assert len(set(ramp.tolist())) > 150


def test_without_a_map_the_figure_says_so_and_shows_no_legend() -> None:
    plain, mapped = burn_in(burn(with_map=False)), burn_in(burn())
    assert plain.shape[1] == mapped.shape[1]
    assert plain.shape[0] < mapped.shape[0]


@pytest.mark.parametrize(("side", "expected"), [(64, 640), (128, 640), (896, 896)])
def test_small_frames_are_scaled_up_so_that_words_can_be_read(side: int, expected: int) -> None:
    assert burn_in(burn(width=side, with_map=False)).shape[1] == expected
    assert burn_in(burn(width=side, with_map=False), width=1000).shape[1] == 1000


def words_of(monkeypatch: pytest.MonkeyPatch, **changes: object) -> str:
    """Everything written into a figure, in order."""
    written: list[str] = []
    original = figures._write

    def spy(draw: object, at: object, text: str, *rest: object) -> float:
        written.append(text)
        return original(draw, at, text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(figures, "_write", spy)
    burn_in(replace(burn(), **changes))  # type: ignore[arg-type]
    return " | ".join(written)


def test_everything_that_identifies_the_frame_is_burned_in(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = burn()
    text = words_of(monkeypatch)
    for expected in (
        "EX-01",
        facts.exhibit_sha256[:16],
        "12.480 s",
        f"tick {facts.frame.pts}",
        "1/12800",
        facts.frame.digest[:16],
        "28 of 840 frames examined",
        "T1",
        "0.87 uncalibrated",
        facts.map_title,
        "45 % opacity",
        "100 px",
    ):
        assert expected in text, expected
    assert all(tick in text.split(" | ") for tick in ("0", "0.5", "1"))


def test_an_abstained_face_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    face = BurnFace(Box(50, 50, 120, 140), 3, "clip_ln", None, "face too small")
    text = words_of(monkeypatch, faces=(face,))
    assert "T3" in text
    assert "clip_ln abstained" in text
    assert "uncalibrated" not in text.replace(burn().map_title, "")


def test_a_face_scored_by_a_detector_that_is_not_validated_has_words_and_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    face = BurnFace(Box(50, 50, 120, 140), 3, "clip_ln", 0.87, validated=False)
    text = words_of(monkeypatch, faces=(face,))
    assert "clip_ln not validated" in text
    assert "0.87" not in text


def test_faces_at_and_beyond_the_edge_and_many_of_them_are_drawn() -> None:
    boxes = [Box(-40, -30, 60, 80), Box(850, 470, 960, 560), Box(-200, -200, -100, -100), Box(300, 0, 300, 0)]
    boxes += [Box(x, 200, x + 60, 280) for x in range(0, 880, 40)]
    faces = tuple(BurnFace(box, i, "very-long-detector-name-indeed", 0.5) for i, box in enumerate(boxes))
    rgb = burn_in(replace(burn(), faces=faces))
    assert rgb.dtype == np.uint8
    assert rgb.shape[1] == 896


def test_the_frame_handed_in_is_not_changed() -> None:
    facts = burn()
    before = facts.rgb.copy()
    facts.rgb.setflags(write=False)
    burn_in(facts)
    assert np.array_equal(facts.rgb, before)


def test_a_chinese_exhibit_name_is_drawn_not_boxed() -> None:
    assert not np.array_equal(burn_in(replace(burn(), exhibit="案件")), burn_in(replace(burn(), exhibit="证据")))


def test_png_is_lossless_carries_its_words_and_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    rgb = portrait()
    write_png(rgb, path, {"exhibit": "EX-01", "note": "检验"})
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), rgb)
        assert image.info["exhibit"] == "EX-01"
        assert image.info["note"] == "检验"
    with pytest.raises(ReportError):
        write_png(rgb, tmp_path / "missing" / "frame.png", {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["frame.png"]
