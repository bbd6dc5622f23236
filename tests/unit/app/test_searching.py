"""The search finds by words and by the beginning of a hash, and every result says where it leads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.contents import Reader
from workstation.app.engine import Engine
from workstation.app.findings import Findings
from workstation.app.searching import Hit, HitKind, search
from workstation.app.session import CaseSession
from workstation.domain.examinations import ExaminationState


@pytest.fixture
def session(tmp_path: Path) -> Iterator[CaseSession]:
    with Engine(tmp_path / "home") as engine:
        made = engine.create_case(tmp_path / "case", number="7", title="T", examiner="A", question="")
        item = samples.take_in(made.store, tmp_path / "a.mp4", b"first")
        made.store.put_frame_index(item.id, samples.index())
        samples.take_in(made.store, tmp_path / "b.png", b"second")
        run = made.store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
        made.store.append_rows([samples.full_row(run.id, item.id, n) for n in range(3)])
        made.store.end_examination(run.id, ExaminationState.DONE)
        made.editing.name_track(run.id, item.id, "track-1", "The speaker")
        made.editing.bookmark(item.id, 0, samples.index().pts[2], "Seam", note="at the hairline")
        made.editing.tag(item.id, "light/flicker")
        Findings(made.store, engine.hub).add("Mouth is soft", item.id, track="track-1")
        yield made
        made.close()


def found(session: CaseSession, words: str) -> tuple[Hit, ...]:
    reader = Reader(session)
    return search(reader.read(), reader, words)


def test_words_and_hashes_lead_there(session: CaseSession) -> None:
    first, second = session.evidence()
    (hit,) = found(session, second.sha256[:9].upper())
    assert (hit.kind, hit.evidence) == (HitKind.EXHIBIT, second.id)
    (hit,) = found(session, "SPEAKER ex-01")
    assert (hit.kind, hit.evidence, hit.track) == (HitKind.TRACK, first.id, "track-1")
    (hit,) = found(session, "hairline seam")
    assert (hit.kind, hit.evidence, hit.ordinal) == (HitKind.BOOKMARK, first.id, 2)
    assert "EX-01" in hit.detail
    (hit,) = found(session, "mouth")
    assert (hit.kind, hit.track) == (HitKind.FINDING, "track-1")
    assert [one.kind for one in found(session, "flicker")] == [HitKind.TAG]
    kinds = [one.kind for one in found(session, "ex-01")]
    assert kinds == sorted(kinds, key=list(HitKind).index)


def test_nothing_is_found_for_nothing(session: CaseSession) -> None:
    assert found(session, "  ") == ()
    assert found(session, "mouth hairline") == ()
    first = session.evidence()[0]
    assert found(session, first.sha256[:5]) == (), "too short for a hash"
