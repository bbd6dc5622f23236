"""``workstation train``: from a configuration to a detector package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from workstation.app.engine import Engine
from workstation.cli.output import JsonFlag, Output, follow
from workstation.domain.errors import Cancelled


def train(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A TOML file, or the name of one that comes with the program.")
    ],
    data: Annotated[Path | None, typer.Option(help="Folder of the data, in place of the configuration's.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: the package's id, in the current folder.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was cut off there.")] = False,
    device: Annotated[str, typer.Option(help="Where it runs: auto, cpu or cuda.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Train a detector and package it. Ctrl+C and a cut lose at most the steps since the last checkpoint; --resume
    goes on and ends at the same weights."""
    from workstation.app.training import read_configuration, submit_training

    out = Output(as_json)
    chosen = read_configuration(config, data=data)
    folder = output or Path(chosen.package.id)
    with Engine() as engine:
        job = submit_training(engine, chosen, folder, resume=resume, device=device)
        try:
            result = follow(engine, job, quiet=as_json).result or {}
        except Cancelled as error:
            raise Cancelled("Training was stopped.", f"What was done stays in {folder}; --resume goes on.") from error
    out.facts = dict(result)
    for line in _lines(result, folder):
        out.say(line)
    out.finish()


def _lines(result: Mapping[str, object], folder: Path) -> list[str]:
    package, record = cast(Mapping[str, Any], result["package"]), cast(Mapping[str, Any], result["record"])
    figures = cast(Mapping[str, Any], record["figures"])
    lines = [
        f"{package['id']}: {figures['steps']} of {record['steps']} steps, {figures['faces']} faces",
        f"mean AUC on validation data {figures['best']:.3f} at step {figures['best_step']}, by which the weights were "
        "chosen",
        f"{figures['faces_per_second']:g} faces a second, {100 * figures['waiting_share']:.0f} % of the time spent "
        "waiting for data",
        f"package in {package['folder']}, weights SHA-256 {package['weights_sha256']}",
        f"curves and record in {folder}",
    ]
    if figures.get("stopped"):
        lines.insert(1, f"stopped early: {figures['stopped']}")
    installed = result["installed"]
    lines.append(
        f"installed: examine with --detector {package['id']}"
        if installed
        else f"install it with: workstation model install {package['folder']}"
    )
    return lines
