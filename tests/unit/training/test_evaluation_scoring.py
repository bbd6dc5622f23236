"""Every item of a set gets its row: with the real face finder, and detectors whose answer is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score
from training_samples import portrait, variant, write_rgb

from workstation.detectors.maps import map_on_frame
from workstation.domain.detectors import (
    DetectorCard,
    DetectorReading,
    Level,
    MapArray,
    SequenceReading,
    TrackContext,
)
from workstation.domain.errors import DetectorError, InputError, UnreadableMedia
from workstation.domain.examinations import GateLimits
from workstation.domain.faces import FaceCrop
from workstation.domain.media import Frame, FrameRef, RgbArray, TimeBase
from workstation.domain.results import FakenessMap
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder, load_finder
from workstation.training import shortcuts
from workstation.training.embedded import Run, clip_card, locator_card
from workstation.training.face_area import face_area
from workstation.training.labelled import Item, LabelledSet, masks_in, read_labelled
from workstation.training.localisation import against_mask
from workstation.training.robustness import FAMILIES, Condition, conditions, cut_again
from workstation.training.scoring import ABSTAINED, ERROR, OK, Settings, score_set
from workstation.training.set_figures import figures

RUN = Run({"made-up": 1}, 1, 1, 1.0)
FACE = (slice(0, 330), slice(50, 400))
BLUE = (20, 20, 255)


def blue(crop: FaceCrop) -> float:
    rgb = crop.rgb.astype(np.float32) / 255
    return float(np.clip(rgb[..., 2] - rgb[..., :2].max(axis=-1), 0, 1).max())


def blueness(crop: FaceCrop) -> MapArray:
    rgb = cv2.resize(crop.rgb, (192, 192), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.clip(rgb[..., 2] - rgb[..., :2].max(axis=-1), 0, 1)


class Known:
    """A detector that answers with a function of the crop."""

    device, precision = "cpu", "float32"

    def __init__(self, value: Callable[[FaceCrop], float] = blue, *, maps: bool = False) -> None:
        self._value, self._maps = value, maps

    @property
    def card(self) -> DetectorCard:
        return locator_card(RUN) if self._maps else clip_card(RUN)

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        return [DetectorReading(self._value(crop), blueness(crop) if self._maps else None) for crop in crops]


class Tracks(Known):
    """A detector of whole tracks: the share of crops with blue in them."""

    @property
    def card(self) -> DetectorCard:
        card = super().card
        return replace(card, output=replace(card.output, level=Level.TRACK, sequence=4, least=2))

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        assert len(context.seconds) == len(crops) <= 4
        assert list(context.seconds) == sorted(context.seconds)
        return SequenceReading(float(np.mean([blue(crop) > 0.5 for crop in crops])))


def frame(rgb: RgbArray, ordinal: int = 0) -> Frame:
    return Frame(FrameRef(0, ordinal, TimeBase(1, 25), f"{ordinal:064x}", ordinal), rgb)


def decoded(item: Item, count: int) -> Iterator[Frame]:
    """Pictures from their files; a made-up "clip" is the same picture moved on from frame to frame."""
    if item.video:
        for ordinal in range(count):
            rgb = np.roll(variant(1 if item.manipulated else 0)[FACE], ordinal, axis=1)
            rgb = np.ascontiguousarray(rgb)
            if item.manipulated:
                cv2.circle(rgb, (177 + ordinal, 155), 9, BLUE, -1)
            yield frame(rgb, ordinal)
        return
    bgr = cv2.imdecode(np.fromfile(item.path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise UnreadableMedia(f"{item.path.name} is no picture.")
    yield frame(np.ascontiguousarray(bgr[..., ::-1], np.uint8))


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_finder("mtcnn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two untouched pictures, two with a blue patch and a mask, and four that cannot be scored, each for a reason."""
    root = tmp_path_factory.mktemp("sets") / "small"
    for number in range(2):
        write_rgb(root / "real" / f"r{number}.png", variant(number)[FACE])
        rgb = np.ascontiguousarray(variant(number + 3)[FACE])
        mask = np.zeros(rgb.shape, np.uint8)
        for drawn, colour in ((rgb, BLUE), (mask, (255, 255, 255))):
            cv2.circle(drawn, (177, 155), 9 + number, colour, -1)
        write_rgb(root / "fake" / f"f{number}.png", rgb)
        write_rgb(root / "masks" / f"f{number}.png", mask)
    write_rgb(root / "real" / "grey.png", np.full((200, 200, 3), 120, np.uint8))
    write_rgb(root / "real" / "small.png", cv2.resize(portrait()[FACE], None, fx=0.4, fy=0.4))
    (root / "fake" / "broken.jpg").write_bytes(b"no picture")
    rows = [
        (f"{place}/{path.name}", label)
        for place, label in (("real", 0), ("fake", 1))
        for path in (root / place).iterdir()
    ]
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "mask"])
        writer.writerows([name, label, f"masks/{Path(name).name}"] for name, label in sorted(rows))
        writer.writerow(["fake/missing.png", 1, ""])
    return root


def test_every_file_has_a_row_and_says_why_it_was_not_scored(folder: Path, finder: FaceFinder) -> None:
    labelled = read_labelled(folder)
    told: list[tuple[int, int]] = []
    rows = score_set(
        labelled,
        [Known()],
        finder,
        decoded,
        Settings(reencode=95),
        tell=lambda done, total, _: told.append((done, total)),
    )
    assert [row.item.name for row in rows] == [item.name for item in labelled.items]
    found = {row.item.name: (row.outcomes[0].status, row.outcomes[0].reason) for row in rows}
    assert found == {
        "fake/broken.jpg": (ERROR, "frame_unreadable"),
        "fake/f0.png": (OK, ""),
        "fake/f1.png": (OK, ""),
        "fake/missing.png": (ERROR, "frame_unreadable"),
        "real/grey.png": (ABSTAINED, "no_face"),
        "real/r0.png": (OK, ""),
        "real/r1.png": (OK, ""),
        "real/small.png": (ABSTAINED, "face_too_small"),
    }
    assert told[-1] == (8, 8)
    by_name = {row.item.name: row for row in rows}
    assert by_name["real/grey.png"].face_height is None
    assert by_name["real/small.png"].outcomes[0].score is None
    assert by_name["real/small.png"].outcomes[0].ungated is not None
    assert by_name["real/grey.png"].outcomes[0].ungated is None
    assert by_name["real/r0.png"].outcomes[0].ungated == by_name["real/r0.png"].outcomes[0].score
    assert 20 < (by_name["real/small.png"].face_height or 0) < 64
    assert by_name["fake/missing.png"].sha256 == ""
    assert len(by_name["fake/broken.jpg"].sha256) == 64
    facts = figures(rows, 0, clip_card(RUN), draws=20)
    assert (facts["auc"], facts["n_real"], facts["n_fake"], facts["abstained_real"], facts["errors_fake"]) == (
        1,
        2,
        2,
        2,
        2,
    )
    assert facts["auc_without_gates"] == 1
    assert facts["auc_abstentions_at_chance"] == (4 + 0.5 * 12) / 16


def test_without_gates_a_small_face_is_scored(folder: Path, finder: FaceFinder) -> None:
    labelled = read_labelled(folder)
    some = replace(labelled, items=tuple(item for item in labelled.items if "small" in item.name))
    (row,) = score_set(some, [Known()], finder, decoded, Settings(gates=None))
    assert row.outcomes[0].status == OK
    (row,) = score_set(some, [Known()], finder, decoded, Settings(gates=GateLimits(min_height=10)))
    assert row.outcomes[0].status == OK


def test_a_detector_that_fails_gives_errors_and_the_other_goes_on(folder: Path, finder: FaceFinder) -> None:
    def fails(_: FaceCrop) -> float:
        raise DetectorError("The network fell over.")

    labelled = read_labelled(folder)
    some = replace(labelled, items=tuple(item for item in labelled.items if item.path.stem in ("f0", "r0")))
    rows = score_set(some, [Known(fails), Known(lambda _: float("nan")), Known()], finder, decoded, Settings())
    for row in rows:
        one, two, three = row.outcomes
        assert (one.status, one.reason, one.detail) == (ERROR, "detector_failed", "The network fell over.")
        assert (two.status, two.reason) == (ERROR, "detector_failed")
        assert three.status == OK


def test_a_clip_is_the_mean_over_its_frames_and_tracks_are_read_whole(finder: FaceFinder, tmp_path: Path) -> None:
    for name in ("real/a.mp4", "fake/b.mp4", "fake/one.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"frames are handed in")
    write_rgb(tmp_path / "fake" / "one.png", variant(1)[FACE])
    rows = score_set(read_labelled(tmp_path), [Known(), Tracks()], finder, decoded, Settings(frames=5))
    by_name = {row.item.name: row for row in rows}
    clip = by_name["fake/b.mp4"]
    assert clip.frames == len(clip.outcomes[0].frame_scores) == 5
    assert clip.outcomes[0].score == pytest.approx(np.mean(clip.outcomes[0].frame_scores))
    assert (clip.outcomes[1].score, by_name["real/a.mp4"].outcomes[1].score) == (1.0, 0.0)
    few = by_name["fake/one.png"].outcomes[1]
    assert (few.status, few.reason, few.detail) == (ABSTAINED, "too_few_frames", "1 usable faces, 2 needed")
    assert figures(rows, 0, clip_card(RUN), draws=20)["frames_scored"] == 11


def test_the_map_is_held_against_the_mask_as_scikit_learn_and_image_do(folder: Path, finder: FaceFinder) -> None:
    labelled = read_labelled(folder)
    some = replace(labelled, items=tuple(item for item in labelled.items if item.path.stem in ("f0", "f1", "r0")))
    for masks in (None, masks_in(folder / "masks", labelled)):
        rows = score_set(some, [Known(maps=True)], finder, decoded, Settings(masks=masks))
        found = [row.outcomes[0].masked for row in rows if row.outcomes[0].masked is not None]
        assert len(found) == 2
        assert all(one.values["pixel_auc"] > 0.95 for one in found)
        assert all(one.values["crop_pixel_auc"] > 0.97 for one in found)
        assert all(one.values["iou"] > one.values["prior_iou"] for one in found)
        facts = figures(rows, 0, locator_card(RUN), draws=20)
        assert facts["pixel_auc_over_prior_low"] > 0  # type: ignore[operator]  # a number
        assert facts["pixel_auc_over_prior"] == pytest.approx(facts["pixel_auc"] - facts["prior_pixel_auc"])  # type: ignore[operator]  # numbers
        assert (facts["masks_in_face"], facts["masks_without_face_figure"]) == (2, {})
    item = next(item for item in labelled.items if item.path.stem == "f0")
    (whole,) = decoded(item, 1)
    crop = align(whole.rgb, finder.find([whole.rgb])[0][0].landmarks)
    mask = cv2.imdecode(np.fromfile(folder / "masks" / "f0.png", np.uint8), cv2.IMREAD_GRAYSCALE)
    field = np.random.default_rng(0).random((48, 48)).astype(np.float32)
    ours = against_mask(field, crop, np.asarray(mask, np.uint8), mask.shape)
    placed = map_on_frame(FakenessMap(field, crop.crop_from_frame), *mask.shape, crop_size=crop.size)
    inside = ~np.isnan(placed)
    changed, values = (mask > 127)[inside], placed[inside]
    assert ours.values["crop_pixel_auc"] == pytest.approx(roc_auc_score(changed, values))
    eyes = [crop.crop_from_frame.inverse().apply(mark) for mark in crop.landmarks]
    face = face_area(eyes, mask.shape)[inside]
    assert ours.values["pixel_auc"] == pytest.approx(roc_auc_score(changed[face], values[face]))
    assert ours.face is not None
    assert ours.face.mean() == pytest.approx(face.sum() / inside.sum(), abs=0.02)
    assert ours.values["iou"] == pytest.approx(jaccard_score(changed, values >= 0.5))
    assert ours.values["f1"] == pytest.approx(f1_score(changed, values >= 0.5))
    target = cv2.warpAffine((mask > 127).astype(np.float32), crop.crop_from_frame.matrix, (256, 256))
    small = cv2.resize(target, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float64)
    wanted = structural_similarity(small, field.astype(np.float64), data_range=1.0)  # type: ignore[no-untyped-call]  # untyped
    assert ours.values["ssim"] == pytest.approx(wanted, abs=1e-6)
    assert "another size" in against_mask(field, crop, np.asarray(mask[1:], np.uint8), mask.shape).problem
    assert "alone" in against_mask(field, crop, np.zeros_like(mask, np.uint8), mask.shape).problem


def test_worse_conditions_are_what_they_are_called() -> None:
    rgb = np.ascontiguousarray(variant(0)[FACE])
    assert {one.family for one in conditions()} == set(FAMILIES) - {"h264", "h265"}
    assert {one.family for one in conditions(lambda frames, _codec, _crf: list(frames))} == set(FAMILIES)
    assert Condition("scale", 0.25).apply(rgb, 0).shape == (82, 88, 3)
    noise = Condition("noise", 5).apply(rgb, 3)
    assert np.array_equal(noise, Condition("noise", 5).apply(rgb, 3))
    assert not np.array_equal(noise, Condition("noise", 5).apply(rgb, 4))
    assert 3.5 < np.std(noise.astype(float) - rgb) < 5.5
    errors = [np.abs(Condition("jpeg", q).apply(rgb, 0).astype(float) - rgb).mean() for q in (90, 60, 30)]
    assert errors == sorted(errors)
    asked: list[tuple[str, int]] = []

    def recode(frames: Sequence[RgbArray], codec: str, crf: int) -> list[RgbArray]:
        asked.append((codec, crf))
        return list(frames)

    assert np.array_equal(Condition("h264", 32).apply(rgb, 0, recode), rgb)
    assert asked == [("h264", 32)]
    with pytest.raises(ValueError, match="h264"):
        Condition("h264", 23).apply(rgb, 0)


def test_a_face_is_cut_at_the_same_place_of_a_smaller_picture(finder: FaceFinder) -> None:
    rgb = np.ascontiguousarray(variant(0)[FACE])
    marks = finder.find([rgb])[0][0].landmarks
    whole, half = align(rgb, marks), Condition("scale", 0.5).apply(rgb, 0)
    again = cut_again(half, rgb.shape[:2], marks, 256, 1.3)
    blurred = cv2.GaussianBlur(whole.rgb, (0, 0), 1.5).astype(float)
    shifted = np.roll(blurred, 4, axis=1)
    apart = np.abs(cv2.GaussianBlur(again.rgb, (0, 0), 1.5) - blurred).mean()
    assert apart < 0.5 * np.abs(shifted - blurred).mean()


def test_robustness_is_the_change_of_the_score_and_what_an_examination_would_lose(
    folder: Path, finder: FaceFinder
) -> None:
    """A face that is too small or too soft now is counted with its reason and stays in the curve (V4, V11)."""
    labelled = read_labelled(folder)
    some = replace(labelled, items=tuple(item for item in labelled.items if item.path.stem in ("f0", "r0")))
    few = (Condition("jpeg", 90), Condition("blur", 9), Condition("scale", 0.25), Condition("h264", 23))

    def refuses(frames: Sequence[RgbArray], codec: str, _crf: int) -> list[RgbArray]:
        raise InputError(f"No {codec} here.")

    rows = score_set(some, [Known(), Known(lambda _: 0.2)], finder, decoded, Settings(conditions=few), recode=refuses)
    curves, steady = (figures(rows, n, clip_card(RUN), conditions=few, draws=20)["robustness"] for n in (0, 1))
    assert isinstance(curves, list)
    assert isinstance(steady, list)
    counts = [(one["condition"], one["n_real"], one["n_fake"], one["lost_real"], one["lost_fake"]) for one in curves]
    assert counts == [
        ("jpeg 90", 1, 1, 0, 0),
        ("blur 9", 1, 1, 1, 1),
        ("scale 0.25", 1, 1, 1, 1),
        ("h264 23", 0, 0, 1, 1),
    ]
    assert curves[2]["lost"] in ({"face_too_small": {"real": 1, "fake": 1}}, {"no_face": {"real": 1, "fake": 1}})
    assert curves[3]["lost"] == {"frame_unreadable": {"real": 1, "fake": 1}}
    assert (curves[3]["auc"], curves[3]["shift"], curves[3]["flipped"]) == (None, None, None)
    assert all(one["auc"] == 1 and one["shift"] < 0 for one in curves[1:3])
    # Blue is blurred away, and the manipulated picture crosses the middle of the scale.
    assert curves[1]["flipped"] == 0.5
    assert all(one["auc"] == 0.5 and one["shift"] == one["flipped"] == 0 for one in steady[:3])


def test_shortcuts_point_where_their_names_say() -> None:
    rgb = np.ascontiguousarray(variant(0)[FACE])
    soft = cv2.GaussianBlur(rgb, (0, 0), 2)
    grey = np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    sharp, dull = shortcuts.of_crop(rgb), shortcuts.of_crop(soft)
    assert sharp["sharpness"] > dull["sharpness"]
    assert sharp["high_frequency"] > dull["high_frequency"] > 0
    assert shortcuts.saturation(grey) == 0 < sharp["saturation"] <= 1
    assert shortcuts.high_frequency(np.full((32, 32, 3), 7, np.uint8)) == 0
    y, x = np.mgrid[:64, :64]
    for period, share in ((2, 1), (16, 0)):
        wave = np.where((x // (period // 2)) % 2, 200, 50).astype(np.uint8)
        stripes = np.repeat(wave[..., None], 3, axis=-1)
        assert shortcuts.high_frequency(stripes) == pytest.approx(share, abs=0.15)
    assert y.shape == (64, 64)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file,label\na.png,2\n", 'label "2"'),
        ("file,label\n../a.png,1\n", "not inside"),
        ("file,label\n/a.png,1\n", "not inside"),
        ("name,label\na.png,1\n", "lacks the columns"),
        ("file,label\na.png,1\na.png,0\n", "more than once"),
        ("file,label\na.tem,1\n", "no labelled pictures"),
    ],
)
def test_a_table_that_cannot_be_used_says_so(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=told) as refused:
        read_labelled(tmp_path)
    assert refused.value.advice


def test_words_are_labels_too_and_other_files_are_told(tmp_path: Path) -> None:
    text = "\ufefffile,label,who\na.PNG,real,x\nb.jpg,Manipulated,y\nc.tem,0,\nd.mp4,genuine\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    labelled = read_labelled(tmp_path)
    assert [(item.name, item.manipulated, item.video) for item in labelled.items] == [
        ("a.PNG", False, False),
        ("b.jpg", True, False),
        ("d.mp4", False, True),
    ]
    assert labelled.items[1].facts["who"] == "y"
    assert labelled.items[2].facts["who"] == ""
    assert labelled.notes == ("1 labelled files are neither pictures nor videos and were passed over",)


def test_masks_are_found_by_the_names_of_their_pictures(tmp_path: Path) -> None:
    root = tmp_path / "set"
    items = tuple(Item(root / "fake" / f"{name}.jpg", True, root) for name in "abc")
    labelled = LabelledSet("set", root, items)
    with pytest.raises(InputError, match="no folder"):
        masks_in(tmp_path / "masks", labelled)
    (tmp_path / "masks" / "fake").mkdir(parents=True)
    with pytest.raises(InputError, match="no mask"):
        masks_in(tmp_path / "masks", labelled)
    for name in ("fake/a.png", "b.png", "x.png"):
        (tmp_path / "masks" / name).write_bytes(b"")
    assert set(masks_in(tmp_path / "masks", labelled)) == {"fake/a.jpg", "fake/b.jpg"}
