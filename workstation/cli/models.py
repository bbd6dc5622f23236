"""``workstation model``: list, show, install and verify detector packages."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.cli.output import JsonFlag, Output, plain, show_verification
from workstation.domain.custody import Verification
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorNotFound, WeightsInvalid

app = typer.Typer(help="Detector packages: cards and weights.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Id of the detector.")]


def _find(engine: Engine, name: str) -> InstalledDetector:
    packages = engine.detectors()
    for package in packages:
        if package.card.id == name:
            return package
    known = ", ".join(p.card.id for p in packages) or "none"
    raise DetectorNotFound(f'There is no detector "{name}".', f"Installed: {known}.")


@app.command("list")
def list_models(as_json: JsonFlag = False) -> None:
    """List the detector packages and face finders on this machine."""
    out = Output(as_json)
    with Engine() as engine:
        packages = engine.detectors()
        finders = engine.finders()
    out.facts["detectors"] = [
        {
            "id": p.card.id,
            "version": p.card.version,
            "family": p.card.family,
            "embedded": p.embedded,
            "baseline": p.card.baseline,
            "calibrated": p.card.output.calibrated,
            "weights_sha256": p.card.weights.sha256,
            "problem": p.problem,
        }
        for p in packages
    ]
    out.facts["finders"] = [{"id": i, "available": ok, "reason": why} for i, ok, why in finders]
    rows = [
        [
            p.card.id,
            p.card.version,
            "embedded" if p.embedded else "installed",
            p.problem or ("baseline, uncalibrated" if p.card.baseline else "uncalibrated"),
        ]
        for p in packages
    ]
    out.table(["detector", "version", "origin", "state"], rows)
    out.say()
    out.table(["face finder", "state"], [[i, "ready" if ok else why] for i, ok, why in finders])
    out.finish()


@app.command("show")
def show(name: Name, as_json: JsonFlag = False) -> None:
    """Print a detector's card."""
    out = Output(as_json)
    with Engine() as engine:
        package = _find(engine, name)
    out.facts = {"folder": package.folder, "embedded": package.embedded, "problem": package.problem}
    card = asdict(replace(package.card, network={})) | {"network": plain(package.card.network)}
    out.facts["card"] = card
    for key, value in card.items():
        if isinstance(value, dict):
            out.say(f"{key}:")
            for inner, entry in value.items():
                out.say(f"    {inner}: {entry}")
        elif isinstance(value, tuple | list):
            out.say(f"{key}:")
            for entry in value:
                if isinstance(entry, dict):
                    entry = _record_line(entry)
                out.say(f"    - {entry}")
        else:
            out.say(f"{key}: {value}")
    if package.problem:
        out.say(f"problem: {package.problem}")
    out.finish()


def _record_line(entry: dict[str, object]) -> str:
    note = f" ({entry['note']})" if entry.get("note") else ""
    return (
        f"{entry['dataset']}: {entry['measure']} {entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}], "
        f"{entry['items_genuine']} genuine, {entry['items_manipulated']} manipulated{note}"
    )


@app.command("install")
def install(
    source: Annotated[Path, typer.Argument(metavar="PACKAGE", help="Folder or zip with card.toml and weights.")],
    as_json: JsonFlag = False,
) -> None:
    """Check a detector package and file it read-only on this machine."""
    out = Output(as_json)
    with Engine() as engine:
        package = engine.install_detector(source)
    out.facts = {"id": package.card.id, "version": package.card.version, "folder": package.folder}
    out.say(f"{package.card.id} {package.card.version} installed in {package.folder}")
    out.finish()


@app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Id of a detector. Default: all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that cards can be read, digests agree and tensors fit their networks."""
    out = Output(as_json)
    with Engine() as engine:
        packages = (_find(engine, name),) if name else engine.detectors()
        outcome = Verification(tuple(line for p in packages for line in engine.verify_detector(p).lines))
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(WeightsInvalid.exit_code)
