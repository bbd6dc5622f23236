"""The wheel holds the whole product and nothing else; installed, it runs without the source tree."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    script = ROOT / "packaging" / "build_wheel.py"
    done = subprocess.run([sys.executable, str(script), str(target)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(Path(done.stdout.strip()))


def test_everything_of_the_product_is_inside_unchanged(wheel: zipfile.ZipFile) -> None:
    """Code, migrations with their template, fonts, detector cards and weights: each file, byte for byte."""
    inside = set(wheel.namelist())
    ours = [
        path
        for part in ("workstation", "resources")
        for path in (ROOT / part).rglob("*")
        if path.is_file()
        and not GENERATED & set(path.parts)
        and not any(piece.startswith(".") for piece in path.relative_to(ROOT).parts)
    ]
    assert len(ours) > 50
    wanted = {path.relative_to(ROOT).as_posix(): path for path in ours if not path.match("workstation/README.md")}
    assert wanted.keys() - inside == set()
    assert [name for name, path in wanted.items() if wheel.read(name) != path.read_bytes()] == []


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"workstation", "resources"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith(".pyc")]


def test_licence_and_command_are_declared(wheel: zipfile.ZipFile) -> None:
    (meta,) = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(f"{meta}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert wheel.read(f"{meta}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert "workstation = workstation.cli.main:run" in wheel.read(f"{meta}/entry_points.txt").decode()


def test_the_installed_wheel_works() -> None:
    script = ROOT / "packaging" / "smoke.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
