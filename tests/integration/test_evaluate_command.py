"""``workstation evaluate`` as a laboratory uses it: from pictures and a clip to a signed record, and back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import skimage.data

from workstation.app import validating
from workstation.app.engine import Engine
from workstation.app.validating import EvaluationRequest
from workstation.cli.main import run
from workstation.domain.custody import canonical_json
from workstation.domain.errors import InputError, ReportInvalid
from workstation.domain.jobs import JobState
from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip
from workstation.reporting.validation_record import verify_record

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NAMES = ("real/a.png", "real/b.png", "fake/c.png", "fake/d.mp4", "fake/e.jpg", "real/f.png")


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = 0
    try:
        run([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    told = capsys.readouterr()
    return code, told.out, told.err


def picture(number: int) -> RgbArray:
    """The portrait in other colours and grain; odd ones with the mouth painted over."""
    random = np.random.default_rng(number)
    rgb = np.asarray(skimage.data.astronaut(), np.float32)[:330, 50:400] * random.uniform(0.8, 1.1, 3)
    found = np.clip(rgb + random.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    if number % 2:
        cv2.circle(found, (177, 155), 14, (200, 60, 60), -1)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lab") / "little-set"
    for place in ("real", "fake", "masks"):
        (root / place).mkdir(parents=True)
    for name, number in (("real/a.png", 0), ("real/b.png", 2), ("fake/c.png", 1)):
        cv2.imwrite(str(root / name), picture(number)[..., ::-1])
    mask = np.zeros((330, 350), np.uint8)
    cv2.circle(mask, (177, 155), 14, 255, -1)
    cv2.imwrite(str(root / "masks" / "c.png"), mask)
    write_clip(root / "fake" / "d.mp4", (picture(number) for number in (3, 3, 5, 5, 7, 7)))
    (root / "fake" / "e.jpg").write_bytes(b"not a picture")
    cv2.imwrite(str(root / "real" / "f.png"), np.full((120, 120, 3), 90, np.uint8))
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "person"])
        writer.writerows([name, int(name.startswith("fake")), f"p{n % 3}"] for n, name in enumerate(NAMES))
    return root


def test_from_a_set_to_a_record_that_is_checked(
    folder: Path, tmp_path: Path, workstation_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, page = tmp_path / "scores.csv", tmp_path / "record.pdf"
    code, out, err = call(
        capsys,
        *("evaluate", folder, "--detector", "fakelocator-small", "--detector", "clip-ln-small", "--reencode", 90),
        *("--masks", folder / "masks", "--group-by", "person", "--scores", scores, "--output", page, "--frames", 3),
        *("--kind", "parts", "--record", "--json"),
    )
    assert code == 0, err
    facts = json.loads(out)
    # Four items are too few for a figure of the kind, and nothing is relied on whatever was asked.
    assert (facts["kind"]["figure"], facts["kind"]["relied_on"]) == (None, False)
    assert facts["settings"]["reencode"] == 90
    for name in ("auc", "auc_low", "auc_high", "eer", "iou", "shortcut_auc"):
        assert isinstance(facts[name], float), name
    places = ("pixel_auc", "prior_pixel_auc", "pixel_auc_over_prior", "crop_pixel_auc", "prior_crop_pixel_auc")
    for name in places:
        assert isinstance(facts[name], float), name
    assert facts["masks_in_face"] == 1
    assert facts["prior_pixel_auc"] < facts["prior_crop_pixel_auc"]
    assert facts["auc_low"] <= facts["auc"] <= facts["auc_high"]
    counted = [facts[f"{kind}_{label}"] for label in ("real", "fake") for kind in ("n", "abstained", "errors", "items")]
    assert counted == [2, 1, 0, 3, 2, 0, 1, 3]
    assert facts["auc_matched"] is None
    assert "pairs" in facts["reasons"]["auc_matched"]
    assert list(facts["others"]) == ["clip-ln-small"]
    with scores.open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(NAMES)
    assert [*next(iter(rows.values()))][:6] == ["file", "label", "score", "status", "reason", "face_height"]
    assert (rows["fake/e.jpg"]["status"], rows["fake/e.jpg"]["score"]) == ("error", "")
    assert (rows["real/f.png"]["status"], rows["real/f.png"]["reason"]) == ("abstained", "no_face")
    assert 0 <= float(rows["fake/d.mp4"]["score"]) <= 1

    filed = Path(facts["record"]["path"])
    assert filed.parent == workstation_home / "validation"
    for record in (filed, page):
        code, out, _ = call(capsys, "evaluate", folder, "--verify", record)
        assert (code, out.splitlines()[-1]) == (0, "verified")
    code, out, _ = call(capsys, "model", "show", "fakelocator-small")
    assert "Validation records filed here" in out
    assert str(filed) in out
    code, out, _ = call(capsys, "model", "show", "clip-ln-small")
    assert "filed here" not in out

    # Every change is seen: of a figure, of the page, of a file of the set, of a label.
    changed = tmp_path / "changed.json"
    document = json.loads(filed.read_text(encoding="utf-8"))
    document["record"]["figures"]["auc"] = 0.99
    changed.write_text(canonical_json(document), encoding="utf-8")
    code, out, _ = call(capsys, "evaluate", "--verify", changed)
    assert code == ReportInvalid.exit_code
    assert "BAD  signature" in out
    data = bytearray(page.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "changed.pdf").write_bytes(data)
    assert call(capsys, "evaluate", "--verify", tmp_path / "changed.pdf")[0] == ReportInvalid.exit_code
    table = folder / "labels.csv"
    before = table.read_text(encoding="utf-8")
    try:
        table.write_text(before.replace("real/a.png,0", "real/a.png,1"), encoding="utf-8")
        code, out, _ = call(capsys, "evaluate", folder, "--verify", filed)
        assert code == ReportInvalid.exit_code
        assert "BAD  set: labels" in out
        assert "ok   set: files" in out
    finally:
        table.write_text(before, encoding="utf-8")


@pytest.mark.slow
def test_robustness_is_drawn(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "curves.svg"
    few = tmp_path / "few"
    for name in ("real/a.png", "fake/c.png"):
        (few / name).parent.mkdir(parents=True)
        (few / name).write_bytes((folder / name).read_bytes())
    code, out, err = call(
        capsys, "evaluate", few, "--detector", "clip-ln-small", "--robustness", "--curves", picture, "--json"
    )
    assert code == 0, err
    facts = json.loads(out)
    assert [one["family"] for one in facts["robustness"]] == [
        *(["jpeg"] * 7),
        *(["scale"] * 4),
        *(["noise"] * 3),
        *(["blur"] * 3),
        *(["h264"] * 3),
        *(["h265"] * 3),
    ]
    assert all((one["n_real"], one["n_fake"]) == (1, 1) for one in facts["robustness"])
    assert facts["settings"]["conditions"] == [one["condition"] for one in facts["robustness"]]
    assert all(isinstance(one["lost_real"], int) for one in facts["robustness"])
    drawn = ElementTree.parse(picture).getroot()
    assert "clip-ln-small" in (drawn.findtext("{http://www.w3.org/2000/svg}title") or "")
    assert verify_record(Path(facts["record"]["page"]).read_bytes())[0].ok


@pytest.mark.parametrize("spoilt", [b"", b"{}", b"[]", b"%PDF-1.7", b'{"record":{},"signature":{}}', b'{"record":1}'])
def test_what_is_no_record_is_said_to_be_none(spoilt: bytes) -> None:
    outcome, _ = verify_record(spoilt)
    assert not outcome.ok


def test_what_cannot_be_evaluated_says_what_to_do(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, told in (
        ((), "No set is named"),
        ((folder,), "No detector is named"),
        ((folder, "--detector", "nobody"), 'no detector "nobody"'),
        ((tmp_path / "none", "--detector", "clip-ln-small"), "There is no folder"),
        ((tmp_path / "empty", "--detector", "clip-ln-small"), "no labelled pictures or videos"),
        ((folder, "--detector", "clip-ln-small", "--reencode", 0), "no JPEG quality"),
        ((folder, "--detector", "clip-ln-small", "--curves", tmp_path / "c.png"), "Add --robustness"),
        (
            (folder, "--detector", "clip-ln-small", "--robustness", "--curves", tmp_path / "c.gif"),
            "ending in .png or .svg",
        ),
        ((folder, "--detector", "clip-ln-small", "--scores", tmp_path / "no" / "s.csv"), "There is no folder"),
        ((folder, "--detector", "clip-ln-small", "--record"), "Add --kind: parts, face_swap"),
        ((folder, "--detector", "clip-ln-small", "--kind", "swap"), 'no kind of forgery "swap"'),
        ((folder, "--detector", "clip-ln-small", "--kind", "parts", "--record", "--no-gates"), "Leave --no-gates out"),
        (("--verify", tmp_path / "none.json"), "There is no record"),
    ):
        code, _, err = call(capsys, "evaluate", *arguments)
        assert code != 0
        assert told in err
        assert "Traceback" not in err


def test_a_cancelled_evaluation_files_nothing(folder: Path, workstation_home: Path) -> None:
    with Engine() as engine:
        request = EvaluationRequest(folder, ("clip-ln-small",))
        job = validating.submit(engine, request)
        engine.jobs.cancel(job)
        assert engine.jobs.wait(job, 120).state is JobState.CANCELLED
        with pytest.raises(InputError):
            validating.submit(engine, EvaluationRequest(folder, ()))
    assert not (workstation_home / "validation").exists()
