"""Appending to the chain of custody: hash, link, sign, and notice when the clock was changed (E6, E7, E8)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from workstation.domain.clock import now_utc
from workstation.domain.custody import GENESIS, CustodyEvent, CustodyHead, CustodyKind, canonical_json, event_hash
from workstation.storage.clock_facts import steady, zone_now
from workstation.storage.keys import LedgerKey
from workstation.storage.tables import Custody

# Wall clock and steady clock may drift apart by this much before the chain says so: NTP slews stay far below.
_CLOCK_TOLERANCE_S = 2.0


def head_of(connection: Connection) -> CustodyHead:
    """Number of events and hash of the last one; (0, 32 zero bytes) when there is none."""
    row = connection.execute(select(Custody.seq, Custody.hash).order_by(Custody.seq.desc()).limit(1)).first()
    return CustodyHead(0, GENESIS) if row is None else CustodyHead(int(row.seq), bytes(row.hash))


class Chain:
    """Writes events as one actor with one key. Call only inside the writer's transaction.

    ``purpose`` and ``authority`` stand in every event that names none of its own (E6).
    """

    def __init__(self, key: LedgerKey, actor: str, *, purpose: str = "", authority: str = "") -> None:
        self.key = key
        self.actor = actor
        self.purpose = purpose
        self.authority = authority
        self._wall = time.time()
        self._steady = steady()
        self._zone = zone_now()

    def append(
        self,
        connection: Connection,
        kind: CustodyKind,
        body: Mapping[str, object],
        *,
        purpose: str | None = None,
        authority: str | None = None,
    ) -> CustodyEvent:
        """Add one event, preceded by ``clock_changed`` when the clock jumped, runs behind the last event, or changed
        its zone.

        Args:
            purpose, authority: why and on whose word; by default what the body says, then what the session says.

        Raises:
            ValueError, TypeError: the body is not plain JSON.
        """
        self._watch_clock(connection)
        said = {
            "purpose": body.get("purpose", self.purpose) if purpose is None else purpose,
            "authority": body.get("authority", self.authority) if authority is None else authority,
        }
        return self._append(connection, kind, {**body, **said})

    def _append(self, connection: Connection, kind: CustodyKind, body: Mapping[str, object]) -> CustodyEvent:
        head = head_of(connection)
        at, text = now_utc(), canonical_json({**body, "salt": secrets.token_hex(16)})
        digest = event_hash(head.count + 1, at, self.actor, kind.value, text, head.hash)
        event = CustodyEvent(head.count + 1, at, self.actor, kind, text, head.hash, digest, self.key.sign(digest))
        connection.execute(
            insert(Custody),
            {
                "seq": event.seq,
                "at": at,
                "actor": self.actor,
                "kind": kind.value,
                "body": text,
                "prev": event.prev,
                "hash": digest,
                "signature": event.signature,
            },
        )
        return event

    def _watch_clock(self, connection: Connection) -> None:
        wall, now, zone = time.time(), steady(), zone_now()
        jump = (wall - self._wall) - (now - self._steady)
        before, self._wall, self._steady, self._zone = self._zone, wall, now, zone
        last = connection.execute(select(Custody.at).order_by(Custody.seq.desc()).limit(1)).scalar()
        behind = 0.0
        if last is not None:
            behind = (datetime.fromisoformat(last) - datetime.now(UTC)).total_seconds()
        if abs(jump) > _CLOCK_TOLERANCE_S or behind > _CLOCK_TOLERANCE_S or zone != before:
            body = {
                "jump_s": round(jump, 3),
                "behind_last_event_s": round(max(0.0, behind), 3),
                "last_event_at": last,
                "zone_before": before.name,
                "offset_before_s": before.offset_s,
                "zone": zone.name,
                "offset_s": zone.offset_s,
                "purpose": self.purpose,
                "authority": self.authority,
            }
            self._append(connection, CustodyKind.CLOCK_CHANGED, body)
