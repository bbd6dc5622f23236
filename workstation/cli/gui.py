"""``workstation gui``: the other door."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.passphrases import RUN
from workstation.cli.output import JsonFlag, Output
from workstation.domain.errors import InputError


def gui(
    folder: Annotated[Path | None, typer.Argument(metavar="[CASE]", help="Folder of the case to open.")] = None,
    grab: Annotated[Path | None, typer.Option(metavar="PNG", help="Save a picture of the window and end.")] = None,
    width: Annotated[int, typer.Option(help="Width of the picture in pixels of 100 % scale.")] = 1280,
    height: Annotated[int, typer.Option(help="Height of the picture in pixels of 100 % scale.")] = 800,
    scale: Annotated[float, typer.Option(help="Scale of the picture: 2 is 200 %.")] = 1.0,
    as_json: JsonFlag = False,
) -> None:
    """Open the window, on a case if one is named."""
    # The two doors do not know each other: this one only opens the other by name.
    # Nobody watches the terminal behind a window: it asks for a passphrase itself.
    RUN.ask = None
    window = importlib.import_module("workstation.ui.application")
    if grab is None:
        with Engine() as engine:
            raise typer.Exit(window.run(engine, folder))
    if folder is None:
        raise InputError("--grab needs a case to show.")
    out = Output(as_json)
    with Engine() as engine:
        window.grab(engine, folder, grab, width=width, height=height, scale=scale)
    out.facts = {"picture": str(grab), "width": width, "height": height, "scale": scale}
    out.say(f"Picture saved to {grab}")
    out.finish()
