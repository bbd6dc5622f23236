"""What the chain of custody says when a case is brought up to date: rows that no older event spoke for get a digest.

From then on verification of a migrated case and of a new one is the same. The rows are stated as they were found; that
they are what was recorded before rests on the format they come from.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, select, text

from workstation.domain.custody import CustodyKind, canonical_json
from workstation.domain.ids import EvidenceId
from workstation.storage import row_digests
from workstation.storage.chain import Chain
from workstation.storage.described import Described, exhibit_facts, index_digest, sha256_of
from workstation.storage.repositories import evidence as exhibits
from workstation.storage.tables import Evidence, Examinations, FrameIndexes, Reports, Thumbnails
from workstation.storage.vault import hash_file


def migrated(connection: Connection, chain: Chain, old: int, new: int, root: Path, backup: Path) -> None:
    """Append ``migrated`` with the backup's path inside the case folder ``root``, its SHA-256 and size, and
    ``evidence_described`` for older rows.

    The body of ``migrated`` has the columns of examinations and reports that no event of format 1.0 stated:
    ``examinations``: [{examination, started_at, ended_at, tables_sha256 (``row_digests``)}] and
    ``reports``: [{report, built_at}].
    """
    runs = connection.execute(select(Examinations.__table__).order_by(Examinations.number)).all()
    reports = connection.execute(select(Reports.id, Reports.built_at).order_by(Reports.number))
    sha256, size = hash_file(backup)
    body = {
        "backup": backup.relative_to(root).as_posix(),
        "sha256": sha256,
        "size": size,
        "from_format": old,
        "format": new,
        "examinations": [
            {
                "examination": run.id,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "tables_sha256": row_digests.of_examination(
                    lambda sql, values: connection.execute(text(sql), values), run.number, new
                ),
            }
            for run in runs
        ],
        "reports": [{"report": i, "built_at": at} for i, at in reports],
    }
    chain.append(connection, CustodyKind.MIGRATED, body)
    if old < 1001:
        for identifier in connection.execute(select(Evidence.id).order_by(Evidence.position)).scalars().all():
            _describe(connection, chain, EvidenceId(identifier))


def _describe(connection: Connection, chain: Chain, evidence: EvidenceId) -> None:
    row = exhibits.columns(connection, evidence)
    index = connection.execute(select(FrameIndexes.__table__).where(FrameIndexes.evidence == row["position"])).first()
    png = connection.execute(select(Thumbnails.png).where(Thumbnails.evidence == row["position"])).scalar()
    facts = exhibit_facts(row)
    found: list[tuple[Described, str, dict[str, object]]] = [
        (Described.EXHIBIT, sha256_of(canonical_json(facts)), {"facts": facts}),
        (Described.WORK, sha256_of(str(row["work"])), {"state": row["work"]}),
    ]
    if index is not None:
        digest = index_digest(
            index.stream, index.time_base_num, index.time_base_den, bytes(index.pts), bytes(index.keyframes)
        )
        found.append((Described.FRAME_INDEX, digest, {}))
    if png is not None:
        found.append((Described.THUMBNAIL, sha256_of(bytes(png)), {}))
    for what, sha256, more in found:
        body = {"evidence": evidence, "exhibit": row["exhibit"], "what": what.value, "sha256": sha256, "migrated": True}
        chain.append(connection, CustodyKind.EVIDENCE_DESCRIBED, body | more)
