"""What detectors said about tracks as a whole, kept beside the scores of single frames (X9, X10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.results import TrackFace, TrackReading
from workstation.domain.series import ExhibitSeries, TrackSpan
from workstation.storage.facets.reading import keys, read_or
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import examinations, readings, series, track_faces

_SINCE = 1002


class Readings:
    """Facet ``store.readings``. Rows only grow; they are sealed when the examination ends."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened

    def append(self, found: Sequence[TrackReading]) -> int:
        """Store readings in one transaction; return how many were new.

        What is stored already for the same examination, exhibit, track and detector is ignored: nothing is replaced.

        Raises:
            InputError: the examination is not running, or does not include the exhibit.
            NotFound: it has no such track in that exhibit.
            ValueError: a reading contradicts itself, or holds a number that is none.
            CaseReadOnly.
        """
        return self._open.database.write(lambda c: readings.append(c, found))

    def of(self, examination: ExaminationId, evidence: EvidenceId) -> tuple[TrackReading, ...]:
        """In the order of tracks. Raises: NotFound."""

        def work(connection: Connection) -> tuple[TrackReading, ...]:
            number, position = keys(connection, examination, evidence)
            return readings.read(connection, examination, number, evidence, position)

        return read_or(self._open, work, (), _SINCE)

    def stored(self, examination: ExaminationId, evidence: EvidenceId) -> frozenset[tuple[TrackId, str]]:
        """Track and detector of every reading that is there. Raises: NotFound."""
        return read_or(self._open, lambda c: readings.stored(c, *keys(c, examination, evidence)), frozenset(), _SINCE)

    def faces(self, examination: ExaminationId, evidence: EvidenceId) -> tuple[TrackFace, ...]:
        """Every face of an exhibit in presentation order, without what detectors gave for it. Raises: NotFound."""
        return self._open.read(lambda c: track_faces.read(c, *keys(c, examination, evidence)))

    def series(
        self, examination: ExaminationId, evidence: EvidenceId, ordinals: Collection[int] | None = None
    ) -> ExhibitSeries:
        """What detectors gave for the faces of an exhibit, in columns; of the frames ``ordinals``, or of all.

        Raises: NotFound.
        """
        return self._open.read(lambda c: series.read(c, *keys(c, examination, evidence), ordinals))

    def any_frame(self, examination: ExaminationId, evidence: EvidenceId) -> bool:
        """Whether the examination has looked at any frame of the exhibit. Raises: NotFound."""
        return self._open.read(lambda c: series.any_row(c, *keys(c, examination, evidence)))

    def spans(self, examination: ExaminationId) -> dict[EvidenceId, tuple[TrackSpan, ...]]:
        """From when to when each track was seen, by exhibit. Raises: NotFound."""
        return self._open.read(lambda c: series.spans(c, examinations.number(c, examination)))
