"""Writing and reading the rows of an examination: frames, their faces, every detector's result (X9, X10, G14)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from workstation.domain.errors import InputError, IntegrityMismatch
from workstation.domain.examinations import ExaminationState
from workstation.domain.faces import FaceDetection, FaceQuality
from workstation.domain.geometry import Affine, Box
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.results import Abstention, AbstentionReason, FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.storage import mapping
from workstation.storage.repositories import evidence as exhibits
from workstation.storage.tables import Examinations, Faces, Frames, Results, Tracks

Values = dict[str, Any]
_STATUSES = {status.value: status for status in ItemStatus}
_REASONS = {reason.value: reason for reason in AbstentionReason}
_KNOWN = """SELECT pts, digest FROM frames WHERE examination = :examination AND evidence = :evidence
  AND stream = :stream AND pts IN (SELECT value FROM json_each(:pts))"""


class Batch:
    """Turns rows into table values. Keys are handed out here: the single writer makes that safe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._examinations: dict[ExaminationId, tuple[int, frozenset[str]]] = {}
        self._evidence: dict[EvidenceId, int] = {}
        self._tracks: dict[tuple[int, int, str], tuple[int, int]] = {}
        self._known: dict[tuple[int, int, int], dict[int, str]] = {}
        self._next = {table: self._after(table) for table in (Frames, Faces, Tracks)}
        self.frames: list[Values] = []
        self.faces: list[Values] = []
        self.results: list[Values] = []
        self.tracks: list[Values] = []

    def add_all(self, rows: Sequence[FrameRow]) -> None:
        """Queue rows; what is already stored is left as it is (see ``append``)."""
        for row in rows:
            check_row(row)
        self._load_known(rows)
        for row in rows:
            self._add(row)

    def _add(self, row: FrameRow) -> None:
        examination, planned = self._examination(row.examination)
        if row.evidence not in planned:
            raise InputError(f"Exhibit {row.evidence} is not part of this examination.")
        evidence = self._exhibit(row.evidence)
        if self._stored(examination, evidence, row):
            return
        frame = self._key(Frames)
        self.frames.append(
            {
                "key": frame,
                "examination": examination,
                "evidence": evidence,
                "stream": row.frame.stream,
                "pts": row.frame.pts,
                "time_base_num": row.frame.time_base.num,
                "time_base_den": row.frame.time_base.den,
                "digest": row.frame.digest,
                "ordinal": row.frame.ordinal,
                "error": row.error,
            }
        )
        for position, face in enumerate(row.faces):
            self._face(frame, position, face, self._track(examination, evidence, face))

    def write(self) -> int:
        """Insert what was queued and return the number of frames."""
        for table, values in (
            (Tracks, self.tracks),
            (Frames, self.frames),
            (Faces, self.faces),
            (Results, self.results),
        ):
            if values:
                self._connection.execute(insert(table), values)
        return len(self.frames)

    def _face(self, frame: int, position: int, face: FaceRow, track: int) -> None:
        key, box = self._key(Faces), face.detection.box
        self.faces.append(
            {
                "key": key,
                "frame": frame,
                "position": position,
                "track": track,
                "x0": box.x0,
                "y0": box.y0,
                "x1": box.x1,
                "y1": box.y1,
                "confidence": face.detection.confidence,
                "finder": face.detection.finder,
                "landmarks": mapping.landmarks_to_text(face.detection.landmarks),
                "gates": mapping.gates_to_text(face.quality.readings),
            }
        )
        for place, result in enumerate(face.results):
            why = result.abstention
            self.results.append(
                {
                    "face": key,
                    "position": place,
                    "detector": result.detector,
                    "status": result.status.value,
                    "score": None if result.score is None else float(result.score),
                    "reason": None if why is None else why.reason.value,
                    "detail": None if why is None else why.detail,
                    "map_digest": result.map_digest,
                    "map_transform": mapping.affine_to_text(result.map_transform),
                    "crop_size": result.crop_size,
                }
            )

    def _stored(self, examination: int, evidence: int, row: FrameRow) -> bool:
        known = self._known.setdefault((examination, evidence, row.frame.stream), {})
        if row.frame.pts not in known:
            known[row.frame.pts] = row.frame.digest
            return False
        digest = known[row.frame.pts]
        if digest and row.frame.digest and digest != row.frame.digest:
            raise IntegrityMismatch(
                f"Frame {row.frame.ordinal} now decodes to other pixels than when it was examined.",
                "Start a new examination; the stored rows stay as they are.",
            )
        return True

    def _load_known(self, rows: Sequence[FrameRow]) -> None:
        """Read once which of the frames at hand are stored already."""
        wanted: dict[tuple[int, int, int], list[int]] = {}
        for row in rows:
            examination, _ = self._examination(row.examination)
            place = (examination, self._exhibit(row.evidence), row.frame.stream)
            wanted.setdefault(place, []).append(row.frame.pts)
        for place, pts in wanted.items():
            values = dict(zip(("examination", "evidence", "stream"), place, strict=True)) | {"pts": json.dumps(pts)}
            self._known[place] = {row[0]: row[1] for row in self._connection.execute(text(_KNOWN), values)}

    def _track(self, examination: int, evidence: int, face: FaceRow) -> int:
        place = (examination, evidence, face.track)
        if place not in self._tracks:
            known = select(Tracks.key, Tracks.number).where(
                Tracks.examination == examination, Tracks.evidence == evidence, Tracks.id == face.track
            )
            row = self._connection.execute(known).first()
            if row is None:
                key = self._key(Tracks)
                values = {"key": key, "examination": examination, "evidence": evidence}
                self.tracks.append({**values, "id": face.track, "number": face.track_number})
                self._tracks[place] = (key, face.track_number)
            else:
                self._tracks[place] = (row.key, row.number)
        key, number = self._tracks[place]
        if number != face.track_number:
            raise ValueError(f"track {face.track} is T{number} and cannot become T{face.track_number}")
        return key

    def _examination(self, examination: ExaminationId) -> tuple[int, frozenset[str]]:
        if examination not in self._examinations:
            wanted = select(Examinations.number, Examinations.state, Examinations.plan)
            row = self._connection.execute(wanted.where(Examinations.id == examination)).first()
            if row is None or row.state != ExaminationState.RUNNING:
                state = "unknown" if row is None else row.state
                raise InputError(f"The examination is {state}; no rows can be added.", "Go on with it first.")
            self._examinations[examination] = (row.number, frozenset(mapping.plan_from_text(row.plan).evidence))
        return self._examinations[examination]

    def _exhibit(self, evidence: EvidenceId) -> int:
        if evidence not in self._evidence:
            self._evidence[evidence] = exhibits.position(self._connection, evidence)
        return self._evidence[evidence]

    def _key(self, table: type[Frames | Faces | Tracks]) -> int:
        self._next[table] += 1
        return self._next[table]

    def _after(self, table: type[Frames | Faces | Tracks]) -> int:
        return int(self._connection.execute(select(func.max(table.key))).scalar() or 0)


def check_row(row: FrameRow) -> None:
    """Hold a row against what the records promise (X10).

    Raises:
        ValueError: an unreadable frame with faces, a score without status ok (or the reverse), a refusal without its
            reason, or a result that belongs to another track.
    """
    if row.error and row.faces:
        raise ValueError("a frame that could not be decoded has no faces")
    for face in row.faces:
        for result in face.results:
            if result.track != face.track:
                raise ValueError("a result belongs to the track of its face")
            if (result.score is not None) != (result.status is ItemStatus.OK):
                raise ValueError("a score goes with the status ok, and only with it")
            if result.status is not ItemStatus.OK and result.abstention is None:
                raise ValueError("what has no score states its reason")


def append(connection: Connection, rows: Sequence[FrameRow]) -> int:
    """Store rows; return how many were new. A frame already stored for the same examination, exhibit, stream and time
    stamp is ignored whole: nothing is ever replaced.

    Raises:
        InputError: the examination is not running, or the exhibit is not in its plan.
        IntegrityMismatch: the frame is already stored with other pixels.
        ValueError: a row contradicts itself (see ``check_row``).
    """
    batch = Batch(connection)
    batch.add_all(rows)
    return batch.write()


def ordinals(connection: Connection, examination: int, evidence: int) -> frozenset[int]:
    wanted = select(Frames.ordinal).where(Frames.examination == examination, Frames.evidence == evidence)
    return frozenset(connection.execute(wanted).scalars())


_FRAMES = """SELECT key, stream, pts, time_base_num, time_base_den, digest, ordinal, error FROM frames
WHERE examination = :examination AND evidence = :evidence {only} ORDER BY stream, pts"""
_ONLY = "AND ordinal IN (SELECT value FROM json_each(:ordinals))"
_FACES = """SELECT f.key, f.frame, t.id, t.number, f.x0, f.y0, f.x1, f.y1, f.confidence, f.finder, f.landmarks, f.gates
FROM faces f JOIN tracks t ON t.key = f.track WHERE f.frame IN (SELECT value FROM json_each(:keys))
ORDER BY f.frame, f.position"""
_RESULTS = """SELECT face, detector, status, score, reason, detail, map_digest, map_transform, crop_size FROM results
WHERE face IN (SELECT value FROM json_each(:keys)) ORDER BY face, position"""


def read(
    connection: Connection,
    examination: ExaminationId,
    number: int,
    evidence: EvidenceId,
    position: int,
    ordinals: Collection[int] | None,
) -> tuple[FrameRow, ...]:
    """Rows in presentation order; ``ordinals`` None gives all."""
    if ordinals is not None and not ordinals:
        return ()
    place: dict[str, object] = {"examination": number, "evidence": position}
    if ordinals is not None:
        place["ordinals"] = json.dumps([int(o) for o in ordinals])
    frames = connection.execute(text(_FRAMES.format(only="" if ordinals is None else _ONLY)), place).all()
    faces = connection.execute(text(_FACES), {"keys": json.dumps([row[0] for row in frames])}).all()
    results = _results(connection, {row[0]: TrackId(row[2]) for row in faces})
    rows_of: dict[int, list[FaceRow]] = {}
    for key, frame, track, track_number, x0, y0, x1, y1, confidence, finder, landmarks, gates in faces:
        detection = FaceDetection(Box(x0, y0, x1, y1), mapping.landmarks_from_text(landmarks), confidence, finder)
        quality = FaceQuality(mapping.gates_from_text(gates))
        face = FaceRow(TrackId(track), track_number, detection, quality, tuple(results.get(key, ())))
        rows_of.setdefault(frame, []).append(face)
    return tuple(
        FrameRow(
            examination,
            evidence,
            FrameRef(stream, pts, TimeBase(num, den), digest, ordinal),
            tuple(rows_of.get(key, ())),
            error,
        )
        for key, stream, pts, num, den, digest, ordinal, error in frames
    )


def _results(connection: Connection, tracks: Mapping[int, TrackId]) -> dict[int, list[FaceResult]]:
    found: dict[int, list[FaceResult]] = {}
    transforms: dict[str | None, Affine | None] = {None: None}
    rows = connection.execute(text(_RESULTS), {"keys": json.dumps(list(tracks))})
    for face, detector, status, score, reason, detail, digest, transform, crop_size in rows:
        if transform not in transforms:
            transforms[transform] = mapping.affine_from_text(transform)
        why = None if reason is None else Abstention(_REASONS[reason], detail or "")
        found.setdefault(face, []).append(
            FaceResult(tracks[face], detector, _STATUSES[status], score, why, digest, transforms[transform], crop_size)
        )
    return found
