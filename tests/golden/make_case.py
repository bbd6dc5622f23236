"""Make the golden case of a format, with that format's own code.

    PYTHONPATH=<checkout of the release> python tests/golden/make_case.py format-1.0

writes ``format-1.0.tar.xz`` and ``format-1.0.json`` (number of rows and a digest of every table as that code left them)
into ``tests/golden/cases``; ``format-1.1-encrypted`` makes one with a passphrase. Format 1.0 was made by commit
82d8519. A golden case is never made again once released: what it holds is what people have on their disks.

The case: a clip with a face and one without, a damaged file, a file turned away, a finished and a cancelled
examination with maps, a signed report, exhibits hashed again; since 1.1 also descriptions, derived items, an import and
edits with undo. Nothing but the astronaut of scikit-image (public domain) and drawn patterns.
"""

from __future__ import annotations

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
from workstation.domain.examinations import Environment, ExaminationState
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
    second = store.start_examination(run.plan, Environment({"device": "cpu", "note": "stopped"}))
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
