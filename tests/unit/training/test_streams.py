"""No shortcut in any stream: what needs no learning must not tell the halves of a batch apart, whatever the kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from training_samples import MARKS, face, variant

from workstation.domain.detectors import InputSpec
from workstation.media.recoding import recode
from workstation.training import pool
from workstation.training.batches import Batch, Batches
from workstation.training.forgeries import Picture, Remake
from workstation.training.generators.remaking import Generators, load_generators
from workstation.training.generators.trainer import train_generators
from workstation.training.kinds import GENERATED, WITHOUT_NETWORKS, Maker
from workstation.training.portraits import faces, held_out, list_portraits, training_crops, view
from workstation.training.runs.data import material_of
from workstation.training.streams import LOCAL, SHORTCUTS, StreamFigure, estimated_quality, levels, table_of

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)
WITHIN, ERROR = 0.03, 0.01
FILE_OF_GENERATORS = "STREAM_GENERATORS"


def soft(rgb: Picture, random: np.random.Generator) -> tuple[Picture, Maker]:
    """Stands in for a bad network: half of the detail is gone, and the colours are off."""
    small = cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, rgb.shape[:2], interpolation=cv2.INTER_LINEAR)
    return np.clip(back + random.uniform(-20, 20, 3), 0, 255).astype(np.float32), Maker.AE_BILINEAR


def drawn_pool(folder: Path, crops: list[pool._Crop], per_view: int, remake: Remake = soft) -> pool.Pool:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    pool._write(
        crops, [], {"drawn": len(crops)}, folder, "train", per_view, random, lambda _: None, remake, recode, False
    )
    return pool.load(folder, "train")


def stream(made: pool.Pool, side: int, passes: int, apart: float = 1.0) -> Iterator[Batch]:
    spec = InputSpec(side, pool.POOL_SIDE, 1.3, MEAN, STD, "area")
    for seed in range(passes):
        yield from Batches(material_of(made), spec, apart=apart).fixed(64, seed)


def table(made: pool.Pool, side: int, passes: int, apart: float = 1.0) -> dict[str, dict[str, StreamFigure]]:
    groups = np.tile(made.group[made.of], passes)
    return table_of(stream(made, side, passes, apart), MEAN, STD, [str(kind) for kind in pool.KINDS], groups)


def wrong(found: dict[str, dict[str, StreamFigure]], error: float) -> list[str]:
    return [
        f"{kind} {name} {row[name].auc:.3f} +- {row[name].error:.3f}"
        for kind, row in found.items()
        for name in SHORTCUTS
        if abs(row[name].auc - 0.5) > WITHIN or row[name].error > error
    ]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> pool.Pool:
    """Portraits of eighteen made-up people, all kinds of forgery, some through a video codec."""
    random = np.random.default_rng(1)
    crops = []
    for number in range(18):
        # From a lens out of focus to a noisy sensor, as portraits of many sources differ.
        rgb = cv2.GaussianBlur(variant(number), (0, 0), float(np.exp(random.uniform(-1, 1.2)))).astype(np.float64)
        rgb = (rgb - 110) * random.uniform(0.4, 1.1) + 110 + random.normal(0, random.uniform(0, 8), rgb.shape)
        rgb = np.clip(rgb, 0, 255).astype(np.uint8)
        seen = view(rgb, MARKS, random)
        crops.append(pool._Crop(seen.rgb, seen.landmarks, number, number))
    return drawn_pool(tmp_path_factory.mktemp("stream"), crops, 1)


@pytest.mark.slow
def test_no_shortcut_tells_the_halves_of_any_stream_apart(drawn: pool.Pool) -> None:
    found = table(drawn, 112, 3)
    assert set(found) == {str(kind) for kind in (*WITHOUT_NETWORKS, *GENERATED)}
    assert all(set(row) == {*SHORTCUTS, *LOCAL} for row in found.values())
    # Few pairs of each kind: a test that is run each time holds a kind to what its number can show, and all kinds
    # together to the demand. The test on the training data below holds each kind to it.
    loose = [(kind, name, figure) for kind, row in found.items() for name, figure in row.items() if name in SHORTCUTS]
    assert [one for one in loose if abs(one[2].auc - 0.5) > max(WITHIN, 2.5 * one[2].error)] == []
    assert max(figure.error for _, _, figure in loose) < 0.04
    for name in SHORTCUTS:
        assert abs(np.mean([row[name].auc for row in found.values()]) - 0.5) < WITHIN, name


def test_the_measure_sees_blurred_forgeries_and_evening_hides_them(drawn: pool.Pool) -> None:
    rows = np.arange(0, len(drawn.of), 2)
    dull = np.stack([cv2.GaussianBlur(drawn.forged[row], (0, 0), 1.2) for row in rows])
    parts = {part: getattr(drawn, part)[rows] for part in ("of", "kind", "maps", "masks", "maker")}
    blurred = replace(drawn, forged=dull, **parts)
    plain, evened = np.array([list(firsts(blurred, apart)) for apart in (0.0, 1.0)])
    assert (plain < 0.2).all()
    assert (np.abs(evened - 0.5) < 0.2).all()


def firsts(made: pool.Pool, apart: float) -> Iterator[float]:
    """Share of all pairs of which the forgery has the larger sharpness, share of high frequencies, bytes."""
    rows = list(table(made, 112, 1, apart).values())
    for name in ("sharpness", "high_frequency", "bytes"):
        yield float(np.average([row[name].first for row in rows], weights=[row[name].pairs for row in rows]))


def test_pixels_of_a_batch_are_turned_back_into_levels() -> None:
    rgb = face().rgb.astype(np.uint8)
    normalised = ((rgb.astype(np.float32) / 255 - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)
    assert np.array_equal(levels(normalised.astype(np.float32), MEAN, STD), rgb)


def test_a_compression_that_was_the_last_step_is_estimated_and_none_is_made_up() -> None:
    rgb = face().rgb.astype(np.uint8)
    for quality in (46, 61, 76):
        _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
        assert abs(estimated_quality(decoded) - quality) <= 3
        assert estimated_quality(cv2.resize(decoded, (224, 224), interpolation=cv2.INTER_AREA)) == 100
    assert estimated_quality(rgb) == 100


@pytest.fixture
def trained(shared_data: Path) -> Remake:
    """The generators of the file that `FILE_OF_GENERATORS` names; without one, all eight trained for two minutes."""
    named = os.environ.get(FILE_OF_GENERATORS)
    if named:
        return load_generators(Path(named))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return Generators(train_generators(training_crops(shared_data / "train", 80), steps=100))
    finally:
        torch.set_num_threads(before)


@pytest.mark.data
@pytest.mark.harness
@pytest.mark.timeout(7200)
def test_no_shortcut_in_streams_of_the_training_data(shared_data: Path, trained: Remake, tmp_path: Path) -> None:
    """Every fourth person of the training folders, every kind of forgery, as a network is fed; about twenty minutes."""
    random = np.random.default_rng(0)
    known = [portrait for portrait in list_portraits(shared_data / "train") if not held_out(portrait)][::4]
    crops = []
    for number, (portrait, rgb, marks) in enumerate(faces(known)):
        seen = view(rgb, marks, random)
        crops.append(pool._Crop(seen.rgb, seen.landmarks, hash_of(portrait.person), number))
    found = table(drawn_pool(tmp_path, crops, 1, trained), 224, 4)
    assert wrong(found, ERROR) == []


def hash_of(person: str) -> int:
    return int.from_bytes(person.encode()[-7:], "big")
