"""Checkpoints of the audit log: room for its public chain, and a database that itself refuses to change an event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REFUSAL = "the audit log is only ever added to"

# REPLACE deletes without asking the trigger for DELETE, so it has one of its own.
SQLITE = f"""
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END

CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END

CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""

POSTGRESQL = f"""
CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$

CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()

CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()
"""


def upgrade() -> None:
    """Add the columns and the triggers. The link of what is there already is computed by the first checkpoint, a row at
    a time: a migration has no key to prove the events with. Code of before goes on working: it never changes an event."""
    op.add_column("audit_head", sa.Column("link_seq", sa.BigInteger(), nullable=True))
    op.add_column("audit_head", sa.Column("link", sa.LargeBinary(), nullable=True))
    op.add_column("audit_head", sa.Column("link_mac", sa.LargeBinary(), nullable=True))
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements.strip().split("\n\n"):
        op.execute(statement)
