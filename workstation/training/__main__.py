"""``python -m workstation.training``: from a folder of portraits to a detector package with its validation records.

The steps, in order: ``pool``; ``train-locator``, ``train-clip`` or ``train-mfclip``; ``package``;
``evaluate --record``.
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
    pool.set_defaults(step=_pool)

    for name, rate, decay in (("locator", 2e-3, 0.02), ("clip", 1e-3, 0.05), ("mfclip", 1e-3, 1e-3)):
        train = steps.add_parser(f"train-{name}", help=f"train a small {name} on a pool")
        train.add_argument("pool", type=Path)
        train.add_argument("out", type=Path, help="weights file to keep the best in; its facts go beside it as .json")
        train.add_argument("--minutes", type=float, required=True)
        train.add_argument("--pairs", type=int, default=16, help="pairs in a batch")
        train.add_argument("--rate", type=float, default=rate)
        train.add_argument("--decay", type=float, default=decay)
        train.add_argument("--check-every", type=float, default=5.0, help="minutes between validations")
        train.add_argument("--seed", type=int, default=0)
        train.add_argument("--device", default="cpu")
        train.add_argument("--threads", type=int, default=0, help="0 leaves torch's default")
        train.set_defaults(step=_train, name=name)

    package = steps.add_parser("package", help="make a package of trained weights")
    package.add_argument("name", choices=("locator", "clip", "mfclip"))
    package.add_argument("weights", type=Path, help="file kept by training; its .json is read too")
    package.add_argument("pool", type=Path, help="the pool it was trained on")
    package.add_argument("into", type=Path, help="folder that holds packages")
    package.set_defaults(step=_package)

    evaluate = steps.add_parser("evaluate", help="take the figures of packages")
    evaluate.add_argument("packages", type=Path, nargs="+")
    evaluate.add_argument("--pool", type=Path, help="pool with the held-out people")
    evaluate.add_argument("--sets", type=Path, help="folder of labelled sets; open it once, at the end")
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

    build(options.data, options.out, views=options.views, per_view=options.per_view, seed=options.seed, tell=_tell)


def _train(options: argparse.Namespace) -> None:
    import torch

    from workstation.training.clip import train_clip
    from workstation.training.locator import train_locator
    from workstation.training.loop import Recipe
    from workstation.training.mfclip import train_mfclip

    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(
        minutes=options.minutes,
        pairs=options.pairs,
        rate=options.rate,
        decay=options.decay,
        check_every_minutes=options.check_every,
        seed=options.seed,
        device=options.device,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.name == "mfclip":
        outcome = train_mfclip(options.pool, options.out, recipe, tell=_tell)
    else:
        train = train_locator if options.name == "locator" else train_clip
        outcome = train(options.pool, options.out, recipe, tell=_tell)
    if not outcome.kinds:
        raise InputError("Training ended before a validation; no weights were kept.", "Give it more minutes.")
    facts = dataclasses.asdict(outcome)
    options.out.with_suffix(".json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _package(options: argparse.Namespace) -> None:
    from workstation.training import embedded, mfclip
    from workstation.training.packaging import read_weights, write_package
    from workstation.training.pool import load

    try:
        facts = json.loads(options.weights.with_suffix(".json").read_text(encoding="utf-8"))
        pictures = load(options.pool, "train").facts
        run = embedded.Run(pictures, int(facts["steps"]), int(facts["faces"]), float(facts["minutes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The facts of the training run cannot be read ({error}).", "Train first.") from error
    if options.name == "locator":
        card, tensors = embedded.locator_card(run), read_weights(options.weights)
    elif options.name == "mfclip":
        card = embedded.mfclip_card(run)
        tensors = mfclip.package_tensors(options.weights, card)
    else:
        # Beside the detector the file holds the layer that read a map off its tokens; the detector has no such layer.
        card, tensors = embedded.clip_card(run), read_weights(options.weights, prefix="detector.")
    package = write_package(card, tensors, options.into / card.id)
    _tell(f"{package.card.id}: {package.card.weights.size:,} bytes, SHA-256 {package.card.weights.sha256}")


def _evaluate(options: argparse.Namespace) -> None:
    from workstation.detectors import registry
    from workstation.detectors.cards import read_card
    from workstation.domain.detectors import InstalledDetector
    from workstation.faces.finder import load_finder
    from workstation.training import evaluation
    from workstation.training.merged import with_merged
    from workstation.training.packaging import record
    from workstation.training.pool import load
    from workstation.training.portraits import MARGIN, POOL_SIDE

    if options.pool is None and options.sets is None:
        raise InputError("There is nothing to take figures on.", "Name --pool, --sets or both.")
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
        if options.merge:
            records += _merged(options, InstalledDetector(card, str(folder), False), looked, held)
        else:
            if held is not None:
                records += evaluation.held_out_records(detector, held)
            if looked is not None:
                more, raw = evaluation.labelled_records(detector, looked, held)
                records += more
        answer[card.id] = {
            "run": f"{detector.device}, {'float32' if options.merge else detector.precision}",
            "records": [dataclasses.asdict(one) for one in records],
            "scores": raw,
        }
        for one in records:
            how = f", {one.merge} {one.schedule}" if one.merge else ""
            figure = f"{one.measure} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
            _tell(f"{card.id}{how}: {one.dataset}: {figure} {one.note}")
        if options.record:
            record(folder, with_merged(card.validation, records) if options.merge else records)
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
