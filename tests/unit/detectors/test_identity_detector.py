"""The identity family end to end: packages, crops, readings and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.detectors import identity_samples as samples
from workstation.detectors import registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.identity.detector import IdentityDetector, check, load
from workstation.detectors.identity.encoder import Encoder, face_frame, session_of, shape_of
from workstation.detectors.identity.importing import convert, matches
from workstation.detectors.identity.inner_outer import halves, masked
from workstation.detectors.packages import finish_package
from workstation.domain.detectors import (
    DetectorCard,
    GalleryPerson,
    InstalledDetector,
    Measure,
    SequenceReading,
    TrackContext,
)
from workstation.domain.errors import CardInvalid, DetectorError, InputError, WeightsInvalid
from workstation.domain.faces import FaceCrop
from workstation.faces.alignment import align


@pytest.fixture
def card(tmp_path: Path) -> DetectorCard:
    """A tiny package in ``tmp_path`` and its card as read back."""
    samples.write_recogniser(tmp_path / "recogniser.onnx")
    return finish_package(tmp_path, samples.card())


@pytest.fixture
def detector(card: DetectorCard, tmp_path: Path) -> IdentityDetector:
    return load(card, tmp_path, device="cpu", precision="bfloat16", settings={"gallery": "{}"})


def lit(crop: FaceCrop, by: float) -> FaceCrop:
    return replace(crop, rgb=np.clip(crop.rgb * by, 0, 255).astype(np.uint8))


def track(seed: int, count: int = 6) -> list[FaceCrop]:
    """One drawn person under changing light."""
    face = drawn_crops(224, 1, seed, margin=2.0)[0]
    return [lit(face, 1 - 0.03 * n) for n in range(count)]


def read(
    detector: IdentityDetector, crops: list[FaceCrop], gallery: tuple[GalleryPerson, ...] = ()
) -> tuple[SequenceReading, dict[str, Measure]]:
    reading = detector.read_track(crops, TrackContext(tuple(n / 25 for n in range(len(crops))), gallery))
    return reading, {measure.name: measure for measure in reading.measures}


def test_a_package_loads_verifies_and_passes_its_self_test(card: DetectorCard, tmp_path: Path) -> None:
    package = InstalledDetector(card, str(tmp_path), False)
    lines = registry.verify(package)
    assert lines.ok, lines.bad
    assert "embeddings of 24 numbers" in " ".join(line.detail for line in lines.lines)
    assert card.self_test is not None
    loaded = registry.load(package, device="cpu", precision="float32")
    assert (loaded.device, loaded.precision) == ("cpu", "float32")


def test_batch_and_single_give_the_same_embedding(detector: IdentityDetector) -> None:
    crops = drawn_crops(224, 5, 3, margin=2.0)
    together = detector.embed(crops)
    alone = np.concatenate([detector.embed([crop]) for crop in crops])
    assert np.array_equal(together, alone)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert np.array_equal(together, detector.embed(crops))


@pytest.mark.parametrize("scale", [127.5, 128.0])
def test_the_network_is_fed_rgb_less_the_mean_over_the_scale(tmp_path: Path, scale: float) -> None:
    path = samples.write_recogniser(tmp_path / "r.onnx")
    session = session_of(path.read_bytes(), "r")
    crop = drawn_crops(112, 1, 5, margin=1.0)[0]
    fed = ((crop.rgb.astype(np.float32) - 127.5) / scale).transpose(2, 0, 1)[None]
    wanted = session.run(None, {"data": fed})[0][0]
    encoder = Encoder(session, shape_of(session, "r"), mean=127.5, scale=scale)
    assert encoder.embed([crop.rgb])[0][0] == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-6)
    other = Encoder(session, shape_of(session, "r"), mean=127.5, scale=scale, colour="bgr")
    swapped = np.ascontiguousarray(crop.rgb[..., ::-1])
    assert np.array_equal(other.embed([swapped])[0], encoder.embed([crop.rgb])[0])


def test_the_112_frame_inside_the_large_crop_is_the_direct_one(card: DetectorCard) -> None:
    """The same picture cut at margin 2 and 224 px has the ArcFace frame in its middle, pixel for pixel."""
    scene = drawn_crops(300, 1, 9, margin=2.0)[0]
    large = align(scene.rgb, scene.landmarks, size=224, margin=2.0)
    direct = align(scene.rgb, scene.landmarks, size=112, margin=1.0)
    inner = face_frame(large, card.input)
    assert inner.shape == (112, 112, 3)
    assert np.abs(inner.astype(int) - direct.rgb.astype(int)).max() <= 1
    other = replace(card.input, crop_size=256, crop_margin=1.5)
    resampled = face_frame(align(scene.rgb, scene.landmarks, size=256, margin=1.5), other)
    assert np.abs(resampled.astype(int) - direct.rgb.astype(int)).mean() < 3
    with pytest.raises(InputError, match="does not fit"):
        face_frame(direct_crop(), card.input)


def direct_crop() -> FaceCrop:
    return drawn_crops(112, 1, 9, margin=1.0)[0]


def test_without_a_claim_the_value_is_within(detector: IdentityDetector) -> None:
    reading, found = read(detector, track(1))
    assert reading.value == pytest.approx((found["within_pose_mean"].value + 1) / 2)
    assert "no reference of a claimed person was given" in reading.note
    assert "reference_median" not in found
    same, _ = read(detector, track(1)[:1] * 4)
    assert same.value == pytest.approx(1.0, abs=1e-6)
    one, _ = read(detector, track(1)[:1])
    assert one.value is None
    assert "nothing to compare it with" in one.note


def test_with_a_claim_the_value_is_the_median_likeness_to_the_references(detector: IdentityDetector) -> None:
    people = (GalleryPerson("A", True, tuple(track(1, 4))), GalleryPerson("B", False, tuple(track(2, 4))))
    reading, found = read(detector, track(1), people)
    other, _ = read(detector, track(2), people)
    assert reading.value == pytest.approx((found["reference_median"].value + 1) / 2)
    assert "the median likeness to A" in reading.note
    assert reading.note.startswith("Identity consistency as defined by this program, after the idea of WSC-swap")
    assert other.value < reading.value
    assert found["retrieval_first"].value == 1.0
    assert "4 reference images of A" in found["reference_median"].about
    empty, measures = read(detector, track(1), (GalleryPerson("A", True, ()),))
    assert "no reference of a claimed person" in empty.note
    assert "reference_median" not in measures


def test_two_people_in_one_track_are_told(detector: IdentityDetector) -> None:
    _, found = read(detector, track(1) + track(2))
    _, alone = read(detector, track(1, 12))
    assert found["two_groups_gap"].value > 3 * (alone["two_groups_gap"].value or 0.0)
    assert "6 faces from 0.00 s to 0.20 s" in found["two_groups_gap"].about


def test_a_mirrored_track_reads_the_same_within_a_tolerance(tmp_path: Path) -> None:
    """With a recogniser that looks at rows alone, mirroring must change nothing at all."""
    detector = symmetric(tmp_path)
    people = (GalleryPerson("A", True, tuple(track(3, 4))), GalleryPerson("B", False, tuple(track(4, 4))))
    first, measures = read(detector, track(3) + track(5, 2), people)
    again, mirrored = read(detector, [samples.mirrored(crop) for crop in track(3) + track(5, 2)], people)
    assert again.value == pytest.approx(first.value, abs=1e-4)
    for name in ("within_mean", "within_low", "reference_median", "retrieval_first", "two_groups_gap", "ict_d1"):
        assert mirrored[name].value == pytest.approx(measures[name].value, abs=2e-3), name


def symmetric(folder: Path) -> IdentityDetector:
    """A recogniser whose matrix gives both halves of the picture the same weights."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(samples.write_recogniser(folder / "recogniser.onnx")))
    matrix = numpy_helper.to_array(model.graph.initializer[0]).reshape(3, 4, 4, samples.WIDTH)
    even = ((matrix + matrix[:, :, ::-1]) / 2).reshape(48, samples.WIDTH)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(even, "matrix0"))
    (folder / "recogniser.onnx").write_bytes(model.SerializeToString())
    written = finish_package(folder, samples.card(), self_test=False)
    return load(written, folder, device="cpu", precision="float32")


def test_inner_and_outer_pictures_hold_one_part_each(card: DetectorCard) -> None:
    face = drawn_crops(224, 1, 6, margin=2.0)[0]
    inside, outside = masked(face, card.input)
    assert inside.shape == outside.shape == (112, 112, 3)
    assert (inside[0, 0] == 128).all()
    assert np.abs(inside[56, 56].astype(int) - face.rgb[112, 112]).max() <= 1
    assert (outside[56, 56] == 128).all()
    assert (outside[2, 2] != 128).any()
    other = drawn_crops(224, 1, 7, margin=2.0)[0]
    from workstation.faces.organs import organ_regions

    region = organ_regions(face.landmarks, 224, 224)["face"][..., None]
    swapped = replace(face, rgb=np.rint(other.rgb * region + face.rgb * (1 - region)).astype(np.uint8))
    assert np.abs(masked(swapped, card.input)[1].astype(int) - outside).max() <= 40
    assert np.abs(masked(swapped, card.input)[0].astype(int) - inside).mean() > 2


def test_a_swapped_inner_face_keeps_the_likeness_of_the_outer_one(detector: IdentityDetector) -> None:
    from workstation.faces.organs import organ_regions

    mine, donor = track(1), track(2)
    region = organ_regions(mine[0].landmarks, 224, 224)["face"][..., None]
    swap = [
        replace(a, rgb=np.rint(b.rgb * region + a.rgb * (1 - region)).astype(np.uint8))
        for a, b in zip(mine, donor, strict=True)
    ]
    people = (GalleryPerson("A", True, tuple(track(1, 4))),)
    _, genuine = read(detector, mine, people)
    _, swapped = read(detector, swap, people)
    lost = {name: genuine[name].value - swapped[name].value for name in ("inner_to_reference", "outer_to_reference")}
    assert lost["inner_to_reference"] > 4 * abs(lost["outer_to_reference"])
    assert swapped["ict_score"].value > genuine["ict_score"].value
    assert swapped["ict_score"].exploratory
    assert "was not trained" in swapped["inner_outer"].about


def test_a_network_with_two_outputs_gives_inner_and_outer_itself(tmp_path: Path) -> None:
    samples.write_recogniser(tmp_path / "recogniser.onnx", outputs=2)
    card = finish_package(tmp_path, samples.card())
    detector = load(card, tmp_path, device="cpu", precision="float32")
    crops = track(1, 3)
    both = halves(detector._encoder, crops, card.input)
    assert both.trained
    assert np.array_equal(both.inner, detector.embed(crops))
    people = (GalleryPerson("A", True, tuple(track(1, 4))),)
    _, found = read(detector, crops, people)
    distance = np.median(np.sum((both.inner - both.outer).astype(float) ** 2, axis=1))
    assert found["ict_d1"].value == pytest.approx(distance, abs=1e-6)
    assert "output of the network" in found["ict_score"].about


def test_outputs_named_the_other_way_round_are_put_in_order(tmp_path: Path) -> None:
    import onnx

    path = samples.write_recogniser(tmp_path / "two.onnx", outputs=2)
    plain = shape_of(session_of(path.read_bytes(), "two"), "two").outputs
    assert plain == ("embedding0", "embedding1")
    model = onnx.load(str(path))
    for place, name in enumerate(("outer_identity", "inner_identity")):
        model.graph.output[place].name = name
        model.graph.node[2 + place].output[0] = name
    path.write_bytes(model.SerializeToString())
    assert shape_of(session_of(path.read_bytes(), "two"), "two").outputs == ("inner_identity", "outer_identity")


def test_without_a_record_of_validation_all_is_exploratory(detector: IdentityDetector) -> None:
    people = (GalleryPerson("A", True, tuple(track(1, 4))), GalleryPerson("B", False, tuple(track(2, 4))))
    reading, _ = read(detector, track(1), people)
    assert all(measure.exploratory for measure in reading.measures)


def test_a_single_face_is_not_read(detector: IdentityDetector) -> None:
    with pytest.raises(DetectorError, match="whole tracks"):
        detector.read(track(1))
    with pytest.raises(InputError, match="no track"):
        detector.read_track(track(1), TrackContext((0.0,)))
    with pytest.raises(InputError, match="no track"):
        detector.read_track([], TrackContext(()))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"depth": 3}, "no network.depth"),
        ({"mean": "x"}, "network.mean must be a number"),
        ({"scale": 0}, "above 0"),
        ({"scale": 128.0}, "are not network.mean"),
        ({"top": 0}, "network.top"),
        ({"threshold": 0.3}, "threshold_set"),
        ({"threshold_set": "a set"}, "threshold_set"),
        ({"threshold": 3.0, "threshold_set": "a set"}, "cosine"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    card: DetectorCard, tmp_path: Path, network: dict[str, object], words: str
) -> None:
    bad = replace(card, network={**card.network, **network})
    with pytest.raises(CardInvalid, match=words):
        check(bad, tmp_path)
    with pytest.raises(CardInvalid, match=words):
        load(bad, tmp_path, device="cpu", precision="float32")


def test_unknown_settings_and_altered_weights_are_refused(card: DetectorCard, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match='no setting "merge"'):
        load(card, tmp_path, device="cpu", precision="float32", settings={"merge": "7"})
    with (tmp_path / "recogniser.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsInvalid, match="SHA-256"):
        load(card, tmp_path, device="cpu", precision="float32")


@pytest.mark.parametrize("how", ["side", "three outputs", "text", "batch"])
def test_what_is_no_recogniser_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "recogniser.onnx"
    if how == "side":
        samples.write_recogniser(path, side=224)
    elif how == "three outputs":
        samples.write_recogniser(path, outputs=3)
    elif how == "batch":
        samples.write_recogniser(path, batch=4)
    else:
        path.write_text("no network")
    data = path.read_bytes()
    weights = replace(samples.card().weights, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    with pytest.raises(WeightsInvalid):
        check(replace(samples.card(), weights=weights), tmp_path)
    assert not matches({}, path)


def test_a_bare_recogniser_becomes_a_package(tmp_path: Path) -> None:
    path = samples.write_recogniser(tmp_path / "My Recogniser_v2.onnx", batch=1)
    assert matches({}, path)
    assert not matches({}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsInvalid, match="licence"):
        convert(path, tmp_path / "no", licence=" ", origin="")
    card = convert(path, tmp_path / "package", licence="research only", origin="a laboratory")
    assert card.id == "identity-my-recogniser-v2"
    assert (card.weights.licence, card.weights.origin) == ("research only", "a laboratory")
    assert card.network == {"mean": 127.5, "scale": 127.5}
    assert any("non-commercial" in limit for limit in card.limits)
    assert any("formula of WSC-swap is not known" in line for line in card.unverified)
    assert registry.verify(InstalledDetector(card, str(tmp_path / "package"), False)).ok


def test_a_network_that_scales_its_input_is_fed_plain_values(tmp_path: Path) -> None:
    import onnx
    from onnx import helper, numpy_helper

    path = samples.write_recogniser(tmp_path / "scaled.onnx")
    plain = convert(path, tmp_path / "plain", licence="x", origin="")
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.input[:] = ["scaled" if name == "data" else name for name in node.input]
    for name, number in (("mean", 127.5), ("factor", 1 / 127.5)):
        model.graph.initializer.append(numpy_helper.from_array(np.float32(number), name))
    model.graph.node.insert(0, helper.make_node("Mul", ["shifted", "factor"], ["scaled"]))
    model.graph.node.insert(0, helper.make_node("Sub", ["data", "mean"], ["shifted"]))
    path.write_bytes(model.SerializeToString())
    card = convert(path, tmp_path / "own", licence="x", origin="")
    assert card.network == {"mean": 0.0, "scale": 1.0}
    crops = track(1, 2)
    one = load(plain, tmp_path / "plain", device="cpu", precision="float32").embed(crops)
    other = load(card, tmp_path / "own", device="cpu", precision="float32").embed(crops)
    assert one == pytest.approx(other, abs=1e-5)
