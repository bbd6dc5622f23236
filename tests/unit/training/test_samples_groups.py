"""Groups: leaks made on purpose are found, groups are joined through others, our validation split is stable."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.domain.errors import InputError
from workstation.training.readers.settling import Found, held_for_validation, settle
from workstation.training.samples import Dataset, Sample, Split, check_groups, leaks, overlap

ROOT = Path("/data")


def sample(name: str, group: str, split: Split, *, manipulated: bool = False, **facts: str) -> Sample:
    return Sample(ROOT / name, "video", manipulated, "m" if manipulated else "genuine", group, split, facts=facts)


def found(name: str, members: tuple[str, ...], split: Split | None, *, manipulated: bool = False) -> Found:
    return Found(ROOT / name, "video", manipulated, "m" if manipulated else "genuine", members, split)


def test_a_group_in_two_splits_is_named_with_both_files() -> None:
    dataset = Dataset("set", ROOT, (sample("a.mp4", "p1", "train"), sample("b.mp4", "p1", "test")))
    assert leaks(dataset) == ("group p1 stands in train (a.mp4) and test (b.mp4)",)
    with pytest.raises(InputError, match="group p1 stands in train") as raised:
        check_groups(dataset)
    assert raised.value.advice


def test_a_group_in_all_three_splits_is_one_leak() -> None:
    samples = tuple(sample(f"{split}.mp4", "p1", split) for split in ("train", "val", "test"))  # type: ignore[arg-type]
    assert len(leaks(Dataset("set", ROOT, samples))) == 1


@pytest.mark.parametrize(
    ("second", "line"),
    [
        (sample("a.mp4", "p2", "test"), "stands in train and in test"),
        (sample("a.mp4", "p1", "train", manipulated=True), "as genuine and as manipulated"),
        (sample("a.mp4", "p1", "train"), "is listed twice in train"),
    ],
)
def test_one_file_listed_twice_is_found(second: Sample, line: str) -> None:
    found_lines = leaks(Dataset("set", ROOT, (sample("a.mp4", "p1", "train"), second)))
    assert len(found_lines) == 1
    assert line in found_lines[0]


def test_two_members_of_one_archive_are_two_items() -> None:
    pair = (sample("1.tar", "p1", "train", member="0"), sample("1.tar", "p1", "train", member="1"))
    check_groups(Dataset("set", ROOT, pair))


def test_many_leaks_are_counted_and_the_first_are_named() -> None:
    samples = [sample(f"{n}-{split}.mp4", f"p{n}", split) for n in range(9) for split in ("train", "test")]  # type: ignore[arg-type]
    with pytest.raises(InputError, match="and 4 more"):
        check_groups(Dataset("set", ROOT, tuple(samples)))


def test_a_sound_dataset_passes_and_is_counted() -> None:
    samples = (
        sample("a.mp4", "p1", "train"),
        sample("b.mp4", "p1", "train", manipulated=True),
        sample("c", "p2", "test"),
    )
    dataset = Dataset("set", ROOT, samples)
    check_groups(dataset)
    assert dataset.counts() == {("train", "genuine", False): 1, ("train", "m", True): 1, ("test", "genuine", False): 1}
    assert list(dataset.counts()) == [("train", "genuine", False), ("train", "m", True), ("test", "genuine", False)]
    assert [one.path.name for one in dataset.of("train")] == ["a.mp4", "b.mp4"]


def test_groups_join_through_a_third_item() -> None:
    items = [
        found("a", ("1",), "train"),
        found("b", ("2",), "train"),
        found("swap", ("1", "2"), "train", manipulated=True),
        found("c", ("3",), "test"),
    ]
    dataset = settle("set", ROOT, items)
    assert [one.group for one in dataset.samples] == ["1+2", "1+2", "1+2", "3"]


def test_training_items_that_reach_a_tested_person_through_swaps_are_left_out_and_counted() -> None:
    items = [
        found("a", ("1",), "train"),
        found("a-b", ("1", "2"), "train", manipulated=True),
        found("b-c", ("2", "3"), "test", manipulated=True),
        found("d", ("4",), "train"),
        found("e", ("3",), "val"),
    ]
    dataset = settle("set", ROOT, items)
    assert [(one.path.name, one.split) for one in dataset.samples] == [("b-c", "test"), ("d", "train")]
    assert any("2 items of train were left out" in note and "test" in note for note in dataset.notes)
    assert any("1 items of val were left out" in note for note in dataset.notes)


def test_our_validation_is_one_group_in_ten_and_the_same_for_a_part_of_the_data() -> None:
    items = [found(f"{n}", (f"person{n}",), None) for n in range(400)]
    whole = settle("set", ROOT, items)
    part = settle("set", ROOT, items[:150])
    share = len(whole.of("val")) / 400
    assert 0.05 < share < 0.16
    assert {one.group for one in part.of("val")} == {one.group for one in whole.of("val")} & {
        one.group for one in part.samples
    }
    assert any("ours holds" in note and "400 training groups" in note for note in whole.notes)


def test_who_is_held_for_validation_is_the_same_on_every_machine() -> None:
    assert [number for number in range(60) if held_for_validation(f"person{number}")] == [
        4,
        14,
        17,
        20,
        23,
        36,
        40,
        48,
        55,
        56,
    ]


def test_our_validation_is_never_empty_where_there_are_two_groups() -> None:
    names = [name for name in (f"person{n}" for n in range(50)) if not held_for_validation(name)][:2]
    dataset = settle("set", ROOT, [found(name, (name,), None) for name in names])
    assert len(dataset.of("val")) == len(dataset.of("train")) == 1


def test_a_published_validation_split_is_kept() -> None:
    dataset = settle("set", ROOT, [found(str(n), (str(n),), "train") for n in range(40)] + [found("v", ("v",), "val")])
    assert [one.path.name for one in dataset.of("val")] == ["v"]
    assert not any("ours holds" in note for note in dataset.notes)


def test_nothing_found_is_an_error_with_what_is_missing() -> None:
    with pytest.raises(InputError, match="real: no clips"):
        settle("set", ROOT, [], missing=["real: no clips"])


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 12), min_size=1, max_size=3), st.sampled_from(["train", "val", "test", None])),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_is_published_no_member_stands_in_two_splits_and_no_test_item_is_lost(
    drawn: list[tuple[set[int], Split | None]],
) -> None:
    items = [found(str(n), tuple(str(one) for one in sorted(people)), split) for n, (people, split) in enumerate(drawn)]
    dataset = settle("set", ROOT, items)
    check_groups(dataset)
    place: dict[str, str] = {}
    for one in dataset.samples:
        for member in one.members:
            assert place.setdefault(member, one.split) == one.split
    assert {one.path.name for one in dataset.of("test")} == {one.path.name for one in items if one.split == "test"}


def test_only_training_against_testing_is_an_overlap() -> None:
    one = Dataset("one", ROOT, (sample("a", "1", "train"), sample("b", "2", "val"), sample("c", "3", "test")))
    other = Dataset("other", ROOT, (sample("d", "1", "train"), sample("e", "2", "test"), sample("f", "3", "test")))
    assert overlap(one, other) == ("2: val of one (b), test (e)",)
    assert overlap(other, one) == ()
