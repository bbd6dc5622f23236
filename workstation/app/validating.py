"""The use-case of an evaluation: detectors on a labelled set, figures, rows for every file, a signed record.

The set is no case: nothing of it is taken in, and what comes out is about a detector, not about an exhibit. Networks
run in a job on the gpu lane; frames are decoded by the media room as an examination decodes them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app import planning
from workstation.app.environment import library_versions, machine_facts, user_name
from workstation.app.paths import refused
from workstation.app.reporting import open_identity
from workstation.domain.clock import now_utc
from workstation.domain.custody import CheckLine, CheckState, Verification
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import InputError, NotFound
from workstation.domain.examinations import GateLimits
from workstation.domain.ids import JobId, new_id
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.media import Frame
from workstation.domain.sampling import even_sample

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.faces.finder import FaceFinder
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
        picture: file for the curves, .png or .svg.
        kind: value of the `ForgeryClass` that every manipulated item of the set is of, or empty. Its figure is taken
            under the rule of cards, so both classes are re-encoded (quality 90 where ``reencode`` says nothing).
        record: whether examinations on this workstation shall rely on that figure, for or against the detector.
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
    kind: str = ""
    record: bool = False


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
    _check_kind(request)
    if request.frames < 1:
        raise InputError("At least one frame of a video is needed.", "Give --frames a number from 1 up.")
    if request.picture is not None and not request.robustness:
        raise InputError("There are no curves to draw.", "Add --robustness.")
    if request.picture is not None:
        check_picture(request.picture)
    for path in (request.scores, request.output, request.picture):
        if path is not None and not path.resolve().parent.is_dir():
            raise NotFound(f"There is no folder {path.resolve().parent}.", "Make it, or choose another place.")
    names = tuple(package.card.id for package in packages)
    asked = replace(request, detectors=names)

    def work(context: JobContext) -> dict[str, object]:
        return _evaluate(engine, asked, context)

    return engine.jobs.submit(Lane.GPU, f"Evaluate {', '.join(names)}", work, unit="files")


def _check_kind(request: EvaluationRequest) -> None:
    known = ", ".join(ForgeryClass)
    if request.kind and request.kind not in list(ForgeryClass):
        raise InputError(f'There is no kind of forgery "{request.kind}".', f"Kinds: {known}.")
    if request.record and not request.kind:
        raise InputError("A figure is recorded for one kind of forgery, and none is named.", f"Add --kind: {known}.")
    if request.record and not request.gates:
        raise InputError("Examinations apply the quality gates; this evaluation does not.", "Leave --no-gates out.")


def check_picture(path: Path) -> None:
    """Raises: InputError: curves cannot be written in the form that the file's name asks for."""
    from workstation.reporting.validation_curves import PICTURES

    if path.suffix.lower() not in PICTURES:
        raise InputError(f"Curves cannot be written as {path.name}.", f"Name a file ending in {' or '.join(PICTURES)}.")


def _evaluate(engine: Engine, request: EvaluationRequest, context: JobContext) -> dict[str, object]:
    from workstation.training.labelled import QUALITY, masks_in, read_labelled
    from workstation.training.robustness import conditions
    from workstation.training.scoring import Settings, score_set
    from workstation.training.set_figures import check_group, figures
    from workstation.training.validation_records import build_record

    if request.kind and request.reencode is None:
        request = replace(request, reencode=QUALITY)
    labelled = read_labelled(request.folder)
    check_group(labelled.items, request.group_by)
    recode = recoding()
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
    context.progress(len(rows), len(rows), "filing the record")
    made_at, record_id = now_utc(), new_id()
    kind = _kind_table(request, labelled.name, rows, detectors[0].card, record_id) if request.kind else None
    record = build_record(
        record_id=record_id,
        made_at=made_at,
        set_name=labelled.name,
        rows=rows,
        detectors=detectors,
        figures=every,
        settings=settings_facts(request, settings),
        environment=_environment(finder),
    )
    if kind is not None:
        record["kind"] = kind
    first = request.detectors[0]
    return {
        "set": labelled.name,
        "notes": list(labelled.notes),
        "detector": first,
        **every[first],
        "others": {name: every[name] for name in request.detectors[1:]},
        "kind": kind,
        "settings": record["settings"],
        "scores": str(request.scores) if request.scores is not None else None,
        "record": _file(engine, request, record),
    }


def _kind_table(
    request: EvaluationRequest, set_name: str, rows: Sequence[Scored], card: DetectorCard, record_id: str
) -> dict[str, object]:
    """The figure of the kind that was asked for, with what the rule makes of it, as plain values."""
    from workstation.training.set_kind import figure_of_kind

    assert request.reencode is not None
    figure = figure_of_kind(
        rows,
        0,
        card,
        ForgeryClass(request.kind),
        f"{set_name} (measured here, record {record_id[:8]})",
        quality=request.reencode,
        group_by=request.group_by,
    )
    return {
        "kind": request.kind,
        "figure": asdict(figure) if figure is not None else None,
        "stands": figure is not None and figure.stands,
        "contradicts": figure is not None and figure.contradicts,
        "relied_on": request.record and figure is not None,
        "why": "" if figure is not None else "too few pairs of equal sharpness",
    }


def _environment(finder: FaceFinder) -> dict[str, str]:
    """Everything needed to take the figures again that is not in the settings (P3)."""
    from workstation.detectors import runtime
    from workstation.media.confined import confinement

    facts = machine_facts() | library_versions()
    facts |= {f"device.{name}": value for name, value in runtime.devices().items()}
    facts |= {"finder": finder.id, "finder_sha256": finder.weights_sha256}
    facts |= {f"finder.{name}": f"{value:g}" for name, value in finder.settings.items()}
    return facts | {"decoder.confinement": confinement().text()}


def _file(engine: Engine, request: EvaluationRequest, record: Mapping[str, object]) -> dict[str, object]:
    """Sign a record and file it in the workstation's folder. Raises: IdentityError, ReportError, StorageFull."""
    from workstation.reporting.atomic import put_file
    from workstation.reporting.validation_curves import PICTURES, curves_png
    from workstation.reporting.validation_record import signed_json, signed_pdf, with_signer

    identity = open_identity(engine.home, user_name(), engine.settings.organisation, request.identity, request.password)
    signed = with_signer(record, identity)
    curves = curves_png(signed)
    page = signed_pdf(signed, identity, curves)
    data = signed_json(signed, identity)
    folder = engine.home.validation
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refused(error, folder) from error
    stem = f"{str(record['made_at'])[:10]}-{request.detectors[0]}-{str(record['id'])[:8]}"
    put_file(folder / f"{stem}.pdf", page)
    put_file(folder / f"{stem}.json", data)
    if request.output is not None:
        put_file(request.output, page)
    if request.picture is not None and (drawn := PICTURES[request.picture.suffix.lower()](signed)) is not None:
        put_file(request.picture, drawn)
    return {
        "id": record["id"],
        "path": str(folder / f"{stem}.json"),
        "page": str(folder / f"{stem}.pdf"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "signer": identity.subject,
        "output": str(request.output) if request.output is not None else None,
    }


def check(engine: Engine, file: Path, folder: Path | None = None) -> Verification:
    """Verify a signed record: signature, form, the detector installed here and, where it is given, the set.

    Raises:
        NotFound: there is no such file.
        InputError: the set cannot be read.
    """
    from workstation.reporting.validation_record import verify_record

    if not file.is_file():
        raise NotFound(f"There is no record {file}.", "Records are filed in the workstation's folder, validation.")
    outcome, record = verify_record(file.read_bytes())
    lines = list(outcome.lines)
    if record is not None and outcome.ok:
        lines.extend(_detector_lines(engine, record))
        lines.extend(_set_lines(record, folder))
    return Verification(tuple(lines))


def _detector_lines(engine: Engine, record: Mapping[str, object]) -> Iterator[CheckLine]:
    every = [record["detector"], *(one.get("detector") for one in _tables(record.get("others")))]
    here = {package.card.id: package.card for package in engine.detectors()}
    for stated in _tables(every):
        name = str(stated.get("id"))
        subject = f"detector {name}"
        card = here.get(name)
        if card is None:
            yield CheckLine(subject, CheckState.OK, "not installed here: its digests were not compared")
            continue
        for what, now in (("card", card.card_sha256), ("weights", card.weights.sha256)):
            same = stated.get(f"{what}_sha256") == now
            words = "the same as here" if same else f"here is another {what}: the figures are not of what is installed"
            yield CheckLine(f"{subject}: {what}", CheckState.OK if same else CheckState.BAD, words)


def _set_lines(record: Mapping[str, object], folder: Path | None) -> Iterator[CheckLine]:
    stated = record["set"]
    if folder is None or not isinstance(stated, dict):
        yield CheckLine("set", CheckState.OK, "not at hand: name its folder to compare its files")
        return
    from workstation.training.labelled import read_labelled
    from workstation.training.validation_records import digest_of, set_digests

    items = read_labelled(folder).items
    found = set_digests((item.name, item.manipulated, digest_of(item.path)) for item in items)
    for key, what in (("sha256", "files"), ("labels_sha256", "labels")):
        same = stated.get(key) == found[key]
        words = f"{found['files']} files, the same as measured" if same else "not those that were measured"
        yield CheckLine(f"set: {what}", CheckState.OK if same else CheckState.BAD, words)


def _tables(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


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


def recoding() -> Recode | None:
    """What compresses frames as a video does, where this build has the codecs."""
    from workstation.media.recoding import recode

    return recode
