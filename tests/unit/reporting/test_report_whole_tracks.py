"""Readings of whole tracks on paper and in the embedded results; which way scores point is said wherever they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sample_facts import report_facts
from sample_tracks import MEASURES, whole_facts

from workstation.domain.reports import BurnFace, ReportFacts
from workstation.reporting import formatting
from workstation.reporting.builder import build_report
from workstation.reporting.figures import burn_in
from workstation.reporting.signing import Identity
from workstation.reporting.twin import plain
from workstation.reporting.verification import verify_report


def said(facts: ReportFacts, target: Path, identity: Identity) -> str:
    """The text of the report cell by cell, without line breaks."""
    build_report(facts, target, identity)
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run([tool, str(target), "-"], check=True, capture_output=True, text=True, timeout=60)
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> str:
    return said(whole_facts(), tmp_path_factory.mktemp("whole") / "r.pdf", identity)


def test_every_reading_is_printed_with_its_direction_and_the_word_uncalibrated(text: str) -> None:
    assert "Readings of whole tracks" in text
    assert "Identity: uncalibrated; lower = more like manipulated examples." in text
    assert "Pace: uncalibrated; higher = more like manipulated examples." in text
    assert "The value is: similarity to the reference, 0 to 1." in text
    assert "0.23 uncalibrated; lower = more like manipulated examples Read with the gallery." in text
    assert "0.23 uncalibrated; higher = more like manipulated examples Read with the gallery." in text


def test_a_reading_that_is_missing_says_why(text: str) -> None:
    assert "abstained: too few usable frames (5 usable frames, 8 are needed)" in text
    assert "error: detector failed (Frame 7 can no longer be decoded.)" in text
    assert "none; measures alone" in text
    assert "read 4 · abstained 2 · errors 2 · sum 8" in text


def test_measures_stand_with_their_spread_and_what_it_is(text: str) -> None:
    assert "T1 similarity to the reference, median 0.61 0.48 to 0.73" in text
    assert "5 % to 95 % of 32 frames" in text
    assert "(exploratory) -0.041" in text
    assert "not measured" in text
    assert "no reference shows the outer face" in text
    assert "support no statement" in text


def test_what_the_examiner_excluded_is_marked_at_the_reading_too(text: str) -> None:
    assert re.search(r"none; measures alone.{0,60}excluded by the examiner", text)


def test_the_method_says_how_each_detector_was_used(text: str) -> None:
    assert "Each detector as used" in text
    assert "aligned crop of 112 x 112 pixels at margin 1.6" in text
    assert "a track as a whole and no single frame (at most 32 faces spread evenly over it, at least 8)" in text
    assert "8 tokens fewer after each block, schedule organs" in text
    assert text.count("Token merging off") == 3
    assert "persons 2 · references 3 (12 pictures) · claims 1" in text
    assert "A. Speaker" not in text
    assert "Number of parameters, to the digit" in text
    assert "Scores on the published test set" in text


def test_scores_that_point_down_are_worded_so_everywhere(tmp_path: Path, identity: Identity) -> None:
    """Table, note, legend, key frame, figure and the summary in plain language."""
    facts = whole_facts(falling=True)
    entry = facts.exhibits[0]
    name = facts.cards[0].id
    frames = tuple(replace(key, detector=name) for key in entry.key_frames[:1])
    text = said(replace(facts, exhibits=(replace(entry, key_frames=frames),)), tmp_path / "r.pdf", identity)
    assert f"but for {name} lower does" in text
    assert f"for {name}, Identity lower numbers mean more like" in text
    assert f"{name} (uncalibrated; lower = more like manipulated)" in text
    assert "uncalibrated (lower = more like manipulated examples)" in text
    assert "highest score" not in text.replace(frames[0].reason, "")
    plain_text = said(report_facts(exhibits=1), tmp_path / "p.pdf", identity)
    assert "lower" not in plain_text.replace("has a lower", "")


def test_a_falling_score_on_a_figure_says_so() -> None:
    burn = whole_facts().exhibits[0].key_frames[0].burn
    down = replace(burn, faces=tuple(replace(face, falling=True) for face in burn.faces))
    assert isinstance(down.faces[0], BurnFace)
    assert (burn_in(burn) != burn_in(down)).any()


@pytest.mark.parametrize("tracks", [0, 2])
def test_a_run_of_track_detectors_alone_counts_no_face_as_unscored(
    tmp_path: Path, identity: Identity, tracks: int
) -> None:
    text = said(whole_facts(frames=False, tracks=tracks), tmp_path / "r.pdf", identity)
    assert "do not add up" not in text
    assert "must not be relied on" not in text
    assert "none: no detector of this run scores single frames" in text
    assert "scored 0" not in text
    if tracks:
        assert "2 faces were followed; detectors gave 2 readings of whole tracks and abstained 2 times" in text
        assert "No face was found in any frame" not in text
        assert "2 tracks; they were not corrected by hand" in text
    else:
        assert "no face was found; no detector gave a reading" in text
        assert "there is no track to read" in text


def test_a_run_of_frame_detectors_alone_says_nothing_of_whole_tracks(tmp_path: Path, identity: Identity) -> None:
    text = said(report_facts(exhibits=1), tmp_path / "r.pdf", identity)
    assert "Readings of whole tracks" not in text
    assert "do not add up" not in text


def test_a_reading_that_should_be_there_and_is_not_is_said(tmp_path: Path, identity: Identity) -> None:
    facts = whole_facts()
    entry = facts.exhibits[0]
    fewer = replace(facts, exhibits=(replace(entry, readings=entry.readings[:-1]),))
    assert "Some tracks have no reading by a detector that was to read them" in said(
        fewer, tmp_path / "r.pdf", identity
    )


def test_the_twin_carries_the_readings_unrounded(tmp_path: Path, identity: Identity) -> None:
    facts = whole_facts()
    build_report(facts, tmp_path / "r.pdf", identity)
    outcome, twin = verify_report(tmp_path / "r.pdf")
    assert outcome.ok
    assert twin is not None
    exhibits = twin["exhibits"]
    assert isinstance(exhibits, list)
    assert exhibits[0]["readings"] == plain(facts.exhibits[0].readings)
    assert exhibits[0]["readings"][0]["measures"][0]["value"] == MEASURES[0].value


@pytest.mark.parametrize(
    ("value", "low", "high", "wanted"),
    [
        (0.61234, 0.48, 0.73, "0.61"),
        (-0.0001, None, None, "0.000"),
        (12.3456, 10.0, 15.0, "12.3"),
        (1234.56, 1000.0, 1500.0, "1235"),
        (1.0, 1.0, 1.0, "1.000"),
        (-0.5, -0.50004, -0.49998, "-0.500"),
    ],
)
def test_a_measure_has_the_decimals_that_its_spread_supports(
    value: float, low: float | None, high: float | None, wanted: str
) -> None:
    assert formatting.measure(value, low, high) == wanted


def test_the_page_can_be_looked_at(tmp_path: Path, identity: Identity) -> None:
    """No table of the new part runs over the edge of the page: its margins stay white."""
    tool = shutil.which("pdftoppm")
    if tool is None:
        pytest.skip("pdftoppm is not installed")
    build_report(whole_facts(), tmp_path / "r.pdf", identity)
    subprocess.run([tool, "-r", "50", "-png", str(tmp_path / "r.pdf"), str(tmp_path / "page")], check=True, timeout=60)
    for page in sorted(tmp_path.glob("page-*.png")):
        with Image.open(page) as picture:
            grey = picture.convert("L")
            edge = round(8 / 25.4 * 50)
            strips = [(0, 0, edge, grey.height), (grey.width - edge, 0, grey.width, grey.height)]
            assert all(grey.crop(box).getextrema()[0] > 200 for box in strips), page.name
