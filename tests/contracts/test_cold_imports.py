"""What importing a room may load, asserted in a fresh interpreter: doors open before networks and screens load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "torchvision", "open_clip", "onnxruntime", "insightface", "facenet_pytorch", "lightning"}
ONE_ROOM_ONLY = {"av", "reportlab", "pyhanko", "pikepdf", "alembic", "skimage", "scipy", "PIL"}
DOMAIN = Path(__file__).resolve().parents[2] / "workstation" / "domain"
WORDS = sorted("workstation.domain." + path.stem for path in DOMAIN.glob("*.py") if path.stem != "__init__")


def loaded_by(*modules: str) -> set[str]:
    """Import ``modules`` in a new interpreter and return the top-level names that came with them."""
    script = (
        "import importlib, json, sys\n"
        "before = set(sys.modules)\n"
        f"for name in {list(modules)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_the_command_line_loads_neither_window_nor_network() -> None:
    assert not loaded_by("workstation.cli.main") & (HEAVY | {"PySide6", "shiboken6"})


def test_help_loads_no_library_of_a_single_job() -> None:
    """``--help`` and mistyped options answer without the libraries that only decoding, signing or drawing needs."""
    asked = "import sys; from workstation.cli.main import run; sys.argv = ['workstation', '--help']; run()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "examine" in done.stdout
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in names
    assert not names & (HEAVY | ONE_ROOM_ONLY | {"PySide6", "shiboken6"})


@pytest.mark.parametrize("module", ["workstation.ui.main_window", "workstation.ui.application"])
def test_the_window_loads_no_network(module: str) -> None:
    assert not loaded_by(module) & HEAVY


@pytest.mark.parametrize(
    "room", ["app.engine", "storage", "media", "faces", "detectors", "training", "reporting", "app"]
)
def test_the_front_of_a_room_loads_neither_window_nor_network(room: str) -> None:
    assert not loaded_by(f"workstation.{room}") & (HEAVY | {"PySide6"})


@pytest.mark.parametrize("module", WORDS)
def test_the_words_load_only_the_standard_library_and_numpy(module: str) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "workstation"}
    assert not loaded_by(module) - allowed
