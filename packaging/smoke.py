"""Install the wheel as a person would and try it: the artefact, not the source tree, is what people get.

The throw-away environment holds the wheel and, through one path line, the requirements that are installed already; the
editable package of the source tree is not reachable from it. Exit code 0 when everything that is tried works.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from build_wheel import build

INSIDE = """
import importlib.metadata, importlib.util, json, pathlib, sys
from importlib import resources
import resources as held, workstation
tree = resources.files(held)
names = sorted(str(p.relative_to(pathlib.Path(str(tree)))) for p in pathlib.Path(str(tree)).rglob("*") if p.is_file())
migrations = pathlib.Path(workstation.__file__).parent / "storage" / "migrations"
points = [p for g in ("workstation.detectors", "workstation.faces") for p in importlib.metadata.entry_points(group=g)]
print(json.dumps({
    "package": workstation.__file__,
    "version": importlib.metadata.version("workstation"),
    "resources": names,
    "migrations": sorted(p.name for p in migrations.rglob("*.py")),
    "lost entry points": [p.value for p in points if importlib.util.find_spec(p.module) is None],
    "entry points": len(points),
}))
"""


def smoke() -> list[str]:
    """Return what is wrong with the installed artefact; empty when all is well."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        venv.create(place / "venv", with_pip=False)
        python = place / "venv" / "bin" / "python"
        here = {"base": str(place / "venv"), "platbase": str(place / "venv")}
        site = Path(sysconfig.get_path("purelib", "venv", vars=here))
        wheel = build(place)
        run(
            [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)],
            place,
        )
        (site / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        facts = json.loads(run([str(python), "-c", INSIDE], place))
        program = str(python.with_name("workstation"))
        helped, version = run([program, "--help"], place), run([program, "--version"], place)
        return list(faults(facts, site, helped, version))


def run(arguments: list[str], place: Path) -> str:
    """Run in an empty folder with a home of its own.

    Raises:
        RuntimeError: with what the command said when it fails.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    own = {"HOME": str(place), "WORKSTATION_HOME": str(place / "home"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    done = subprocess.run(arguments, cwd=empty, env=kept | own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:3])} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def faults(facts: dict[str, object], site: Path, helped: str, version: str) -> list[str]:
    found = []
    names, migrations = [str(n) for n in facts["resources"]], facts["migrations"]  # type: ignore[union-attr]
    if not str(facts["package"]).startswith(str(site)):
        found.append(f"the package came from {facts['package']}, not from the wheel")
    for kind, wanted in {"fonts": ".ttf", "detector cards": ".toml", "detector weights": ".safetensors"}.items():
        if not any(name.endswith(wanted) for name in names):
            found.append(f"no {kind} ({wanted}) among the resources")
    if not any("0001" in str(name) for name in migrations):  # type: ignore[union-attr]
        found.append("the first migration of the case database is not inside")
    if facts["lost entry points"] or not facts["entry points"]:
        found.append(f"entry points that lead nowhere: {facts['lost entry points']}")
    if str(facts["version"]) not in version:
        found.append(f"--version says {version.strip()!r}, the wheel {facts['version']!r}")
    found += [f"--help does not name {word}" for word in ("case", "examine", "report", "demo") if word not in helped]
    return found


if __name__ == "__main__":
    wrong = smoke()
    sys.stdout.write("".join(f"{line}\n" for line in wrong) or "The installed wheel works.\n")
    sys.exit(1 if wrong else 0)
