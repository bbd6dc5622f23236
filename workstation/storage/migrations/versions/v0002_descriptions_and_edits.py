"""Format 1.1: what was found in exhibits, what was made from them, imports, the examiner's edits. Additions only."""

from __future__ import annotations

from alembic import op

from workstation.storage.triggers import ADDED_1001

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE descriptions (
  number INTEGER PRIMARY KEY,
  evidence INTEGER NOT NULL REFERENCES evidence (position),
  what TEXT NOT NULL, sha256 TEXT NOT NULL CHECK (length(sha256) = 64), described_at TEXT NOT NULL
) STRICT""",
    "CREATE INDEX descriptions_of ON descriptions (evidence, what, number)",
    """CREATE TABLE stream_digests (
  description INTEGER NOT NULL REFERENCES descriptions (number),
  position INTEGER NOT NULL, stream INTEGER NOT NULL, kind TEXT NOT NULL, codec TEXT NOT NULL,
  packets INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, normal_sha256 TEXT NOT NULL,
  PRIMARY KEY (description, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metadata (
  description INTEGER PRIMARY KEY REFERENCES descriptions (number), text TEXT NOT NULL
) STRICT""",
    """CREATE TABLE derived (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, number TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  parent_kind TEXT NOT NULL, parent TEXT NOT NULL, parent_sha256 TEXT NOT NULL CHECK (length(parent_sha256) = 64),
  operation TEXT NOT NULL, parameters TEXT NOT NULL, tool TEXT NOT NULL,
  path TEXT NOT NULL, exported INTEGER NOT NULL CHECK (exported IN (0, 1)),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), size INTEGER NOT NULL,
  made_at TEXT NOT NULL, made_by TEXT NOT NULL, note TEXT NOT NULL
) STRICT""",
    """CREATE TABLE intake_batches (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, started_at TEXT NOT NULL, ended_at TEXT, state TEXT NOT NULL,
  note TEXT NOT NULL, purpose TEXT NOT NULL, authority TEXT NOT NULL, total INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE intake_items (
  batch INTEGER NOT NULL REFERENCES intake_batches (number), position INTEGER NOT NULL,
  path TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
  state TEXT NOT NULL, evidence INTEGER REFERENCES evidence (position), code TEXT NOT NULL, line TEXT NOT NULL,
  PRIMARY KEY (batch, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE edits (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL, actor TEXT NOT NULL, label TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('do', 'undo', 'redo')),
  target INTEGER NOT NULL CHECK ((action = 'do') = (target = 0)), changes TEXT NOT NULL
) STRICT""",
    "CREATE INDEX edits_of_target ON edits (target, seq)",
    """CREATE TABLE examiner_objects (
  id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, since INTEGER NOT NULL REFERENCES edits (seq)
) STRICT""",
)


def upgrade() -> None:
    for statement in (*_TABLES, *ADDED_1001.values()):
        op.execute(statement)
