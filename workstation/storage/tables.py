"""The tables of a case, as typed mappings. The migrations make them; a test holds both against each other."""

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
    """Exhibits in the order they were taken in. Only work, integrity and verified_at ever change."""

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
