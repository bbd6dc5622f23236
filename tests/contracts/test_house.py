"""House rules a machine can see: floors, file sizes and names, lock files, what lies where, no machine paths."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {"pyproject.toml", "README.md", "LICENSE", "Makefile", "workstation", "resources", "tests", "packaging"}
LOCKS = ["bootstrap.lock", "requirements.lock", "requirements-dev.lock"]
LONGEST = 500
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
# Written with a class in each word so that these lines do not find themselves.
MACHINE_PATH = re.compile(r"(?:^|[\s\"'=(:])/(?:w[o]rk|f[a]rm|r[o]ot|h[o]me|mnt/[c]|Us[e]rs)/[A-Za-z.]", re.MULTILINE)
TEMPORARY = re.compile(r"(?:^|[\s\"'=(:])/t[m]p/(?!\.X11-unix)", re.MULTILINE)
REGISTRY = re.compile(r"(?:ind[e]x|fi[n]d)[-_](?:url|links)|https?://[^\s\"']*/si[m]ple|py[p]i\.org|pythonh[o]sted")


def tracked() -> list[Path]:
    """The files under version control; in an unpacked archive, every file that is not generated."""
    if shutil.which("git") and (ROOT / ".git").exists():
        done = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
        names = [name for name in done.stdout.decode().split("\0") if name]
    else:
        skipped = {"__pycache__", ".venv", "build", "dist"}
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.parts)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    """Every tracked text file with its content; files that are not UTF-8 are pictures, fonts or weights."""
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        try:
            found.append((str(path.relative_to(ROOT)), data.decode("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_the_floors_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


def test_no_file_has_grown_past_its_limit() -> None:
    lines = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in (ROOT / "workstation").rglob("*.py")
    }
    assert len(lines) > 20
    assert not {name: count for name, count in lines.items() if count > LONGEST}


def test_every_file_is_named_for_what_it_holds() -> None:
    assert not [path for path in tracked() if path.suffix == ".py" and path.stem.strip("_") in NAMELESS]


def test_nothing_lies_about_at_the_top() -> None:
    seen = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in seen if not name.startswith(".")} == TOP
    assert ".venv" not in seen


def test_the_licence_is_the_one_the_package_names() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert len(text) > 10_000


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_carry_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?==[^\s;]+( ; .+)? \\\n", entry), entry[:200]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:200]
    assert "://" not in text
    assert not REGISTRY.search(text)
    assert not re.search(r"^-", text, re.MULTILINE)


def test_lock_files_agree_on_what_they_share() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==(\S+)", text, re.MULTILINE))

    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    shared = run.keys() & dev.keys()
    assert {name: (run[name], dev[name]) for name in shared if run[name] != dev[name]} == {}


def test_the_package_asks_for_what_is_locked() -> None:
    """Each dependency that ``pyproject.toml`` names is locked; a name in only one of the two is a slip."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\[<>=!~ ;]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    listed = (ROOT / "packaging" / "requirements.in").read_text(encoding="utf-8")
    named = {re.split(r"[\[<>=!~ ;]", x)[0].lower().replace("_", "-") for x in re.findall(r"^[A-Za-z].*", listed, re.M)}
    assert wanted == named


def test_no_text_names_a_machine_or_a_registry() -> None:
    found = []
    for name, text in texts():
        for pattern in (MACHINE_PATH, TEMPORARY, REGISTRY):
            for hit in pattern.finditer(text):
                line = text[text.rfind("\n", 0, hit.start() + 1) + 1 : text.find("\n", hit.end())]
                found.append(f"{name}: {line.strip()[:120]}")
    assert not found


def test_system_packages_are_listed_once() -> None:
    """Only ``system-packages.txt`` names them, each once, with its probe and what it is for."""
    lines = (ROOT / "packaging" / "system-packages.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(None, 2) for line in lines if line and line[0] not in "#["]
    assert rows
    assert all(len(row) == 3 for row in rows)
    names = [row[0] for row in rows]
    assert len(names) == len(set(names))
    libraries = {name for name in names if name.startswith("lib")}
    for name, text in texts():
        if name.startswith(("packaging/system-packages", "tests/contracts/")) or name.endswith(".lock"):
            continue
        again = {library for library in libraries if re.search(rf"(?<![\w-]){re.escape(library)}(?![\w.-])", text)}
        assert not again, f"{name} names {sorted(again)}"
