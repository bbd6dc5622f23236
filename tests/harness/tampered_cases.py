"""Real cases of many kinds, made once by the engine itself, to be copied and tampered with."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from tests.harness import quick_engine
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.app.workshop import Workshop
from workstation.detectors import runtime
from workstation.domain.case import WorkState
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyHead, CustodyKind
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.detectors import Measure
from workstation.domain.edits import Change, ObjectKind
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import DerivedId, JobId, ObjectId, new_id
from workstation.domain.jobs import JobState
from workstation.domain.results import Abstention, AbstentionReason, ItemStatus, TrackReading
from workstation.storage.case_store import CaseStore
from workstation.storage.portable.disclosure import Disclosure, disclose
from workstation.storage.portable.exporting import Handover, export_case
from workstation.storage.vault import hash_file

GOLDEN = Path(__file__).parents[1] / "golden" / "cases"
PASSPHRASE = "a long enough passphrase"


@dataclass(frozen=True, slots=True)
class Made:
    """A case to copy. ``pins`` are heads kept outside it; ``older`` is the same case as it was before."""

    name: str
    folder: Path
    pins: tuple[CustodyHead, ...] = ()
    passphrase: str | None = None
    older: Path | None = None
    closed: bool = True
    keys: Path | None = None
    packs: tuple[Path, ...] = ()


@contextmanager
def known_detectors() -> Iterator[None]:
    """The harness's finder and detectors in place of networks, for as long as the block lasts."""
    kept = (Engine.detectors, Workshop.finder, Workshop.detector, runtime.devices)
    quick_engine.fit_out()
    try:
        yield
    finally:
        Engine.detectors, Workshop.finder, Workshop.detector, runtime.devices = kept  # type: ignore[method-assign]


def make_all(root: Path, *, locked: bool) -> dict[str, Made]:
    """Every kind of case, by name; with ``locked`` an encrypted one too, which takes its time to open."""
    with known_detectors():
        rich = _rich(root / "rich", None)
        made = [rich, *_live(rich), _migrated(root), _bare(root), _golden(root)]
        if locked:
            made.append(_rich(root / "locked", PASSPHRASE))
    return {one.name: one for one in made}


def _engine_home(root: Path) -> Path:
    return root / "home"


def _wait(engine: Engine, job: JobId) -> None:
    done = engine.jobs.wait(job, 120)
    assert done.state is JobState.DONE, done.error


def media(root: Path) -> list[Path]:
    """Two clips, a picture, and a text that no decoder takes."""
    root.mkdir(parents=True, exist_ok=True)
    clips = [quick_engine.write_face_clip(root / f"clip-{n}.mp4", 5 + n, n) for n in (1, 2)]
    Image.new("RGB", (320, 240), (90, 120, 30)).save(root / "picture.png")
    (root / "note.txt").write_text("no picture at all")
    return [*clips, root / "picture.png", root / "note.txt"]


def _rich(root: Path, passphrase: str | None) -> Made:
    """Exhibits, examinations, edits, derived items, reports, exports; closed, opened and closed again."""
    files = media(root / "media")
    folder = root / "case"
    with Engine(_engine_home(root)) as engine:
        session = engine.create_case(
            folder, number="2026/7", title="Clip", examiner="E. Examiner", question="Altered?", passphrase=passphrase
        )
        _wait(engine, session.import_files(files[:2], "by courier", "examination", "order 1"))
        _wait(engine, session.examine(frames=3))
        _readings(session.store)
        _edits(session)
        session.close()
        shutil.copytree(folder, root / "older")
        session = engine.open_case(folder, passphrase=passphrase)
        _wait(engine, session.import_files(files[2:], "", "comparison", "order 2"))
        _derived(session.store)
        _wait(engine, session.examine([session.evidence()[0].id], frames=2))
        _wait(engine, session.verify_evidence())
        if passphrase is None:
            _wait(engine, session.build_report())
        session.store.record(CustodyKind.TRANSFERRED, {"to": "court"}, purpose="hearing", authority="order 3")
        whole = export_case(session.store, root / "whole.wkpack", Handover("review", "order 4", "court"))
        chosen = Disclosure((session.evidence()[0].id,), handover=Handover("hearing", "order 5", "defence"))
        part = disclose(session.store, root / "part.wkpack", chosen)
        shutil.copytree(folder, root / "live", ignore=shutil.ignore_patterns("*-shm"))
        session.close()
        heads = tuple(head for head, _, _ in engine._catalogue.pins(session.case.id))
    name = "rich" if passphrase is None else "locked"
    keys = root / "home" / "keys"
    return Made(name, folder, heads, passphrase, root / "older", keys=keys, packs=(whole.path, part.path))


def _live(rich: Made) -> tuple[Made, ...]:
    """The same case as a program killed at work leaves it, with its WAL; and that one opened and closed again."""
    live = rich.folder.parent / "live"
    again = rich.folder.parent / "recovered"
    shutil.copytree(live, again)
    with Engine(_engine_home(rich.folder.parent)) as engine:
        engine.open_case(again).close()
    pins = rich.pins[:-1]
    return (
        Made("killed", live, pins, closed=False, older=rich.older),
        Made("recovered", again, pins, older=rich.older),
    )


def _readings(store: CaseStore) -> None:
    """A second examination of the same frames, with readings of whole tracks by two detectors."""
    first = store.examinations()[0]
    run = store.start_examination(first.plan, first.environment)
    for evidence in first.plan.evidence:
        rows = store.frame_rows(first.id, evidence)
        store.append_rows([replace(row, examination=run.id) for row in rows])
        tracks = {face.track: face.track_number for row in rows for face in row.faces}
        measures = (Measure("gap", "gap", 0.125, 0.1, 0.15, "least to most"), Measure("none", "none", None))
        why = Abstention(AbstentionReason.TOO_FEW_FRAMES, "3 frames, 8 are needed")
        for track, number in tracks.items():
            place = (run.id, evidence, track, number)
            store.readings.append(
                [
                    TrackReading(*place, "identity", ItemStatus.OK, (0, 1, 2), 0.25, measures, "a note"),
                    TrackReading(*place, "pace", ItemStatus.ABSTAINED, (), abstention=why),
                ]
            )
    store.end_examination(run.id, ExaminationState.DONE)


def _edits(session: CaseSession) -> None:
    edits, item = session.store.edits, session.evidence()[0]
    mark, note = ObjectId(new_id()), ObjectId(new_id())
    body = {"evidence": item.id, "stream": 0, "pts": 0, "label": "first"}
    edits.do("Bookmark", [Change(mark, ObjectKind.BOOKMARK, None, body)])
    edits.do("Rename", [Change(mark, ObjectKind.BOOKMARK, body, body | {"label": "second"})])
    edits.do("Note", [Change(note, ObjectKind.NOTE, None, {"about": item.id, "text": "looks odd"})])
    edits.undo()
    edits.redo()
    state = {"evidence": item.id, "state": WorkState.EXAMINED.value}
    edits.do("State", [Change(ObjectId(new_id()), ObjectKind.WORK_STATE, None, state)])


def _derived(store: CaseStore) -> None:
    item = store.evidence()[0]
    for number, exported in enumerate((False, False, True), start=1):
        name = f"derived/di-{number:02d}.txt"
        data = f"frames of {item.exhibit} {number}".encode() * 20
        path = store.folder.parent / f"out-{number}.txt"
        path.write_bytes(data)
        if not exported:
            store.files.write(name, data)
        digest, size = hash_file(path)
        store.derived.add(
            DerivedItem(
                id=DerivedId(new_id()),
                number=store.derived.next_number(),
                kind=DerivedKind.DERIVATIVE,
                parent_kind=ParentKind.EVIDENCE,
                parent=item.id,
                parent_sha256=item.sha256,
                operation="listing",
                parameters={"frames": number},
                tool="harness",
                path=str(path) if exported else name,
                exported=exported,
                sha256=digest,
                size=size,
                made_at=now_utc(),
                made_by="E. Examiner",
            )
        )


def _golden(root: Path) -> Made:
    """A closed case of format 1.0 as its own release left it."""
    with tarfile.open(GOLDEN / "format-1.0.tar.xz") as tar:
        tar.extractall(root / "golden")
    return Made("format 1.0", root / "golden" / "format-1.0", closed=False)


def _migrated(root: Path) -> Made:
    """That case after this program brought it up to date."""
    with tarfile.open(GOLDEN / "format-1.0.tar.xz") as tar:
        tar.extractall(root / "migrated")
    folder = root / "migrated" / "format-1.0"
    with Engine(root / "migrated" / "home") as engine:
        session = engine.open_case(folder)
        session.close()
        heads = tuple(head for head, _, _ in engine._catalogue.pins(session.case.id))
    return Made("migrated", folder, heads)


def _bare(root: Path) -> Made:
    """A case that was made and closed, with nothing in it."""
    with Engine(root / "bare" / "home") as engine:
        session = engine.create_case(root / "bare" / "case", number="1", title="", examiner="E", question="")
        session.close()
        heads = tuple(head for head, _, _ in engine._catalogue.pins(session.case.id))
    return Made("bare", root / "bare" / "case", heads)
