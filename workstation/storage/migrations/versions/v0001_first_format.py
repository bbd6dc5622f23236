"""Format 1.0: case facts, chain of custody, exhibits, examinations with their rows, reports."""

from __future__ import annotations

from alembic import op

from workstation.storage.triggers import FORMAT_1000

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE case_facts (
  single INTEGER PRIMARY KEY CHECK (single = 1),
  id TEXT NOT NULL, number TEXT NOT NULL, title TEXT NOT NULL, examiner TEXT NOT NULL, question TEXT NOT NULL,
  created_at TEXT NOT NULL, public_key BLOB NOT NULL CHECK (length(public_key) = 32)
) STRICT""",
    """CREATE TABLE custody (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
  prev BLOB NOT NULL CHECK (length(prev) = 32),
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT""",
    """CREATE TABLE evidence (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, exhibit TEXT NOT NULL UNIQUE, name TEXT NOT NULL, source_path TEXT NOT NULL,
  stored_path TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64), size INTEGER NOT NULL,
  taken_in_at TEXT NOT NULL, taken_in_by TEXT NOT NULL, machine TEXT NOT NULL, media TEXT,
  problem TEXT NOT NULL, note TEXT NOT NULL, work TEXT NOT NULL, integrity TEXT NOT NULL, verified_at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE frame_indexes (
  evidence INTEGER PRIMARY KEY REFERENCES evidence (position),
  stream INTEGER NOT NULL, time_base_num INTEGER NOT NULL, time_base_den INTEGER NOT NULL,
  pts BLOB NOT NULL, keyframes BLOB NOT NULL
) STRICT""",
    """CREATE TABLE thumbnails (
  evidence INTEGER PRIMARY KEY REFERENCES evidence (position), png BLOB NOT NULL
) STRICT""",
    """CREATE TABLE examinations (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, environment TEXT NOT NULL, state TEXT NOT NULL,
  started_at TEXT NOT NULL, ended_at TEXT, error TEXT NOT NULL
) STRICT""",
    """CREATE TABLE tracks (
  key INTEGER PRIMARY KEY,
  examination INTEGER NOT NULL REFERENCES examinations (number),
  evidence INTEGER NOT NULL REFERENCES evidence (position),
  id TEXT NOT NULL, number INTEGER NOT NULL,
  UNIQUE (examination, evidence, id), UNIQUE (examination, evidence, number)
) STRICT""",
    """CREATE TABLE frames (
  key INTEGER PRIMARY KEY,
  examination INTEGER NOT NULL REFERENCES examinations (number),
  evidence INTEGER NOT NULL REFERENCES evidence (position),
  stream INTEGER NOT NULL, pts INTEGER NOT NULL, time_base_num INTEGER NOT NULL, time_base_den INTEGER NOT NULL,
  digest TEXT NOT NULL, ordinal INTEGER NOT NULL, error TEXT NOT NULL,
  UNIQUE (examination, evidence, stream, pts)
) STRICT""",
    """CREATE TABLE faces (
  key INTEGER PRIMARY KEY,
  frame INTEGER NOT NULL REFERENCES frames (key), position INTEGER NOT NULL,
  track INTEGER NOT NULL REFERENCES tracks (key),
  x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL,
  confidence REAL NOT NULL, finder TEXT NOT NULL, landmarks TEXT NOT NULL, gates TEXT NOT NULL,
  UNIQUE (frame, position), UNIQUE (track, frame)
) STRICT""",
    """CREATE TABLE results (
  face INTEGER NOT NULL REFERENCES faces (key), position INTEGER NOT NULL,
  detector TEXT NOT NULL, status TEXT NOT NULL, score REAL, reason TEXT, detail TEXT,
  map_digest TEXT, map_transform TEXT, crop_size INTEGER NOT NULL,
  PRIMARY KEY (face, position), UNIQUE (face, detector),
  CHECK ((status = 'ok') = (score IS NOT NULL))
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE reports (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, path TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  built_at TEXT NOT NULL, signer TEXT NOT NULL, custody_count INTEGER NOT NULL, custody_hash TEXT NOT NULL
) STRICT""",
)


def upgrade() -> None:
    for statement in (*_TABLES, *FORMAT_1000.values()):
        op.execute(statement)
