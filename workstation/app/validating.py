"""The use-case of an evaluation: detectors on a labelled set, figures, rows for every file, a signed record.

The set is no case: nothing of it is taken in, and what comes out is about a detector, not about an exhibit. Networks
run in a job on the gpu lane; frames are decoded by the media room as an examination decodes them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app import planning
from workstation.domain.errors import InputError, NotFound
from workstation.domain.examinations import GateLimits
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.media import Frame
from workstation.domain.sampling import even_sample

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.training.labelled import Item
    from workstation.training.robustness import Recode
    from workstation.training.scoring import Scored, Settings

COLUMNS = ("file", "label", "score", "status", "reason", "face_height")


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is asked of an evaluation.

    Attributes:
        folder: the set: real/ and fake/, or labels.csv.
        detectors: ids; the first one's figures are the main ones, the others stand beside.
        reencode: JPEG quality every frame goes through first (1..100), or None.
        masks: folder of pixel masks, or None to go by the column ``mask``.
        group_by: column whose equal values belong together, or empty.
        frames: frames of each video, spread evenly.
        gates: whether the quality gates of an examination apply.
        robustness: whether to score again under worse conditions.
        scores: CSV file for a row of every file.
        output: PDF file for the record's page.
        picture: PNG file for the curves.
    """

    folder: Path
    detectors: tuple[str, ...]
    reencode: int | None = None
    masks: Path | None = None
    group_by: str = ""
    frames: int = 32
    gates: bool = True
    robustness: bool = False
    finder: str = "mtcnn"
    scores: Path | None = None
    output: Path | None = None
    picture: Path | None = None
    identity: Path | None = None
    password: str | None = None


def submit(engine: Engine, request: EvaluationRequest) -> JobId:
    """Evaluate on the gpu lane. Result: the figures, flat, with ``others`` and ``record``.

    Raises:
        InputError, NotFound, DetectorNotFound, DetectorError: before anything is queued.
    """
    if not request.detectors:
        known = ", ".join(package.card.id for package in engine.detectors())
        raise InputError("No detector is named.", f"Name one with --detector. Installed: {known or 'none'}.")
    packages = planning.choose_detectors(engine.detectors(), request.detectors)
    if request.reencode is not None and not 1 <= request.reencode <= 100:
        raise InputError(f"{request.reencode} is no JPEG quality.", "Give --reencode a number from 1 to 100.")
    if request.frames < 1:
        raise InputError("At least one frame of a video is needed.", "Give --frames a number from 1 up.")
    for path in (request.scores, request.output, request.picture):
        if path is not None and not path.resolve().parent.is_dir():
            raise NotFound(f"There is no folder {path.resolve().parent}.", "Make it, or choose another place.")
    names = tuple(package.card.id for package in packages)
    asked = replace(request, detectors=names)

    def work(context: JobContext) -> dict[str, object]:
        return _evaluate(engine, asked, context)

    return engine.jobs.submit(Lane.GPU, f"Evaluate {', '.join(names)}", work, unit="files")


def _evaluate(engine: Engine, request: EvaluationRequest, context: JobContext) -> dict[str, object]:
    from workstation.training.labelled import masks_in, read_labelled
    from workstation.training.robustness import conditions
    from workstation.training.scoring import Settings, score_set
    from workstation.training.set_figures import figures

    labelled = read_labelled(request.folder)
    recode = _recode()
    settings = Settings(
        reencode=request.reencode,
        frames=request.frames,
        gates=GateLimits() if request.gates else None,
        conditions=conditions(recode) if request.robustness else (),
        masks=masks_in(request.masks, labelled) if request.masks is not None else None,
    )
    context.progress(0, len(labelled.items), "loading")
    finder = engine.workshop.finder(request.finder)
    detectors = [engine.workshop.detector(name) for name in request.detectors]

    def tell(done: int, total: int, name: str) -> None:
        context.raise_if_cancelled()
        context.progress(done, total, name)

    context.raise_if_cancelled()
    rows = score_set(labelled, detectors, finder, _read, settings, recode=recode, tell=tell)
    every = {}
    for place, detector in enumerate(detectors):
        context.raise_if_cancelled()
        every[detector.card.id] = figures(
            rows, place, detector.card, group_by=request.group_by, conditions=settings.conditions
        )
    if request.scores is not None:
        write_scores(request.scores, rows, request.detectors)
    first = request.detectors[0]
    return {
        "set": labelled.name,
        "notes": list(labelled.notes),
        "detector": first,
        **every[first],
        "others": {name: every[name] for name in request.detectors[1:]},
        "settings": settings_facts(request, settings),
        "scores": str(request.scores) if request.scores is not None else None,
    }


def settings_facts(request: EvaluationRequest, settings: Settings) -> dict[str, object]:
    """How a set was scored, as plain values."""
    return {
        "reencode": settings.reencode,
        "frames": settings.frames,
        "gates": asdict(settings.gates) if settings.gates is not None else None,
        "finder": request.finder,
        "group_by": request.group_by,
        "masks": request.masks.name if request.masks is not None else None,
        "conditions": [one.name for one in settings.conditions],
    }


def scores_csv(rows: Sequence[Scored], detectors: Sequence[str]) -> str:
    """One row for every file, with the first detector's raw score; further detectors have columns of their own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    more = [f"{name}_{detector}" for detector in detectors[1:] for name in ("score", "status", "reason")]
    writer.writerow([*COLUMNS, *more])
    for row in rows:
        first, *others = row.outcomes
        height = "" if row.face_height is None else f"{row.face_height:.1f}"
        label = int(row.item.manipulated)
        cells: list[object] = [row.item.name, label, _number(first.score), first.status, first.reason, height]
        for outcome in others:
            cells += [_number(outcome.score), outcome.status, outcome.reason]
        writer.writerow(cells)
    return text.getvalue()


def write_scores(path: Path, rows: Sequence[Scored], detectors: Sequence[str]) -> None:
    """Raises: StorageFull, PermissionRefused."""
    from workstation.reporting.atomic import put_file

    put_file(path, scores_csv(rows, detectors).encode())


def _number(score: float | None) -> str:
    return "" if score is None else repr(score)


def _read(item: Item, count: int) -> Iterator[Frame]:
    """Frames of an item, spread evenly, decoded as an examination decodes them. Raises: EvidenceError."""
    from workstation.media.probing import probe
    from workstation.media.reader import open_media

    info = probe(item.path)
    with open_media(item.path, info) as reader:
        for answer in reader.frames(even_sample(len(reader.index), count)):
            if isinstance(answer, Frame):
                yield answer


def _recode() -> Recode | None:
    """What compresses frames as a video does, where this build has it."""
    return None
