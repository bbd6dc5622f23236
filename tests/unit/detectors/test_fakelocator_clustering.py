"""Single-sample clustering of a pool: two textures fall apart, a shuffled pool does not, a single face is refused."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from detector_samples import locator_card

from workstation.detectors import registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.fakelocator.clustering import LEAST, RUNS, Clustering, cluster
from workstation.detectors.fakelocator.detector import FakeLocatorDetector
from workstation.detectors.packages import fresh_package
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import Cancelled, DetectorError, InputError
from workstation.domain.faces import FaceCrop

COUNT = 48
TEXTURED = np.arange(COUNT) % 2 == 1


def _textured(crop: FaceCrop, seed: int) -> FaceCrop:
    """What a decoder's upsampling leaves: detail at half the size, enlarged, with a chequered trace."""
    side = crop.size
    half = cv2.resize(crop.rgb, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    large = cv2.resize(half, (side, side), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    y, x = np.mgrid[:side, :side]
    chequer = np.where((x // 2 + y // 2) % 2 == 0, 1.0, -1.0)[..., None]
    strength = np.random.default_rng(seed).uniform(8, 16)
    return replace(crop, rgb=np.clip(large + strength * chequer, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> FakeLocatorDetector:
    folder = tmp_path_factory.mktemp("locator")
    card = locator_card(
        network={"widths": [8, 12, 16, 24], "decoder": 4}, input=replace(locator_card().input, size=64, crop_size=96)
    )
    card = replace(card, output=replace(card.output, map_size=64))
    package = InstalledDetector(fresh_package(folder, card, seed=1), str(folder), False)
    detector = registry.load(package, device="cpu", precision="float32")
    assert isinstance(detector, FakeLocatorDetector)
    return detector


def _pool(faces: list[FaceCrop]) -> list[FaceCrop]:
    return [_textured(face, n) if mark else face for n, (face, mark) in enumerate(zip(faces, TEXTURED, strict=True))]


@pytest.fixture(scope="module")
def features(encoder: FakeLocatorDetector) -> np.ndarray:
    """Encoder features of one drawn face in other light and grain each time, every second one with the texture."""
    (base,) = drawn_crops(96, 1, seed=3)
    random = np.random.default_rng(2)
    views = [base.rgb * random.uniform(0.93, 1.07) + random.normal(0, 4, base.rgb.shape) for _ in range(COUNT)]
    return encoder.features(_pool([replace(base, rgb=np.clip(view, 0, 255).astype(np.uint8)) for view in views]))


@pytest.fixture(scope="module")
def found(features: np.ndarray) -> Clustering:
    return cluster(features, 1)


def _right(clustering: Clustering, truth: np.ndarray) -> float:
    said = np.array(clustering.shares) > 0.5
    return float((said == (truth == truth[clustering.named])).mean())


def test_two_textures_fall_into_two_clusters_named_by_one_face(found: Clustering) -> None:
    assert len(found.runs) == RUNS
    assert found.shares[1] == 1.0
    assert _right(found, TEXTURED) > 0.95
    assert found.agreement > 0.9
    assert found.silhouette > 0.2
    for run in found.runs:
        assert run.with_named + run.others == COUNT


def test_naming_a_face_of_the_other_texture_names_the_other_cluster(features: np.ndarray, found: Clustering) -> None:
    other = cluster(features, 0, runs=3)
    assert _right(other, TEXTURED) > 0.95
    three = cluster(features, 1, runs=3)
    np.testing.assert_allclose(np.array(three.shares) + np.array(other.shares), 1.0)
    assert three.runs == found.runs[:3]


def test_a_shuffled_pool_shows_in_the_silhouette_and_in_the_agreement(features: np.ndarray, found: Clustering) -> None:
    """Every feature shuffled over the faces: the same numbers, and no two kinds of faces."""
    random = np.random.default_rng(0)
    shuffled = np.stack([random.permutation(column) for column in features.T], axis=1)
    none = cluster(shuffled, 1)
    assert none.silhouette < 0.15 < found.silhouette
    assert none.agreement < found.agreement - 0.3
    assert 0.2 < _right(none, TEXTURED) < 0.8


def test_what_falls_apart_cleanly_need_not_be_what_was_asked_for(encoder: FakeLocatorDetector) -> None:
    """Faces of many looks: the clusters are clear and agree, and are of light and skin, not of the texture."""
    mixed = cluster(encoder.features(_pool(drawn_crops(96, COUNT, seed=3))), 1)
    assert mixed.silhouette > 0.2
    assert mixed.agreement > 0.7
    assert _right(mixed, TEXTURED) < 0.75


def test_the_same_seed_gives_the_same_answer(features: np.ndarray, found: Clustering) -> None:
    again = cluster(features, 1)
    assert again == found
    assert cluster(features, 1, runs=2, seed=50).runs != found.runs[:2]


@pytest.mark.parametrize("count", [1, LEAST - 1])
def test_a_single_face_and_a_small_pool_are_refused(features: np.ndarray, count: int) -> None:
    with pytest.raises(InputError, match=f"at least {LEAST}") as said:
        cluster(features[:count], 0)
    assert "one exhibit's single face" in (said.value.advice or "")
    assert len(cluster(features[:LEAST], 0, runs=1).shares) == LEAST


def test_faces_that_do_not_differ_and_numbers_that_are_none_are_refused(features: np.ndarray) -> None:
    with pytest.raises(InputError, match="nothing to cluster"):
        cluster(np.ones((30, 4), np.float32), 0)
    with pytest.raises(InputError, match="no face 48"):
        cluster(features, COUNT)
    broken = features.copy()
    broken[3, 2] = np.nan
    with pytest.raises(DetectorError, match="not a number"):
        cluster(broken, 0)


def test_it_tells_of_each_run_and_can_be_ended_between_two(features: np.ndarray) -> None:
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        if done == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        cluster(features, 0, on_run=stop)
    assert told == [0, 1, 2]
