"""Single-sample clustering over an examination (arXiv 2001.09598): which faces lie with one that is known about.

A case tool beside the examination, not a detector: it changes no score. The faces of an examination are cut again, a
FakeLocator's encoder describes each, and the pool is clustered around one face that the examiner names with its label.
What came out is filed in the case as a derived item of the named face's exhibit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from workstation.app.integrity import must_be_sound
from workstation.app.quiet import Quiet
from workstation.app.recipes import note_kept, number, text
from workstation.app.track_crops import Wanted, cut_again, usable_faces
from workstation.detectors.fakelocator.clustering import LEAST, RUNS, TRANSDUCTIVE, Clustering, cluster
from workstation.domain.custody import canonical_json
from workstation.domain.derived import DerivedItem
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import CaseReadOnly, DetectorNotFound, InputError, IntegrityMismatch, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.faces import FaceCrop
from workstation.domain.ids import EvidenceId, ExaminationId, JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.results import FaceRow, FrameRow
from workstation.domain.sampling import even_sample

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

FORMAT = 1
OPERATION = "clustering"
FAMILY = "fakelocator"
LABELS = ("manipulated", "genuine")
MOST = 2000
CAUTION = (
    "Exploratory and uncalibrated: a share is how often a face fell into the named one's cluster, and nothing more.",
    "Two clusters are always found, also where all faces are of one kind; they may be of person, light or camera.",
    f"Transductive. {TRANSDUCTIVE}",
)


@dataclass(frozen=True, slots=True)
class NamedFace:
    """The one face whose label is known: a track of an exhibit by its number, at frame ``ordinal`` or, with None, at
    the middle one of those taken into the pool."""

    evidence: EvidenceId
    track: int
    label: str
    ordinal: int | None = None


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """``per_track``: faces taken of each track, spread evenly; neighbouring frames show nearly the same picture."""

    examination: ExaminationId
    named: NamedFace
    detector: str = "fakelocator-small"
    per_track: int = 16
    runs: int = RUNS
    seed: int = 0


class _Encoder(Protocol):
    @property
    def card(self) -> DetectorCard: ...

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> str: ...

    def features(self, crops: Sequence[FaceCrop]) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class _Member:
    item: EvidenceItem
    track: int
    row: FrameRow
    named: bool


def submit_clustering(engine: Engine, session: CaseSession, request: ClusterRequest) -> JobId:
    """Cluster the faces of an examination around a named one (gpu lane).

    Result: the outcome as filed (see `run_clustering`), with ``derived``, ``sha256`` and ``path`` of the file.

    Raises:
        CaseReadOnly, InputError, NotFound, DetectorNotFound: before anything is queued.
    """
    if session.read_only:
        raise CaseReadOnly(f"Case {session.case.number} is open for reading only.", "Close it elsewhere and reopen it.")
    _check(engine, session, request)
    exhibit = session.evidence_item(request.named.evidence).exhibit

    def work(context: JobContext) -> dict[str, object]:
        result = run_clustering(engine, session, request, context)
        engine.hub.publish(CaseChanged(session.case.id))
        return result

    title = f"Cluster faces around {exhibit} T{request.named.track}"
    return session.submit(Lane.GPU, title, work, "steps")


def run_clustering(
    engine: Engine, session: CaseSession, request: ClusterRequest, context: JobContext
) -> dict[str, object]:
    """Cut, describe, cluster and file. Steps of the job's progress are exhibits and runs.

    Raises:
        InputError: the pool is too small, or the named face is not in it.
        IntegrityMismatch, EvidenceError, CaseError: an exhibit is not what was examined.
        DetectorError, DeviceFault, StorageFull, Cancelled.
    """
    store = session.store
    run = store.examination(request.examination)
    items = [store.evidence_item(evidence) for evidence in run.plan.evidence]
    must_be_sound(store, engine.hub, items, Quiet(context), else_what="nothing is clustered", only_doubtful=True)
    encoder = cast(_Encoder, engine.workshop.detector(request.detector))
    outcome = _computed(session, request, encoder, context)
    return _file(session, request, encoder, store.evidence_item(request.named.evidence), outcome)


def submit_remaking(engine: Engine, session: CaseSession, item: DerivedItem) -> JobId:
    """Make a filed outcome again from its recipe and compare (gpu lane); records nothing.

    Result: ``{"number", "recorded", "found"}``, the last two SHA-256.

    Raises:
        InputError: the recipe is of a version that this program does not know. The job fails with IntegrityMismatch
            when the detector installed has other weights.
    """
    request = _recipe(session, item)

    def work(context: JobContext) -> dict[str, object]:
        encoder = cast(_Encoder, engine.workshop.detector(request.detector))
        told = item.parameters.get("detector")
        weights = told.get("weights_sha256") if isinstance(told, Mapping) else None
        if weights != encoder.card.weights.sha256:
            raise IntegrityMismatch(f"{item.number} was made with other weights than {request.detector} has now.")
        data = _bytes(_computed(session, request, encoder, context))
        return {"number": item.number, "recorded": item.sha256, "found": hashlib.sha256(data).hexdigest()}

    return session.submit(Lane.GPU, f"Make {item.number} again", work, "steps")


def _recipe(session: CaseSession, item: DerivedItem) -> ClusterRequest:
    recipe, named, detector = item.parameters, item.parameters.get("named"), item.parameters.get("detector")
    if item.operation != OPERATION or not isinstance(named, Mapping) or not isinstance(detector, Mapping):
        raise InputError(f"{item.number} ({item.operation}) is no clustering of this program.")
    parent = session.evidence_item(EvidenceId(item.parent))
    face = NamedFace(parent.id, number(named, "track"), text(named, "label"), number(named, "frame"))
    return ClusterRequest(
        ExaminationId(text(recipe, "examination")),
        face,
        text(detector, "id"),
        number(recipe, "per_track"),
        number(recipe, "runs"),
        number(recipe, "seed"),
    )


def _computed(
    session: CaseSession, request: ClusterRequest, encoder: _Encoder, context: JobContext
) -> dict[str, object]:
    """The outcome as it is filed. Raises: as `run_clustering`."""
    store = session.store
    run = store.examination(request.examination)
    items = [store.evidence_item(evidence) for evidence in run.plan.evidence]
    chosen = {item.id: _chosen(store.frame_rows(run.id, item.id), item, request) for item in items}
    count = sum(len(row.faces) for rows in chosen.values() for row in rows)
    if count < LEAST:
        raise InputError(f"Examination {run.number} has {count} usable faces, and {LEAST} are needed.", TRANSDUCTIVE)
    if count > MOST:
        raise InputError(f"The pool would have {count} faces; {MOST} are the most.", "Take fewer faces of each track.")
    steps, pool, rows = len(items) + request.runs, list[_Member](), list[npt.NDArray[np.float32]]()
    for done, item in enumerate(items):
        context.raise_if_cancelled()
        context.progress(done, steps, item.exhibit)
        members, crops = _cut(session, item, chosen[item.id], encoder.card, request)
        pool += members
        rows.append(encoder.features(crops))
    named = next((place for place, member in enumerate(pool) if member.named), None)
    if named is None:
        raise InputError("The named face could not be cut out again.", "Name another frame or track.")

    def told(done: int) -> None:
        context.raise_if_cancelled()
        context.progress(len(items) + done, steps, f"run {done} of {request.runs}")

    found = cluster(np.concatenate(rows), named, runs=request.runs, seed=request.seed, on_run=told)
    return _outcome(run, request, encoder, pool, found)


def _check(engine: Engine, session: CaseSession, request: ClusterRequest) -> None:
    """What can be refused without decoding anything."""
    if request.named.label not in LABELS:
        raise InputError(f'A face is named {" or ".join(LABELS)}, not "{request.named.label}".')
    if not 1 <= request.runs <= 100 or request.per_track < 1:
        raise InputError("Give 1 to 100 runs and at least one face of each track.")
    packages = {package.card.id: package for package in engine.detectors()}
    package = packages.get(request.detector)
    usable = [name for name, one in packages.items() if one.card.family == FAMILY and not one.problem]
    if package is None or package.problem or package.card.family != FAMILY:
        known = ", ".join(usable) or "none"
        raise DetectorNotFound(f"Clustering needs a detector of the family {FAMILY}.", f"Installed: {known}.")
    run = session.store.examination(request.examination)
    item = session.evidence_item(request.named.evidence)
    if item.id not in run.plan.evidence:
        raise InputError(f"{item.exhibit} is not part of examination {run.number}.", "Name a face of that examination.")
    _named_face(session.frame_rows(run.id, item.id), item, request.named)


def _named_face(rows: Sequence[FrameRow], item: EvidenceItem, named: NamedFace) -> None:
    """Raises: NotFound, InputError when the named face is not there or did not pass the gates."""
    faces = [face for face in usable_faces(rows).values() if face and face[0][1].track_number == named.track]
    if not any(face.track_number == named.track for row in rows for face in row.faces):
        raise NotFound(f"{item.exhibit} has no track T{named.track} in this examination.")
    if not faces:
        raise InputError(f"No face of {item.exhibit} T{named.track} passed the quality gates.", "Name another track.")
    ordinals = [row.frame.ordinal for row, _ in faces[0]]
    if named.ordinal is not None and named.ordinal not in ordinals:
        said = ", ".join(str(ordinal) for ordinal in ordinals[:8])
        raise InputError(
            f"{item.exhibit} T{named.track} has no usable face at frame {named.ordinal}.", f"It has at: {said}…"
        )


def _chosen(rows: Sequence[FrameRow], item: EvidenceItem, request: ClusterRequest) -> tuple[FrameRow, ...]:
    """The rows with those faces alone that are taken into the pool."""
    kept: dict[int, list[FaceRow]] = {}
    places = {row.frame.ordinal: row for row in rows}
    for faces in usable_faces(rows).values():
        taken = {faces[place][0].frame.ordinal for place in even_sample(len(faces), request.per_track)}
        if faces and _is_named(item, faces[0][1], request.named) and request.named.ordinal is not None:
            taken.add(request.named.ordinal)
        for row, face in faces:
            if row.frame.ordinal in taken:
                kept.setdefault(row.frame.ordinal, []).append(face)
    return tuple(replace(places[ordinal], faces=tuple(kept[ordinal])) for ordinal in sorted(kept))


def _is_named(item: EvidenceItem, face: FaceRow, named: NamedFace) -> bool:
    return item.id == named.evidence and face.track_number == named.track


def _cut(
    session: CaseSession, item: EvidenceItem, rows: Sequence[FrameRow], card: DetectorCard, request: ClusterRequest
) -> tuple[list[_Member], list[FaceCrop]]:
    """The pool's faces of one exhibit, track by track in order of time, with their crops."""
    kind = (card.input.crop_size, card.input.crop_margin)
    faces = {track: found for track, found in usable_faces(rows).items() if found}
    wanted = {track: Wanted(track, kind, 0) for track in faces}
    cuts = cut_again(session.store, item, rows, set(wanted.values())) if wanted else {}
    members: list[_Member] = []
    crops: list[FaceCrop] = []
    for track, found in sorted(faces.items(), key=lambda pair: pair[1][0][1].track_number):
        cut = cuts[wanted[track]]
        its = found[0][1].track_number
        by_ordinal = {row.frame.ordinal: row for row, _ in found}
        mine = _is_named(item, found[0][1], request.named)
        if mine and request.named.ordinal is not None:
            marked: int | None = request.named.ordinal
        else:
            marked = cut.ordinals[len(cut.ordinals) // 2] if mine and cut.ordinals else None
        members += [_Member(item, its, by_ordinal[ordinal], ordinal == marked) for ordinal in cut.ordinals]
        crops += cut.crops
    return members, crops


def _outcome(
    run: Examination, request: ClusterRequest, encoder: _Encoder, pool: Sequence[_Member], found: Clustering
) -> dict[str, object]:
    """Everything that came out, as plain JSON values without rounding that hides anything."""
    named = pool[found.named]
    tracks: dict[tuple[str, int], list[float]] = {}
    for member, share in zip(pool, found.shares, strict=True):
        tracks.setdefault((member.item.exhibit, member.track), []).append(share)
    return {
        "format": FORMAT,
        "what": "single-sample clustering",
        "caution": list(CAUTION),
        "examination": run.number,
        "detector": _detector(encoder),
        "named": {
            "exhibit": named.item.exhibit,
            "track": named.track,
            "frame": named.row.frame.ordinal,
            "frame_sha256": named.row.frame.digest,
            "label": request.named.label,
        },
        "pool": len(pool),
        "runs": [
            {
                "seed": one.seed,
                "with_named": one.with_named,
                "others": one.others,
                "silhouette": round(one.silhouette, 4),
            }
            for one in found.runs
        ],
        "silhouette": round(found.silhouette, 4),
        "agreement": round(found.agreement, 4),
        "perplexity": round(found.perplexity, 4),
        "tracks": [
            {"exhibit": exhibit, "track": track, "faces": len(shares), "share": round(float(np.mean(shares)), 4)}
            for (exhibit, track), shares in tracks.items()
        ],
        "faces": [
            {
                "exhibit": member.item.exhibit,
                "track": member.track,
                "frame": member.row.frame.ordinal,
                "seconds": round(member.row.frame.seconds, 6),
                "frame_sha256": member.row.frame.digest,
                "share": round(share, 4),
            }
            for member, share in zip(pool, found.shares, strict=True)
        ],
    }


def _detector(encoder: _Encoder) -> dict[str, object]:
    card = encoder.card
    return {
        "id": card.id,
        "version": card.version,
        "card_sha256": card.card_sha256,
        "weights_sha256": card.weights.sha256,
        "device": encoder.device,
        "precision": encoder.precision,
        **dict(cast(Mapping[str, str], getattr(encoder, "extra_digests", {}))),
    }


def _file(
    session: CaseSession,
    request: ClusterRequest,
    encoder: _Encoder,
    parent: EvidenceItem,
    outcome: dict[str, object],
) -> dict[str, object]:
    """File the outcome in the case and return it with where it lies."""
    data = _bytes(outcome)
    faces = cast(Sequence[object], outcome["faces"])
    parameters: dict[str, object] = {
        "what": "single-sample clustering",
        "exhibit": parent.exhibit,
        "examination": request.examination,
        "detector": _detector(encoder),
        "named": outcome["named"],
        "per_track": request.per_track,
        "runs": request.runs,
        "seed": request.seed,
        "pool": len(faces),
        "pool_sha256": hashlib.sha256(
            canonical_json({"faces": [_place(face) for face in cast(Sequence[Mapping[str, object]], faces)]}).encode()
        ).hexdigest(),
    }
    made = note_kept(
        session.store, parent, OPERATION, parameters, _libraries(), data, ".json", note="Exploratory, uncalibrated."
    )
    return {**outcome, "derived": made.number, "sha256": made.sha256, "path": str(session.folder / made.path)}


def _bytes(outcome: Mapping[str, object]) -> bytes:
    return (json.dumps(outcome, indent=1, ensure_ascii=False) + "\n").encode()


def _place(face: Mapping[str, object]) -> list[object]:
    return [face["exhibit"], face["track"], face["frame"], face["frame_sha256"]]


def _libraries() -> str:
    from importlib.metadata import version

    return "; ".join(f"{name} {version(name)}" for name in ("scikit-learn", "torch", "numpy"))
