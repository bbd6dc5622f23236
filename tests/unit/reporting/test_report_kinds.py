"""A score is printed only under kinds of forgery for which its detector is validated; elsewhere words (V3, X11)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sample_facts import report_facts
from sample_tracks import whole_facts

from workstation.domain.kinds_of_forgery import NOT_FOR_ANY, NOT_FOR_THIS, ForgeryClass, name_of
from workstation.domain.reports import ReportFacts
from workstation.reporting.builder import build_report
from workstation.reporting.signing import Identity
from workstation.reporting.twin import results_json
from workstation.reporting.wording import say


def said(facts: ReportFacts, target: Path, identity: Identity) -> str:
    """The text of the report cell by cell, without line breaks."""
    build_report(facts, target, identity)
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run([tool, str(target), "-"], check=True, capture_output=True, text=True, timeout=60)
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> str:
    """A report of detectors that are validated for nothing, whole tracks among them."""
    facts = whole_facts()
    entry = replace(facts.exhibits[0], validated={})
    cards = tuple(replace(card, kinds=(), threshold=None) for card in facts.cards)
    facts = replace(facts, cards=cards, exhibits=(entry,))
    return said(facts, tmp_path_factory.mktemp("bare") / "r.pdf", identity)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> str:
    return said(whole_facts(tracks=1), tmp_path_factory.mktemp("some") / "r.pdf", identity)


def between(text: str, first: str, last: str) -> str:
    """What stands from the last place of ``first`` to the next of ``last``."""
    at = text.rindex(first)
    return text[at : text.index(last, at)]


def test_a_detector_validated_for_nothing_has_no_number_in_the_results(bare: str) -> None:
    table = between(bare, "Scores by face track", "Readings of whole tracks")
    assert NOT_FOR_ANY in table
    assert "clip_ln-small" in table
    assert re.findall(r"(?<![\d.–])0\.\d(?!\d*–)", table) == []
    assert "Scores by kind of forgery" not in bare
    whole = between(bare, "Readings of whole tracks", "Abstentions by reason")
    assert NOT_FOR_ANY in whole
    assert "0.23" not in whole
    assert "similarity to the reference, median 0.61" in whole, "measures stay"
    assert "(uncalibrated, not validated)" in bare, "the curves stay, marked"
    assert "0.87 uncalibrated" not in bare
    assert bare.count("· not validated for any kind of forgery ·") == len(whole_facts().exhibits[0].key_frames)
    assert say("summary.unvalidated") in bare
    assert "Nothing was measured by kind of forgery. This detector is validated for none." in bare


def test_every_number_stays_in_the_embedded_results(identity: Identity) -> None:
    facts = whole_facts()
    held = json.loads(results_json(replace(facts, exhibits=(replace(facts.exhibits[0], validated={}),)), identity))
    entry = held["exhibits"][0]
    assert entry["validated"] == {}
    assert any(track["mean"] is not None for track in entry["tracks"])
    assert any(point["score"] is not None for line in entry["series"] for point in line["points"])
    assert any(reading["value"] is not None for reading in entry["readings"])
    told = json.loads(results_json(facts, identity))["exhibits"][0]["validated"]
    assert told["identity"] == ["face_swap", "reenactment"]


def test_a_score_stands_under_the_kinds_it_is_validated_for_and_words_under_the_others(some: str) -> None:
    table = between(some, "Scores by kind of forgery", say("results.kinds.note"))
    for kind in ForgeryClass:
        assert say(f"kind.{kind.value}") == name_of(kind)
        assert name_of(kind) in table
    # One track under two detectors, each validated for one kind of the five.
    assert len(re.findall(r"0\.\d+ \(0\.\d+ to 0\.\d+\), uncalibrated", table)) == 2
    assert table.count(NOT_FOR_THIS) == 2 * (len(ForgeryClass) - 1)
    whole = between(some, "Identity: uncalibrated", "Measures beside these values")
    assert whole.count("0.23, uncalibrated") == 2
    assert whole.count(NOT_FOR_THIS) == 3
    assert "identity: face swap, reenactment" in some.lower()


def test_a_card_prints_its_kinds_its_simple_rule_and_its_threshold(some: str) -> None:
    card = between(some, "Best simple rule", "A kind is validated")
    assert "0.900 (0.850 to 0.940)" in card
    assert "sharpness 0.550" in card
    assert card.count("nothing was measured") >= 3
    assert "above 0.830 (uncalibrated): 0.045 of untouched faces pass it, 95 % interval 0.010 to 0.115" in some


def test_a_failed_kind_is_printed_with_the_figure_that_it_failed_by(identity: Identity, tmp_path: Path) -> None:
    text = said(report_facts(exhibits=1, tracks=1), tmp_path / "r.pdf", identity)
    assert re.search(
        r"whole face by a GAN not validated for this made-up faces 80 / 80 0\.360 \(0\.280 to 0\.460\)", text
    )
