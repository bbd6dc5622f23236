"""What SQLite itself enforces: the chain only grows by its next event, and recorded facts are never changed (E6, X10).

The INSERT trigger on ``custody`` is needed beside the UPDATE and DELETE ones: ``INSERT OR REPLACE`` removes rows
without firing delete triggers unless ``recursive_triggers`` is on, which an outside tool need not set. The texts of a
format are frozen once released; verification compares them with what the database holds.
"""

from __future__ import annotations

from collections.abc import Mapping

_CUSTODY = {
    "custody_append": """CREATE TRIGGER custody_append BEFORE INSERT ON custody BEGIN
  SELECT RAISE(ABORT, 'custody: not the next event')
    WHERE NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM custody);
  SELECT RAISE(ABORT, 'custody: not linked to the last event')
    WHERE NEW.prev IS NOT COALESCE((SELECT hash FROM custody ORDER BY seq DESC LIMIT 1), zeroblob(32));
  SELECT RAISE(ABORT, 'custody: hash already in the chain')
    WHERE EXISTS (SELECT 1 FROM custody WHERE hash = NEW.hash);
END""",
    "custody_no_update": """CREATE TRIGGER custody_no_update BEFORE UPDATE ON custody BEGIN
  SELECT RAISE(ABORT, 'custody: events are never changed');
END""",
    "custody_no_delete": """CREATE TRIGGER custody_no_delete BEFORE DELETE ON custody BEGIN
  SELECT RAISE(ABORT, 'custody: events are never removed');
END""",
}


def _frozen(table: str, columns: str = "") -> dict[str, str]:
    of = f" OF {columns}" if columns else ""
    return {
        f"{table}_no_update": f"""CREATE TRIGGER {table}_no_update BEFORE UPDATE{of} ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: recorded facts are never changed');
END""",
        f"{table}_no_delete": f"""CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: recorded facts are never removed');
END""",
    }


FORMAT_1000: Mapping[str, str] = {
    **_CUSTODY,
    **_frozen("case_facts"),
    **_frozen(
        "evidence",
        "position, id, exhibit, name, source_path, stored_path, sha256, size, taken_in_at, taken_in_by, machine, media,"
        " problem, note",
    ),
    **_frozen("examinations", "number, id, plan, environment, started_at"),
    **_frozen("tracks"),
    **_frozen("frames"),
    **_frozen("faces"),
    **_frozen("results"),
    **_frozen("reports"),
}


def _growing(table: str, key: str, columns: str = "") -> dict[str, str]:
    """A table that only grows, row by row, along ``key``: nothing is slipped in between or put in another's place."""
    return {
        f"{table}_append": f"""CREATE TRIGGER {table}_append BEFORE INSERT ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: not the next row')
    WHERE NEW.{key} IS NOT (SELECT COALESCE(MAX({key}), 0) + 1 FROM {table});
END""",
        **_frozen(table, columns),
    }


def _once(table: str, *keys: str, columns: str = "") -> dict[str, str]:
    """A table whose rows are written once: a row with a known key is refused, also by ``INSERT OR REPLACE``."""
    same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
    return {
        f"{table}_once": f"""CREATE TRIGGER {table}_once BEFORE INSERT ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: this row is there already') WHERE EXISTS (SELECT 1 FROM {table} WHERE {same});
END""",
        **_frozen(table, columns),
    }


def _unique(table: str, *columns: str) -> dict[str, str]:
    """Columns whose values are given once: ``INSERT OR REPLACE`` would take the older row away for them."""
    known = " OR ".join(f"{column} = NEW.{column}" for column in columns)
    return {
        f"{table}_unique": f"""CREATE TRIGGER {table}_unique BEFORE INSERT ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: this row is there already') WHERE EXISTS (SELECT 1 FROM {table} WHERE {known});
END"""
    }


ADDED_1001: Mapping[str, str] = {
    **_growing("descriptions", "number"),
    **_once("stream_digests", "description", "position"),
    **_once("metadata", "description"),
    **_growing("derived", "position"),
    **_unique("derived", "id", "number"),
    **_growing("intake_batches", "number", "number, id, started_at, note, purpose, authority, total"),
    **_unique("intake_batches", "id"),
    **_once("intake_items", "batch", "position", columns="batch, position, path, size, modified_ns"),
    **_growing("edits", "seq"),
}

FORMAT_1001: Mapping[str, str] = {**FORMAT_1000, **ADDED_1001}

ADDED_1002: Mapping[str, str] = {
    **_growing("track_readings", "position"),
    **_once("track_readings", "track", "detector"),
}

FORMAT_1002: Mapping[str, str] = {**FORMAT_1001, **ADDED_1002}

BY_FORMAT: Mapping[int, Mapping[str, str]] = {1000: FORMAT_1000, 1001: FORMAT_1001, 1002: FORMAT_1002}
