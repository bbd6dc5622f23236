"""Reading the faces of an exhibit without what detectors gave for them: enough to sort and choose pictures by."""

from __future__ import annotations

from sqlalchemy import Connection, text

from workstation.domain.ids import TrackId
from workstation.domain.media import TimeBase
from workstation.domain.results import ItemStatus, TrackFace
from workstation.storage import mapping

_FACES = """SELECT t.id, t.number, m.ordinal, m.pts, m.time_base_num, m.time_base_den, f.y1 - f.y0, f.gates,
  (SELECT group_concat(r.status) FROM results r WHERE r.face = f.key)
FROM faces f JOIN frames m ON m.key = f.frame JOIN tracks t ON t.key = f.track
WHERE m.examination = :examination AND m.evidence = :evidence ORDER BY m.pts, f.position"""


def read(connection: Connection, examination: int, evidence: int) -> tuple[TrackFace, ...]:
    """Every face of an exhibit under an examination, in presentation order."""
    bases: dict[tuple[int, int], TimeBase] = {}
    found = []
    rows = connection.execute(text(_FACES), {"examination": examination, "evidence": evidence})
    for track, number, ordinal, pts, num, den, height, gates, told in rows:
        base = bases.setdefault((num, den), TimeBase(num, den))
        statuses = (told or "").split(",")
        found.append(
            TrackFace(
                TrackId(track),
                number,
                ordinal,
                pts,
                base.seconds(pts),
                height,
                mapping.gates_from_text(gates),
                statuses.count(ItemStatus.OK),
                statuses.count(ItemStatus.ABSTAINED),
                statuses.count(ItemStatus.ERROR),
            )
        )
    return tuple(found)
