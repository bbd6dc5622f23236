"""Labelled material as the source of a run: splits, groups, pairs, masks, sequences; test material is in no part."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_layouts import pair_lists
from run_samples import Told, tiny_table, write_config
from training_samples import variant, write_rgb

from workstation.detectors.mfclip.labels import Generator, manipulated
from workstation.domain.errors import Cancelled, InputError
from workstation.training.readers import read
from workstation.training.runs.config import read_config
from workstation.training.runs.crops import _partners, _words, prepare_dataset, split_of
from workstation.training.runs.running import train
from workstation.training.samples import Dataset, Sample


def sample(number: int, split: str, *, forged: bool, group: str = "") -> Sample:
    path = Path(f"{number}-{forged}.png")
    return Sample(path, "image", forged, "swap" if forged else "genuine", group or f"g{number}", split)  # type: ignore[arg-type]


def dataset(*samples: Sample) -> Dataset:
    return Dataset("made up", Path(), samples)


def both(number: int, split: str) -> tuple[Sample, Sample]:
    return sample(number, split, forged=False), sample(number, split, forged=True)


def test_test_material_is_in_no_part_of_a_run() -> None:
    found = dataset(*both(1, "train"), *both(2, "val"), *both(3, "test"))
    train_part, held = split_of(found, "val", 0.0, 0)
    assert {one.split for one in train_part} == {"train"}
    assert {one.split for one in held} == {"val"}


def test_without_a_validation_split_whole_groups_are_held_out_of_training() -> None:
    found = dataset(*(one for number in range(10) for one in both(number, "train")), *both(99, "test"))
    with pytest.raises(InputError, match="nothing genuine for validation"):
        split_of(found, "val", 0.0, 0)
    train_part, held = split_of(found, "val", 0.2, 0)
    assert not {one.group for one in train_part} & {one.group for one in held}
    assert len({one.group for one in held}) == 2
    assert len(train_part) + len(held) == 20
    assert split_of(found, "val", 0.2, 0) == (train_part, held)
    assert split_of(found, "val", 0.2, 1) != (train_part, held)
    with pytest.raises(InputError, match="nothing manipulated for training"):
        split_of(dataset(sample(1, "train", forged=False), *both(2, "val")), "val", 0.0, 0)


def test_a_method_says_no_more_than_its_name_tells() -> None:
    assert _words("DDPM").generator is Generator.DDPM
    assert _words("Deepfakes") == manipulated()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Own material: three genuine and three manipulated folders of frames, the mouth of the latter painted over."""
    root = tmp_path_factory.mktemp("own")
    for number in range(3):
        for frame in range(3):
            rgb = variant(10 * number + frame)[:330, 50:400]
            write_rgb(root / "real" / f"clip{number}" / f"{frame:03}.png", rgb)
            forged = rgb.copy()
            cv2.ellipse(forged, (173, 140), (30, 14), 0, 0, 360, (200, 40, 60), -1)
            mask = np.zeros(rgb.shape, np.uint8)
            cv2.ellipse(mask, (173, 140), (30, 14), 0, 0, 360, (255, 255, 255), -1)
            write_rgb(root / "fake" / f"clip{number}" / f"{frame:03}.png", forged)
            write_rgb(root / "masks" / f"clip{number}" / f"{frame:03}.png", mask)
    return root


def table_of(clips: Path, **data: object) -> dict[str, object]:
    changes = {"source": "dataset", "kind": "plain", "frames": 2, "hold_out": 0.34, "options": {"use": "train"}}
    table = tiny_table(clips, data=changes | data)
    table["detector"] = {
        "family": "addnet3d",
        "train": "scratch",
        "size": 32,
        "network": {"entry": [4, 4, 8, 8, 8], "volume": [8, 8, 8]},
    }
    table["run"] |= {"steps": 2, "validate_every": 2, "frames": 2, "pairs": 2}
    return table


def test_a_sequence_detector_is_trained_on_folders_of_frames(clips: Path, tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path / "own.toml", table_of(clips)))

    class Impatient(Told):
        def raise_if_cancelled(self) -> None:
            if any("faces of" in note for _, _, note in self.notes):
                raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        train(config, tmp_path / "run", Impatient(), device="cpu")
    assert not (tmp_path / "run" / "crops").exists()
    outcome = train(config, tmp_path / "run", Told(), device="cpu")
    assert outcome.package.card.output.sequence == 2
    assert "validation on 2 items of other groups" in outcome.package.card.training
    prepared = prepare_dataset(config, clips, tmp_path / "run", lambda _: None)
    part = prepared.train
    assert (len(part.genuine), len(part.forged)) == (4, 4)
    assert part.kinds != ("genuine",)
    assert part.genuine_marks is not None
    # The mouth was painted over, so the mask is below the middle of the crop and nowhere above it.
    assert part.maps[:, 36:].max() > 200
    assert part.maps[:, :28].max() == 0
    # Each is paired with the genuine clip of its own group, at its own frame.
    assert part.of.tolist() == [0, 1, 2, 3]
    assert part.genuine_track is not None
    assert part.genuine_track.tolist() == [0, 0, 1, 1]


def test_a_swap_is_paired_with_its_target_video_and_not_with_the_other_of_its_pair(tmp_path: Path) -> None:
    """FaceForensics++: 000_001 is the recording 000; 001 is of the same group, and another person."""
    root = tmp_path / "ffpp"
    pair_lists(root / "splits")
    for a, b in (("000", "001"), ("002", "003"), ("006", "007")):
        for target, source in ((a, b), (b, a)):
            rgb = variant(int(target))[:330, 50:400]
            write_rgb(root / "original_sequences/youtube/c23/frames" / target / "000.png", rgb)
            cv2.ellipse(rgb, (173, 140), (30, 14), 0, 0, 360, (200, 40, 60), -1)
            write_rgb(root / "manipulated_sequences/Deepfakes/c23/frames" / f"{target}_{source}" / "000.png", rgb)
    data = {"source": "dataset", "kind": "faceforensics", "frames": 1, "options": {"form": "frames"}}
    config = read_config(write_config(tmp_path / "own.toml", tiny_table(root, data=data)))
    part = prepare_dataset(config, root, tmp_path / "run", lambda _: None).train
    samples = read("faceforensics", root, form="frames").of("train")
    assert part.genuine_track is not None
    assert part.forged_track is not None
    pairs = [
        (samples[forged], samples[part.genuine_track[of]])
        for forged, of in zip(part.forged_track, part.of, strict=True)
    ]
    assert len(pairs) == 4
    assert len({one.group for one, _ in pairs}) == 2
    for forged, genuine in pairs:
        assert forged.facts["target"] == genuine.path.name


def test_partners_are_of_the_recording_then_of_the_group_then_any() -> None:
    def row(recording: str, group: str, rate: str, frame: int) -> dict[str, object]:
        return {"recording": recording, "group": group, "compression": rate, "frame": frame}

    genuine = [row("a", "ab", "c40", 0), row("b", "ab", "c23", 7), row("a", "ab", "c23", 90), row("c", "cd", "c23", 5)]
    wanted = {
        ("a", "ab", "c23"): 2,
        ("a", "ab", "c40"): 0,
        ("a", "ab", "raw"): 0,
        ("e", "ab", "c40"): 0,
        ("d", "cd", "c40"): 3,
    }
    table = [*genuine, *(row(*source, 7) for source in wanted)]
    places = np.arange(len(table))
    assert _partners(table, places[4:], places[:4], 0).tolist() == list(wanted.values())
    strangers = _partners([*genuine, *[row("x", "xy", "c23", 7)] * 40], np.arange(4, 44), places[:4], 0)
    assert set(strangers.tolist()) == {0, 1, 2, 3}
    older = [{"group": one["group"], "frame": one["frame"]} for one in table]
    assert _partners(older, places[4:], places[:4], 0).tolist() == [1, 1, 1, 1, 3]
