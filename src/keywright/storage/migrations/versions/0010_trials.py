"""Egress addresses from which held keys are tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may stay empty."""
    op.add_column("egress_addresses", sa.Column("trial_at", sa.BigInteger(), nullable=True))
