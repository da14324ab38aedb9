"""Terms: what a connection is for, and how its key is rotated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column that may stay empty, so code of before goes on working."""
    op.add_column("connections", sa.Column("terms", sa.Text(), nullable=True))
