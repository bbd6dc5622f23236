"""``workstation dataset``: counts for people and programs, exit codes, and nothing concluded in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import celebdf, deeperforensics, faceforensics, plain, touch, write
from workstation.cli.main import run


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        run(["dataset", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "kinds", "--json")
    assert code == 0
    kinds = {kind["name"]: kind["options"] for kind in json.loads(out)["kinds"]}
    assert len(kinds) == 15
    assert "splits" in kinds["faceforensics"]
    assert "celebdf-plus" in called(capsys, "kinds")[1]


def test_a_kind_is_described_with_its_layout_options_and_terms(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "kinds", "celebdf")
    assert code == 0
    assert "List_of_testing_videos.txt" in out
    assert "video or person" in out
    assert "research agreement" in out
    layouts = {one["name"]: one["layout"] for one in json.loads(called(capsys, "kinds", "--json")[1])["kinds"]}
    assert all(len(layout) > 60 for layout in layouts.values())
    assert called(capsys, "kinds", "celeb")[0] == 2


def test_a_usable_dataset_ends_with_zero_and_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faceforensics(tmp_path)
    code, out, _ = called(capsys, "check", "faceforensics", str(tmp_path), "--option", "methods=Deepfakes", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["usable"] is True
    assert facts["groups"] == {"train": 3, "val": 1, "test": 1}
    assert {
        "split": "test",
        "method": "Deepfakes",
        "manipulated": True,
        "samples": 2,
        "groups": 1,
        "masks": 2,
    } in facts["counts"]
    assert facts["leaks"] == []
    code, out, _ = called(capsys, "check", "faceforensics", str(tmp_path))
    assert code == 0
    assert "manipulated  Deepfakes" in out
    assert "Missing:" in out
    assert "Notes:" in out
    assert out.rstrip().endswith("Usable.")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_dataset_that_cannot_be_used_ends_with_five(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    celebdf(tmp_path)
    write(tmp_path / "List_of_testing_videos.txt", "1 Celeb-synthesis/id1_id0_0007.mp4\n")
    code, out, _ = called(capsys, "check", "celebdf", str(tmp_path), *(["--json"] if as_json else []))
    assert code == 5
    assert "1 is genuine" in out
    if as_json:
        assert json.loads(out)["usable"] is False
    else:
        assert "Not usable." in out


def test_one_class_alone_cannot_be_tested_on_and_genuine_ones_can_be_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, ["a.png", "b.png", "c.png"])
    write(tmp_path / "labels.csv", "file,label\na.png,0\nb.png,0\nc.png,0\n")
    code, out, _ = called(capsys, "check", "plain", str(tmp_path))
    assert code == 5
    assert "No manipulated samples" in out
    assert called(capsys, "check", "plain", str(tmp_path), "--option", "use=train")[0] == 0
    write(tmp_path / "labels.csv", "file,label\na.png,1\n")
    assert "No genuine samples." in called(capsys, "check", "plain", str(tmp_path))[1]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("check", "plan", "."), "no kind of dataset"),
        (("check", "plain", ".", "--option", "use"), "name=value"),
        (("check", "plain", ".", "--option", "colour=red"), "takes no option colour"),
        (("check", "plain", ".", "--option", "use=test", "--option", "use=train"), "given twice"),
    ],
)
def test_a_wrong_call_ends_with_two(arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called(capsys, *arguments)
    assert code == 2
    assert why in err


def test_long_lists_are_cut_for_people_and_whole_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain(tmp_path)
    rows = "".join(f"real/{n:02d}.png,0,\nfake/{n:02d}.png,1,gone/{n}.png\n" for n in range(12)) * 1
    extra = "".join(f"masks/{n:02d}.png,1,lost/{n}.png\n" for n in range(11))
    write(tmp_path / "labels.csv", "file,label,mask\n" + rows + extra)
    code, out, _ = called(capsys, "check", "plain", str(tmp_path))
    assert code == 0
    assert "and 3 more" in out
    assert len(json.loads(called(capsys, "check", "plain", str(tmp_path), "--json")[1])["missing"]) == 23


def test_no_word_of_the_output_concludes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faceforensics(tmp_path)
    words = called(capsys, "check", "faceforensics", str(tmp_path))[1].replace(str(tmp_path), "").lower().split()
    assert not {"real", "fake", "fakes", "authentic"} & {word.strip(".,:;()") for word in words}


def test_a_test_on_source_videos_that_were_trained_on_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """DeeperForensics tests on 003 and 004, which the pair lists of FaceForensics++ train on."""
    faceforensics(tmp_path / "ff")
    deeperforensics(tmp_path / "df")
    asked = ("overlap", "faceforensics", str(tmp_path / "ff"), "deeperforensics", str(tmp_path / "df"))
    code, out, _ = called(capsys, *asked, "--json")
    assert code == 5
    assert sorted(line.partition(": ")[0] for line in json.loads(out)["overlap"]) == ["ffpp:003", "ffpp:004"]
    code, out, _ = called(capsys, *asked)
    assert (code, "2 in common" in out) == (5, True)


def test_datasets_with_nothing_in_common_and_none_to_train_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faceforensics(tmp_path / "ff")
    celebdf(tmp_path / "cdf")
    asked = ("faceforensics", str(tmp_path / "ff"), "celebdf", str(tmp_path / "cdf"))
    code, out, _ = called(capsys, "overlap", *asked)
    assert code == 0
    assert "Nothing in common by name." in out
    plain(tmp_path / "own")
    code, _, err = called(capsys, "overlap", "plain", str(tmp_path / "own"), *asked[2:])
    assert code == 2
    assert "nothing for training" in err
    own = ("plain", str(tmp_path / "own"))
    assert called(capsys, "overlap", *own, *own, "--option", "use=train")[0] == 5
