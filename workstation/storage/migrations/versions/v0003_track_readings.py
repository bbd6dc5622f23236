"""Format 1.2: what detectors say about a track as a whole. Additions only."""

from __future__ import annotations

from alembic import op

from workstation.storage.triggers import ADDED_1002

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE track_readings (
  position INTEGER PRIMARY KEY,
  examination INTEGER NOT NULL REFERENCES examinations (number),
  evidence INTEGER NOT NULL REFERENCES evidence (position),
  track INTEGER NOT NULL REFERENCES tracks (key),
  detector TEXT NOT NULL, status TEXT NOT NULL, value REAL, reason TEXT, detail TEXT,
  frames TEXT NOT NULL, measures TEXT NOT NULL, note TEXT NOT NULL,
  UNIQUE (track, detector),
  CHECK (status = 'ok' OR value IS NULL), CHECK ((status = 'ok') = (reason IS NULL))
) STRICT""",
    "CREATE INDEX track_readings_of ON track_readings (examination, evidence)",
)


def upgrade() -> None:
    for statement in (*_TABLES, *ADDED_1002.values()):
        op.execute(statement)
