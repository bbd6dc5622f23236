"""A face whose landmarks cannot be cut out is an abstention with its reason; the job goes on (G4, G14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from tests.fakes.marked_engine import MarkedEngine, marked_portrait
from workstation.domain.faces import FaceDetection
from workstation.domain.geometry import Box, Point
from workstation.domain.jobs import JobState
from workstation.domain.media import RgbArray
from workstation.domain.results import AbstentionReason, ItemStatus


class CollapsedFinder:
    """Answers with one face whose five landmarks are a single point."""

    id = "mtcnn"
    weights_sha256 = "2" * 64
    settings: Mapping[str, float] = {}

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        point = Point(220.0, 120.0)
        return [[FaceDetection(Box(180, 60, 270, 170), (point,) * 5, 0.99, "mtcnn")] for _ in frames]


def test_a_face_that_cannot_be_cut_out_abstains(tmp_path: Path) -> None:
    Image.fromarray(marked_portrait(None)).save(tmp_path / "p.png")
    with MarkedEngine(tmp_path / "home") as engine:
        engine.workshop.finder = lambda _: CollapsedFinder()  # type: ignore[method-assign,assignment]  # only this finder fails
        session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="e", question="q")
        engine.jobs.wait(session.import_files([tmp_path / "p.png"]))
        job = engine.jobs.wait(session.examine(), 60)
        assert job.state is JobState.DONE, job.error
        run = session.examinations()[-1]
        (row,) = session.frame_rows(run.id, session.evidence()[0].id)
        (result,) = row.faces[0].results
        assert result.status is ItemStatus.ABSTAINED
        assert result.abstention is not None
        assert result.abstention.reason is AbstentionReason.LANDMARKS_UNUSABLE
        assert session.coverage(run.id, session.evidence()[0].id).abstained == 1
