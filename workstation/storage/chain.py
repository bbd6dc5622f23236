"""Appending to the chain of custody: hash, link, sign, and notice when the clock was changed (E6, E7, E8)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from workstation.domain.clock import now_utc
from workstation.domain.custody import GENESIS, CustodyEvent, CustodyHead, CustodyKind, canonical_json, event_hash
from workstation.storage.clock_facts import steady, zone_now
from workstation.storage.keys import LedgerKey

# Wall clock and steady clock may drift apart by this much before the chain says so: NTP slews stay far below.
_CLOCK_TOLERANCE_S = 2.0
_INSERT = """INSERT INTO custody (seq, at, actor, kind, body, prev, hash, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


def head_of(connection: Connection) -> CustodyHead:
    """Number of events and hash of the last one; (0, 32 zero bytes) when there is none."""
    last = _last(connection)
    return CustodyHead(last.seq, last.hash)


class _Last(NamedTuple):
    """The event to link to; (0, 32 zero bytes, None) before the first."""

    seq: int
    hash: bytes
    at: str | None


def _last(connection: Connection) -> _Last:
    row = connection.exec_driver_sql("SELECT seq, hash, at FROM custody ORDER BY seq DESC LIMIT 1").first()
    return _Last(0, GENESIS, None) if row is None else _Last(int(row[0]), bytes(row[1]), str(row[2]))


def _as_last(event: CustodyEvent) -> _Last:
    return _Last(event.seq, event.hash, event.at)


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
        last = _last(connection)
        changed = self._watch_clock(last)
        if changed is not None:
            last = _as_last(self._append(connection, CustodyKind.CLOCK_CHANGED, changed, last))
        said = {
            "purpose": body.get("purpose", self.purpose) if purpose is None else purpose,
            "authority": body.get("authority", self.authority) if authority is None else authority,
        }
        return self._append(connection, kind, {**body, **said}, last)

    def _append(
        self, connection: Connection, kind: CustodyKind, body: Mapping[str, object], last: _Last
    ) -> CustodyEvent:
        at, text = now_utc(), canonical_json({**body, "salt": secrets.token_hex(16)})
        digest = event_hash(last.seq + 1, at, self.actor, kind.value, text, last.hash)
        event = CustodyEvent(last.seq + 1, at, self.actor, kind, text, last.hash, digest, self.key.sign(digest))
        values = (event.seq, at, self.actor, kind.value, text, event.prev, digest, event.signature)
        connection.exec_driver_sql(_INSERT, values)
        return event

    def _watch_clock(self, last: _Last) -> dict[str, object] | None:
        """What ``clock_changed`` has to say; None when nothing changed."""
        wall, now, zone = time.time(), steady(), zone_now()
        jump = (wall - self._wall) - (now - self._steady)
        before, self._wall, self._steady, self._zone = self._zone, wall, now, zone
        behind = 0.0
        if last.at is not None:
            behind = (datetime.fromisoformat(last.at) - datetime.now(UTC)).total_seconds()
        if abs(jump) <= _CLOCK_TOLERANCE_S and behind <= _CLOCK_TOLERANCE_S and zone == before:
            return None
        return {
            "jump_s": round(jump, 3),
            "behind_last_event_s": round(max(0.0, behind), 3),
            "last_event_at": last.at,
            "zone_before": before.name,
            "offset_before_s": before.offset_s,
            "zone": zone.name,
            "offset_s": zone.offset_s,
            "purpose": self.purpose,
            "authority": self.authority,
        }
