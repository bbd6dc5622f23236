"""Build the wheel from a clean copy of what is under version control, with the locked setuptools and nothing fetched.

setuptools takes over whatever lies in ``build/`` from an earlier time; the copy keeps such leftovers out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("workstation", "resources", "pyproject.toml", "README.md", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", ".*")


def build(target: Path) -> Path:
    """Build the wheel into the folder ``target`` and return its path.

    Raises:
        RuntimeError: with the builder's own words when it fails.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "source"
        copy.mkdir()
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=LEFT_OUT)
            else:
                shutil.copy2(source, copy / part)
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
        done = subprocess.run(
            [*pip, "--wheel-dir", str(Path(folder) / "out"), str(copy)],
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        made = list((Path(folder) / "out").glob("*.whl"))
        if done.returncode or len(made) != 1:
            raise RuntimeError(f"The wheel could not be built.\n{done.stdout}{done.stderr}")
        return Path(shutil.copy2(made[0], target))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the wheel.")
    parser.add_argument("target", type=Path, nargs="?", default=ROOT / "dist", help="folder that receives it")
    sys.stdout.write(f"{build(parser.parse_args().target)}\n")
