"""Every table. Rows become frozen dataclasses in each feature's `store`; foreign keys never create an import.

Conventions: times are integer milliseconds UTC, `…_at`; booleans are times that may be null ("disabled_at"); secrets are
`…_sealed` (envelope) or `…_digest` (keyed hash), never plain; amounts are decimal text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite gives automatic row numbers to INTEGER primary keys only; PostgreSQL needs the wide type.
Serial = BigInteger().with_variant(Integer, "sqlite")

# ── sealing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

keyring_keys = Table(
    "keyring_keys",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("database_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),  # the data key, sealed under the wrapping key of the config folder
    Column("created_at", BigInteger, nullable=False),
)

# ── audit ───────────────────────────────────────────────────────────────────────────────────────────────────────────

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 … without a gap
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),  # JSON: factor, address, agent, request id
    Column("account_id", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the id of what changed
    Column("subject_version", Integer, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("mac", LargeBinary, nullable=False),  # over the previous row's mac and every column above
    Index(None, "subject", "seq"),
    Index(None, "account_id", "seq"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),  # of the newest event
    Column("head_mac", LargeBinary, nullable=False),  # over seq and mac: a cut tail shows
)

# ── identity ────────────────────────────────────────────────────────────────────────────────────────────────────────

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("uid", BigInteger, nullable=False, unique=True),  # the number that exchanges' clients expect
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("password_hash", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_step", BigInteger, nullable=False),  # the newest time step ever used; only rises
    Column("created_at", BigInteger, nullable=False),
    Column("frozen_at", BigInteger),
)

# ── issuing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),  # 24 hex digits; a deleted key keeps its row, so ids are never reused
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("sub_account", Text, nullable=False),  # empty: the account itself
    Column("slot", Integer),  # 1 … limit; null once deleted
    Column("lane", Integer, nullable=False),  # 0; 1 is room for the successor that shares a slot during a rotation
    Column("name", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("passphrase_digest", LargeBinary, nullable=False),  # keyed hash of the header value the passphrase makes
    # The grant: what grant_mac covers, together with id, account and sub-account.
    Column("permissions", Text, nullable=False),  # "read,trade", sorted
    Column("environment", Text, nullable=False),
    Column("addresses", Text, nullable=False),  # "203.0.113.7/32,2001:db8::/64"; empty: any address
    Column("status", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("grant_mac", LargeBinary, nullable=False),
    # Outside the grant, so that switching off needs no keyring. Either one, set, always refuses.
    Column("disabled_at", BigInteger),
    Column("frozen_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    UniqueConstraint("account_id", "sub_account", "slot", "lane"),
)

change_sequence = Table(
    "change_sequence",
    metadata,
    Column("name", Text, primary_key=True),  # "keys"
    Column("seq", BigInteger, nullable=False),  # raised in the transaction of every change a gateway must hear of
)

# ── gateway ─────────────────────────────────────────────────────────────────────────────────────────────────────────

replay_entries = Table(
    "replay_entries",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)

replay_epoch = Table(
    "replay_epoch",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("began_at", BigInteger, nullable=False),  # entries accepted since then are all kept until they expire
)

usage_records = Table(
    "usage_records",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),  # empty: no key that exists was named
    Column("account_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),  # never the query: exchanges put passphrases there
    Column("verdict", Text, nullable=False),  # "allowed" or a Reason
    Column("status", Integer, nullable=False),
    Column("latency_us", BigInteger, nullable=False),
    Index(None, "key_id", "id"),
)

key_last_use = Table(
    "key_last_use",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
)

# ── sandbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────
