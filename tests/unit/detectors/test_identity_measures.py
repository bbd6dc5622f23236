"""Identity measures on embeddings whose identity and pose are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.detectors.identity_samples import BASIS, frontal, person, unit
from workstation.detectors.identity.drift import drift, spearman
from workstation.detectors.identity.measures import (
    Person,
    Threshold,
    pairs,
    reference,
    retrieval,
    to_own_median,
    to_references,
    within,
)
from workstation.detectors.identity.pose import Poses
from workstation.detectors.identity.splice import split, two_people
from workstation.domain.detectors import Measure


def by_name(measures: list[Measure]) -> dict[str, Measure]:
    return {measure.name: measure for measure in measures}


def value(measures: list[Measure], name: str) -> float:
    found = by_name(measures)[name].value
    assert found is not None
    return found


def test_identical_frames_give_within_1() -> None:
    same = np.repeat(person(1, 1), 6, axis=0)
    found = within(same, np.zeros(6, np.int64), BASIS)
    for name in ("within_mean", "within_minimum", "within_low", "within_pose_mean", "within_pose_minimum"):
        assert value(found, name) == pytest.approx(1.0, abs=1e-6)
    assert split(same) is None
    assert by_name(two_people(same, frontal(6), range(6), BASIS))["two_groups_gap"].value is None


def test_within_is_the_mean_minimum_and_5th_percentile_of_all_pairs() -> None:
    faces = person(2, 9)
    alike = [float(np.dot(faces[i], faces[j])) for i in range(9) for j in range(i)]
    found = within(faces, np.zeros(9, np.int64), BASIS)
    assert value(found, "within_mean") == pytest.approx(np.mean(alike), abs=1e-6)
    assert value(found, "within_minimum") == pytest.approx(np.min(alike), abs=1e-6)
    assert value(found, "within_low") == pytest.approx(np.percentile(alike, 5), abs=1e-6)
    assert "36 pairs" in by_name(found)["within_mean"].about


def test_stratification_removes_pose() -> None:
    """One identity; the embedding is moved by the bin of yaw and by nothing else."""
    random = np.random.default_rng(3)
    identity = unit(random.normal(size=64))
    bins = np.repeat([-2, -1, 0, 1, 2], 6)
    shift = {b: 0.9 * unit(random.normal(size=64)) for b in (-2, -1, 0, 1, 2)}
    faces = unit(np.stack([identity + shift[int(b)] for b in bins]).astype(np.float64))
    found = within(faces, bins, BASIS)
    assert value(found, "within_pose_mean") == pytest.approx(1.0, abs=1e-6)
    assert value(found, "within_mean") < 0.75
    assert value(found, "within_minimum") < 0.7 < value(found, "within_pose_minimum")
    assert "5 bins of yaw" in by_name(found)["within_pose_mean"].about


def test_no_pair_of_the_same_pose_is_said() -> None:
    found = by_name(within(person(4, 3), np.array([-1, 0, 1]), BASIS))
    assert found["within_pose_mean"].value is None
    assert "no two frames have the same pose" in found["within_pose_mean"].about
    assert pairs(person(4, 1)).size == 0


def test_two_person_splice_is_bimodal() -> None:
    one, other = person(5, 12), person(6, 8)
    mixed = np.concatenate([one, other])[np.random.default_rng(0).permutation(20)]
    found = split(mixed)
    assert found is not None
    assert int(found.second.sum()) == 8
    assert found.apart
    assert found.gap > 0.6
    alone = split(person(5, 20))
    assert alone is None or not alone.apart
    said = by_name(two_people(np.concatenate([one, other]), frontal(20), range(20), BASIS))
    assert "8 faces from 12.00 s to 19.00 s" in said["two_groups_gap"].about
    assert "two separate heights" in said["two_groups_gap"].about
    low, high = np.percentile(pairs(mixed), (5, 95))
    assert high - low > 0.6


def test_order_of_frames_changes_nothing_but_the_interval_of_drift() -> None:
    random = np.random.default_rng(8)
    faces, yaw = person(7, 30, noise=0.1), np.cumsum(random.normal(size=30)) * 5
    posed = Poses(yaw, random.normal(size=30), random.uniform(0.9, 1.1, 30))
    references = Person("A", True, person(7, 5))
    order = random.permutation(30)
    moved = Poses(posed.yaw[order], posed.pitch[order], posed.mouth[order])

    def all_of(rows: np.ndarray, where: Poses, seconds: np.ndarray) -> list[Measure]:
        likeness = to_references(rows, references.references)
        people = [references, Person("B", False, person(9, 4))]
        return [
            *within(rows, where.bins, BASIS),
            *reference(likeness, references, None, BASIS),
            *retrieval(rows, people, BASIS),
            *two_people(rows, where, list(seconds), BASIS),
            *drift(likeness, where, "likeness", BASIS, "5"),
        ]

    first = all_of(faces, posed, np.arange(30.0))
    again = all_of(faces[order], moved, np.arange(30.0)[order])
    for one, other in zip(first, again, strict=True):
        assert one.name == other.name
        assert one.value == pytest.approx(other.value, abs=1e-6), one.name
        if not one.name.startswith("drift"):
            assert one.low == pytest.approx(other.low, abs=1e-6)
            assert one.about == other.about
    assert by_name(first)["drift_yaw"].low != pytest.approx(by_name(again)["drift_yaw"].low, abs=1e-3)


def test_reference_is_the_mean_of_the_top_k() -> None:
    faces, references = person(10, 5), person(10, 7)
    cosine = faces.astype(float) @ references.T.astype(float)
    wanted = np.sort(cosine, axis=1)[:, -3:].mean(axis=1)
    likeness = to_references(faces, references)
    assert likeness == pytest.approx(wanted)
    assert to_references(faces, references, top=1) == pytest.approx(cosine.max(axis=1))
    found = reference(likeness, Person("A", True, references), None, BASIS)
    assert value(found, "reference_median") == pytest.approx(np.median(wanted))
    assert value(found, "reference_low") == pytest.approx(np.percentile(wanted, 5))
    with pytest.raises(ValueError, match="no reference"):
        to_references(faces, references[:0])


def test_share_under_a_threshold_needs_a_named_calibration_set() -> None:
    who = Person("A", True, person(10, 7))
    likeness = np.array([0.1, 0.2, 0.6, 0.7])
    without = by_name(reference(likeness, who, None, BASIS))["reference_under"]
    assert without.value is None
    assert "no threshold" in without.about
    given = by_name(reference(likeness, who, Threshold(0.3, "bench set 1"), BASIS))["reference_under"]
    assert given.value == 0.5
    assert "under 0.3, calibrated on bench set 1" in given.about


def test_retrieval_ranks_the_claimed_person_and_names_the_likest_other() -> None:
    mine, other, far = person(11, 6), person(12, 6), person(13, 6)
    track = np.concatenate([person(11, 3), person(12, 1)])
    people = [Person("Claimed", True, mine), Person("Donor", False, other), Person("Third", False, far)]
    found = by_name(retrieval(track, people, BASIS))
    assert found["retrieval_first"].value == 0.75
    assert "among 3: median 1, worst" in found["retrieval_first"].about
    swapped = by_name(retrieval(person(12, 5), people, BASIS))
    assert swapped["retrieval_first"].value == 0.0
    assert "Donor" in swapped["retrieval_other"].label
    alone = by_name(retrieval(track, people[:1], BASIS))
    assert alone["retrieval_first"].value is None
    unclaimed = by_name(retrieval(person(12, 5), [replace(p, claimed=False) for p in people], BASIS))
    assert list(unclaimed) == ["retrieval_other"]
    assert "Donor" in unclaimed["retrieval_other"].label
    assert retrieval(track, [Person("Empty", True, mine[:0])], BASIS) == []


def test_a_tie_is_not_the_first_rank() -> None:
    same = person(14, 3)
    found = by_name(retrieval(same, [Person("A", True, same), Person("B", False, same)], BASIS))
    assert found["retrieval_first"].value == 0.0


def test_drift_is_spearmans_correlation_with_an_interval() -> None:
    random = np.random.default_rng(15)
    yaw = random.uniform(-40, 40, 40)
    follows = -(yaw**3)
    r, low, high = spearman(follows, yaw) or (0.0, 0.0, 0.0)
    assert (r, low) == (pytest.approx(-1.0), pytest.approx(-1.0, abs=1e-3))
    assert low <= r <= high
    r, low, high = spearman(random.normal(size=400), random.normal(size=400)) or (1.0, 1.0, 1.0)
    assert low < 0 < high
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(397), rel=0.1)
    assert spearman(np.ones(40), yaw) is None
    assert spearman(yaw[:4], yaw[:4]) is None


def test_the_interval_covers_for_frames_that_follow_one_another() -> None:
    """Two unrelated slow walks: an interval that took frames for independent would miss 0 most of the time."""
    random = np.random.default_rng(16)
    covered = naive = 0
    for _ in range(200):
        one, other = (_walk(random, 64) for _ in range(2))
        r, low, high = spearman(one, other) or (0.0, -1.0, 1.0)
        covered += low <= 0 <= high
        naive += abs(np.arctanh(r)) <= 1.96 / np.sqrt(61)
    assert naive < 130
    assert covered > 170


def _walk(random: np.random.Generator, count: int) -> np.ndarray:
    values = np.zeros(count)
    for place in range(1, count):
        values[place] = 0.9 * values[place - 1] + random.normal()
    return values


def test_without_references_drift_is_against_the_own_median() -> None:
    faces = person(17, 9)
    middle = np.median(faces.astype(float), axis=0)
    wanted = faces @ (middle / np.linalg.norm(middle))
    assert to_own_median(faces) == pytest.approx(wanted, abs=1e-6)


def test_every_measure_tells_frames_references_and_recogniser() -> None:
    faces, who = person(18, 8), Person("A. Person", True, person(18, 1))
    posed = Poses(np.linspace(-20, 20, 8), np.zeros(8), np.ones(8))
    likeness = to_references(faces, who.references)
    found = [
        *within(faces, posed.bins, BASIS),
        *reference(likeness, who, None, BASIS),
        *retrieval(faces, [who, Person("B", False, person(19, 2))], BASIS),
        *drift(likeness, posed, "likeness", BASIS, who.images),
        *two_people(faces, posed, range(8), BASIS),
    ]
    assert len({measure.name for measure in found}) == len(found)
    for measure in found:
        assert "8 frames" in measure.about, measure.name
        assert "test recogniser" in measure.about, measure.name
        assert "reference image" in measure.about, measure.name
    assert "1 reference image of A. Person" in by_name(found)["reference_median"].about
    assert "28 pairs" in by_name(found)["within_mean"].about
