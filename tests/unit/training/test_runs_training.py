"""Runs on a tiny network: from a pool to a package, the same after a cut, different by seed, stopped when told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from run_samples import Told, tiny_table, write_config, write_pool

from workstation.detectors import registry, runtime
from workstation.domain.errors import Cancelled, DetectorError, InputError, StorageFull
from workstation.training.packaging import made_crops
from workstation.training.runs import checkpoints
from workstation.training.runs.config import SchedulePart, read_config
from workstation.training.runs.curves import Point, draw
from workstation.training.runs.module import rate_share
from workstation.training.runs.running import Outcome, train

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("textures"))


@pytest.fixture(scope="module")
def whole(textures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Told]:
    """A run that nothing interrupts, and what it told."""
    folder, told = tmp_path_factory.mktemp("whole"), Told()
    # Once in a process: what it seeds is not the run's doing.
    runtime.make_reproducible()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    config = read_config(write_config(folder / "tiny.toml", tiny_table(textures)))
    outcome = train(config, folder / "run", told, device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    return outcome, told


@pytest.fixture
def run(textures: Path, tmp_path: Path) -> Run:
    def started(
        name: str, *, resume: bool = False, cancel_at: int = -1, told: Told | None = None, **changes: Any
    ) -> Outcome:
        path = write_config(tmp_path / f"{name}.toml", tiny_table(textures, **changes))
        return train(read_config(path), tmp_path / name, told or Told(cancel_at), resume=resume, device="cpu")

    return started


def test_a_run_ends_with_a_package_that_verifies_and_scores(whole: tuple[Outcome, Told]) -> None:
    outcome, told = whole
    folder, package = Path(outcome.folder), outcome.package
    verified = registry.verify(package)
    assert verified.ok
    assert any("self-test" in line.subject for line in verified.lines)
    detector = registry.load(package, device="cpu", precision="float32")
    assert all(0 <= reading.value <= 1 for reading in detector.read(made_crops(2, package.card.input.crop_size)))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["state"] == "finished"
    assert record["figures"]["weights"] == package.card.weights.sha256
    assert record["figures"]["faces"] == 6 * 4
    assert record["figures"]["faces_per_second"] > 0
    assert 0 <= record["figures"]["waiting_share"] <= 1
    for cited in (record["config"], record["data"]["train"], record["data"]["val"], "Seed 0", "24 crops in 6 of 6"):
        assert cited in package.card.training
    assert package.card.baseline
    assert any("chosen" in line for line in package.card.limits)
    assert told.notes[-1][:2] == (6, 6)
    assert [done for done, total, _ in told.notes if total][:3] == [1, 2, 3]
    rows = (folder / "curves.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "step,faces,rate,loss,held,best,self-blend,other-face"
    assert [row.split(",")[0] for row in rows[1:]] == ["3", "6"]
    picture = cv2.imread(str(folder / "curves.png"))
    assert picture is not None
    assert picture.std() > 5


def test_a_run_that_was_cut_ends_at_the_same_weights(run: Run, whole: tuple[Outcome, Told], tmp_path: Path) -> None:
    """Cut before anything was validated and right after it was: bits, curves and card are the same."""
    outcome = whole[0]
    for at in (1, 3):
        with pytest.raises(Cancelled, match=f"step {at} of 6"):
            run(f"cut{at}", cancel_at=at)
        assert not (tmp_path / f"cut{at}" / "package").exists()
        again = run(f"cut{at}", resume=True)
        assert again.record.sessions == 2
        for name in ("last", "averaged", "weights", "best_step"):
            assert again.record.figures[name] == outcome.record.figures[name]
        assert again.package.card.training.partition("Seed")[0] == outcome.package.card.training.partition("Seed")[0]
        one, two = (folder / "curves.csv" for folder in (Path(outcome.folder), tmp_path / f"cut{at}"))
        assert one.read_bytes() == two.read_bytes()


def test_a_cut_between_the_last_step_and_the_record_costs_nothing(run: Run, tmp_path: Path) -> None:
    first = run("whole")
    record = json.loads((tmp_path / "whole" / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "whole" / "run.json").write_text(json.dumps({**record, "state": "running", "figures": {}}))
    again = run("whole", resume=True)
    for name in ("steps", "faces", "last", "averaged", "weights"):
        assert again.record.figures[name] == first.record.figures[name]


def test_two_seeds_differ(run: Run, whole: tuple[Outcome, Told]) -> None:
    one, other = whole[0], run("other", run={"seed": 1})
    assert one.record.start != other.record.start
    assert one.record.figures["last"] != other.record.figures["last"]


def test_a_second_run_is_the_same_also_with_batches_made_by_another_process(
    run: Run, whole: tuple[Outcome, Told]
) -> None:
    alone, helped = whole[0], run("helped", run={"workers": 1})
    assert alone.record.figures["last"] == helped.record.figures["last"]


def test_a_run_stops_when_validation_gets_no_better(run: Run, tmp_path: Path) -> None:
    outcome = run("early", run={"steps": 40, "validate_every": 1, "patience": 2, "ema": 0.0})
    figures = outcome.record.figures
    assert figures["steps"] < 40
    assert figures["steps"] - figures["best_step"] == 2
    assert "Stopped early" in outcome.package.card.training
    # Cut after it stopped, it does not go on past where it stopped.
    record = json.loads((tmp_path / "early" / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "early" / "run.json").write_text(json.dumps({**record, "state": "running", "figures": {}}))
    again = run("early", resume=True, run={"steps": 40, "validate_every": 1, "patience": 2, "ema": 0.0})
    assert again.record.figures["steps"] == figures["steps"]
    assert again.record.figures["last"] == figures["last"]


def test_minutes_become_steps_once(run: Run, tmp_path: Path) -> None:
    budget = {"minutes": 0.02, "steps": 0, "validate_every": 10_000, "checkpoint_every": 10_000}
    with pytest.raises(Cancelled):
        run("minutes", cancel_at=1, run=budget)
    before = json.loads((tmp_path / "minutes" / "run.json").read_text(encoding="utf-8"))
    assert before["steps"] > 1
    assert before["measured"]["seconds_per_step"] > 0
    again = run("minutes", resume=True, run=budget)
    assert (again.record.steps, again.record.measured) == (before["steps"], before["measured"])
    assert again.record.figures["steps"] == before["steps"]


def test_a_folder_holds_one_run_and_one_process(run: Run, tmp_path: Path) -> None:
    run("whole")
    with pytest.raises(InputError, match="holds a run already"):
        run("whole")
    with pytest.raises(InputError, match="not the one"):
        run("whole", resume=True, run={"pairs": 3})
    with pytest.raises(InputError, match="no run"):
        run("other", resume=True)

    class Second(Told):
        def progress(self, done: int, total: int, note: str = "") -> None:
            if done == 1:
                with pytest.raises(InputError, match="Another process"):
                    run("third", resume=True)
            super().progress(done, total, note)

    run("third", told=Second())


def test_other_data_than_the_run_began_with_are_refused(run: Run, textures: Path, tmp_path: Path) -> None:
    own = write_pool(tmp_path / "own", seed=1)
    with pytest.raises(Cancelled):
        run("moved", cancel_at=2, data={"root": str(own)})
    write_pool(own, seed=2)
    with pytest.raises(InputError, match="data are not those"):
        run("moved", resume=True, data={"root": str(own)})


def test_a_loss_that_is_no_number_ends_the_run(run: Run) -> None:
    with pytest.raises(DetectorError, match="no number"):
        run("wild", losses={"class": 1e39})


def test_half_a_checkpoint_is_never_left(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.write_whole(path, lambda part: torch.save({"a": torch.ones(2)}, part))

    def fails(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageFull):
        checkpoints.write_whole(path, fails)
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert checkpoints.read_checkpoint(path)["a"].tolist() == [1, 1]
    path.write_bytes(b"\x80\x04half")
    with pytest.raises(InputError, match="cannot be read"):
        checkpoints.read_checkpoint(path)


def test_the_rate_follows_its_schedule() -> None:
    cosine = SchedulePart("cosine", warm_up=0.1, floor=0.1)
    shares = [rate_share(cosine, step, 100) for step in range(100)]
    assert shares[0] == pytest.approx(0.1 * (0.1 + 0.9), abs=0.01)
    assert max(shares) == shares[9] or max(shares) == shares[10]
    assert shares[99] == pytest.approx(0.1, abs=0.01)
    steps = SchedulePart("step", every=0.5, factor=0.1)
    assert [rate_share(steps, step, 10) for step in (0, 4, 5, 9)] == pytest.approx([1, 1, 0.1, 0.1])
    linear = SchedulePart("linear", hold=0.75)
    assert [rate_share(linear, step, 8) for step in (0, 6, 7)] == pytest.approx([1, 1, 0.5])
    cyclic = SchedulePart("cosine", warm_up=0.1, cycles=2)
    assert rate_share(cyclic, 50, 100) == pytest.approx(rate_share(cyclic, 0, 100))


def test_curves_of_any_length_can_be_drawn() -> None:
    sizes = set()
    for count in (0, 1, 2, 40):
        random = np.random.default_rng(count)
        points = [
            Point(10 * n, 40 * n, 1e-3, float(random.uniform()), 0.4 + n / 100, {"a": 0.3, "b": 0.9}, n % 3 == 0)
            for n in range(1, count + 1)
        ]
        picture = draw(points)
        assert picture.dtype == np.uint8
        sizes.add(picture.shape)
    assert len(sizes) == 1
