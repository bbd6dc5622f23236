"""MFCLIP packages: both cards written, loaded and read; measures of a track; cards that ask for nonsense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mfclip_samples import SIDE, taught, tensor, tiny_card
from torch import nn

from workstation.detectors import registry, selftest
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.mfclip.detector import NOTE, MfclipDetector, build, load
from workstation.detectors.mfclip.labels import genuine
from workstation.detectors.mfclip.presets import paper_card, small_card
from workstation.detectors.mfclip.shapes import shapes_of, table_of
from workstation.detectors.mfclip.training import MfclipTrainer, Schedule
from workstation.detectors.packages import fresh_package, write_package
from workstation.domain.custody import CheckState
from workstation.domain.detectors import DetectorCard, InstalledDetector, TrackContext
from workstation.domain.errors import CardInvalid, DetectorError, InputError

pytestmark = pytest.mark.usefixtures("one_thread")


def _detector(card: DetectorCard, folder: Path, precision: str = "float32") -> MfclipDetector:
    return load(card, folder, device="cpu", precision=precision)


def _context(count: int) -> TrackContext:
    return TrackContext(tuple(n / 25 for n in range(count)))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[DetectorCard, Path]:
    folder = tmp_path_factory.mktemp("mfclip") / "tiny"
    return fresh_package(folder, tiny_card()), folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[DetectorCard, Path]:
    folder = tmp_path_factory.mktemp("mfclip") / "small"
    return fresh_package(folder, small_card(levels=4)), folder


def test_small_card_is_written_read_and_tested(small: tuple[DetectorCard, Path]) -> None:
    card, folder = small
    package = InstalledDetector(card, str(folder), False)
    assert registry.verify(package).ok
    (line,) = selftest.run(package)
    assert line.state is CheckState.OK, line
    detector = _detector(card, folder)
    crops = drawn_crops(256, 5, seed=1)
    scores = [reading.value for reading in detector.read(crops)]
    assert all(0 < score < 1 for score in scores)
    assert len(set(scores)) == 5
    assert [reading.value for reading in detector.read(crops)] == scores
    alone = [detector.read([crop])[0].value for crop in crops]
    assert alone == pytest.approx(scores, abs=1e-5)


def test_a_track_gives_exploratory_measures_and_no_score(tiny: tuple[DetectorCard, Path]) -> None:
    detector = _detector(*tiny)
    crops = drawn_crops(SIDE, 16, seed=2)
    reading = detector.read_track(crops, _context(16))
    assert reading.value is None
    assert reading.note == NOTE
    assert len(reading.measures) == 17
    assert [m.name for m in reading.measures[:5]] == [
        *("level1_genuine", "level1_manipulated"),
        *("level2_entire_synthesis", "level2_identity_swap", "level2_attribute_manipulation"),
    ]
    for measure in reading.measures:
        assert measure.exploratory
        assert "16 faces" in measure.about
        assert measure.value is not None
        assert measure.low is not None
        assert measure.high is not None
        assert -1 <= measure.low <= measure.value <= measure.high <= 1
        assert measure.low < measure.high


def test_measures_are_means_and_spreads_over_the_crops(tiny: tuple[DetectorCard, Path]) -> None:
    detector = _detector(*tiny)
    crops = drawn_crops(SIDE, 6, seed=3)
    whole = detector.read_track(crops, _context(6)).measures
    single = np.array([[m.value for m in detector.read_track([crop], _context(1)).measures] for crop in crops])
    np.testing.assert_allclose([m.value for m in whole], single.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose([m.low for m in whole], np.quantile(single, 0.05, axis=0), atol=1e-5)
    np.testing.assert_allclose([m.high for m in whole], np.quantile(single, 0.95, axis=0), atol=1e-5)
    with pytest.raises(InputError):
        detector.read_track([], _context(0))


def test_inference_needs_no_text_tower(small: tuple[DetectorCard, Path]) -> None:
    network = build(small[0])
    assert not any("token_embedding" in name or "positional" in name for name in network.state_dict())
    assert network.descriptions.shape == (17, 128)


def test_small_card_reads_alike_in_bfloat16(small: tuple[DetectorCard, Path], tmp_path: Path) -> None:
    """With a head drawn wide, so that scores differ at all; the quarter that is looked at stays the same."""
    card, _ = small
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        network = build(card)
        nn.init.normal_(network.get_parameter("head.1.weight"), std=0.3)
    wide = write_package(tmp_path, card, network.state_dict())
    crops = drawn_crops(256, 6, seed=4)
    exact, reduced = (_detector(wide, tmp_path, kind) for kind in ("float32", "bfloat16"))
    one, two = (np.array([r.value for r in d.read(crops)]) for d in (exact, reduced))
    assert one.std() > 0.02
    assert np.abs(one - two).max() < 0.02
    near, far = (
        np.array([m.value for m in d.read_track(crops, _context(6)).measures], float) for d in (exact, reduced)
    )
    assert np.abs(near - far).max() < 0.01


@pytest.mark.slow
def test_paper_card_is_written_and_read(tmp_path: Path) -> None:
    card = fresh_package(tmp_path, paper_card())
    exact, reduced = (_detector(card, tmp_path, kind) for kind in ("float32", "bfloat16"))
    parts = sum(p.numel() for p in (*exact.network.vision.parameters(), *exact.network.head.parameters()))
    assert parts + exact.network.vision.residual.filters.numel() == 77_824_739
    crops = drawn_crops(224, 4, seed=5)
    one, two = ([r.value for r in d.read(crops)] for d in (exact, reduced))
    assert one == pytest.approx(two, abs=0.02)
    reading = exact.read_track(crops, _context(4))
    assert len(reading.measures) == 17


def test_the_score_points_to_manipulated(tiny: tuple[DetectorCard, Path], tmp_path: Path) -> None:
    network = build(tiny[0])
    with torch.no_grad():
        network.get_parameter("head.1.weight").zero_()
        network.get_parameter("head.1.bias").copy_(torch.tensor([-2.0, 2.0]))
    card = write_package(tmp_path, tiny[0], network.state_dict())
    (reading,) = _detector(card, tmp_path).read(drawn_crops(SIDE, 1))
    assert reading.value == pytest.approx(1 / (1 + np.exp(-4)))


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"depth": 3}, "network.depth"),
        ({"width": 0}, "network.width"),
        ({"width": True}, "network.width"),
        ({"heads": 3}, "multiple of its heads"),
        ({"levels": 5}, "network.levels"),
        ({"attention": "wide"}, "network.attention"),
        ({"attention": ["width"]}, "network.attention"),
        ({"read_out": "eot"}, "network.read_out"),
        ({"image_widths": [8, 8]}, "equally long"),
        ({"image_widths": [16, 32, 64, "a"]}, "network.image_widths"),
        ({"noise_convs": []}, "network.noise_convs"),
        ({"noise_widths": [8] * 8, "noise_convs": [1] * 8}, "halvings"),
    ],
)
def test_a_wrong_mfclip_table_is_named(network: dict[str, object], said: str) -> None:
    card = small_card()
    with pytest.raises(CardInvalid, match=said), torch.device("meta"):
        build(replace(card, network=dict(card.network) | network))


def test_a_card_with_other_pixels_than_the_network_wants_is_refused() -> None:
    card = small_card()
    for spec in (replace(card.input, std=(0.5, 0.5, 0.5)), replace(card.input, colour="bgr")):
        with pytest.raises(CardInvalid, match=r"RGB in 0\.\.1"):
            build(replace(card, input=spec))


def test_a_setting_is_refused(tiny: tuple[DetectorCard, Path]) -> None:
    with pytest.raises(DetectorError, match="merge"):
        load(*tiny, device="cpu", precision="float32", settings={"merge": "4"})


@pytest.mark.parametrize("card", [paper_card(), small_card(), small_card(4)])
def test_the_table_of_a_card_gives_its_shapes_back(card: DetectorCard) -> None:
    assert table_of(*shapes_of(card)) == dict(card.network)
    assert shapes_of(replace(card, network={}))[0].width == 512


def test_a_network_learns_and_finds_the_words_for_what_it_sees(tmp_path: Path) -> None:
    """Three kinds of drawn faces: after 70 steps unseen ones have the right score and the right words nearest."""
    crops, labels = taught(40, seed=6)
    pixels, card = tensor(crops), tiny_card(levels=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        trainer = MfclipTrainer(*shapes_of(card))
        adam, _ = Schedule(rate=1e-3).optimiser(trainer)
        order = torch.Generator().manual_seed(0)
        for _ in range(70):
            chosen = torch.randperm(len(labels), generator=order)[:24].tolist()
            adam.zero_grad()
            trainer(pixels[chosen], [labels[n] for n in chosen]).total.backward()
            adam.step()
    detector = _detector(write_package(tmp_path, card, trainer.eval().package_tensors(labels)), tmp_path)
    unseen, kinds = taught(10, seed=7)
    scores = [reading.value for reading in detector.read(unseen)]
    assert [score > 0.5 for score in scores] == [kind != genuine() for kind in kinds]
    right = ("level1_genuine", "level2_entire_synthesis", "level2_identity_swap")
    for n, name in enumerate(right):
        measures = {m.name: m for m in detector.read_track(unseen[n::3], _context(10)).measures}
        near = {other: measures[other].value or 0.0 for other in right}
        assert max(near, key=near.__getitem__) == name, near
        assert near[name] > 0.3
        # Nothing of this kind was shown, so nothing is said about it.
        untaught = measures["level2_attribute_manipulation"]
        assert untaught.value is untaught.low is untaught.high is None
        assert "no face of this kind" in untaught.about
