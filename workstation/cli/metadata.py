"""``workstation evidence metadata``: what an exhibit says about itself, from the case or read now."""

from __future__ import annotations

from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.errors import EvidenceError, error_from_code
from workstation.domain.evidence import EvidenceItem
from workstation.domain.metadata import MediaMetadata, Part, Provenance
from workstation.domain.metadata_json import to_plain

_MOST_SHOWN = 100


def metadata(
    folder: CaseFolder,
    exhibit: Annotated[str, typer.Argument(metavar="EXHIBIT", help='Exhibit number ("EX-01"), name or digest.')],
    structure: Annotated[bool, typer.Option("--structure", help="Print the tree of the file's parts too.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read the exhibit again; what was kept stays as well.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show metadata, compression facts and provenance of an exhibit. They are told, nothing is concluded from them."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        item = session.find_evidence(exhibit)
        found = None if again else session.metadata(item.id)
        if found is None:
            found = _read_now(engine, session, item, again, as_json)
        session.close()
    out.facts = {"exhibit": item.exhibit, "name": item.name, "sha256": item.sha256, "metadata": to_plain(found)}
    _say(out, item, found, structure)
    out.finish()


def _read_now(engine: Engine, session: CaseSession, item: EvidenceItem, again: bool, quiet: bool) -> MediaMetadata:
    job = follow(engine, session.describe_evidence([item.id], again=again), quiet=quiet)
    found = session.metadata(item.id)
    problems = (job.result or {}).get("problems")
    told = [str(line) for line in problems] if isinstance(problems, list) else []
    for line in told:
        typer.echo(f"workstation: {line}", err=True)
    if found is None:
        raise EvidenceError(told[-1] if told else f"{item.exhibit} has no metadata that could be read.")
    if job.error_code:
        raise error_from_code(job.error_code, job.error)
    return found


def _say(out: Output, item: EvidenceItem, found: MediaMetadata, structure: bool) -> None:
    out.say(f"{item.exhibit}  {item.name}  {found.format}, {found.size} bytes")
    for group in found.groups:
        out.say()
        out.say(f"{group.name}  [{group.where}]")
        rows = [[f"  {one.name}", " ".join(one.shown.split())] for one in group.fields[:_MOST_SHOWN]]
        out.table(rows[0], rows[1:])
        if len(group.fields) > _MOST_SHOWN:
            out.say(f"  … {len(group.fields) - _MOST_SHOWN} more with --json")
    _say_times(out, found)
    _say_compression(out, found)
    if found.provenance is not None:
        _say_provenance(out, found.provenance)
    if structure:
        out.say()
        out.say("Structure")
        for part in found.structure:
            _say_part(out, part, 1)
    for title, lines in (
        ("Observations", [one.text for one in found.observations]),
        ("Warnings", list(found.warnings)),
    ):
        if lines:
            out.say()
            out.say(title)
            for line in lines:
                out.say(f"  - {line}")
    out.say()
    for caveat in found.caveats:
        out.say(caveat)


def _say_times(out: Output, found: MediaMetadata) -> None:
    if found.times:
        out.say()
        out.say("Times")
        out.table(
            ["  stored", "UTC", "zone", "field"],
            [[f"  {one.text}", one.utc or "-", one.zone, f"{one.source}: {one.name}"] for one in found.times],
        )


def _say_compression(out: Output, found: MediaMetadata) -> None:
    jpeg, gop = found.jpeg, found.gop
    if jpeg is not None:
        out.say()
        out.say(f"JPEG  {jpeg.width} x {jpeg.height}, {jpeg.process}, subsampling {jpeg.subsampling}, {jpeg.huffman}")
        for fit in jpeg.quality:
            how = "exactly" if fit.exact else f"nearest, mean difference {fit.residual:g} per step"
            out.say(f"  table {fit.table}: Annex K {fit.standard} at quality {fit.quality}, {how}")
        for name in jpeg.encoders:
            out.say(f"  same tables as: {name}")
        out.say(f"  {jpeg.encoder_note}")
        for one in jpeg.thumbnails:
            differs = ", other proportions than the picture" if one.aspect_differs else ""
            out.say(f"  thumbnail in {one.where}: {one.width} x {one.height}{differs}")
        if jpeg.history is not None:
            h = jpeg.history
            out.say(
                f"  earlier compression ({h.scale}): distance {h.measure:.3f} (chance {h.null:.3f}), unevenness"
                f" {h.unevenness:.3f}, {h.blocks} blocks"
            )
            out.say(f"  {h.words}")
    if gop is not None:
        counted = "" if gop.complete else " (the first ones only)"
        out.say()
        out.say(
            f"Keyframes  stream {gop.stream} ({gop.codec}): {gop.keyframes} in {gop.packets} packets{counted}, distance"
            f" {gop.shortest} to {gop.longest}, usually {gop.usual}; {'reordered' if gop.reordered else 'in order'}"
        )


def _say_provenance(out: Output, found: Provenance) -> None:
    out.say()
    out.say("Provenance (C2PA content credentials)")
    for name, one in (
        ("present", found.present), ("intact", found.intact), ("trusted", found.trusted), ("time", found.time)
    ):  # fmt: skip
        out.say(f"  {name:8} {one.state:15} {one.reason}")
    for claim in found.claims:
        out.say(f"  {'active claim' if claim.active else 'claim'}: {claim.generator}, signed by {claim.signer}")
        out.say(f"    actions: {'; '.join(claim.actions) or 'none stated'}")


def _say_part(out: Output, part: Part, depth: int) -> None:
    out.say(f"{'  ' * depth}{part.offset:>10} {part.size:>10}  {part.name}  {part.detail}".rstrip())
    for inner in part.parts:
        _say_part(out, inner, depth + 1)
