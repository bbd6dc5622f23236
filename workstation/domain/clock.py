"""Wall-clock time as stored everywhere: ISO 8601, UTC, milliseconds, with the zone written out."""

from __future__ import annotations

from datetime import UTC, datetime


def now_utc() -> str:
    """Return the present moment, e.g. ``2026-01-31T09:15:02.481+00:00``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
