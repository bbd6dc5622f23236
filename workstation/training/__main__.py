"""``python -m workstation.training``: the steps before and after a run, each by itself.

``pool`` makes pseudo-forgeries of a folder of portraits, ``run`` trains and packages a detector as a configuration says
(``workstation train`` is the same as a job), ``evaluate --record`` takes the figures of packages.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.domain.errors import InputError, WorkstationError

if TYPE_CHECKING:
    from workstation.domain.detectors import InstalledDetector, ValidationRecord
    from workstation.domain.kinds_of_forgery import KindFigure, Threshold
    from workstation.training.evaluation import Looked
    from workstation.training.pool import Pool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; returns the exit code (0, or the error's own)."""
    options = _parser().parse_args(arguments)
    try:
        options.step(options)
    except WorkstationError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workstation.training", description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")

    pool = steps.add_parser("pool", help="crop portraits and make pseudo-forgeries of them")
    pool.add_argument("data", type=Path, help="folder of dataset folders, each with a labels.csv")
    pool.add_argument("out", type=Path, help="folder for the pool")
    pool.add_argument("--views", type=int, default=2, help="genuine crops per picture")
    pool.add_argument("--per-view", type=int, default=2, help="forgeries of every kind per genuine crop")
    pool.add_argument("--seed", type=int, default=0)
    pool.add_argument("--generators", type=Path, help="file of trained generators, for the resynthesised kinds")
    pool.add_argument("--made", type=Path, help="folder of pictures that other generators made, with a labels.csv")
    pool.add_argument("--carriers", action="store_true", help="forge those of nobody in place of calling them forged")
    pool.add_argument("--matched", action="store_true", help="give each a genuine crop with the same seam")
    pool.set_defaults(step=_pool)

    people = steps.add_parser("people", help="find people who are in two collections of portraits under two names")
    people.add_argument("data", type=Path, help="folder of dataset folders, each with a labels.csv")
    people.add_argument("out", type=Path, help="the table; as people.csv in that folder it counts from then on")
    people.add_argument("--detector", type=Path, required=True, help="folder of a package of the family identity")
    people.add_argument("--alike", type=float, help="cosine from which two portraits are of one person")
    people.set_defaults(step=_people)

    base = steps.add_parser("base", help="take published weights that a run can start from out of their file")
    base.add_argument("file", type=Path, help="efficientnet-lite0-57934424.pth, as it was published")
    base.add_argument("out", type=Path, help="file to keep them in (safetensors)")
    base.set_defaults(step=_base)

    generators = steps.add_parser("generators", help="train the small networks that resynthesise faces")
    generators.add_argument("data", type=Path, help="folder of dataset folders, each with a labels.csv")
    generators.add_argument("out", type=Path, help="file to keep them in (safetensors)")
    generators.add_argument("--steps", type=int, default=500, help="of each of the eight networks")
    generators.add_argument("--pictures", type=int, default=200, help="faces to learn from, none of them held out")
    generators.add_argument("--seed", type=int, default=0)
    generators.set_defaults(step=_generators)

    pack = steps.add_parser("pack", help="put a pool into one file of limited size")
    pack.add_argument("pool", type=Path)
    pack.add_argument("out", type=Path)
    pack.add_argument("--side", type=int, default=256, help="of the crops in the file, in pixels")
    pack.add_argument("--each", type=int, default=2, help="forgeries of a genuine crop")
    pack.add_argument("--limit", type=int, default=64, help="size of the file in MiB")
    pack.set_defaults(step=_pack)

    run = steps.add_parser("run", help="train and package a detector as a configuration says")
    run.add_argument("config", type=Path, help="TOML file")
    run.add_argument("out", type=Path, help="folder of the run")
    run.add_argument("--resume", action="store_true", help="go on with the run that was cut off there")
    run.add_argument("--device", default="auto", help="auto, cpu or cuda")
    run.set_defaults(step=_run)

    evaluate = steps.add_parser("evaluate", help="take the figures of packages")
    evaluate.add_argument("packages", type=Path, nargs="+")
    evaluate.add_argument("--pool", type=Path, help="pool with the held-out people")
    evaluate.add_argument("--sets", type=Path, help="folder of labelled sets; open it once, at the end")
    evaluate.add_argument("--portraits", type=Path, help="folder of portraits: the held-out people give the threshold")
    evaluate.add_argument("--json", type=Path, help="file for the records and the raw scores")
    evaluate.add_argument("--record", action="store_true", help="write the records into the packages' cards")
    evaluate.add_argument(
        "--merge",
        type=_numbers,
        default=(),
        help="such as 1,2,4: take, instead, the figures with so many tokens merged after each block",
    )
    evaluate.add_argument("--schedules", type=lambda text: text.split(","), default=["even", "organs"], help="where")
    evaluate.set_defaults(step=_evaluate)
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _pool(options: argparse.Namespace) -> None:
    from workstation.training.pool import build

    remake = None
    if options.generators is not None:
        from workstation.training.generators.remaking import load_generators

        remake = load_generators(options.generators)
    build(
        options.data,
        options.out,
        views=options.views,
        per_view=options.per_view,
        seed=options.seed,
        tell=_tell,
        remake=remake,
        made=options.made,
        carriers=options.carriers,
        matched=options.matched,
    )


def _people(options: argparse.Namespace) -> None:
    from workstation.detectors import registry
    from workstation.detectors.identity.detector import IdentityDetector
    from workstation.faces.alignment import align
    from workstation.training.same_people import ALIKE, write_people

    detector = registry.load(registry.read_package(options.detector), device="cpu", precision="float32")
    if not isinstance(detector, IdentityDetector):
        raise InputError(f"{detector.card.id} does not tell people apart.", "Name a package of the family identity.")
    given = detector.card.input
    pictures, people = write_people(
        options.data,
        options.out,
        detector.embed,
        lambda rgb, marks: align(rgb, marks, size=given.crop_size, margin=given.crop_margin),
        ALIKE if options.alike is None else options.alike,
    )
    _tell(f"{options.out.name}: {pictures} pictures of {people} people who have another name as well")


def _base(options: argparse.Namespace) -> None:
    from workstation.training.bases import take_base

    _tell(f"{options.out.name}: {take_base(options.file, options.out)} tensors")


def _generators(options: argparse.Namespace) -> None:
    from workstation.training.generators.remaking import save_generators
    from workstation.training.generators.trainer import train_generators
    from workstation.training.portraits import training_crops

    crops = training_crops(options.data, options.pictures, options.seed)
    made = train_generators(crops, steps=options.steps, seed=options.seed, tell=_tell)
    _tell(f"{options.out.name}: {len(made)} networks, {save_generators(options.out, made):,} bytes")


def _pack(options: argparse.Namespace) -> None:
    from workstation.training.packed_pool import pack

    size = pack(options.pool, options.out, side=options.side, each=options.each, limit=options.limit * 2**20)
    _tell(f"{options.out.name}: {size:,} bytes")


class _Telling:
    """A run's context on a terminal: a line for each validation, no cancelling but Ctrl+C."""

    def __init__(self) -> None:
        self._said = ""

    def progress(self, done: int, total: int, note: str = "") -> None:
        line = note if not total else note.partition(", ")[2]
        if line and line != self._said:
            self._said = line
            _tell(f"step {done} of {total}: {note}" if total else note)

    def cancelled(self) -> bool:
        return False

    def raise_if_cancelled(self) -> None:
        return


def _run(options: argparse.Namespace) -> None:
    from workstation.training.runs.config import read_config
    from workstation.training.runs.running import train

    config = read_config(options.config)
    outcome = train(config, options.out, _Telling(), resume=options.resume, device=options.device)
    card = outcome.package.card
    _tell(f"{card.id}: {card.weights.size:,} bytes, SHA-256 {card.weights.sha256}, in {outcome.package.folder}")


def _evaluate(options: argparse.Namespace) -> None:
    from workstation.detectors import registry
    from workstation.detectors.cards import read_card
    from workstation.domain.detectors import InstalledDetector
    from workstation.faces.finder import load_finder
    from workstation.training import evaluation, thresholds
    from workstation.training.merged import with_merged
    from workstation.training.packaging import record, renewed
    from workstation.training.pool import load
    from workstation.training.portraits import MARGIN, POOL_SIDE

    if options.pool is None and options.sets is None and options.portraits is None:
        raise InputError("There is nothing to take figures on.", "Name --pool, --sets, --portraits or all of them.")
    held = load(options.pool, "held") if options.pool else None
    finder = load_finder("mtcnn") if options.sets else None
    seen: dict[tuple[int, float], evaluation.Looked] = {}
    answer: dict[str, object] = {}
    for folder in options.packages:
        card = read_card(folder)
        crop = card.input.crop_size, card.input.crop_margin
        if held is not None and crop != (POOL_SIDE, MARGIN):
            raise InputError(
                f"{card.id} wants crops of {crop[0]} px at margin {crop[1]:g}; those of a pool are {POOL_SIDE} px at "
                f"{MARGIN:g}.",
                "Take its figures on --sets alone.",
            )
        # Faces are found anew for another crop, and once for all packages that want the same.
        if finder is not None and crop not in seen:
            seen[crop] = evaluation.look_at_sets(options.sets, finder, _tell, size=crop[0], margin=crop[1])
        looked = seen.get(crop)
        detector = registry.load(InstalledDetector(card, str(folder), False))
        records: list[ValidationRecord] = []
        raw: dict[str, list[float]] = {}
        kinds: list[KindFigure] | None = None
        threshold: Threshold | None = None
        if options.merge:
            records += _merged(options, InstalledDetector(card, str(folder), False), looked, held)
        else:
            if held is not None:
                records += evaluation.held_out_records(detector, held)
            if looked is not None:
                more, raw = evaluation.labelled_records(detector, looked, held)
                records += more
                kinds = evaluation.labelled_kinds(card, looked, raw)
            if options.portraits is not None:
                found = list(thresholds.untouched(options.portraits, size=crop[0], margin=crop[1]))
                threshold = evaluation.with_forgeries(detector, thresholds.portrait_threshold(detector, found), held)
        answer[card.id] = {
            "run": f"{detector.device}, {'float32' if options.merge else detector.precision}",
            "records": [dataclasses.asdict(one) for one in records],
            "scores": raw,
            "kinds": [dataclasses.asdict(one) for one in kinds or ()],
            "threshold": dataclasses.asdict(threshold) if threshold else None,
        }
        for one in records:
            how = f", {one.merge} {one.schedule}" if one.merge else ""
            figure = f"{one.measure} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
            _tell(f"{card.id}{how}: {one.dataset}: {figure} {one.note}")
        for line in evaluation.told(kinds or (), threshold):
            _tell(f"{card.id}: {line}")
        if options.record:
            kept = with_merged(card.validation, records) if options.merge else renewed(card.validation, records)
            record(folder, kept, kinds=kinds, threshold=threshold)
    if options.json:
        options.json.write_text(json.dumps(answer, indent=1), encoding="utf-8")


def _merged(
    options: argparse.Namespace, package: InstalledDetector, looked: Looked | None, held: Pool | None
) -> list[ValidationRecord]:
    from workstation.detectors import merging, registry
    from workstation.training.merged import PLAIN, faces_of, merged_records

    # In full precision, so that what is seen is what merging does and not what rounding does.
    detectors = {PLAIN: registry.load(package, precision="float32")}
    with merging.measuring():
        for r in options.merge:
            for schedule in options.schedules:
                settings = {"merge": str(r), "schedule": schedule}
                detectors[r, schedule] = registry.load(package, precision="float32", settings=settings)
    return merged_records(detectors, faces_of(looked, held))


if __name__ == "__main__":
    sys.exit(main())
