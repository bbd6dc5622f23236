"""Runs the steps on the connection and in the transaction that ``workstation.storage.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from workstation.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=True
)
context.run_migrations()
