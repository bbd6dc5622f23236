"""The use-case of robustness curves on a pool's held-out people: detectors, figures, a picture. No record is made of
it: a pool is no set that others could open, and the kept weights may have been chosen on these people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app import planning
from workstation.app.validating import check_picture, recoding
from workstation.domain.errors import InputError, NotFound
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, Lane

if TYPE_CHECKING:
    from workstation.app.engine import Engine


@dataclass(frozen=True, slots=True)
class PoolCurvesRequest:
    """What is asked: a folder with a pool, ids of detectors, how many pairs are read (0 for all), a file for the
    picture (.png or .svg) or None."""

    pool: Path
    detectors: tuple[str, ...]
    pairs: int = 200
    picture: Path | None = None


def submit(engine: Engine, request: PoolCurvesRequest) -> JobId:
    """Take the curves on the gpu lane. Result: as `workstation.training.pool_curves.pool_curves` gives them.

    Raises:
        InputError, NotFound, DetectorNotFound, DetectorError: before anything is queued.
    """
    if not request.detectors:
        known = ", ".join(package.card.id for package in engine.detectors())
        raise InputError("No detector is named.", f"Name one with --detector. Installed: {known or 'none'}.")
    names = tuple(one.card.id for one in planning.choose_detectors(engine.detectors(), request.detectors))
    if request.pairs < 0:
        raise InputError("The number of pairs is below 0.", "Give --pairs a number from 0 up; 0 takes all.")
    if request.picture is not None:
        check_picture(request.picture)
        if not request.picture.resolve().parent.is_dir():
            raise NotFound(f"There is no folder {request.picture.resolve().parent}.", "Make it, or choose another.")

    def work(context: JobContext) -> dict[str, object]:
        return _curves(engine, request, names, context)

    return engine.jobs.submit(Lane.GPU, f"Curves of {', '.join(names)}", work, unit="conditions")


def _curves(
    engine: Engine, request: PoolCurvesRequest, names: tuple[str, ...], context: JobContext
) -> dict[str, object]:
    from workstation.reporting.atomic import put_file
    from workstation.reporting.validation_curves import PICTURES
    from workstation.training.pool import load
    from workstation.training.pool_curves import pool_curves
    from workstation.training.robustness import conditions

    held = load(request.pool, "held")
    recode = recoding()

    def tell(done: int, total: int, name: str) -> None:
        context.raise_if_cancelled()
        context.progress(done, total, name)

    context.progress(0, 1, "loading")
    detectors = [engine.workshop.detector(name) for name in names]
    found = pool_curves(detectors, held, conditions(recode), pairs=request.pairs, recode=recode, tell=tell)
    if request.picture is not None and (drawn := PICTURES[request.picture.suffix.lower()](found)) is not None:
        put_file(request.picture, drawn)
    return found | {"picture": str(request.picture) if request.picture is not None else None}
