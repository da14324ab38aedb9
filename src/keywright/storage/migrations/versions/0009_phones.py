"""Phones: room for a number that codes can be sent to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may stay empty, so code of before goes on working."""
    op.add_column("accounts", sa.Column("phone_sealed", sa.LargeBinary(), nullable=True))
