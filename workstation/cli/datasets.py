"""``workstation dataset``: which datasets can be read, and whether a folder of one is complete and without leaks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.datasets import DatasetCheck, Kind, check_dataset, kinds, options_from, overlap_of
from workstation.cli.output import JsonFlag, Output
from workstation.domain.errors import EvidenceError, InputError

app = typer.Typer(name="dataset", help="Datasets for training and testing detectors.", no_args_is_help=True)
_SHOWN = 20


@app.command("kinds")
def list_kinds(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="One of them, with its layout.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the kinds of dataset that can be read, with their options; or tell how one of them must lie on disk."""
    out = Output(as_json)
    found = (_known(kind),) if kind else kinds()
    out.facts = {"kinds": [dataclasses.asdict(one) for one in found]}
    if kind:
        _describe(out, found[0])
        out.finish()
        return
    out.table(["Kind", "Dataset", "Options"], [[k.name, k.title, ", ".join(k.options) or "-"] for k in found])
    out.finish()


@app.command("check")
def check(
    kind: Annotated[str, typer.Argument(help="One of: workstation dataset kinds.")],
    root: Annotated[Path, typer.Argument(help="Folder of the dataset.")],
    option: Annotated[list[str] | None, typer.Option(help="An option of the kind, as name=value; repeatable.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Count what a dataset's folder holds and name what is missing. Media are not opened, nothing is fetched.

    Ends with 5 when nothing can be trained or tested on it: a wrong layout or list, one class only, or a leak.
    """
    out = Output(as_json)
    chosen = _options(kind, option)
    try:
        found = check_dataset(kind, root, chosen)
    except InputError as error:
        out.facts = {"kind": kind, "root": root, "usable": False, "faults": [error.line()]}
        out.say(error.line())
        out.say("Not usable.")
        out.finish()
        raise typer.Exit(EvidenceError.exit_code) from error
    out.facts = dataclasses.asdict(found) | {"usable": found.usable}
    _tell(out, found)
    out.finish()
    if not found.usable:
        raise typer.Exit(EvidenceError.exit_code)


@app.command("overlap")
def tell_overlap(
    kind: Annotated[str, typer.Argument(help="Kind of the dataset that is trained on.")],
    root: Annotated[Path, typer.Argument(help="Its folder.")],
    test_kind: Annotated[str, typer.Argument(help="Kind of the dataset that is tested on.")],
    test_root: Annotated[Path, typer.Argument(help="Its folder.")],
    option: Annotated[list[str] | None, typer.Option(help="An option of the first, as name=value.")] = None,
    test_option: Annotated[list[str] | None, typer.Option(help="An option of the second, as name=value.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Name the source videos and persons that one dataset trains on and another tests on.

    Ends with 5 when there are any. It goes by the publishers' names: one recording under two names is not found.
    """
    out = Output(as_json)
    found = overlap_of((kind, root, _options(kind, option)), (test_kind, test_root, _options(test_kind, test_option)))
    out.facts = {"overlap": found}
    for line in found[:_SHOWN]:
        out.say(line)
    if len(found) > _SHOWN:
        out.say(f"and {len(found) - _SHOWN} more")
    out.say(f"{len(found)} in common, by the publishers' names." if found else "Nothing in common by name.")
    out.finish()
    if found:
        raise typer.Exit(EvidenceError.exit_code)


def _known(kind: str) -> Kind:
    found = next((one for one in kinds() if one.name == kind), None)
    if found is None:
        raise InputError(f'There is no kind of dataset "{kind}".', "See: workstation dataset kinds.")
    return found


def _describe(out: Output, kind: Kind) -> None:
    out.say(kind.layout)
    out.say()
    out.table(["Option", "Meaning"], [[name, what] for name, what in kind.options.items()] or [["-", "none"]])
    out.say()
    out.say(kind.terms)


def _options(kind: str, given: list[str] | None) -> dict[str, str]:
    known = _known(kind)
    chosen = options_from(given or [])
    for name in chosen:
        if name not in known.options:
            raise InputError(f"{kind} takes no option {name}.", f"Options: {', '.join(known.options) or 'none'}.")
    return chosen


def _tell(out: Output, found: DatasetCheck) -> None:
    out.say(f"{found.name} in {found.root}")
    rows = [
        [
            one.split,
            "manipulated" if one.manipulated else "genuine",
            one.method if one.manipulated else "-",
            str(one.samples),
            str(one.groups),
            str(one.masks) if one.manipulated else "-",
        ]
        for one in found.counts
    ]
    out.table(["Split", "Label", "Method", "Samples", "Groups", "Masks"], rows)
    out.say("Groups: " + ", ".join(f"{split} {count}" for split, count in found.groups.items()))
    for title, lines in (("Missing", found.missing), ("Notes", found.notes), ("Leaks", found.leaks)):
        if lines:
            out.say(f"{title}:")
            for line in lines[:_SHOWN]:
                out.say(f"  {line}")
            if len(lines) > _SHOWN:
                out.say(f"  and {len(lines) - _SHOWN} more")
    out.say("Usable." if found.usable else "Not usable: " + " ".join(found.faults))
