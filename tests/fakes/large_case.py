"""A case as large as a real one gets, made in seconds: real files, real tables, real chain of custody.

What is short-cut: exhibits and examined frames go in by the thousand in one transaction each, where the program takes
many; every row and event is of the kinds that the program itself writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from tests.fakes.clips import barcode_frame
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import DetectorUse, Environment, Examination, ExaminationPlan, ExaminationState
from workstation.domain.ids import EvidenceId
from workstation.domain.media import FrameIndex, TimeBase
from workstation.media.clips import write_clip
from workstation.media.probing import probe
from workstation.storage.case_store import CaseStore
from workstation.storage.chain import Chain
from workstation.storage.described import Described, exhibit_facts
from workstation.storage.facets.descriptions import describe
from workstation.storage.repositories import evidence, examinations
from workstation.storage.tables import Faces, Frames, Results, Tracks

BASE = TimeBase(1, 25)
DETECTORS = ("first", "second")
_STEP = 20_000
_POINTS = json.dumps([[30.0, 40.0], [50.0, 40.0], [40.0, 50.0], [32.0, 60.0], [48.0, 60.0]])
_WHY = (("face_too_small", "height 31, limit 64"), ("face_blurred", "sharpness 4, limit 12"))


@dataclass(frozen=True, slots=True)
class Shape:
    """``scores`` are results of a detector for a face; ``share`` of them lie in the first exhibit, which has
    ``long_tracks`` of the tracks."""

    exhibits: int = 500
    tracks: int = 2_000
    scores: int = 1_000_000
    share: float = 0.4
    long_tracks: int = 24


def fill(store: CaseStore, work: Path, shape: Shape, *, sealed: bool = False) -> Examination:
    """Fill an open case: ``shape.exhibits`` clips of one second (their frame indexes are as long as their rows), and
    one examination of them all.

    Args:
        work: an empty folder for the files before they are taken in.
        sealed: state the digests over every row at the end, as the program does. It takes longer than all the rest,
            and without them only a verification of the case would notice.
    """
    items = _exhibits(store, work, shape)
    uses = tuple(DetectorUse(name, "1", "0" * 64, "0" * 64) for name in DETECTORS)
    plan = ExaminationPlan(tuple(items), uses, "hand", "0" * 64, 0)
    run = store.start_examination(plan, Environment({"made": "by hand"}))
    long_faces = round(shape.scores * shape.share / len(DETECTORS))
    rest_faces = shape.scores // len(DETECTORS) - long_faces
    rest_tracks = shape.tracks - shape.long_tracks
    writer = _Rows(store, run.number)
    for place, name in enumerate(items):
        if place == 0:
            writer.exhibit(place + 1, name, shape.long_tracks, long_faces)
            continue
        others = shape.exhibits - 1
        tracks = rest_tracks * place // others - rest_tracks * (place - 1) // others
        faces = rest_faces * place // others - rest_faces * (place - 1) // others
        writer.exhibit(place + 1, name, tracks, faces)
    writer.flush()
    if sealed:
        store.end_examination(run.id, ExaminationState.DONE)
    else:
        store._open.change(lambda c, chain: _end(c, chain, run))
    return run


def _end(connection: Connection, chain: Chain, run: Examination) -> None:
    at = now_utc()
    examinations.set_state(connection, run.id, ExaminationState.DONE, at, "")
    body = {"examination": run.id, "number": run.number, "state": "done", "error": "", "ended_at": at}
    chain.append(connection, CustodyKind.EXAMINATION_ENDED, body)


def frames_of(shape: Shape, place: int) -> int:
    """Frames of the exhibit at ``place``: the tracks of one follow each other, two at a time."""
    if place == 0:
        return max(25, round(shape.scores * shape.share / len(DETECTORS)) // 2)
    return max(25, round(shape.scores * (1 - shape.share) / len(DETECTORS) / max(1, shape.exhibits - 1)) // 2 + 1)


def _exhibits(store: CaseStore, work: Path, shape: Shape) -> list[EvidenceId]:
    base = work / "base.mp4"
    write_clip(base, (barcode_frame(number) for number in range(25)))
    plain, info = base.read_bytes(), probe(base)
    names: list[EvidenceId] = []

    def add(connection: Connection, chain: Chain) -> None:
        for place in range(shape.exhibits):
            # A box that players skip makes each file one of its own.
            source = work / f"clip-{place + 1:04d}.mp4"
            source.write_bytes(plain + b"\x00\x00\x00\x10free" + place.to_bytes(8, "big"))
            stored = store.vault.take_in(source)
            name = EvidenceId(f"exhibit-{place + 1:04d}")
            at = now_utc()
            item = EvidenceItem(
                name, f"EX-{place + 1:02d}", source.name, str(source), stored.relative_path, stored.sha256, stored.size,
                at, "A. Ruiz", "bench", info, integrity=IntegrityState.VERIFIED, verified_at=at,
            )  # fmt: skip
            evidence.add(connection, item)
            facts: dict[str, object] = {
                "evidence": name, "exhibit": item.exhibit, "name": item.name, "sha256": item.sha256, "size": item.size,
                "source": item.source_path, "taken_in_at": at, "taken_in_by": item.taken_in_by,
                "machine": item.machine, "note": "",
            }  # fmt: skip
            chain.append(
                connection,
                CustodyKind.EVIDENCE_TAKEN_IN,
                facts | exhibit_facts(evidence.columns(connection, name)),
            )
            count = frames_of(shape, place)
            index = FrameIndex(0, BASE, tuple(range(count)), tuple(range(0, count, 50)))
            digest = evidence.put_index(connection, name, index)
            if digest is not None:
                describe(connection, chain, name, Described.FRAME_INDEX, digest)
            store.vault.claim(stored.relative_path)
            source.unlink()
            names.append(name)

    store._open.change(add)
    return names


class _Rows:
    """Rows of one examination, written by the twenty thousand."""

    def __init__(self, store: CaseStore, examination: int) -> None:
        self._store, self._examination = store, examination
        self._tracks: list[tuple[object, ...]] = []
        self._frames: list[tuple[object, ...]] = []
        self._faces: list[tuple[object, ...]] = []
        self._results: list[tuple[object, ...]] = []
        self._last = {"track": 0, "frame": 0, "face": 0}

    def exhibit(self, position: int, name: EvidenceId, tracks: int, faces: int) -> None:
        """``tracks`` one after another, two at a time, over ``faces // 2`` frames; one frame in 97 has no face."""
        count = max(1, faces // 2)
        keys = []
        for number in range(1, tracks + 1):
            keys.append(self._key("track"))
            self._tracks.append((keys[-1], self._examination, position, f"{name}-{number}", number))
        if not keys:
            return
        length = -(-count * 2 // tracks)
        noise = np.random.default_rng(position).normal(0, 0.04, (count, 4))
        wave = 0.5 + 0.35 * np.sin(np.arange(count) / 700)
        values = np.clip(wave[:, None] + noise, 0, 1).round(4).tolist()
        for ordinal in range(count):
            frame = self._key("frame")
            digest = f"{ordinal:064x}"
            self._frames.append(
                (frame, self._examination, position, 0, ordinal, BASE.num, BASE.den, digest, ordinal, "")
            )
            if ordinal % 97 == 96:
                continue
            for side in range(2):
                track = min(tracks - 1, ordinal // length * 2 + side)
                if side and (track == tracks - 1 and tracks % 2):
                    continue
                self._face(frame, side, keys[track], ordinal, values[ordinal])
            if len(self._results) > _STEP:
                self.flush()

    def _face(self, frame: int, side: int, track: int, ordinal: int, values: list[float]) -> None:
        face = self._key("face")
        self._faces.append((face, frame, side, track, 20.0, 20.0, 60.0, 70.0, 0.99, "hand", _POINTS, "[]"))
        turn = (ordinal // 40 + side) % 23
        for place, detector in enumerate(DETECTORS):
            status, reason, detail = "ok", None, None
            if turn == 7:
                status, (reason, detail) = "abstained", _WHY[side]
            elif turn == 13 and ordinal % 40 == 0:
                status, reason, detail = "error", "detector_failed", "made so"
            score = values[side * 2 + place] if status == "ok" else None
            self._results.append((face, place, detector, status, score, reason, detail, None, None, 256))

    def flush(self) -> None:
        def write(connection: Connection) -> None:
            for table, rows in (
                (Tracks, self._tracks),
                (Frames, self._frames),
                (Faces, self._faces),
                (Results, self._results),
            ):
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    connection.exec_driver_sql(f"INSERT INTO {table.__tablename__} VALUES ({marks})", rows)

        self._store._open.database.write(write)
        for rows in (self._tracks, self._frames, self._faces, self._results):
            rows.clear()

    def _key(self, table: str) -> int:
        self._last[table] += 1
        return self._last[table]
