"""``workstation model``: list, show, install, verify and remove detector packages."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.filed_records import filed, measured_of
from workstation.app.planning import kinds_here
from workstation.cli import model_card
from workstation.cli.output import JsonFlag, Output, plain, show_verification
from workstation.detectors.allow import Family
from workstation.domain.custody import Verification
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import DetectorNotFound, InputError, NotFound, WeightsInvalid
from workstation.domain.kinds_of_forgery import validated_kinds

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
        families = engine.detector_families()
        finders = engine.finders()
    out.facts["detectors"] = [
        {
            "id": p.card.id,
            "version": p.card.version,
            "family": p.card.family,
            "embedded": p.embedded,
            "baseline": p.card.baseline,
            "calibrated": p.card.output.calibrated,
            "level": p.card.output.level,
            "sequence": p.card.output.sequence,
            "map": p.card.output.map_size > 0,
            "self_test": p.card.self_test is not None,
            "licence": p.card.weights.licence,
            "weights_sha256": p.card.weights.sha256,
            "problem": p.problem,
            "validated_for": list(validated_kinds(p.card.kinds)),
        }
        for p in packages
    ]
    out.facts["families"] = [asdict(family) for family in families]
    out.facts["finders"] = [{"id": i, "available": ok, "reason": why} for i, ok, why in finders]
    rows = [
        [
            p.card.id,
            p.card.version or "?",
            model_card.reads(p.card) if p.card.family else "?",
            "yes" if p.card.output.map_size else "no",
            "sealed" if p.card.self_test else "none",
            "embedded" if p.embedded else "installed",
            model_card.state(p),
        ]
        for p in packages
    ]
    out.table(["detector", "version", "reads", "map", "self-test", "origin", "state"], rows)
    for line in _passed_over(families):
        out.say(line)
    out.say()
    out.table(["face finder", "state"], [[i, "ready" if ok else why] for i, ok, why in finders])
    out.finish()


def _passed_over(families: Sequence[Family]) -> list[str]:
    return [
        f'note: {", ".join(f.others)} also offers the family "{f.name}"; the code of {f.distribution} is used'
        for f in families
        if f.others and not f.problem
    ]


@app.command("show")
def show(name: Name, as_json: JsonFlag = False) -> None:
    """Print a detector's card: input, output, weights, what was verified, limits and figures."""
    out = Output(as_json)
    with Engine() as engine:
        package = _find(engine, name)
        family = next((f for f in engine.detector_families() if f.name == package.card.family), None)
        records = filed(engine.home, package.card)
    out.facts = {"folder": package.folder, "embedded": package.embedded, "problem": package.problem}
    out.facts["card"] = asdict(replace(package.card, network={})) | {"network": plain(package.card.network)}
    out.facts["validated_for"] = list(validated_kinds(package.card.kinds))
    out.facts["validated_here"] = list(kinds_here(package, measured_of(engine.home, [package])))
    out.facts["family"] = asdict(family) if family else None
    out.facts["records"] = [asdict(record) for record in records]
    for line in model_card.lines(package, f"code of {family.distribution} {family.version}" if family else "no code"):
        out.say(line)
    for line in model_card.filed_lines(records):
        out.say(line)
    out.finish()


@app.command("install")
def install(
    source: Annotated[
        Path,
        typer.Argument(metavar="PACKAGE", help="Folder, zip or tar archive with card.toml, or a bare weights file."),
    ],
    licence: Annotated[str, typer.Option(help="Terms of a bare weights file, where they are not known.")] = "",
    origin: Annotated[str, typer.Option(help="Where a bare weights file is from.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Check a detector package, run its self-test, and file it read-only on this machine."""
    out = Output(as_json)
    with Engine() as engine:
        package = engine.install_detector(source, licence=licence, origin=origin)
    card = package.card
    out.facts = {
        "id": card.id,
        "version": card.version,
        "folder": package.folder,
        "licence": card.weights.licence,
        "self_test": card.self_test is not None,
    }
    out.say(f"{card.id} {card.version} installed in {package.folder}")
    out.say("self-test passed" if card.self_test else "no self-test: nothing shows that it answers as its maker's did")
    out.finish()


@app.command("recognise")
def recognise(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A weights file, or a folder that holds one.")],
    as_json: JsonFlag = False,
) -> None:
    """Say what a weights file is and under which licence it is published, as far as its digest tells."""
    out = Output(as_json)
    if not file.exists():
        raise NotFound(f"There is no file {file}.")
    with Engine() as engine:
        source = engine.recognise_weights(file)
    out.facts = asdict(source)
    out.say(f"{Path(source.path).name}: {source.line()}")
    out.finish()


@app.command("remove")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take an installed detector off this machine; what cases hold of it stays."""
    out = Output(as_json)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise InputError(f"Removing {name} was not confirmed.", "Say --yes to remove it without being asked.")
    if not yes and not typer.confirm(f"Remove {name} from this machine?"):
        out.say("nothing removed")
        return
    with Engine() as engine:
        package = engine.remove_detector(name)
    out.facts = {"id": package.card.id, "folder": package.folder}
    out.say(f"{package.card.id} removed from {package.folder}")
    out.finish()


@app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Id of a detector. Default: all.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Run self-tests on the device and in the precision examinations use.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check that cards can be read, digests agree, tensors fit their networks and self-tests are passed."""
    out = Output(as_json)
    with Engine() as engine:
        packages = (_find(engine, name),) if name else engine.detectors()
        outcome = Verification(tuple(line for p in packages for line in engine.verify_detector(p, here=here).lines))
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(WeightsInvalid.exit_code)
