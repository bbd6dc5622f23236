"""A validation record signed as JSON and as a page: it verifies, equal facts give equal pages, changes are seen."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from tests.fakes.kind_figures import standing
from workstation.domain.custody import canonical_json
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.reporting.signing import Identity, create_identity
from workstation.reporting.validation_curves import curves_png
from workstation.reporting.validation_page import figure_words, lay_out
from workstation.reporting.validation_record import signed_json, signed_pdf, verify_record, with_signer
from workstation.reporting.wording import phrase

FIGURES: Mapping[str, object] = {
    "auc": 0.61,
    "auc_low": 0.5512,
    "auc_high": 0.6623,
    "ap": 1.0,
    "ap_low": 1.0,
    "ap_high": 1.0,
    "auc_matched": None,
    "auc_matched_low": None,
    "auc_matched_high": None,
    "matched_pairs": 3,
    "shortcut_auc": 0.7,
    "shortcut_best": "sharpness",
    "shortcuts": {"sharpness": 0.7, "high_frequency": 0.6, "saturation": None},
    "reasons": {"auc_matched": "fewer than 10 pairs of equal sharpness"},
    "cautions": ["few items"],
    "by_face_height": [],
    "not_scored": {"no_face": {"real": 1, "fake": 0}},
} | {f"{kind}_{label}": 1 for kind in ("items", "n", "abstained", "errors") for label in ("real", "fake")}


def curve(family: str, level: float, auc: float | None) -> dict[str, object]:
    low, high = (None, None) if auc is None else (auc - 0.1, auc + 0.1)
    figures: dict[str, object] = {"auc": auc, "auc_low": low, "auc_high": high, "shift": -0.1, "shortcut_auc": 0.6}
    return {"condition": f"{family} {level:g}", "family": family, "level": level, **figures, "n_real": 9, "n_fake": 9}


def made(**more: object) -> dict[str, object]:
    detector = {
        "id": "made-up",
        "name": "Made up <b>&amp;",
        "version": "1",
        "level": "face",
        "direction": "lower_is_manipulated",
        "card_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "device": "cpu",
        "precision": "float32",
    }
    return {
        "schema": "workstation.validation",
        "version": 1,
        "id": "0" * 32,
        "made_at": "2026-01-31T09:15:02.481+00:00",
        "set": {"name": "a set / ∂ 集", "files": 2, "sha256": "c" * 64, "labels_sha256": "d" * 64},
        "faces": {"found": 2, "height_px": [80.0, 100.0, 120.0]},
        "detector": detector,
        "figures": dict(FIGURES) | more,
        "others": [],
        "settings": {"reencode": 90, "frames": 32, "gates": None, "finder": "mtcnn", "group_by": "person"},
        "environment": {"product": "workstation 0.1.0"},
        "records": [],
        "caution": ["Uncalibrated."],
    }


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity(tmp_path_factory.mktemp("identity") / "i.p12", name="Ada", password="long enough a word")


def test_the_json_verifies_by_itself_and_every_change_is_seen(identity: Identity) -> None:
    record = with_signer(made(), identity)
    data = signed_json(record, identity)
    outcome, found = verify_record(data)
    assert outcome.ok
    assert found == record
    assert any("Ada" in line.detail for line in outcome.lines)
    random = np.random.default_rng(0)
    for place in random.integers(len(data), size=120):
        changed = bytearray(data)
        changed[place] ^= int(random.integers(1, 127))
        assert not verify_record(bytes(changed))[0].ok, place
    assert not verify_record(data + b" ")[0].ok


def test_a_signature_of_another_certificate_than_the_record_names_is_refused(
    identity: Identity, tmp_path: Path
) -> None:
    other = create_identity(tmp_path / "o.p12", name="Eve", password="long enough a word")
    record = with_signer(made(), identity)
    assert not verify_record(signed_json(record, other))[0].ok
    mixed = json.loads(signed_json(record, identity))
    mixed["signature"]["certificate"] = other.certificate.hex()
    assert not verify_record(canonical_json(mixed).encode())[0].ok


def test_the_page_says_what_the_rule_makes_of_the_figure_of_a_kind() -> None:
    """Three answers of the rule, and none where there are too few pairs: each is a page of its own (V3, V4)."""
    figure = asdict(standing(ForgeryClass.PARTS)[0])
    pages = {lay_out(made(), "t")}
    for facts in (
        {"figure": figure, "stands": True, "relied_on": True},
        {"figure": figure, "contradicts": True, "relied_on": False},
        {"figure": figure, "relied_on": False},
        {"figure": None, "relied_on": False},
    ):
        pages.add(lay_out(made() | {"kind": {"kind": "parts"} | facts}, "t"))
    assert len(pages) == 5


def test_the_page_embeds_the_record_and_verifies(identity: Identity) -> None:
    curves = [curve("jpeg", 90, 0.6), curve("jpeg", 30, None), curve("blur", 3, 0.5)]
    record = with_signer(made(robustness=curves), identity)
    png = curves_png(record)
    assert png is not None
    page = signed_pdf(record, identity, png)
    outcome, found = verify_record(page)
    assert outcome.ok, outcome.bad
    assert found == record
    with pikepdf.open(io.BytesIO(page)) as pdf:
        assert pdf.attachments["results.json"].get_file().read_bytes() == canonical_json(record).encode()
    changed = bytearray(page)
    changed[len(page) // 3] ^= 1
    assert not verify_record(bytes(changed))[0].ok


def test_the_same_record_gives_the_same_page_and_the_same_curves() -> None:
    record = made(robustness=[curve("noise", 2, 0.6), curve("noise", 10, 0.4)])
    png = curves_png(record)
    assert png == curves_png(record)
    assert lay_out(record, "t", png) == lay_out(record, "t", png)
    assert b"PNG" in (png or b"")[:8]
    assert curves_png(made()) is None


def test_a_figure_that_could_not_be_taken_says_why_and_intervals_are_rounded_outwards() -> None:
    assert figure_words(FIGURES, "auc") == ("0.610", "0.551 to 0.663")
    assert figure_words(FIGURES, "ap") == ("> 0.999", "1.000 to 1.000")
    assert figure_words(FIGURES, "auc_matched") == ("none: fewer than 10 pairs of equal sharpness", "–")


def test_every_reason_and_shortcut_has_words() -> None:
    for name in ("jpeg_table", "bytes", "size", "sharpness", "high_frequency", "saturation"):
        assert phrase("validation.shortcut", name) != name.replace("_", " ") or name in ("sharpness", "saturation")
    for name in ("jpeg", "scale", "noise", "blur", "h264", "h265"):
        assert phrase("validation.family", name) != name
