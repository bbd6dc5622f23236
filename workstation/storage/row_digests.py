"""A digest for each table of an examination, over every column of every row, keys included (X1, E7).

It goes into ``examination_ended`` beside ``results_sha256``: that one is over what the rows mean, these are over the
rows as they stand, so that a row that means nothing to the results (a track without a face, a key) is sealed too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

STATEMENTS: Mapping[str, str] = {
    "tracks": """SELECT key, examination, evidence, id, number FROM tracks
WHERE examination = :examination ORDER BY key""",
    "frames": """SELECT key, examination, evidence, stream, pts, time_base_num, time_base_den, digest, ordinal, error
FROM frames WHERE examination = :examination ORDER BY key""",
    "faces": """SELECT f.key, f.frame, f.position, f.track, f.x0, f.y0, f.x1, f.y1, f.confidence, f.finder, f.landmarks,
f.gates FROM faces f JOIN frames m ON m.key = f.frame WHERE m.examination = :examination ORDER BY f.key""",
    "results": """SELECT r.face, r.position, r.detector, r.status, r.score, r.reason, r.detail, r.map_digest,
r.map_transform, r.crop_size FROM results r JOIN faces f ON f.key = r.face JOIN frames m ON m.key = f.frame
WHERE m.examination = :examination ORDER BY r.face, r.position""",
    "track_readings": """SELECT position, examination, evidence, track, detector, status, value, reason, detail, frames,
measures, note FROM track_readings WHERE examination = :examination ORDER BY position""",
}
SINCE: Mapping[str, int] = {"track_readings": 1002}
"""The format that brought a table, where that is not the first."""


Run = Callable[[str, Mapping[str, object]], Iterable[Sequence[object]]]


def rows_sha256(rows: Iterable[Sequence[object]]) -> str:
    """SHA-256 (hex) over rows of integers, floats, text and None, each written so that no two rows look the same."""
    digest = hashlib.sha256(b"workstation table rows v1\n")
    for row in rows:
        digest.update(ascii(tuple(row)).encode("ascii"))
        digest.update(b"\n")
    return digest.hexdigest()


def of_examination(run: Run, examination: int, number: int) -> dict[str, str]:
    """Table name to digest, for the tables that format ``number`` has. ``run`` executes a statement with named values
    and gives its rows."""
    values = {"examination": examination}
    there = {table: statement for table, statement in STATEMENTS.items() if SINCE.get(table, 0) <= number}
    return {table: rows_sha256(run(statement, values)) for table, statement in there.items()}
