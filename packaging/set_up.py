"""Make ``.venv`` and install the locked requirements and the package into it. Standard library only.

Every file is checked against the hashes in the lock files, wherever it is fetched from. What is already done is not
done again: ``.venv/set-up.json`` keeps the digest of what each step was made from. A set-up that was interrupted starts
anew; downloads that finished are kept in the installers' caches.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import check_system

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / "set-up.json"
UNDER_WAY = VENV / "set-up-under-way"
LOCKS = {"run": HERE / "requirements.lock", "dev": HERE / "requirements-dev.lock"}
BOOTSTRAP = HERE / "bootstrap.lock"
OLDEST = (3, 11)
LOCKED_FOR = (3, 11)
DISK_GB = 8.0


class SetUpError(Exception):
    """What stops the set-up, as one line for the person who started it."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def digest(*paths: Path) -> str:
    """Digest of the files, of the interpreter's version and of the place, because a virtual environment cannot move."""
    made = hashlib.sha256(f"{sys.version_info[:3]} {ROOT}".encode())
    for path in paths:
        made.update(path.read_bytes())
    return made.hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(stamp: dict[str, str]) -> None:
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    fresh.replace(STAMP)


def environment() -> dict[str, str]:
    """The caller's environment without what would point an installer at another place or at other rules.

    Settings that name a mirror or a certificate file stay: hashes decide what is accepted, not where it came from.
    """
    kept = dict(os.environ)
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PIP_FIND_LINKS", "UV_FIND_LINKS"}
    dropped |= {"PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "UV_CONSTRAINT", "UV_OVERRIDE"}
    for name in dropped:
        kept.pop(name, None)
    kept.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore")
    kept.setdefault("UV_HTTP_TIMEOUT", "300")
    return kept


def call(arguments: list[str], *, quiet: bool = False) -> bool:
    """Run an installer. Returns whether it succeeded; with ``quiet`` its words are not shown."""
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run(arguments, env=environment(), cwd=ROOT, stdout=sink, stderr=sink, check=False).returncode == 0


def make_venv() -> None:
    """Make ``.venv``, or empty it when it is broken, half filled or of another Python.

    Raises:
        SetUpError: when it cannot be made.
    """
    if UNDER_WAY.exists():
        say("The last set-up did not come to its end; starting anew (finished downloads are kept).")
    elif VENV.exists():
        if venv_fits():
            return
        if not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
            raise SetUpError(f"{VENV} exists and is no virtual environment. Move it away, then run this again.")
        say("The virtual environment does not fit this Python; making it anew.")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise SetUpError(f"{made.stdout}{made.stderr}\nsudo apt-get install python3-venv")


def venv_fits() -> bool:
    probe = [str(BIN / "python"), "-c", "import sys, pip; print(sys.version_info[:3])"]
    try:
        seen = subprocess.run(probe, env=environment(), capture_output=True, text=True, check=False)
    except OSError:
        return False
    return seen.stdout.strip() == str(sys.version_info[:3])


def warn_of_space() -> None:
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        say(f"Warning: {free:.1f} GB are free here; a first set-up takes about {DISK_GB:.0f} GB with its downloads.")


def uv() -> list[str] | None:
    """Return the command of the quick installer, fetched by its own locked hash; None where it is not to be had."""
    program = BIN / "uv"
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--no-deps"]
    if not call([*pip, "--require-hashes", "-r", str(BOOTSTRAP)], quiet=True) or not call(
        [str(program), "--version"], quiet=True
    ):
        return None
    command = [str(program), "--no-config", "--system-certs"]
    return command if sys.stderr.isatty() else [*command, "--no-progress", "--quiet"]


def install_lock(lock: Path) -> None:
    """Install one lock file, every file of it by hash. A mark stays behind unless it comes to its end.

    Raises:
        SetUpError: when neither installer succeeds.
    """
    UNDER_WAY.touch()
    what = ["--require-hashes", "-r", str(lock)]
    quick = uv()
    if quick is None:
        say("uv cannot be had here; using pip, which is slower (several minutes).")
    elif call([*quick, "pip", "install", "--python", str(BIN / "python"), "--no-build", *what]):
        UNDER_WAY.unlink()
        return
    else:
        say("uv did not succeed; trying pip, which is slower.")
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--no-deps"]
    if not call([*pip, *what]):
        raise SetUpError("The requirements could not be installed; the reason stands above. Then run this again.")
    UNDER_WAY.unlink()


def install_package() -> None:
    """Install the package itself, editable, with the locked setuptools and nothing fetched.

    Raises:
        SetUpError: when it cannot be built.
    """
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    if not call([*pip, "--editable", str(ROOT)]):
        raise SetUpError("The package could not be installed; the reason stands above.")


def set_up(dev: bool) -> None:
    """Bring ``.venv`` to what the lock files and ``pyproject.toml`` say, doing only what is not done yet.

    Raises:
        SetUpError: naming what stands in the way.
    """
    wanted = {"run": digest(LOCKS["run"])}
    if dev:
        wanted["dev"] = digest(LOCKS["run"], LOCKS["dev"])
    wanted["package"] = digest(ROOT / "pyproject.toml", ROOT / "workstation" / "__init__.py")
    if (BIN / "python").exists() and not UNDER_WAY.exists() and not due(wanted):
        return
    started = time.monotonic()
    make_venv()
    for name in due(wanted):
        if name == "run":
            warn_of_space()
            say("Installing the locked requirements into .venv: about 3.5 GB to fetch the first time ...")
        elif name == "dev":
            say("Installing what the tests need ...")
        if name in LOCKS:
            install_lock(LOCKS[name])
        else:
            install_package()
        write_stamp(read_stamp() | {name: wanted[name]})
    say(f"Set-up done in {time.monotonic() - started:.0f} s.")


def due(wanted: dict[str, str]) -> list[str]:
    """Name the steps that are not done, or were done from other lock files or by another Python."""
    stamp = read_stamp()
    return [name for name, value in wanted.items() if stamp.get(name) != value]


def main() -> int:
    parser = argparse.ArgumentParser(description="Make .venv and install the workstation into it.")
    parser.add_argument("--dev", action="store_true", help="also what building, checking and testing need")
    parser.add_argument("--ignore-system", action="store_true", help="go on when system packages are missing")
    chosen = parser.parse_args()
    if sys.version_info < OLDEST:
        sys.stderr.write(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Name one: make PYTHON=...\n"
        )
        return 1
    sections = {"run", "test"} if chosen.dev else {"run"}
    if not check_system.ensure(sections, do_install=True) and not chosen.ignore_system:
        sys.stderr.write("To go on without them (and without the window): the same command with SYSTEM=ignore\n")
        return 1
    if sys.version_info[:2] != LOCKED_FOR:
        say(f"Note: the requirements are locked for Python 3.11; this is {sys.version.split()[0]}, which is not tried.")
    try:
        set_up(chosen.dev)
    except SetUpError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
