"""What holds of every reader: test apart from training, groups together, labels, order, terms, and nothing opened."""

from __future__ import annotations

import builtins
import dataclasses
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import BUILDERS
from workstation.domain.errors import InputError, NotFound
from workstation.training.readers import KINDS, read
from workstation.training.samples import Dataset, check_groups

EVERY = sorted(KINDS)
NO_SPLIT = {"uadfv", "plain", "genface"}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One layout of every kind; the tests of this file only read them."""
    places = {kind: tmp_path_factory.mktemp(kind) for kind in EVERY}
    for kind, place in places.items():
        BUILDERS[kind][0](place)
    return places


def whole(kind: str, roots: dict[str, Path]) -> Dataset:
    return read(kind, roots[kind], **BUILDERS[kind][1])


def test_every_kind_has_a_layout() -> None:
    assert sorted(BUILDERS) == EVERY


@pytest.mark.parametrize("kind", EVERY)
def test_test_material_is_never_in_training(kind: str, roots: dict[str, Path]) -> None:
    dataset = whole(kind, roots)
    sides = {split: dataset.of(split) for split in ("train", "val", "test")}
    assert sides["train"] or kind in {"dfd", "celebdf-plus"}
    assert sides["test"] or kind in NO_SPLIT
    for one, other in (("train", "test"), ("val", "test"), ("train", "val")):
        for what in (
            lambda sample: {sample.group},
            lambda sample: {sample.key},
            lambda sample: set(sample.members),
        ):
            first = {name for sample in sides[one] for name in what(sample)}
            second = {name for sample in sides[other] for name in what(sample)}
            assert not first & second, f"{one} and {other} share {sorted(first & second)[:3]}"
    check_groups(dataset)


@pytest.mark.parametrize("kind", EVERY)
def test_samples_that_share_a_member_share_a_group(kind: str, roots: dict[str, Path]) -> None:
    groups: dict[str, str] = {}
    for sample in whole(kind, roots).samples:
        for member in sample.members:
            assert groups.setdefault(member, sample.group) == sample.group


@pytest.mark.parametrize("kind", ["faceforensics", "celebdf", "dfdc", "ffiw", "uadfv", "df40", "deepfakebench"])
def test_a_manipulated_clip_and_the_genuine_one_it_was_made_of_share_their_first_member(
    kind: str, roots: dict[str, Path]
) -> None:
    dataset = whole(kind, roots)
    genuine = {one.members[0] for one in dataset.samples if not one.manipulated}
    made = [one for one in dataset.samples if one.manipulated and not one.members[0].startswith("dfd:")]
    assert sum(one.members[0] in genuine for one in made) >= len(made) - 1


@pytest.mark.parametrize("kind", EVERY)
def test_every_sample_exists_and_genuine_ones_have_no_method_and_no_mask(kind: str, roots: dict[str, Path]) -> None:
    dataset = whole(kind, roots)
    for sample in dataset.samples:
        assert sample.path.exists()
        assert sample.manipulated == (sample.method != "genuine")
        assert sample.mask is None or (sample.manipulated and sample.mask.exists())
    assert len({sample.key for sample in dataset.samples}) == len(dataset.samples)


@pytest.mark.parametrize("kind", EVERY)
def test_reading_twice_gives_the_same(kind: str, roots: dict[str, Path]) -> None:
    assert whole(kind, roots) == whole(kind, roots)


@pytest.mark.parametrize("kind", EVERY)
def test_an_empty_folder_is_refused_and_what_was_looked_for_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(kind, tmp_path)
    assert str(tmp_path) in raised.value.message
    assert raised.value.advice


@pytest.mark.parametrize("kind", EVERY)
def test_the_terms_are_the_last_note(kind: str, roots: dict[str, Path]) -> None:
    last = whole(kind, roots).notes[-1]
    assert last.startswith("Terms:")
    assert ("research agreement" in last) == (kind != "plain")


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "wilddeepfake"])
def test_no_media_is_opened(kind: str, roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    path_open, plain_open = Path.open, builtins.open

    def seen(self: Path, *args: object, **kwargs: object) -> object:
        opened.append(self.suffix)
        return path_open(self, *args, **kwargs)  # type: ignore[call-overload]

    def seen_plainly(file: object, *args: object, **kwargs: object) -> object:
        opened.append(Path(str(file)).suffix)
        return plain_open(file, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", seen)
    monkeypatch.setattr(builtins, "open", seen_plainly)
    whole(kind, roots)
    assert set(opened) <= {".json", ".csv", ".txt"}


def test_an_unknown_kind_and_an_unknown_option_name_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="faceforensic"):
        read("faceforensic", tmp_path)
    with pytest.raises(InputError) as raised:
        read("uadfv", tmp_path, split="x")
    assert "use (test or train)" in raised.value.advice
    with pytest.raises(NotFound):
        read("plain", tmp_path / "none")


def test_a_reader_that_leaked_would_be_stopped(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = whole("faceforensics", roots)
    tested = good.of("test")[0]
    bad = dataclasses.replace(good, samples=(*good.samples, dataclasses.replace(tested, split="train")))
    reader = dataclasses.replace(KINDS["faceforensics"], read=lambda root: bad)
    monkeypatch.setattr("workstation.training.readers.KINDS", {"faceforensics": reader})
    with pytest.raises(InputError, match="stands in test and in train"):
        read("faceforensics", tmp_path)
