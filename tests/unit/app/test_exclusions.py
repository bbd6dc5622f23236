"""X10: what the examiner excluded is counted once, stays in the tables and gives no key frame."""

from __future__ import annotations

from pathlib import Path

from tests.unit.storage import storage_samples as samples
from workstation.app.editing import Editing
from workstation.app.exclusions import exclusions
from workstation.app.hub import Hub
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


def test_readings_under_two_exclusions_count_once(tmp_path: Path) -> None:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as store:
        item = samples.take_in(store, tmp_path / "a.mp4", b"first")
        store.put_frame_index(item.id, samples.index())
        run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
        store.append_rows([samples.full_row(run.id, item.id, n) for n in range(3)])
        rows = store.frame_rows(run.id, item.id)
        detectors = len(samples.DETECTORS)
        editing = Editing(store, Hub())
        assert exclusions(store, item, run, rows) == ((), 0)
        editing.exclude(run.id, item.id, "turned away", track=rows[0].faces[1].track)
        editing.exclude(run.id, item.id, "a cut", pts=rows[0].frame.pts)
        found, together = exclusions(store, item, run, rows)
        assert [(e.track_number, e.reason, e.readings) for e in found] == [
            (2, "turned away", 3 * detectors),
            (0, "a cut", 2 * detectors),
        ]
        assert found[1].seconds == rows[0].frame.seconds
        assert together == (3 + 2 - 1) * detectors
        editing.undo()
        editing.undo()
        assert exclusions(store, item, run, rows) == ((), 0)
