"""Figures on labelled pictures, proved with detectors whose answer is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from training_samples import portrait, variant, write_dataset, write_rgb

from workstation.detectors.maps import map_on_frame
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction, MapArray
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.results import FakenessMap
from workstation.faces.alignment import target_points
from workstation.faces.finder import FaceFinder, load_finder
from workstation.training import evaluation
from workstation.training.embedded import Run, clip_card, locator_card
from workstation.training.face_area import REACH, closeness, eye_distance, face_area
from workstation.training.labelled import Seen, jpeg_table, look, masks, read_set, recompressed, where
from workstation.training.localisation import organ_figure, organ_means, pixel_auc, pixel_figures
from workstation.training.measures import sharpness
from workstation.training.pool import load

RUN = Run({"made-up": 1}, 1, 1, 1.0)
BLUE = (20, 20, 255)


class Known:
    """A detector that answers with a function of the crop."""

    device, precision = "cpu", "float32"

    def __init__(self, value: Callable[[FaceCrop], float], field: Callable[[FaceCrop], MapArray] | None = None) -> None:
        self._value, self._field = value, field

    @property
    def card(self) -> DetectorCard:
        return locator_card(RUN) if self._field else clip_card(RUN)

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        return [DetectorReading(self._value(c), self._field(c) if self._field else None) for c in crops]


def blueness(crop: FaceCrop) -> MapArray:
    rgb = cv2.resize(crop.rgb, (192, 192), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.clip(rgb[..., 2] - rgb[..., :2].max(axis=-1), 0, 1)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_finder("mtcnn")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of three untouched pictures and three with a blue patch on the mouth or an eye, with masks and bits."""
    root = tmp_path_factory.mktemp("sets")
    folder = root / "ciplab"
    rows = []
    for number in range(3):
        write_rgb(folder / "real" / f"r{number}.jpg", variant(number)[:330, 50:400])
        rows.append({"file": f"real/r{number}.jpg", "label": "0", "mask": "", "jpeg_qf_est": "95"})
    for number, (x, y, bits) in enumerate(((177, 155, "0001"), (154, 115, "1000"), (193, 110, "0100"))):
        rgb = np.ascontiguousarray(variant(number + 3)[:330, 50:400])
        mask = np.zeros(rgb.shape[:2], np.uint8)
        for drawn, colour in ((rgb, BLUE), (mask, 255)):
            cv2.circle(drawn, (x, y), 9, colour, -1)
        write_rgb(folder / "fake" / f"f{number}.jpg", rgb)
        write_rgb(folder / "masks" / f"f{number}.png", np.repeat(mask[..., None], 3, axis=-1))
        organs = dict(zip(("left_eye", "right_eye", "nose", "mouth"), bits, strict=True))
        name = f"fake/f{number}.jpg"
        rows.append(organs | {"file": name, "label": "1", "mask": f"masks/f{number}.png", "jpeg_qf_est": "94"})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        fields = ["file", "label", "left_eye", "right_eye", "nose", "mouth", "mask", "jpeg_qf_est"]
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope="module")
def seen(sets: Path, finder: FaceFinder) -> list[Seen]:
    found, lost = look(read_set(sets / "ciplab"), finder)
    assert not lost
    return found


def test_a_set_is_read_by_table_or_by_folders(tmp_path: Path) -> None:
    write_dataset(tmp_path / "table", [("a.jpg", "0"), ("b.jpg", "1")])
    assert [(i.path.name, i.manipulated) for i in read_set(tmp_path / "table")] == [("a.jpg", False), ("b.jpg", True)]
    write_dataset(tmp_path / "folders", [("fake/a.jpg", ""), ("real/b.png", "")], table=False)
    found = {i.path.name: i.manipulated for i in read_set(tmp_path / "folders")}
    assert found == {"a.jpg": True, "b.png": False}


def test_a_set_with_a_missing_picture_or_none_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", [("a.jpg", "0"), ("b.jpg", "1")])
    (tmp_path / "set" / "b.jpg").unlink()
    with pytest.raises(InputError, match=r"b\.jpg"):
        read_set(tmp_path / "set")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        read_set(tmp_path / "empty")
    (tmp_path / "empty" / "labels.csv").write_text("name\nx.jpg\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns"):
        read_set(tmp_path / "empty")


def test_a_coarser_table_has_a_higher_mean(tmp_path: Path) -> None:
    rgb = portrait()[:64, :64]
    means = []
    for quality in (98, 90, 60):
        write_rgb(tmp_path / "p.jpg", rgb, quality)
        means.append(jpeg_table((tmp_path / "p.jpg").read_bytes()))
    assert 0 < means[0] < means[1] < means[2]
    write_rgb(tmp_path / "p.png", rgb)
    assert jpeg_table((tmp_path / "p.png").read_bytes()) == 0
    assert jpeg_table(b"no picture") == 0


def test_both_classes_are_compressed_alike(seen: list[Seen]) -> None:
    again = recompressed(portrait())
    assert again.shape == portrait().shape
    assert not np.array_equal(again, portrait())
    assert {one.item.manipulated for one in seen} == {True, False}
    assert all(one.table > 0 for one in seen)


def test_pictures_without_a_face_are_counted_not_dropped(tmp_path: Path, finder: FaceFinder) -> None:
    write_rgb(tmp_path / "real" / "grey.png", np.full((200, 200, 3), 120, np.uint8))
    write_rgb(tmp_path / "fake" / "face.png", portrait()[:300, 100:400])
    (tmp_path / "fake" / "broken.jpg").write_bytes(b"no")
    found, lost = look(read_set(tmp_path), finder)
    assert [one.item.path.name for one in found] == ["face.png"]
    assert sorted(item.path.name for item in lost) == ["broken.jpg", "grey.png"]


def test_a_detector_that_sees_the_patch_has_an_auc_of_one(sets: Path, seen: list[Seen]) -> None:
    looked = evaluation.Looked({"ciplab": seen}, {"ciplab": 2})
    knows = Known(lambda crop: float(blueness(crop).max()), blueness)
    records, raw = evaluation.labelled_records(knows, looked)
    by_name = {(one.dataset, one.measure): one for one in records}
    figure = by_name["CIPLAB composites", "AUC"]
    assert (figure.value, figure.items_genuine, figure.items_manipulated) == (1.0, 3, 3)
    assert "sharpness alone" in figure.note
    assert "2 pictures of the set without a usable face" in figure.note
    assert by_name["CIPLAB masks", "pixel AUC inside the face"].value > 0.95
    assert by_name["CIPLAB masks", "pixel AUC inside the face above a centred blob"].low > 0.1
    assert by_name["CIPLAB masks", "pixel AUC inside the crop"].value > 0.97
    assert by_name["CIPLAB masks", "pixel AUC above a centred blob"].value > 0.05
    # At quality 94 the set has manipulated pictures only, so there is no figure.
    assert ("CIPLAB composites, JPEG quality 94 only", "AUC") not in by_name
    assert len(raw["ciplab"]) == 6
    assert len(where(seen, "jpeg_qf_est", "94")) == 3
    opposite, _ = evaluation.labelled_records(Known(lambda crop: -float(blueness(crop).max())), looked)
    assert opposite[0].value == 0.0


def test_a_map_that_is_the_mask_beats_the_blob_and_an_empty_one_does_not(seen: list[Seen]) -> None:
    values = []
    for one, mask in masks(seen):
        perfect = cv2.warpAffine(mask, one.crop.crop_from_frame.matrix, (256, 256)).astype(np.float32) / 255
        ours, blob = pixel_auc(perfect, one, mask)
        assert blob < pixel_auc(perfect, one, mask, whole_crop=True)[1]
        empty, same = pixel_auc(np.zeros((64, 64), np.float32), one, mask)
        assert ours > 0.99
        assert empty == 0.5
        assert same == pytest.approx(blob, abs=0.02)
        values.append((ours, blob))
        placed = map_on_frame(FakenessMap(perfect, one.crop.crop_from_frame), one.height, one.width)
        assert np.nanmean(placed[mask > 127]) > 0.8
    assert len(values) == 3
    ours, blob, above = pixel_figures(values)
    assert above.value == pytest.approx(ours.value - blob.value)
    assert above.low <= above.value <= above.high


def test_a_map_that_only_knows_the_face_is_no_better_than_the_blob_inside_it(seen: list[Seen]) -> None:
    """Over the whole crop a blob looks like a locator; inside the face it has nothing to say beyond the prior (V4)."""
    values, whole = [], []
    for one, mask in masks(seen):
        marks = one.crop.landmarks
        field = np.exp(closeness(marks, (256, 256)) / eye_distance(marks)).astype(np.float32)
        values.append(pixel_auc(field, one, mask))
        whole.append(pixel_auc(field, one, mask, whole_crop=True))
    above = pixel_figures(values)[2]
    assert abs(above.value) < 0.02
    assert all(over[0] > inside[0] for inside, over in zip(values, whole, strict=True))


def test_the_face_is_brows_to_chin_and_stays_so_when_the_head_turns() -> None:
    marks = [Point(float(x), float(y)) for x, y in target_points(256, 1.3)]
    apart = eye_distance(marks)
    area = face_area(marks, (256, 256))
    middle = np.mean([[mark.x, mark.y] for mark in marks], axis=0)
    for down, wanted in ((-1.0, True), (1.2, True), (-1.5, False), (1.5, False)):
        assert area[round(middle[1] + down * apart), round(middle[0])] == wanted
    assert area.sum() == pytest.approx(np.pi * (REACH * apart) ** 2, rel=0.01)
    eyes = (marks[0].x + marks[1].x) / 2
    turned = [Point(eyes + (mark.x - eyes) * 0.4, mark.y) for mark in marks]
    assert face_area(turned, (256, 256)).sum() == pytest.approx(area.sum(), rel=0.02)


def test_organs_are_told_apart(seen: list[Seen]) -> None:
    forged = [one for one in seen if one.item.manipulated]
    means = np.array([organ_means(one.crop, blueness(one.crop)) for one in forged])
    assert [int(row.argmax()) for row in means] == [3, 0, 1]
    plain = np.array([organ_means(one.crop, blueness(one.crop)) for one in seen if not one.item.manipulated])
    changed = np.array([[row.argmax() == n for n in range(4)] for row in means])
    plain += np.random.default_rng(0).normal(0, 0.01, plain.shape)
    assert organ_figure(means, changed, plain).value == 1
    assert organ_figure(-means, changed, -plain).value == 0


def test_a_detector_of_sharpness_is_caught(made_pool: Path) -> None:
    records = evaluation.held_out_records(Known(lambda crop: sharpness(crop.rgb)), load(made_pool, "held"))
    genuine = {one.measure: one.value for one in records if one.dataset == "Held-out people, genuine crops"}
    assert genuine == {"Spearman of score and sharpness": 1.0, "AUC of detail 0.4": 0.0}
    by_name = {one.dataset: one for one in records}
    held = load(made_pool, "held")
    assert by_name["Held-out people, all kinds"].items_genuine == len(held.of)
    made = {evaluation.KINDS[number] for number in held.kind}
    assert {f"Held-out people, {kind}" for kind in made} <= by_name.keys()
    constant = evaluation.held_out_records(Known(lambda _: 0.5), load(made_pool, "held"))
    assert [one.value for one in constant] == [0.5] * (2 + len(made))
    assert all(one.measure.startswith("AUC") for one in constant)


def test_the_held_out_pairs_are_those_of_the_training_loop(made_pool: Path) -> None:
    """The same draws, so that the figure on the card is comparable with the one the weights were chosen by."""
    from workstation.domain.detectors import InputSpec
    from workstation.training.batches import Batches
    from workstation.training.runs.data import material_of

    held = load(made_pool, "held")
    spec = InputSpec(256, 256, 1.3, (0, 0, 0), (1, 1, 1), "area")
    (batch,) = list(Batches(material_of(held), spec, strength=0.6, apart=0.5).fixed(64, 1))
    crops: list[FaceCrop] = []

    class Whole(Known):
        """Fed the crop at its own side: sharpness is evened at the side a detector is fed."""

        @property
        def card(self) -> DetectorCard:
            return replace(super().card, input=spec)

    seen_by = Whole(lambda crop: crops.append(crop) or 0.0)  # type: ignore[func-returns-value]  # append gives None
    evaluation.held_out_records(seen_by, held)
    count = len(held.of)
    for row in (0, 1, count - 1):
        for half in (row, count + row):
            expected = (batch.pixels[half].numpy().transpose(1, 2, 0) * 255).round()
            assert np.array_equal(crops[half].rgb, expected)


def test_no_known_set_is_an_error(tmp_path: Path, finder: FaceFinder) -> None:
    with pytest.raises(InputError, match="none of the sets"):
        evaluation.look_at_sets(tmp_path, finder)


def test_records_go_into_a_card_as_they_are(sets: Path, seen: list[Seen]) -> None:
    records, _ = evaluation.labelled_records(
        Known(lambda crop: float(blueness(crop).max())), evaluation.Looked({"ciplab": seen}, {})
    )
    card = replace(clip_card(RUN), validation=tuple(records))
    assert all(one.low <= one.value <= one.high for one in card.validation)


def test_a_detector_whose_score_is_lower_where_manipulated_gets_the_same_figures(
    sets: Path, seen: list[Seen], made_pool: Path
) -> None:
    """The figures say how well classes are told apart, whichever way the published score points; raw stays raw."""

    class Reversed(Known):
        @property
        def card(self) -> DetectorCard:
            card = super().card
            return replace(card, output=replace(card.output, direction=Direction.LOWER_IS_MANIPULATED))

    def blue(crop: FaceCrop) -> float:
        return float(blueness(crop).max())

    looked = evaluation.Looked({"ciplab": seen}, {})
    higher, scores = evaluation.labelled_records(Known(blue), looked)
    lower, raw = evaluation.labelled_records(Reversed(lambda crop: 1 - blue(crop)), looked)
    assert [one.value for one in higher] == [one.value for one in lower]
    assert raw["ciplab"] == pytest.approx([1 - value for value in scores["ciplab"]])
    held = load(made_pool, "held")
    one = evaluation.held_out_records(Known(lambda crop: sharpness(crop.rgb) / 1e6), held)
    two = evaluation.held_out_records(Reversed(lambda crop: 1 - sharpness(crop.rgb) / 1e6), held)
    assert [record.value for record in one] == pytest.approx([record.value for record in two], abs=1e-3)
