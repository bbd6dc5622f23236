"""``python -m workstation.training.traces``: from portraits to a fitted package of the traces family.

The steps, in order: ``measure`` (makes pairs and measures them), ``ablate`` (what each group of features adds on people
held out), ``package`` (fits, refuses a fit that leans on sharpness, writes the package with its figures on people held
out). Figures on labelled sets are then taken by ``python -m workstation.training evaluate``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from workstation.domain.errors import InputError, WorkstationError


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
    parser = argparse.ArgumentParser(prog="python -m workstation.training.traces", description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    measure = steps.add_parser("measure", help="make pairs of portraits and measure them")
    measure.add_argument("data", type=Path, help="folder of dataset folders, each with a labels.csv")
    measure.add_argument("table", type=Path, help="file to write the table of traces to (.npz)")
    measure.add_argument("--folders", nargs="*", default=(), help="only these dataset folders")
    measure.add_argument("--kinds", type=int, default=3, help="pairs for each training picture")
    measure.add_argument("--seed", type=int, default=0)
    measure.add_argument("--landmarks", type=Path, help="file to keep the landmarks in")
    measure.set_defaults(step=_measure)
    ablate = steps.add_parser("ablate", help="what each group of features adds, on people held out")
    ablate.add_argument("table", type=Path)
    ablate.set_defaults(step=_ablate)
    package = steps.add_parser("package", help="fit and write a package")
    package.add_argument("table", type=Path)
    package.add_argument("into", type=Path, help="folder that holds packages")
    package.add_argument("--data", type=Path, help="the portraits, for what a picture's past does to the score")
    package.add_argument("--landmarks", type=Path, help="the file that measure kept them in; with --data")
    package.set_defaults(step=_package)
    return parser


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _measure(options: argparse.Namespace) -> None:
    from workstation.detectors.traces.cards import SIDE
    from workstation.training.traces.table import measured

    found = measured(
        options.data,
        [SIDE],
        folders=options.folders,
        kinds=options.kinds,
        seed=options.seed,
        landmarks=options.landmarks,
        tell=_tell,
    )
    found[SIDE].save(options.table)


def _ablate(options: argparse.Namespace) -> None:
    from workstation.training.traces.figures import ablation, line
    from workstation.training.traces.fitting import Recipe
    from workstation.training.traces.table import Rows

    rows = Rows.load(options.table)
    for name, found in ablation(rows.where(rows.held == 0), rows.where(rows.held == 1), Recipe()):
        _tell(line(name, found))


def _package(options: argparse.Namespace) -> None:
    from workstation.detectors import registry
    from workstation.training.packaging import record, write_package
    from workstation.training.traces.card import PACKAGE, fitted_card
    from workstation.training.traces.controls import history
    from workstation.training.traces.figures import MOST_SHARPNESS, figures, line, records
    from workstation.training.traces.fitting import Recipe, fit
    from workstation.training.traces.table import Rows, frames_of

    rows = Rows.load(options.table)
    train, held = rows.where(rows.held == 0), rows.where(rows.held == 1)
    network = fit(train, Recipe())
    found = figures(network, held)
    _tell(line("held out", found))
    if not abs(found.sharpness.value) <= MOST_SHARPNESS:
        raise InputError(
            f"The score goes with sharpness among genuine faces ({found.sharpness.value:+.2f}), so it is not packaged.",
            "Measure more pictures, or leave out the group of features that brings it in.",
        )
    package = write_package(fitted_card(train), network.state_dict(), options.into / PACKAGE)
    figures_held = records(network, held)
    if options.data and options.landmarks:
        detector = registry.load(package, device="cpu", precision="float32")
        past = history(detector, frames_of(options.data, options.landmarks))
        figures_held += [past] if past else []
    record(Path(package.folder), figures_held)
    _tell(f"{package.card.id}: {package.card.weights.size:,} bytes, SHA-256 {package.card.weights.sha256}")


if __name__ == "__main__":
    sys.exit(main())
