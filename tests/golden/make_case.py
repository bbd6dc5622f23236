"""Make the golden case of a format, with that format's own code.

    PYTHONPATH=<checkout of the release> python tests/golden/make_case.py format-1.0

writes ``format-1.0.tar.xz`` and ``format-1.0.json`` (number of rows and a digest of every table as that code left them)
into ``tests/golden/cases``; ``format-1.1-encrypted`` makes one with a passphrase. Format 1.0 was made by commit
82d8519. A golden case is never made again once released: what it holds is what people have on their disks.

The case: a clip with a face and one without, a damaged file, a file turned away, a finished and a cancelled
examination with maps, a signed report, exhibits hashed again; since 1.1 also descriptions, derived items, an import
and edits with undo; since 1.2 readings of whole tracks and a person with a reference and a claim. Nothing but the
astronaut of scikit-image (public domain) and drawn patterns.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from tests.fakes import clips
from tests.fakes.marked_engine import MarkedEngine, marked_portrait
from workstation.app.session import CaseSession
from workstation.domain.examinations import Environment, Examination, ExaminationPlan, ExaminationState
from workstation.media.clips import write_clip

HERE = Path(__file__).parent / "cases"
PASSPHRASE = "gold that glitters"
MEDIA = Path(tempfile.gettempdir()) / "golden-media"


def main(name: str) -> None:
    name_the_bench()
    HERE.mkdir(exist_ok=True)
    shutil.rmtree(MEDIA, ignore_errors=True)
    MEDIA.mkdir()
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / name
            encrypted = name.endswith("-encrypted")
            more = {"passphrase": PASSPHRASE} if encrypted else {}
            with MarkedEngine(Path(place) / "home") as engine:
                session = engine.create_case(
                    folder, number="2026-001", title="Golden", examiner="A. Examiner", question="Was it älter?", **more
                )
                (fill_encrypted if encrypted else fill)(engine, session)
                session.close()
            tables = dump(encrypted_rows(folder) if encrypted else plain_rows(folder))
            for file in (folder / "case.lock",):
                file.unlink(missing_ok=True)
            with tarfile.open(HERE / f"{name}.tar.xz", "w:xz", format=tarfile.PAX_FORMAT) as tar:
                tar.add(folder, name, filter=plain)
        (HERE / f"{name}.json").write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(MEDIA, ignore_errors=True)


def name_the_bench() -> None:
    """Nothing of the machine that makes the case stays in it."""
    platform.node = lambda: "bench"
    platform.platform = lambda *_, **__: "Linux"  # type: ignore[assignment]
    names = {"user_name": lambda: "examiner", "machine_id": lambda: "0" * 32}
    for module in [m for name, m in sys.modules.items() if name.startswith("workstation.app.")]:
        for name, answer in names.items():
            if hasattr(module, name):
                setattr(module, name, answer)


def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def fill(engine: MarkedEngine, session: CaseSession) -> None:
    """Everything an examiner does, through the use-cases where they are the same in every format."""
    write_clip(MEDIA / "märked.mp4", (marked_portrait(scale=0.7) for _ in range(6)), rate=25)
    clips.write_barcode_clip(MEDIA / "pattern.mp4", 12)
    clips.cut_copy(MEDIA / "pattern.mp4", MEDIA / "cut.mp4", 0.5)
    (MEDIA / "empty.mp4").write_bytes(b"")
    (MEDIA / "letter.txt").write_bytes(b"no media\n")
    files = [MEDIA / n for n in ("märked.mp4", "pattern.mp4", "cut.mp4", "empty.mp4", "letter.txt")]
    done(engine, session.import_files(files, "from the phone"))
    chosen = [item.id for item in session.evidence() if item.media is not None]
    done(engine, session.examine(chosen, None, 4))
    store = session.store
    run = session.examinations()[0]
    plan = plan_1_2(run.plan) if hasattr(store, "readings") else run.plan
    second = store.start_examination(plan, Environment({"device": "cpu", "note": "stopped"}))
    if hasattr(store, "readings"):
        fill_1_2(session, run, second)
    store.end_examination(second.id, ExaminationState.CANCELLED, "stopped by the examiner")
    if hasattr(store, "edits"):
        fill_1_1(session)
    done(engine, session.verify_evidence())
    done(engine, session.build_report())


def fill_1_1(session: CaseSession) -> None:
    """What format 1.1 added; the import of the files above is in it already."""
    from workstation.domain.case import WorkState
    from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
    from workstation.domain.ids import DerivedId, new_id
    from workstation.domain.streams import StreamDigest

    store, editing = session.store, session.editing
    first = session.evidence()[0]
    store.descriptions.put_streams(first.id, (StreamDigest(0, "video", "h264", 6, 15_000, "a" * 64, "b" * 64),))
    store.descriptions.put_metadata(first.id, '{"make":"Märk","streams":[]}')
    path = store.folder / "derived" / "DI-01.txt"
    path.write_bytes(b"a list of frames\n")
    store.derived.add(
        DerivedItem(
            id=DerivedId(new_id()),
            number=store.derived.next_number(),
            kind=DerivedKind.DERIVATIVE,
            parent_kind=ParentKind.EVIDENCE,
            parent=first.id,
            parent_sha256=first.sha256,
            operation="framehash",
            parameters={"stream": 0},
            tool="golden",
            path="derived/DI-01.txt",
            exported=False,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
            made_at=first.taken_in_at,
            made_by="A. Examiner",
        )
    )
    run = session.examinations()[0]
    track = session.summaries(run.id, first.id)[0].track
    stream, pts = editing.place(first.id, 0.1)
    editing.bookmark(first.id, stream, pts, "Märk", note="red")
    editing.note(session.case.id, "begun")
    editing.tag(first.id, "mark/red")
    editing.name_track(run.id, first.id, track, "The astronaut")
    editing.exclude(run.id, first.id, "turned", track=track, pts=pts)
    editing.set_work(first.id, WorkState.REPORTED)
    editing.case_text("title", "Golden, second title")
    for _ in range(3):
        editing.undo()
    editing.redo()
    editing.note(first.id, "after an undo")
    editing.undo()


def plan_1_2(plan: ExaminationPlan) -> ExaminationPlan:
    """With a second detector that reads whole tracks and nothing else."""
    settings = {"gallery": "{}", "merge": "8", "schedule": "even"}
    more = {"crop_size": 224, "crop_margin": 1.7, "level": "track", "sequence": 32, "least": 2, "settings": settings}
    track_level = dataclasses.replace(plan.detectors[0], id="whole-track", **more)
    return dataclasses.replace(plan, detectors=(*plan.detectors, track_level))


def fill_1_2(session: CaseSession, run: Examination, second: Examination) -> None:
    """What format 1.2 added: readings of whole tracks; a person, a reference and a claim."""
    from workstation.domain.detectors import Measure
    from workstation.domain.edits import Change, ObjectKind
    from workstation.domain.ids import ObjectId, new_id
    from workstation.domain.results import Abstention, AbstentionReason, ItemStatus, TrackReading

    store, item = session.store, session.evidence()[0]
    rows = store.frame_rows(run.id, item.id)
    store.append_rows([dataclasses.replace(row, examination=second.id) for row in rows])
    face = next(face for row in rows for face in row.faces)
    place = (second.id, item.id, face.track, face.track_number)
    frames = tuple(row.frame.ordinal for row in rows)
    measures = (
        Measure("pairs_median", "ähnlich, median", 0.1 + 0.2, -0.5, 0.75, "5 % to 95 % of 4 frames"),
        Measure("claimed", "similarity to the person claimed", None, about="nobody is claimed", exploratory=True),
    )
    why = Abstention(AbstentionReason.TOO_FEW_FRAMES, "4 frames; it needs 8")
    store.readings.append([TrackReading(*place, "whole-track", ItemStatus.OK, frames, 1 / 3, measures, "A nöte.")])
    store.readings.append([TrackReading(*place, "red-mark", ItemStatus.ABSTAINED, frames, abstention=why)])
    person = ObjectId(new_id())
    reference = {"person": person, "examination": run.id, "evidence": item.id, "track": face.track}
    claim = {"person": person, "evidence": item.id, "track": ""}
    bodies = {
        ObjectKind.PERSON: {"name": "Märta"},
        ObjectKind.REFERENCE: reference,
        ObjectKind.CLAIM: claim,
    }
    named = [
        Change(person if kind is ObjectKind.PERSON else ObjectId(new_id()), kind, None, b) for kind, b in bodies.items()
    ]
    store.edits.do("Person", named)


def done(engine: MarkedEngine, job: object) -> None:
    info = engine.jobs.wait(job)  # type: ignore[arg-type]
    if info.state.value != "done":
        raise SystemExit(f"{info.title}: {info.state} {info.error}")


def fill_encrypted(engine: MarkedEngine, session: CaseSession) -> None:
    """Little of everything: what is encrypted cannot be packed small."""
    clips.write_barcode_clip(MEDIA / "pattern.mp4", 12)
    done(engine, session.import_files([MEDIA / "pattern.mp4"], "from the phone"))
    item = session.evidence()[0]
    session.store.arrays.put(np.linspace(0, 1, 4096, dtype=np.float16).reshape(64, 64))
    session.editing.note(item.id, "in secret")
    if hasattr(session.store, "readings"):
        fill_encrypted_1_2(session)


def fill_encrypted_1_2(session: CaseSession) -> None:
    """One frame with one face on one track, and what a detector said about that track."""
    from workstation.domain.examinations import DetectorUse, ExaminationPlan
    from workstation.domain.faces import FaceDetection, FaceQuality
    from workstation.domain.geometry import Box, Point
    from workstation.domain.ids import TrackId
    from workstation.domain.media import FrameRef, TimeBase
    from workstation.domain.results import FaceRow, FrameRow, ItemStatus, TrackReading

    store, item = session.store, session.evidence()[0]
    use = DetectorUse("whole-track", "1", "a" * 64, "b" * 64, level="track", sequence=32)
    run = store.start_examination(ExaminationPlan((item.id,), (use,), "none", "c" * 64, 1), Environment({}))
    points = (Point(1, 1), Point(3, 1), Point(2, 2), Point(1, 3), Point(3, 3))
    detection = FaceDetection(Box(0, 0, 4, 4), points, 1.0, "none")
    face = FaceRow(TrackId("track-1"), 1, detection, FaceQuality(()), ())
    store.append_rows([FrameRow(run.id, item.id, FrameRef(0, 0, TimeBase(1, 25), "d" * 64, 0), (face,))])
    store.readings.append([TrackReading(run.id, item.id, face.track, 1, use.id, ItemStatus.OK, (0,), 0.25)])
    store.end_examination(run.id, ExaminationState.DONE)


def plain_rows(folder: Path) -> sqlite3.Connection:
    """The database read by the standard library's SQLite."""
    return sqlite3.connect(f"file:{folder / 'case.sqlite'}?mode=ro&immutable=1", uri=True)


def encrypted_rows(folder: Path) -> sqlite3.Connection:
    """The database of an encrypted case."""
    from workstation.storage import key_slots
    from workstation.storage.engine import connect

    seal = key_slots.unlock(folder / "case.key", PASSPHRASE)
    assert seal is not None
    return connect(folder / "case.sqlite", "ro", immutable=True, key=seal.database_key)


def dump(raw: sqlite3.Connection) -> dict[str, dict[str, object]]:
    """Rows and digest of every table."""
    names = [n for (n,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    tables: dict[str, dict[str, object]] = {}
    for name in names:
        rows = sorted(repr(row) for row in raw.execute(f"SELECT * FROM {name}"))
        tables[name] = {"rows": len(rows), "sha256": hashlib.sha256("\n".join(rows).encode()).hexdigest()}
    raw.close()
    return tables


if __name__ == "__main__":
    main(sys.argv[1])
