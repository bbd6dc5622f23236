"""Gathering what a report says: examinations relied on, tracks, series and key frames, as plain data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workstation.app.environment import library_versions, machine_facts
from workstation.app.exclusions import exclusions
from workstation.app.map_drawing import colour_table, frame_lines
from workstation.app.origins import origins
from workstation.app.overlays import frame_map
from workstation.domain.clock import now_utc
from workstation.domain.detectors import DetectorCard, Direction
from workstation.domain.errors import IntegrityMismatch, ReportError
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, ReportId, new_id
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.jobs import JobContext
from workstation.domain.map_scale import PLAIN_LOOK, Layer, Look, MapColours
from workstation.domain.media import Frame
from workstation.domain.reports import (
    BurnFace,
    BurnIn,
    BurnLine,
    ExhibitFacts,
    ExhibitProvenance,
    KeyFrame,
    ReportFacts,
    Series,
    SeriesPoint,
)
from workstation.domain.results import Coverage, FaceResult, FaceRow, FrameRow, ItemStatus, TrackSummary
from workstation.domain.standing import Standing, standing
from workstation.media.reader import open_media
from workstation.storage.case_store import CaseStore

_KEY_FRAMES_PER_EXHIBIT = 6


def gather(
    store: CaseStore,
    cards: Sequence[DetectorCard],
    context: JobContext,
    examinations: Sequence[ExaminationId] = (),
) -> ReportFacts:
    """Collect the facts of a report.

    Args:
        cards: cards of the detectors on this machine; those used are printed.
        examinations: the runs relied on; by default, for each exhibit its newest finished one. All others are listed.

    Raises:
        ReportError: nothing was examined yet.
        IntegrityMismatch: a key frame decodes to other pixels than when it was examined.
    """
    runs = store.examinations()
    finished = [run for run in runs if run.state is ExaminationState.DONE]
    if examinations:
        finished = [run for run in finished if run.id in examinations]
    relied: dict[EvidenceId, Examination] = {}
    for run in finished:
        for evidence in run.plan.evidence:
            relied[evidence] = run
    if not relied:
        raise ReportError("There is nothing to report: no examination has finished.", "Run an examination first.")
    items = store.evidence()
    exhibits = []
    for number, item in enumerate(items):
        context.raise_if_cancelled()
        context.progress(number, len(items) + 1, item.exhibit)
        if item.id in relied:
            exhibits.append(exhibit_facts(store, item, relied[item.id], cards))
    used = {use.card_sha256 for run in relied.values() for use in run.plan.detectors}
    ids = tuple(dict.fromkeys(run.id for run in relied.values()))
    environment = machine_facts() | library_versions()
    head = store.custody_head()
    return ReportFacts(
        report=ReportId(new_id()),
        number=store.next_report_number(),
        case=store.case,
        built_at=now_utc(),
        examinations=runs,
        relied_on=ids,
        exhibits=tuple(exhibits),
        not_examined=tuple(item for item in items if item.id not in relied),
        cards=tuple(card for card in cards if card.card_sha256 in used),
        custody=store.custody(),
        custody_head=head,
        ledger_public_key=store.public_key.hex(),
        product=environment["product"],
        environment=tuple(environment.items()),
        provenance=provenance(store, items),
        derived=store.derived.every(),
        custody_checkpoint=store.checkpoint(head=head),
    )


def provenance(store: CaseStore, items: Sequence[EvidenceItem]) -> tuple[ExhibitProvenance, ...]:
    """How each exhibit came into the case, and the digests of its streams (P2)."""
    known = origins(store)
    return tuple(
        ExhibitProvenance(item.id, known.get(item.id, ExhibitOrigin()), store.descriptions.streams(item.id))
        for item in items
    )


def exhibit_facts(
    store: CaseStore, item: EvidenceItem, run: Examination, cards: Sequence[DetectorCard] = ()
) -> ExhibitFacts:
    """Everything about one exhibit under one examination; ``cards`` say for what its detectors are validated."""
    validated = standing(run, cards)
    index = store.frame_index(item.id)
    coverage = store.coverage(run.id, item.id, len(index) if index else 0)
    rows = store.frame_rows(run.id, item.id)
    tracks = store.summaries(run.id, item.id)
    left_out, readings = exclusions(store, item, run, rows)
    whole = {exclusion.track_number for exclusion in left_out if exclusion.seconds is None}
    relied = tuple(track for track in tracks if not whole & {0, track.track_number})
    frames = _key_frames(store, item, run, rows, relied, coverage, validated)
    return ExhibitFacts(
        item,
        run,
        coverage,
        tracks,
        _series(rows),
        frames,
        exclusions=left_out,
        excluded=readings,
        readings=store.readings.of(run.id, item.id),
        validated=validated,
    )


def _series(rows: Sequence[FrameRow]) -> tuple[Series, ...]:
    points: dict[tuple[int, str], list[SeriesPoint]] = {}
    for row in rows:
        for face in row.faces:
            for result in face.results:
                point = SeriesPoint(row.frame.seconds, result.status, result.score, result.abstention)
                points.setdefault((face.track_number, result.detector), []).append(point)
    return tuple(Series(track, name, tuple(seen)) for (track, name), seen in sorted(points.items()))


def _key_frames(
    store: CaseStore,
    item: EvidenceItem,
    run: Examination,
    rows: Sequence[FrameRow],
    tracks: Sequence[TrackSummary],
    coverage: Coverage,
    validated: Standing,
) -> tuple[KeyFrame, ...]:
    """The frame of every track and detector whose score points most to manipulation, those with a map first, at most
    six."""
    falling = _falling(run)
    wanted: list[tuple[bool, int, str, FrameRow, FaceRow, FaceResult]] = []
    for track in tracks:
        best: tuple[FrameRow, FaceRow, FaceResult] | None = None
        for row in rows:
            for face in row.faces:
                for result in face.results:
                    if face.track != track.track or result.detector != track.detector or result.score is None:
                        continue
                    if best is None or _beyond(result, best[2], result.detector in falling):
                        best = (row, face, result)
        if best is not None:
            wanted.append((best[2].map_digest is None, track.track_number, track.detector, *best))
    wanted.sort(key=lambda entry: entry[:3])
    wanted = wanted[:_KEY_FRAMES_PER_EXHIBIT]
    if not wanted or item.media is None:
        return ()
    frames: list[KeyFrame] = []
    path = store.vault.open_location(item.stored_path)
    with open_media(path, item.media, index=store.frame_index(item.id)) as reader:
        for _, number, detector, row, _face, result in wanted:
            frame = reader.frame(row.frame.ordinal)
            if frame.ref.digest != row.frame.digest:
                raise IntegrityMismatch(
                    f"{item.exhibit}: the frame at {row.frame.seconds:.3f} s decodes to other pixels than when it was "
                    "examined.",
                    "Run the examination again with this version of the decoder.",
                )
            burn = burn_for(store, item, frame, row, detector, coverage, validated=bool(validated.get(detector)))
            which = "lowest" if detector in falling else "highest"
            reason = f"{which} score of {detector} on track T{number}"
            frames.append(KeyFrame(burn, number, detector, float(result.score or 0.0), reason))
    return tuple(frames)


def _falling(run: Examination) -> frozenset[str]:
    """Detectors of a run whose score is lower where it points to manipulation."""
    return frozenset(use.id for use in run.plan.detectors if use.direction == Direction.LOWER_IS_MANIPULATED)


def _beyond(one: FaceResult, other: FaceResult, falling: bool) -> bool:
    """Whether a score points more to manipulation than another; both have one."""
    assert one.score is not None
    assert other.score is not None
    return one.score < other.score if falling else one.score > other.score


def burn_for(
    store: CaseStore,
    item: EvidenceItem,
    frame: Frame,
    row: FrameRow | None,
    detector: str | None,
    coverage: Coverage | None,
    *,
    opacity: float = 0.45,
    validated: bool = True,
    look: Look = PLAIN_LOOK,
) -> BurnIn:
    """What is drawn into an exported frame (P11): boxes, scores and map of one detector as far as ``look`` has them;
    where it is validated for no kind of forgery, words in place of scores."""
    faces: list[BurnFace] = []
    lines: list[BurnLine] = []
    mapped = Layer.MAP in look.layers or bool(look.levels)
    boxed, dotted = Layer.BOXES in look.layers, Layer.LANDMARKS in look.layers
    merged: np.ndarray | None = None
    falling = _falling(store.examination(row.examination)) if row is not None else frozenset()
    for face in row.faces if row else ():
        result = next((r for r in face.results if r.detector == detector), None)
        note = result.abstention.detail if result and result.abstention else ""
        score = result.score if result and result.status is ItemStatus.OK else None
        turned = detector in falling
        points = face.detection.landmarks if dotted else ()
        if boxed or points:
            box, number = face.detection.box, face.track_number
            faces.append(BurnFace(box, number, detector or "", score, note, turned, validated, boxed, points))
        if mapped and result is not None and result.map_digest and result.map_transform:
            stored = store.arrays.get(result.map_digest)
            values = frame_map(stored, result.map_transform, result.crop_size, frame.rgb.shape[:2])
            lines += frame_lines(stored, result.map_transform, result.crop_size, look)
            merged = values if merged is None else np.fmax(merged, values)
    title = f"Fakeness map · {detector} · 0 to 1 · uncalibrated" if merged is not None else ""
    if title and not validated:
        title += " · not validated"
    return BurnIn(
        exhibit=item.exhibit,
        exhibit_sha256=item.sha256,
        frame=frame.ref,
        rgb=frame.rgb,
        faces=tuple(faces),
        map=merged,
        map_title=title,
        opacity=opacity,
        frames_examined=coverage.examined if coverage else 0,
        frames_total=coverage.frames_total if coverage else 0,
        ramp=colour_table(look.colours) if look.colours is not MapColours.GREY else None,
        lines=tuple(lines),
        map_drawn=Layer.MAP in look.layers,
    )
