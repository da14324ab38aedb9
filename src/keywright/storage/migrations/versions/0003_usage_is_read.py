"""Usage is read: counts of records by minute and hour, and an index for a span of one key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
MINUTES_KEPT_MS = 3 * HOUR_MS


def upgrade() -> None:
    """Add both, and count what is there. Code of before this migration goes on working: it never counts."""
    op.create_table(
        "usage_counts",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("unit_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "key_id", "unit_ms", "at", "verdict", "method", "address", name=op.f("pk_usage_counts")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_usage_records_key_id_at_id_verdict_method_address"),
        "usage_records",
        ["key_id", "at", "id", "verdict", "method", "address"],
        unique=False,
    )
    names = ("key_id", "unit_ms", "at", "verdict", "method", "address", "requests")
    counts = sa.table("usage_counts", *(sa.column(name) for name in names))
    records = sa.table(
        "usage_records",
        sa.column("at", sa.BigInteger()),
        *(sa.column(name, sa.Text()) for name in ("key_id", "verdict", "method", "address")),
    )
    newest = sa.select(sa.func.max(records.c.at)).scalar_subquery()
    for unit in (MINUTE_MS, HOUR_MS):
        # As literals: PostgreSQL compares what is grouped by with what is selected, and two parameters are two things.
        begins = (records.c.at - records.c.at % sa.literal_column(str(unit))).label("begins")
        same = (records.c.verdict, records.c.method, records.c.address)
        query = sa.select(records.c.key_id, sa.literal_column(str(unit)), begins, *same, sa.func.count()).where(
            records.c.key_id != ""
        )
        if unit == MINUTE_MS:
            query = query.where(records.c.at >= newest - MINUTES_KEPT_MS)
        op.execute(sa.insert(counts).from_select(names, query.group_by(records.c.key_id, begins, *same)))
