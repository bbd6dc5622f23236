"""The family with a published recogniser on photographs and clips of the development data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import SHARED_DATA
from tests.unit.detectors.identity_samples import mirrored
from workstation.detectors.identity.detector import IdentityDetector, load
from workstation.detectors.identity.importing import convert
from workstation.detectors.identity.measures import cosines, pairs, to_references
from workstation.detectors.identity.splice import split
from workstation.domain.detectors import GalleryPerson, Measure, SequenceReading, TrackContext
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.faces import insightface_pack
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder
from workstation.faces.organs import organ_regions

pytestmark = pytest.mark.data

PEOPLE = 8
FRAMES = 16
Pair = tuple[FaceCrop, FaceCrop]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return insightface_pack.load(weights_folder=SHARED_DATA / "weights" / "scrfd")


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> IdentityDetector:
    folder = tmp_path_factory.mktemp("package")
    source = SHARED_DATA / "weights" / "mobilefacenet_recognition" / "mobilefacenet.onnx"
    card = convert(source, folder, licence="none stated", origin="development data")
    assert card.network == {"mean": 127.5, "scale": 128.0}
    return load(card, folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def people(finder: FaceFinder) -> list[tuple[Pair, Pair]]:
    """Neutral and smiling of the first people, each as the large crop and as the direct 112 one."""
    found = []
    for neutral in sorted((SHARED_DATA / "train/london/neutral_front").glob("*.jpg"))[:PEOPLE]:
        smiling = SHARED_DATA / "train/london_smiling" / f"{neutral.stem.split('_')[0]}_08.jpg"
        found.append((_cut(finder, _photo(neutral)), _cut(finder, _photo(smiling))))
    return found


@pytest.fixture(scope="module")
def clips(finder: FaceFinder) -> dict[str, list[FaceCrop]]:
    """The same frames of a genuine clip, of its face swap, and of two more."""
    return {name: list(_track(finder, name)) for name in ("634", "634_660", "004", "004_982")}


def _photo(path: Path) -> RgbArray:
    picture = cv2.imread(str(path))
    factor = 600 / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1])


def _cut(finder: FaceFinder, picture: RgbArray) -> Pair:
    marks = finder.find([picture])[0][0].landmarks
    return align(picture, marks, size=224, margin=2.0), align(picture, marks, size=112, margin=1.0)


def _track(finder: FaceFinder, name: str) -> Iterator[FaceCrop]:
    """The first 230 frames: later another face is larger in one of the clips."""
    reader = cv2.VideoCapture(str(SHARED_DATA / "dev/videos_ffpp" / f"{name}.mp4"))
    for number in range(230):
        good, frame = reader.read()
        assert good
        if number % (230 // FRAMES) == 0:
            yield _cut(finder, np.ascontiguousarray(frame[..., ::-1]))[0]
    reader.release()


def _read(
    detector: IdentityDetector, crops: list[FaceCrop], *gallery: GalleryPerson
) -> tuple[SequenceReading, dict[str, Measure]]:
    reading = detector.read_track(crops, TrackContext(tuple(n * 0.4 for n in range(len(crops))), gallery))
    return reading, {measure.name: measure for measure in reading.measures}


def test_the_large_crop_and_the_direct_one_embed_alike(
    detector: IdentityDetector, people: list[tuple[Pair, Pair]]
) -> None:
    for pair in people:
        for large, direct in pair:
            one = detector.embed([large])[0]
            other = detector._encoder.embed([direct.rgb])[0][0]
            assert float(one @ other) > 0.98


def test_batch_and_single_are_the_same_numbers(detector: IdentityDetector, people: list[tuple[Pair, Pair]]) -> None:
    crops = [large for (large, _), _ in people[:4]]
    assert np.array_equal(detector.embed(crops), np.concatenate([detector.embed([crop]) for crop in crops]))


def test_the_same_person_smiling_is_nearest_to_the_same_person(
    detector: IdentityDetector, people: list[tuple[Pair, Pair]]
) -> None:
    neutral = detector.embed([large for (large, _), _ in people])
    smiling = detector.embed([large for _, (large, _) in people])
    alike = cosines(smiling, neutral)
    assert (alike.argmax(axis=1) == np.arange(PEOPLE)).all()
    same, others = np.diag(alike), alike[~np.eye(PEOPLE, dtype=bool)]
    assert same.min() > others.max()
    gallery = [GalleryPerson(str(n), n == 0, (people[n][0][0],)) for n in range(PEOPLE)]
    _, found = _read(detector, [people[0][1][0]], *gallery)
    assert found["retrieval_first"].value == 1.0
    _, swapped = _read(detector, [people[1][1][0]], *gallery)
    assert swapped["retrieval_first"].value == 0.0
    assert "likest other person of the gallery: 1," in swapped["retrieval_other"].label


def test_a_pasted_inner_face_loses_the_inner_likeness_and_keeps_the_outer(
    detector: IdentityDetector, people: list[tuple[Pair, Pair]]
) -> None:
    for number in range(4):
        ((reference, _), (genuine, _)), (_, (donor, _)) = people[number], people[number + 1]
        region = organ_regions(genuine.landmarks, 224, 224)["face"][..., None]
        pasted = replace(genuine, rgb=np.rint(donor.rgb * region + genuine.rgb * (1 - region)).astype(np.uint8))
        who = GalleryPerson("A", True, (reference,))
        _, before = _read(detector, [genuine], who)
        _, after = _read(detector, [pasted], who)
        fallen = {
            name: before[name].value - after[name].value
            for name in ("reference_median", "inner_to_reference", "outer_to_reference")
        }
        assert fallen["reference_median"] > 0.3
        assert fallen["inner_to_reference"] > 0.3
        assert abs(fallen["outer_to_reference"]) < 0.06
        assert after["ict_score"].value > before["ict_score"].value


def test_a_face_swap_is_unlike_the_references_and_a_reenactment_is_not(
    detector: IdentityDetector, clips: dict[str, list[FaceCrop]]
) -> None:
    """634 against its FaceSwap; 004 against its NeuralTextures, which keeps the identity: nothing to be found."""
    half = FRAMES // 2
    genuine, swap = clips["634"], clips["634_660"]
    who = GalleryPerson("A", True, tuple(genuine[:half]))
    first, kept = _read(detector, genuine[half:], who)
    second, lost = _read(detector, swap[half:], who)
    assert kept["reference_median"].value > 0.85
    assert lost["reference_median"].value < 0.6
    assert kept["reference_median"].low > lost["reference_median"].high
    assert first.value > second.value
    assert kept["within_pose_mean"].value > lost["within_pose_mean"].value
    assert kept["inner_to_reference"].value - lost["inner_to_reference"].value > 0.3
    assert abs(kept["outer_to_reference"].value - lost["outer_to_reference"].value) < 0.05
    references = detector.embed(clips["004"][:half])
    same = float(np.median(to_references(detector.embed(clips["004"][half:]), references)))
    moved = float(np.median(to_references(detector.embed(clips["004_982"][half:]), references)))
    assert abs(same - moved) < 0.15


def test_a_splice_of_two_people_is_bimodal_and_one_person_is_not(
    detector: IdentityDetector, clips: dict[str, list[FaceCrop]]
) -> None:
    half = FRAMES // 2
    for one, other in (("634", "004"), ("634", "634_660")):
        found = split(detector.embed(clips[one][:half] + clips[other][half:]))
        assert found is not None
        assert found.apart
        assert found.gap > 0.4
    for name, crops in clips.items():
        alone = split(detector.embed(crops))
        assert alone is None or not alone.apart, name


def test_a_mirrored_clip_reads_the_same_within_a_tolerance(
    detector: IdentityDetector, clips: dict[str, list[FaceCrop]]
) -> None:
    for name in ("634", "634_660"):
        straight = detector.embed(clips[name])
        turned = detector.embed([mirrored(crop) for crop in clips[name]])
        assert float(np.mean(pairs(straight))) == pytest.approx(float(np.mean(pairs(turned))), abs=0.03)
        one = float(np.median(to_references(straight, straight[::4])))
        assert float(np.median(to_references(turned, turned[::4]))) == pytest.approx(one, abs=0.03)
