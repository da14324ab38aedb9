"""Alembic's entry: runs the migrations over the connection that `storage.migrate` hands in."""

from __future__ import annotations

from alembic import context

from keywright.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't alter most things in place
    transaction_per_migration=False,
)
context.run_migrations()
