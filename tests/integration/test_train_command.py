"""``workstation train``: from a configuration to a detector that examines; killed in the middle, it ends the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import traced_session
from tests.unit.training.run_samples import tiny_table, write_config, write_pool
from workstation.cli.main import run

COMMAND = [sys.executable, "-c", "from workstation.cli.main import run; run()"]
KILLED_STEPS = 150


@pytest.fixture(scope="module")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("textures"), train=4, held=2)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKSTATION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any, str]:
    code = 0
    try:
        run([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    told = capsys.readouterr()
    return code, json.loads(told.out) if "--json" in arguments else told.out, told.err


def test_one_command_makes_a_detector_that_is_installed_and_examines(
    textures: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "tiny.toml", tiny_table(textures, package={"install": True}))
    output = tmp_path / "run"
    code, facts, err = call(capsys, "train", config, "--output", output, "--device", "cpu", "--json")
    assert code == 0, err
    assert facts["package"]["id"] == "tiny"
    assert facts["record"] == json.loads((output / "run.json").read_text(encoding="utf-8"))
    code, listed, _ = call(capsys, "model", "list", "--json")
    (found,) = [one for one in listed["detectors"] if one["id"] == "tiny"]
    assert (found["problem"], found["self_test"], found["weights_sha256"]) == (
        "",
        True,
        facts["package"]["weights_sha256"],
    )
    code, said, _ = call(capsys, "model", "verify", "tiny")
    assert (code, "verified" in said) == (0, True)

    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()).save(tmp_path / "portrait.png")
    case = tmp_path / "case"
    made = ["case", "create", case]
    assert call(capsys, *made)[0] == 0
    assert call(capsys, "evidence", "add", case, tmp_path / "portrait.png")[0] == 0
    code, examined, err = call(capsys, "examine", case, "--detector", "tiny", "--json")
    assert code == 0, err
    assert "tiny" in json.dumps(examined)
    # The id is taken now; hours of training are not spent on what could not be installed.
    code, _, err = call(capsys, "train", config, "--output", tmp_path / "again")
    assert code == 2
    assert "installed on this machine already" in err
    assert not (tmp_path / "again").exists()


def test_what_is_wrong_is_one_line(
    textures: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tiny_table(textures, run={"stepz": 1})
    for arguments, named in (
        (["train", write_config(tmp_path / "a.toml", table)], "run.stepz"),
        (["train", "nothing-of-that-name"], "clip-ln-small"),
        (
            ["train", write_config(tmp_path / "b.toml", tiny_table(tmp_path / "none")), "--output", tmp_path / "o"],
            "pool",
        ),
        (
            ["train", write_config(tmp_path / "c.toml", tiny_table(textures)), "--resume", "--output", tmp_path],
            "no run",
        ),
        (["train", tmp_path / "c.toml", "--device", "abacus", "--output", tmp_path / "p"], "abacus"),
        (["train", "mesonet-small", "--data", tmp_path / "none", "--output", tmp_path / "q"], "training pictures"),
    ):
        code, out, err = call(capsys, *arguments)
        assert (code, out) == (2, "")
        assert named in err
        assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="strace")
def test_training_asks_for_no_internet_socket(textures: Path, tmp_path: Path, home: Path) -> None:
    if not traced_session.works("strace", "-f", "--seccomp-bpf", "-o", os.devnull):
        pytest.skip("strace is not here or may not look")
    config = write_config(tmp_path / "tiny.toml", tiny_table(textures))
    log = tmp_path / "log"
    traced_session.traced([*COMMAND, "train", str(config), "--output", str(tmp_path / "run")], log, cut_off=False)
    assert (tmp_path / "run" / "package" / "tiny" / "card.toml").is_file()
    assert [call for call in traced_session.calls(log) if call.internet] == []


def _config_to_kill(textures: Path, folder: Path) -> Path:
    many = {"steps": KILLED_STEPS, "checkpoint_every": 7, "validate_every": 50}
    return write_config(folder / "tiny.toml", tiny_table(textures, run=many))


@pytest.mark.slow
def test_killed_at_a_random_step_it_ends_at_the_same_weights(
    textures: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 in the middle, of a real process; weights, averaged weights, curves and package are the same bits."""
    config = _config_to_kill(textures, tmp_path)
    code, whole, err = call(capsys, "train", config, "--output", tmp_path / "whole", "--device", "cpu", "--json")
    assert code == 0, err
    output = tmp_path / "killed"
    process = subprocess.Popen(
        [*COMMAND, "train", str(config), "--output", str(output), "--device", "cpu"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not (output / "checkpoint.pt").exists():
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert json.loads((output / "run.json").read_text(encoding="utf-8"))["state"] == "running"
    code, again, err = call(capsys, "train", config, "--output", output, "--resume", "--device", "cpu", "--json")
    assert code == 0, err
    assert again["record"]["sessions"] == 2
    for name in ("last", "averaged", "weights"):
        assert again["record"]["figures"][name] == whole["record"]["figures"][name]
    assert (output / "curves.csv").read_bytes() == (tmp_path / "whole" / "curves.csv").read_bytes()
    packed = [folder / "package" / "tiny" / "model.safetensors" for folder in (output, tmp_path / "whole")]
    assert packed[0].read_bytes() == packed[1].read_bytes()
