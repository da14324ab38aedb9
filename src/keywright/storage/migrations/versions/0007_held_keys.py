"""Other exchanges' keys: egress addresses, reservations of them, connections and the keys they hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables; code of before does not know them."""
    op.create_table(
        "egress_addresses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("user_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("shared_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("egress_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_egress_addresses"),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column(
            "egress_id",
            sa.Text(),
            sa.ForeignKey("egress_addresses.id", name="fk_connections_egress_id"),
            nullable=False,
        ),
        sa.Column("held_key_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("bots", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("connection_mac", sa.LargeBinary(), nullable=False),
        sa.Column("rotation", sa.Text(), nullable=True),
        sa.Column("next_check_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.UniqueConstraint("account_id", "name", name="uq_connections_account_id_name"),
    )
    op.create_index("ix_connections_egress_id", "connections", ["egress_id"])
    op.create_index("ix_connections_next_check_at", "connections", ["next_check_at"])
    op.create_table(
        "held_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "connection_id",
            sa.Text(),
            sa.ForeignKey("connections.id", name="fk_held_keys_connection_id"),
            nullable=False,
        ),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("passphrase_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_digest", sa.LargeBinary(), nullable=True),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("wiped_at", sa.BigInteger(), nullable=True),
        sa.Column("last_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_held_keys"),
        sa.UniqueConstraint("key_digest", name="uq_held_keys_key_digest"),
    )
    op.create_index("ix_held_keys_connection_id", "held_keys", ["connection_id"])
    op.create_table(
        "egress_reservations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column(
            "egress_id",
            sa.Text(),
            sa.ForeignKey("egress_addresses.id", name="fk_egress_reservations_egress_id"),
            nullable=False,
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_egress_reservations"),
        sa.UniqueConstraint("account_id", "exchange", name="uq_egress_reservations_account_id_exchange"),
    )
    op.create_index("ix_egress_reservations_egress_id", "egress_reservations", ["egress_id"])
