"""The fit finds what was put in, on people it has not seen, and takes out what context explains."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from workstation.detectors.cards import read_card
from workstation.detectors.traces.features import CONTEXT_NAMES, NAMES, WHOLE_NAMES
from workstation.detectors.traces.fusion import Fusion
from workstation.detectors.traces.regions import PARTS
from workstation.domain.errors import InputError
from workstation.training.measures import auc, rank_correlation
from workstation.training.traces.__main__ import main
from workstation.training.traces.card import PACKAGE
from workstation.training.traces.figures import ablation, figures, line, records
from workstation.training.traces.fitting import Recipe, fit, only, scores, without
from workstation.training.traces.material import KINDS
from workstation.training.traces.table import Rows

NOISE, COLOUR = (next(n for n, (g, _) in enumerate(NAMES) if g == group) for group in ("noise", "colour"))


def rows(pairs: int, seed: int, strength: float = 5.0) -> Rows:
    """Made-up measures: a changed mouth stands out in one number of the noise; context moves one of the colour."""
    random = np.random.default_rng(seed)
    count = 2 * pairs
    manipulated = np.tile([0, 1], pairs)
    context = random.normal(0, 1, (count, len(CONTEXT_NAMES)))
    parts = random.normal(0, 1, (count, len(PARTS), len(NAMES)))
    labels = np.zeros((count, len(PARTS)), np.int64)
    labels[:, 3] = manipulated
    parts[:, 3, NOISE] += strength * manipulated * random.choice([-1, 1], count)
    parts[:, :, COLOUR] += 4 * context[:, :1]
    parts[random.random(parts.shape) < 0.02] = np.nan
    pair = np.arange(count) // 2
    return Rows(
        parts.astype(np.float32),
        random.normal(0, 1, (count, len(WHOLE_NAMES))).astype(np.float32),
        context.astype(np.float32),
        labels,
        manipulated,
        pair % len(KINDS),
        pair // 2,
        pair,
        np.zeros(count, np.int64),
        context[:, 0],
    )


@pytest.fixture(scope="module")
def fitted() -> Fusion:
    return fit(rows(150, 1))


def test_people_not_seen_are_told_apart_and_the_changed_organ_is_named(fitted: Fusion) -> None:
    found = figures(fitted, rows(200, 2), draws=50)
    assert found.everything.value > 0.8
    assert found.organs.value > 0.8
    assert len(found.kinds) == len(KINDS)
    assert "organs" in line("all", found)


def test_a_number_that_stands_out_either_way_counts(fitted: Fusion) -> None:
    signed = fit(rows(200, 1), Recipe(sized=False, turned=False))
    assert figures(signed, rows(200, 2), draws=20).everything.value < 0.65


def test_what_context_explains_is_taken_out(fitted: Fusion) -> None:
    some = rows(200, 3, strength=0)
    score, _ = scores(fitted, some)
    assert abs(rank_correlation(score, some.sharp)) < 0.15
    assert abs(auc(score[0::2], score[1::2]) - 0.5) < 0.1
    slope = fitted.part.slope.detach().numpy()[:, COLOUR, 0]
    scale = fitted.context_scale.detach().numpy()[0]
    assert np.allclose(slope / scale, 4, atol=0.4)


def test_few_genuine_faces_score_above_the_middle(fitted: Fusion) -> None:
    some = rows(200, 7)
    score, parts = scores(fitted, some)
    genuine = some.manipulated == 0
    assert (score[genuine] > 0).mean() < 0.2
    assert (parts[genuine] > 0).mean() < 0.25


def test_groups_left_out_have_no_weight() -> None:
    network = fit(rows(100, 1), only(Recipe(), "noise"))
    weight = network.part_weight.detach().numpy().reshape(len(PARTS), 3, len(NAMES))
    used = [number for number in range(len(NAMES)) if np.any(weight[:, :2, number])]
    reach = np.einsum("pde,pe->pd", network.turn.detach().numpy(), weight[:, 2])
    assert {NAMES[number][0] for number in range(len(NAMES)) if np.any(reach[:, number])} == {"noise"}
    assert used
    assert {NAMES[number][0] for number in used} == {"noise"}
    assert "noise" not in without(Recipe(), "noise").groups


@pytest.mark.slow
def test_the_same_rows_give_the_same_weights() -> None:
    one, two = fit(rows(40, 4)).state_dict(), fit(rows(40, 4)).state_dict()
    assert all(bool((one[name] == two[name]).all()) for name in one)


def test_a_fit_needs_both_classes() -> None:
    some = rows(20, 1)
    with pytest.raises(InputError, match="genuine and manipulated"):
        fit(some.where(some.manipulated == 0))


def test_a_table_is_read_as_written(tmp_path: Path) -> None:
    some = rows(5, 1)
    some.save(tmp_path / "table.npz")
    again = Rows.load(tmp_path / "table.npz")
    for field in dataclasses.fields(Rows):
        assert np.array_equal(getattr(some, field.name), getattr(again, field.name), equal_nan=True), field.name
    with pytest.raises(InputError, match="not there"):
        Rows.load(tmp_path / "other.npz")


@pytest.mark.slow
def test_records_and_ablation_name_every_kind_and_group(fitted: Fusion) -> None:
    held = rows(60, 5)
    measures = [(record.dataset, record.measure) for record in records(fitted, held)]
    assert ("Held-out people, genuine crops", "Spearman of score and sharpness") in measures
    assert (
        sum(name.startswith("Held-out people, ") and measure == "AUC" for name, measure in measures) == len(KINDS) + 1
    )
    names = [name for name, _ in ablation(rows(30, 6), held, Recipe(("noise", "colour")), draws=5)]
    assert names == ["noise alone", "colour alone", "all but noise", "all but colour", "all"]


@pytest.mark.slow
def test_a_package_is_fitted_and_one_that_leans_on_sharpness_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = rows(60, 8)
    table = dataclasses.replace(some, held=(some.person % 3 == 0).astype(np.int64))
    score, _ = scores(fit(table.where(table.held == 0)), table)
    chosen = np.flatnonzero((table.held == 1) & (table.manipulated == 0))
    level = np.zeros(len(score))
    # Up and down again along the scores: no rank correlation.
    level[chosen[np.argsort(score[chosen])]] = np.array([0, 1, 1, 0])[np.arange(len(chosen)) % 4]
    for sharp, code in ((level, 0), (score, 2)):
        dataclasses.replace(table, sharp=sharp).save(tmp_path / "table.npz")
        assert main(["package", str(tmp_path / "table.npz"), str(tmp_path / f"out{code}")]) == code
    assert "goes with sharpness" in capsys.readouterr().err
    card = read_card(tmp_path / "out0" / PACKAGE)
    assert card.weights.licence == "Apache-2.0"
    assert any(one.measure == "Spearman of score and sharpness" for one in card.validation)
    assert not (tmp_path / "out2").exists()
