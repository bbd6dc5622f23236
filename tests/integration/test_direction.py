"""Score and map point where the mark is: through flips, orientation tags, rotated video, margins and scaling (P11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fakes.marked_engine import MarkedEngine, marked_portrait
from workstation.app.overlays import frame_map
from workstation.app.session import CaseSession
from workstation.domain.ids import EvidenceId
from workstation.domain.jobs import JobState
from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip

MARK = (200, 125)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[MarkedEngine]:
    with MarkedEngine(tmp_path / "home") as engine:
        yield engine


def examine(engine: MarkedEngine, folder: Path, media: Path) -> tuple[CaseSession, EvidenceId]:
    session = engine.create_case(folder, number="1", title="t", examiner="e", question="q")
    job = engine.jobs.wait(session.import_files([media]), 60)
    assert job.state is JobState.DONE, job.error
    assert job.result is not None
    assert not job.result["refused"]
    job = engine.jobs.wait(session.examine(frames=4), 120)
    assert job.state is JobState.DONE, job.error
    return session, session.evidence()[0].id


def peak(session: CaseSession, evidence: EvidenceId) -> tuple[tuple[float, float], float, RgbArray]:
    """Where the map peaks on the first examined frame (x, y), the score, and the frame as shown."""
    run = session.examinations()[-1]
    row = session.frame_rows(run.id, evidence)[0]
    result = row.faces[0].results[0]
    assert result.map_digest is not None
    assert result.map_transform is not None
    assert result.score is not None
    frame = session.frame(evidence, row.frame.ordinal)
    assert frame.ref == row.frame
    field = frame_map(session.map_values(result.map_digest), result.map_transform, result.crop_size, frame.rgb.shape)
    assert np.isnan(field).any()
    heat = np.nan_to_num(field)
    heat = heat * (heat > heat.max() / 2)
    ys, xs = np.mgrid[: heat.shape[0], : heat.shape[1]]
    return ((heat * xs).sum() / heat.sum(), (heat * ys).sum() / heat.sum()), result.score, frame.rgb


def assert_on_mark(found: tuple[float, float], rgb: RgbArray, tolerance: float = 2.0) -> None:
    picture = rgb.astype(int)
    red = (picture[..., 0] > 180) & (picture[..., 1:].max(axis=-1) < 90)
    # The suit and the flag are red too: the mark is the red nearest to what was found, and must be a disc of its own.
    ys, xs = np.nonzero(red)
    near = np.hypot(xs - found[0], ys - found[1]) < 20
    assert near.sum() > 40, "no red mark where the map points"
    assert found[0] == pytest.approx(xs[near].mean(), abs=tolerance)
    assert found[1] == pytest.approx(ys[near].mean(), abs=tolerance)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mark_on_one_cheek_is_found_on_that_cheek(engine: MarkedEngine, tmp_path: Path, mirrored: bool) -> None:
    picture = marked_portrait(MARK)
    if mirrored:
        picture = picture[:, ::-1]
    Image.fromarray(picture).save(tmp_path / "p.png")
    session, evidence = examine(engine, tmp_path / "case", tmp_path / "p.png")
    found, score, rgb = peak(session, evidence)
    assert score > 0.5
    assert_on_mark(found, rgb)
    assert found[0] == pytest.approx(511 - MARK[0] if mirrored else MARK[0], abs=2)


def test_an_untouched_face_scores_lower_than_a_marked_one(engine: MarkedEngine, tmp_path: Path) -> None:
    for name, mark in (("plain", None), ("marked", MARK)):
        Image.fromarray(marked_portrait(mark)).save(tmp_path / f"{name}.png")
    scores = {}
    for name in ("plain", "marked"):
        session, evidence = examine(engine, tmp_path / name, tmp_path / f"{name}.png")
        run = session.examinations()[-1]
        scores[name] = session.summaries(run.id, evidence)[0].mean
        session.close()
    assert scores["plain"] is not None
    assert scores["marked"] is not None
    assert scores["marked"] > scores["plain"] + 0.4


@pytest.mark.parametrize("tag", [2, 3, 6, 8])
def test_a_mark_is_found_through_every_orientation_tag(engine: MarkedEngine, tmp_path: Path, tag: int) -> None:
    """EXIF orientation: the stored pixels are turned so that the picture is shown upright."""
    upright = Image.fromarray(marked_portrait(MARK))
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180}
    undo |= {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = tag
    upright.transpose(undo[tag]).save(tmp_path / "p.jpg", quality=95, subsampling=0, exif=exif)
    session, evidence = examine(engine, tmp_path / "case", tmp_path / "p.jpg")
    found, score, rgb = peak(session, evidence)
    assert score > 0.4
    assert_on_mark(found, rgb)
    assert found == (pytest.approx(MARK[0], abs=2), pytest.approx(MARK[1], abs=2))


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_mark_is_found_in_turned_video(engine: MarkedEngine, tmp_path: Path, turn: int) -> None:
    """The display matrix of a phone's video: frames are shown upright and the map lies on the shown frame."""
    stored = np.rot90(marked_portrait(MARK), turn // 90).copy()
    write_clip(tmp_path / "p.mp4", [stored] * 6, crf=12, rotation=turn)
    session, evidence = examine(engine, tmp_path / "case", tmp_path / "p.mp4")
    found, score, rgb = peak(session, evidence)
    assert score > 0.3
    assert found == (pytest.approx(MARK[0], abs=3), pytest.approx(MARK[1], abs=3))
    assert rgb.shape == (512, 512, 3)


def test_a_face_at_the_margin_and_enlarged_keeps_its_mark(engine: MarkedEngine, tmp_path: Path) -> None:
    """The crop reaches outside the frame; nothing is drawn there, and the mark stays on its pixel."""
    picture = marked_portrait(MARK, scale=1.7)[60:460, 250:760]
    Image.fromarray(picture).save(tmp_path / "p.png")
    session, evidence = examine(engine, tmp_path / "case", tmp_path / "p.png")
    found, score, rgb = peak(session, evidence)
    assert score > 0.5
    assert_on_mark(found, rgb, 3.0)
    assert found == (pytest.approx(MARK[0] * 1.7 - 250 + 0.35, abs=3), pytest.approx(MARK[1] * 1.7 - 60 + 0.35, abs=3))


def test_the_exported_frame_is_lighter_at_the_mark(engine: MarkedEngine, tmp_path: Path) -> None:
    """P11: the burned-in map is grey, white where the score came from."""
    Image.fromarray(marked_portrait(MARK)).save(tmp_path / "p.png")
    session, evidence = examine(engine, tmp_path / "case", tmp_path / "p.png")
    run = session.examinations()[-1]
    job = session.export_frame(evidence, 0, tmp_path / "out.png", examination=run.id, detector="red-mark", opacity=1.0)
    done = engine.jobs.wait(job, 60)
    assert done.state is JobState.DONE, done.error
    with Image.open(tmp_path / "out.png") as picture:
        grey = np.asarray(picture.convert("RGB")).astype(int)
    # The exported picture may be framed and scaled: find the white patch inside the greyed face area.
    white = (grey.min(axis=-1) > 200) & (np.ptp(grey, axis=-1) < 12)
    black = (grey.max(axis=-1) < 40) & (np.ptp(grey, axis=-1) < 12)
    assert white.sum() > 30
    assert black.sum() > white.sum()
    assert any(event.kind == "exported" for event in session.custody())
