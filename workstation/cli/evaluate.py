"""``workstation evaluate``: the figures of a detector on a labelled set, and checking a record of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from workstation.app import pool_curves, validating
from workstation.app.engine import Engine
from workstation.cli.output import JsonFlag, Output, follow, show_verification
from workstation.domain.errors import InputError, ReportInvalid
from workstation.domain.kinds_of_forgery import LEAST_GROUPS, LEAST_ITEMS, ForgeryClass, name_of
from workstation.domain.measured_here import figure_from

_FIGURES = (
    ("auc", "AUC"),
    ("auc_without_gates", "AUC over every face found, without the gates"),
    ("ap", "average precision"),
    ("eer", "equal error rate"),
    ("tpr_at_1_fpr", "manipulated found at 1 % false alarms"),
    ("tpr_at_5_fpr", "manipulated found at 5 % false alarms"),
    ("auc_frames", "AUC over frames of videos"),
    ("auc_matched", "AUC, pairs of equal sharpness"),
    ("genuine_above_half", "genuine items above the middle of the scale"),
    ("sharpness_spearman", "rank correlation of score and sharpness, genuine items"),
)
_PLACES = (
    ("pixel_auc", "pixel AUC inside the face"),
    ("prior_pixel_auc", "of a centred blob alone"),
    ("pixel_auc_over_prior", "above the centred blob"),
    ("prior_mean_mask", "of the mean of the other masks alone"),
    ("pixel_auc_over_mean_mask", "above the mean of the other masks"),
    ("crop_pixel_auc", "pixel AUC over the whole crop"),
    ("prior_crop_pixel_auc", "of a centred blob alone, whole crop"),
    ("prior_crop_mean_mask", "of the mean of the other masks alone, whole crop"),
    ("iou", "overlap with the mask (IoU) at 0.5"),
    ("prior_iou", "of a centred disc alone"),
    ("f1", "F1 of pixels at 0.5"),
    ("coss", "COSS"),
    ("psnr", "PSNR in dB"),
    ("ssim", "SSIM"),
    ("organ_auc", "AUC of which organ was changed"),
)


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[SET]", help="Folder with real/ and fake/, or with labels.csv (file, label, ...)."),
    ] = None,
    detector: Annotated[
        list[str] | None, typer.Option(help="Detector to evaluate; repeat it to set others beside the first.")
    ] = None,
    reencode: Annotated[
        int | None, typer.Option(metavar="Q", help="Compress every frame as JPEG of this quality first.")
    ] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder of pixel masks named like their pictures.")] = None,
    group_by: Annotated[
        str, typer.Option(metavar="COL", help="Column of labels.csv whose equal values belong together.")
    ] = "",
    frames: Annotated[int, typer.Option(help="Frames of each video, spread evenly.")] = 32,
    gates: Annotated[bool, typer.Option(help="Apply the quality gates of an examination.")] = True,
    robustness: Annotated[bool, typer.Option("--robustness", help="Score again under worse conditions.")] = False,
    finder: Annotated[str, typer.Option(help="Face finder: mtcnn, insightface or yunet.")] = "mtcnn",
    scores: Annotated[Path | None, typer.Option(metavar="CSV", help="File for a row of every file.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PDF", help="File for a copy of the signed page.")
    ] = None,
    curves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for the curves of --robustness, .svg or .png.")
    ] = None,
    pool: Annotated[
        Path | None, typer.Option(metavar="POOL", help="Take the curves on a pool's held-out people instead of a SET.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of --pool that are read, 0 for all.")] = 200,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help=f"Kind that every manipulated item is of: {', '.join(ForgeryClass)}.")
    ] = "",
    record: Annotated[
        bool, typer.Option("--record", help="Let examinations here rely on the figure of --kind, for or against.")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a signed record instead, against SET where it is given.")
    ] = None,
    identity: Annotated[Path | None, typer.Option(help="PKCS#12 file to sign with. Default: the own identity.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a detector's figures on labelled pictures and videos. Figures are uncalibrated; they decide nothing."""
    out = Output(as_json)
    if verify is not None:
        _verify(out, verify, folder)
        return
    if pool is not None:
        if folder is not None:
            raise InputError("A set and a pool are named.", "Leave one of them out.")
        _on_pool(out, pool_curves.PoolCurvesRequest(pool, tuple(detector or ()), pairs, curves))
        return
    if folder is None:
        raise InputError("No set is named.", "Name a folder with real/ and fake/, or with labels.csv.")
    with Engine() as engine:
        request = validating.EvaluationRequest(
            folder=folder,
            detectors=tuple(detector or ()),
            reencode=reencode,
            masks=masks,
            group_by=group_by,
            frames=frames,
            gates=gates,
            robustness=robustness,
            finder=finder,
            scores=scores,
            output=output,
            picture=curves,
            identity=identity,
            kind=kind,
            record=record,
        )
        job = follow(engine, validating.submit(engine, request), quiet=as_json)
    out.facts = dict(job.result or {})
    _show(out, out.facts)
    out.finish()


def _on_pool(out: Output, request: pool_curves.PoolCurvesRequest) -> None:
    with Engine() as engine:
        job = follow(engine, pool_curves.submit(engine, request), quiet=out.as_json)
    out.facts = dict(job.result or {})
    facts = cast(Mapping[str, Mapping[str, object]], out.facts)
    out.say(f"{facts['pool']['pairs']} pairs of {facts['pool']['people']} held-out people; {facts['pool']['note']}")
    for one in (out.facts, *cast(Sequence[Mapping[str, object]], out.facts["others"])):
        named, figures = (cast(Mapping[str, object], one[key]) for key in ("detector", "figures"))
        out.say()
        out.say(f"{named['id']}: AUC as they are {figure(figures, 'auc')}")
        _curves(out, cast(Sequence[Mapping[str, object]], figures["robustness"]))
    if out.facts["picture"]:
        out.say()
        out.say(f"picture {out.facts['picture']}")
    out.finish()


def _verify(out: Output, file: Path, folder: Path | None) -> None:
    with Engine() as engine:
        outcome = validating.check(engine, file, folder)
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(ReportInvalid.exit_code)


def _show(out: Output, facts: Mapping[str, object]) -> None:
    out.say(f"{facts['detector']} on {facts['set']}")
    for note in cast(Sequence[str], facts["notes"]):
        out.say(f"note: {note}")
    _lines(out, facts)
    for name, other in cast(Mapping[str, Mapping[str, object]], facts["others"]).items():
        out.say()
        out.say(f"beside: {name}")
        _lines(out, other)
    if facts["kind"]:
        _of_kind(out, cast(Mapping[str, object], facts["kind"]), str(facts["detector"]))
    record = cast(Mapping[str, object], facts["record"])
    out.say()
    out.say(f"record {record['path']}")
    out.say(f"page   {record['output'] or record['page']}")
    out.say(f"signed by {record['signer']}")
    out.say()
    out.say("Uncalibrated. A figure that a shortcut reaches as well says nothing on manipulations.")


def _of_kind(out: Output, table: Mapping[str, object], detector: str) -> None:
    """The figure of the kind, and what the rule of cards makes of it."""
    name = name_of(ForgeryClass(str(table["kind"])))
    out.say()
    if table["figure"] is None:
        out.say(f"{name}: no figure, {table['why']}; nothing is relied on")
        return
    found = figure_from(cast(Mapping[str, object], table["figure"]))
    out.say(
        f"{name}: AUC {found.auc:.3f} [{found.low:.3f}, {found.high:.3f}] on {found.items_genuine} pairs of equal "
        f"sharpness in {found.groups} groups, {found.shortcut} alone {found.shortcut_auc:.3f}, uncalibrated"
    )
    if found.stands:
        rule = f"the figure stands: {LEAST_ITEMS} items or more of each class, above chance and above the best shortcut"
    elif found.contradicts:
        rule = "the figure does not stand and denies the kind to this detector"
    else:
        rule = f"too few to say anything: {LEAST_ITEMS} items of each class and {LEAST_GROUPS} groups are needed"
    out.say(f"  {rule}")
    if table["relied_on"]:
        out.say(f"  examinations with {detector} that start from now on cite it; take its record away to end that")
    else:
        out.say("  examinations do not rely on it; --record lets them")


def _lines(out: Output, facts: Mapping[str, object]) -> None:
    for kind, words in (("real", "genuine"), ("fake", "manipulated")):
        out.say(
            f"  {words:<12} {facts[f'items_{kind}']} items: {facts[f'n_{kind}']} scored, "
            f"{facts[f'abstained_{kind}']} abstained, {facts[f'errors_{kind}']} errors"
        )
    for reason, counts in cast(Mapping[str, Mapping[str, int]], facts["not_scored"]).items():
        out.say(f"    {reason}: {counts['real']} genuine, {counts['fake']} manipulated")
    rows = [[words, figure(facts, key)] for key, words in _FIGURES if key in facts]
    rows.insert(1, ["AUC with what was not scored at chance", figure(facts, "auc_abstentions_at_chance")])
    best = facts["shortcut_best"]
    rows.insert(2, ["best shortcut alone" + (f" ({best})" if best else ""), figure(facts, "shortcut_auc")])
    rows += [[words, figure(facts, key)] for key, words in _PLACES if key in facts]
    out.table(["figure", "value [95 % interval]"], rows)
    if "masks" in facts:
        out.say(f"masks: {facts['masks']} used")
        for problem, count in cast(Mapping[str, int], facts["masks_unusable"]).items():
            out.say(f"  {count} not used: {problem}")
        for problem, count in cast(Mapping[str, int], facts["masks_without_face_figure"]).items():
            out.say(f"  {count} without figures inside the face: {problem}")
    for caution in cast(Sequence[str], facts["cautions"]):
        out.say(f"note: {caution}")
    curves = cast(Sequence[Mapping[str, object]], facts.get("robustness", ()))
    if curves:
        out.say()
        _curves(out, curves)


def _curves(out: Output, curves: Sequence[Mapping[str, object]]) -> None:
    head = ["condition", "AUC [95 % interval]", "mean shift", "crossed 0.5", "best shortcut alone", "lost"]
    out.table(head, [_curve_row(one) for one in curves])


def _curve_row(one: Mapping[str, object]) -> list[str]:
    crossed = one.get("flipped")
    return [
        str(one["condition"]),
        figure(one, "auc"),
        _signed(one["shift"]),
        f"{crossed:.1%}" if isinstance(crossed, float) else "none",
        figure(one, "shortcut_auc"),
        str(sum(cast(int, one[f"lost_{label}"]) for label in ("real", "fake"))) if "lost" in one else "–",
    ]


def figure(facts: Mapping[str, object], key: str) -> str:
    """A figure with its interval, or why there is none."""
    value, low, high = (facts.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    if not isinstance(value, float | int):
        return f"none: {cast(Mapping[str, str], facts.get('reasons', {})).get(key, 'not measured')}"
    if not isinstance(low, float) or not isinstance(high, float):
        return f"{value:.4f}"
    return f"{value:.4f} [{low:.4f}, {high:.4f}]"


def _signed(value: object) -> str:
    return f"{value:+.4f}" if isinstance(value, float) else "none"
