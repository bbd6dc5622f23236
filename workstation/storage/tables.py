"""The tables of a case, as typed mappings. The migrations make them; a test holds both against each other.

Every column can be proved from the chain of custody, by the last event that speaks of its row:

==================  ================================================================================================
table               proved by
==================  ================================================================================================
case_facts          the first event, ``case_created``: every column but ``single``
custody             itself: hash, link, signature
evidence            ``evidence_taken_in``, id under ``evidence``: exhibit, name, source_path (as ``source``), sha256,
                    size, taken_in_at, taken_in_by, machine, note, and since format 1.1 stored_path, media_sha256 (of
                    the column media as UTF-8, "" for NULL), problem, integrity, verified_at. For cases brought up from
                    1.0 the latter stand in ``facts`` of an ``evidence_described`` with what = "exhibit".
                    position: the order of the events. integrity, verified_at: the last of taken_in, that ``facts``,
                    and ``evidence_verified`` or ``evidence_mismatch`` (``state``, ``at``).
                    work: ``evidence_described`` with what = "work"; no such event: "to do"
frame_indexes,      ``evidence_described`` with what = "frame_index", "thumbnail" (``described.py`` says over which
thumbnails          bytes); no row without an event, no event without a row
examinations        ``examination_started`` (number, plan_sha256, environment_sha256, started_at), the last of
                    started and ``examination_ended`` (state, error, ended_at); started_at and ended_at of older runs:
                    ``migrated``
tracks, frames,     ``results_sha256`` and ``tables_sha256`` of ``examination_ended``, the latter of older runs in
faces, results      ``migrated``; not sealed while the examination runs
track_readings      ``tables_sha256`` of ``examination_ended``; an end that does not name the table had no such row
reports             ``report_built``, id under ``report``: every column; built_at of older ones: ``migrated``
descriptions,       one ``evidence_described`` for each row of descriptions with what = "streams" or "metadata", in the
stream_digests,     order of number: evidence, what, sha256; rows of a description give that digest again
metadata            (described_at too)
derived             ``derived`` (exported = 0) or ``exported`` (1): every column by its own name, id as ``derived``
intake_batches      ``intake_started`` (id under ``intake``, number, started_at, note, purpose, authority, total), the
                    last of started and ``intake_ended`` (state, ended_at)
intake_items        ``list_sha256`` of started (``repositories.intake.LISTED``), ``items_sha256`` of the last event when
                    that is an ended (``SETTLED``); not sealed while the import runs
edits               one ``edited`` for each row, in the order of seq: edit, action, label, sha256 of
                    ``repositories.edits.row_text``
examiner_objects    replaying edits in order: each change leaves its object with body ``after`` and since = seq, or not
                    there; ``before`` is what stood
==================  ================================================================================================
"""

from __future__ import annotations

from sqlalchemy import REAL, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary, float: REAL}


class CaseFacts(Base):
    """One row: the case. ``public_key`` (32 bytes) is the ledger key of the installation that made it."""

    __tablename__ = "case_facts"
    single: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    number: Mapped[str]
    title: Mapped[str]
    examiner: Mapped[str]
    question: Mapped[str]
    created_at: Mapped[str]
    public_key: Mapped[bytes]


class Custody(Base):
    """The chain of custody; append-only by trigger."""

    __tablename__ = "custody"
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    actor: Mapped[str]
    kind: Mapped[str]
    body: Mapped[str]
    prev: Mapped[bytes]
    hash: Mapped[bytes]
    signature: Mapped[bytes]


class Evidence(Base):
    """Exhibits in the order they were taken in. Only work, integrity and verified_at ever change.

    ``work`` is what the program noted; an examiner's object of kind work_state goes before it.
    """

    __tablename__ = "evidence"
    position: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    exhibit: Mapped[str]
    name: Mapped[str]
    source_path: Mapped[str]
    stored_path: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    taken_in_at: Mapped[str]
    taken_in_by: Mapped[str]
    machine: Mapped[str]
    media: Mapped[str | None]
    problem: Mapped[str]
    note: Mapped[str]
    work: Mapped[str]
    integrity: Mapped[str]
    verified_at: Mapped[str]


class FrameIndexes(Base):
    """Every presentation time of a stream: differences as little-endian int64, zlib-compressed."""

    __tablename__ = "frame_indexes"
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"), primary_key=True)
    stream: Mapped[int]
    time_base_num: Mapped[int]
    time_base_den: Mapped[int]
    pts: Mapped[bytes]
    keyframes: Mapped[bytes]


class Thumbnails(Base):
    __tablename__ = "thumbnails"
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"), primary_key=True)
    png: Mapped[bytes]


class Examinations(Base):
    __tablename__ = "examinations"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    plan: Mapped[str]
    environment: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[str]
    ended_at: Mapped[str | None]
    error: Mapped[str]


class Tracks(Base):
    __tablename__ = "tracks"
    key: Mapped[int] = mapped_column(primary_key=True)
    examination: Mapped[int] = mapped_column(ForeignKey("examinations.number"))
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"))
    id: Mapped[str]
    number: Mapped[int]


class Frames(Base):
    """Examined frames. ``error`` is empty when the frame could be decoded."""

    __tablename__ = "frames"
    key: Mapped[int] = mapped_column(primary_key=True)
    examination: Mapped[int] = mapped_column(ForeignKey("examinations.number"))
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"))
    stream: Mapped[int]
    pts: Mapped[int]
    time_base_num: Mapped[int]
    time_base_den: Mapped[int]
    digest: Mapped[str]
    ordinal: Mapped[int]
    error: Mapped[str]


class Faces(Base):
    """Faces of a frame. ``landmarks`` and ``gates`` are JSON lists: five [x, y]; [gate, value, limit, passed] each."""

    __tablename__ = "faces"
    key: Mapped[int] = mapped_column(primary_key=True)
    frame: Mapped[int] = mapped_column(ForeignKey("frames.key"))
    position: Mapped[int]
    track: Mapped[int] = mapped_column(ForeignKey("tracks.key"))
    x0: Mapped[float]
    y0: Mapped[float]
    x1: Mapped[float]
    y1: Mapped[float]
    confidence: Mapped[float]
    finder: Mapped[str]
    landmarks: Mapped[str]
    gates: Mapped[str]


class Results(Base):
    """What each detector gave for a face. ``map_transform`` is a JSON list of six numbers, row by row."""

    __tablename__ = "results"
    face: Mapped[int] = mapped_column(ForeignKey("faces.key"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    detector: Mapped[str]
    status: Mapped[str]
    score: Mapped[float | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    map_digest: Mapped[str | None]
    map_transform: Mapped[str | None]
    crop_size: Mapped[int]


class TrackReadings(Base):
    """What a detector said about a track as a whole. ``frames`` is a JSON list of ordinals; ``measures`` one of
    {name, label, value, low, high, about, exploratory}."""

    __tablename__ = "track_readings"
    position: Mapped[int] = mapped_column(primary_key=True)
    examination: Mapped[int] = mapped_column(ForeignKey("examinations.number"))
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"))
    track: Mapped[int] = mapped_column(ForeignKey("tracks.key"))
    detector: Mapped[str]
    status: Mapped[str]
    value: Mapped[float | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    frames: Mapped[str]
    measures: Mapped[str]
    note: Mapped[str]


class Reports(Base):
    __tablename__ = "reports"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    built_at: Mapped[str]
    signer: Mapped[str]
    custody_count: Mapped[int]
    custody_hash: Mapped[str]


class Descriptions(Base):
    """What was found in an exhibit, once for each time it was recorded; the newest row of a ``what`` is in force."""

    __tablename__ = "descriptions"
    number: Mapped[int] = mapped_column(primary_key=True)
    evidence: Mapped[int] = mapped_column(ForeignKey("evidence.position"))
    what: Mapped[str]
    sha256: Mapped[str]
    described_at: Mapped[str]


class StreamDigests(Base):
    """Digests of the elementary streams of one description with ``what`` "streams"."""

    __tablename__ = "stream_digests"
    description: Mapped[int] = mapped_column(ForeignKey("descriptions.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[int]
    kind: Mapped[str]
    codec: Mapped[str]
    packets: Mapped[int]
    size: Mapped[int]
    sha256: Mapped[str]
    normal_sha256: Mapped[str]


class Metadata(Base):
    """The text of one description with ``what`` "metadata": canonical JSON, whole."""

    __tablename__ = "metadata"
    description: Mapped[int] = mapped_column(ForeignKey("descriptions.number"), primary_key=True)
    text: Mapped[str]


class Derived(Base):
    """Working copies and derivatives (E4). ``parameters`` is canonical JSON; ``exported`` 0 or 1."""

    __tablename__ = "derived"
    position: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    number: Mapped[str]
    kind: Mapped[str]
    parent_kind: Mapped[str]
    parent: Mapped[str]
    parent_sha256: Mapped[str]
    operation: Mapped[str]
    parameters: Mapped[str]
    tool: Mapped[str]
    path: Mapped[str]
    exported: Mapped[int]
    sha256: Mapped[str]
    size: Mapped[int]
    made_at: Mapped[str]
    made_by: Mapped[str]
    note: Mapped[str]


class IntakeBatches(Base):
    """Imports. Only state and ended_at ever change."""

    __tablename__ = "intake_batches"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    started_at: Mapped[str]
    ended_at: Mapped[str | None]
    state: Mapped[str]
    note: Mapped[str]
    purpose: Mapped[str]
    authority: Mapped[str]
    total: Mapped[int]


class IntakeItems(Base):
    """Files of an import. Only state, evidence, code and line ever change."""

    __tablename__ = "intake_items"
    batch: Mapped[int] = mapped_column(ForeignKey("intake_batches.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    size: Mapped[int]
    modified_ns: Mapped[int]
    state: Mapped[str]
    evidence: Mapped[int | None] = mapped_column(ForeignKey("evidence.position"))
    code: Mapped[str]
    line: Mapped[str]


class Edits(Base):
    """The journal of edits; append-only by trigger. ``changes`` is a JSON list of {id, kind, before, after}."""

    __tablename__ = "edits"
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    actor: Mapped[str]
    label: Mapped[str]
    action: Mapped[str]
    target: Mapped[int]
    changes: Mapped[str]


class ExaminerObjects(Base):
    """The examiner's objects as the journal leaves them; ``since`` is the edit that last wrote the row."""

    __tablename__ = "examiner_objects"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[str]
    since: Mapped[int] = mapped_column(ForeignKey("edits.seq"))
