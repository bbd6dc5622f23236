"""What was found in exhibits: the newest description of each kind is in force, older ones stay."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from workstation.domain.streams import StreamDigest
from workstation.storage.tables import Descriptions, Metadata, StreamDigests


def newest(connection: Connection, evidence: int, what: str) -> tuple[int, str] | None:
    """Return (number, SHA-256) of the description in force, None when there is none."""
    wanted = select(Descriptions.number, Descriptions.sha256)
    wanted = wanted.where(Descriptions.evidence == evidence, Descriptions.what == what)
    row = connection.execute(wanted.order_by(Descriptions.number.desc()).limit(1)).first()
    return None if row is None else (int(row.number), str(row.sha256))


def add(connection: Connection, evidence: int, what: str, sha256: str, at: str) -> int:
    """Begin a description and return its number."""
    number = int(connection.execute(select(func.max(Descriptions.number))).scalar() or 0) + 1
    values = {"number": number, "evidence": evidence, "what": what, "sha256": sha256, "described_at": at}
    connection.execute(insert(Descriptions), values)
    return number


def add_streams(connection: Connection, description: int, streams: tuple[StreamDigest, ...]) -> None:
    values = [
        {
            "description": description,
            "position": position,
            "stream": stream.stream,
            "kind": stream.kind,
            "codec": stream.codec,
            "packets": stream.packets,
            "size": stream.size,
            "sha256": stream.sha256,
            "normal_sha256": stream.normal_sha256,
        }
        for position, stream in enumerate(streams)
    ]
    if values:
        connection.execute(insert(StreamDigests), values)


def streams(connection: Connection, description: int) -> tuple[StreamDigest, ...]:
    wanted = select(StreamDigests.__table__).where(StreamDigests.description == description)
    return tuple(
        StreamDigest(row.stream, row.kind, row.codec, row.packets, row.size, row.sha256, row.normal_sha256)
        for row in connection.execute(wanted.order_by(StreamDigests.position))
    )


def add_metadata(connection: Connection, description: int, text: str) -> None:
    connection.execute(insert(Metadata), {"description": description, "text": text})


def metadata(connection: Connection, description: int) -> str | None:
    return connection.execute(select(Metadata.text).where(Metadata.description == description)).scalar()
