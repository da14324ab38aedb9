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

# Ways to the wrapping key of a personal vault: each holds it wrapped by what only that way brings. A server has none.
vault_protections = Table(
    "vault_protections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # passphrase, key-file, keyring, systemd …
    Column("parameters", Text, nullable=False),  # JSON: salt and cost, or where to look
    Column("wrapped", LargeBinary, nullable=False),  # bound to this row, its parameters and its database
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
    # The public chain, as far as it is computed; null in a log from before there was one, until its first checkpoint.
    Column("link_seq", BigInteger),
    Column("link", LargeBinary),
    Column("link_mac", LargeBinary),  # over link_seq and link: only a link of our own making is signed
)

# ── identity ────────────────────────────────────────────────────────────────────────────────────────────────────────

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("uid", BigInteger, nullable=False, unique=True),  # the number that exchanges' clients expect
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("password_hash", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),  # empty: no second factor yet
    Column("totp_step", BigInteger, nullable=False),  # the newest time step ever used; only rises
    Column("created_at", BigInteger, nullable=False),
    Column("frozen_at", BigInteger),
    Column("operator_at", BigInteger),  # since when it is an operator's
    Column("trading_password_hash", Text),  # null: none was set
    Column("email_verified_at", BigInteger),
    Column("phrase_sealed", LargeBinary),  # the anti-phishing phrase; null: none was chosen
    Column("language", Text),  # of notices; null: nobody chose one
    Column("phone_sealed", LargeBinary),  # the phone that codes can be sent to; null: none was set
    Column("whitelist_on_at", BigInteger),  # since when withdrawals go to listed addresses only
    Column("whitelist_off_at", BigInteger),  # from when on that ends, where its owner asked for it
    Column("external_id", Text),  # the name an exchange that brings its own login knows the account by
    Index(None, "external_id", unique=True),
)

identities = Table(
    "identities",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("state", Text, nullable=False),  # submitted, approved, refused
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("document", Text, nullable=False),  # what the person says proves it: a kind and the last digits, no picture
    Column("submitted_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", Text, nullable=False),  # an operator's account id, "sandbox", "assertion"; empty: nobody yet
    Column("reason", Text, nullable=False),
    Column("version", Integer, nullable=False),  # only rises; the audit log knows the newest
    Column("identity_mac", LargeBinary, nullable=False),  # over all of it: an approval written behind our back is none
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),  # the credential id, base64url
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("passkey_mac", LargeBinary, nullable=False),  # over id, account and public key: a planted one opens nothing
    Index(None, "account_id"),
)

challenges = Table(
    "challenges",
    metadata,
    # What is asked once and answered once: codes sent by e-mail, what a passkey is to sign, captchas that were solved.
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),  # empty: a stranger's
    Column("purpose", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),  # keyed digest of a code; a challenge itself
    Column("context", Text, nullable=False),  # what it was given for
    Column("tries", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Index(None, "account_id", "purpose"),
    Index(None, "expires_at"),
)

withdrawal_addresses = Table(
    "withdrawal_addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("exempt_daily", Text),  # decimal; up to this much a day needs no confirmation; null: every one does
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    Column("address_mac", LargeBinary, nullable=False),  # over all that a withdrawal rests on
    Index(None, "account_id"),
)

sub_accounts = Table(
    "sub_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("uid", BigInteger, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("frozen_at", BigInteger),
    UniqueConstraint("account_id", "name"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("code_digest", LargeBinary, primary_key=True),  # keyed: of 80 random bits, so nothing slow is needed
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),  # shown in the list of sessions and in the audit log; opens nothing
    Column("token_digest", LargeBinary, nullable=False, unique=True),  # of the cookie's 256 random bits
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("factor", Text, nullable=False),
    Column("factor_at", BigInteger),  # null: the password was right, the second factor is still to come
    Column("step_up_factor", Text, nullable=False),
    Column("step_up_at", BigInteger),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("device", Text, nullable=False),  # empty: a browser that never signed in completely before
    Column("pending_totp_sealed", LargeBinary, nullable=False),  # of an enrolment under way; empty: none
    Column("pending_at", BigInteger),
    Column(
        "session_mac", LargeBinary, nullable=False
    ),  # over all that a decision rests on: a planted row opens nothing
    Index(None, "account_id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),  # what is limited: "factor:acc_…:stranger", "sign-in:203.0.113.7"
    Column("at", BigInteger, nullable=False),
    Index(None, "subject", "at"),
    Index(None, "at"),
)

service_tokens = Table(
    "service_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("addresses", Text, nullable=False),  # canonical CIDR blocks, comma between; empty: any
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("disabled_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("last_used_from", Text, nullable=False),
    Column("token_mac", LargeBinary, nullable=False),  # over all that a decision rests on
)

spent_assertions = Table(
    "spent_assertions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of issuer and id: each assertion serves once
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)

kept_answers = Table(
    "kept_answers",
    metadata,
    # What a service's call under an Idempotency-Key made: asked again, it is told and not made twice.
    Column("token_id", Text, primary_key=True),
    Column("name_digest", LargeBinary, primary_key=True),  # of the Idempotency-Key, keyed
    Column("request_digest", LargeBinary, nullable=False),  # keyed; the same name for another request is refused
    Column("subject", Text, nullable=False),  # the id of what was made; never a secret
    Column("at", BigInteger, nullable=False),
    Index(None, "at"),
)

operator_links = Table(
    "operator_links",
    metadata,
    Column("code_digest", LargeBinary, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
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
    Column("enabled_at", BigInteger),  # when it was last switched on again
    Column("predecessor_id", Text),  # the key whose successor this is
    Column("overlap_until", BigInteger),  # of a key with a successor: until then both may share the slot
    UniqueConstraint("account_id", "sub_account", "slot", "lane"),
)

frozen_permissions = Table(
    "frozen_permissions",
    metadata,
    Column("permission", Text, primary_key=True),  # refused everywhere while this row stands
    Column("frozen_at", BigInteger, nullable=False),
    Column("frozen_by", Text, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # JSON: what operators decided; of the rest the settings say what holds
    Column("version", Integer, nullable=False),  # only rises; the audit log knows the newest
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("policy_mac", LargeBinary, nullable=False),  # over all of it: a rule written behind our back is none
)

change_sequence = Table(
    "change_sequence",
    metadata,
    Column("name", Text, primary_key=True),  # "keys"
    Column("seq", BigInteger, nullable=False),  # raised in the transaction of every change a gateway must hear of
)

# ── approvals ───────────────────────────────────────────────────────────────────────────────────────────────────────

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("asked_by", Text, nullable=False),  # "sandbox", or the id of a service token
    Column("reference", Text, nullable=False),  # what the asker calls it
    Column("kind", Text, nullable=False),  # "withdrawal"
    Column("detail", Text, nullable=False),  # JSON: what is shown and confirmed
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of what is confirmed
    Column("state", Text, nullable=False),  # waiting, confirmed, refused, expired, consumed
    Column("factor", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("consumed_at", BigInteger),
    Column("approval_mac", LargeBinary, nullable=False),  # a row that was confirmed behind our back confirms nothing
    UniqueConstraint("asked_by", "reference"),
    Index(None, "account_id", "state"),
)

# ── notices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the id of what it is about
    Column("detail", Text, nullable=False),  # JSON; never a secret
    Column("once", Text, unique=True),  # what must be told only once, by name; null: each time
    Column("at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("freeze_used_at", BigInteger),  # when its "this was not me" link was used
    Index(None, "account_id", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("notice_id", Text, ForeignKey("notices.id"), nullable=False),
    Column("channel", Text, nullable=False),  # email, chat, file
    Column("recipient", Text, nullable=False),
    Column("body_sealed", LargeBinary),  # where the message holds a code: gone once delivered
    Column("tries", Integer, nullable=False),
    Column("next_at", BigInteger),  # null: delivered or given up
    Column("delivered_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("error", Text, nullable=False),  # in words, of the last try
    Index(None, "next_at"),
    Index(None, "notice_id"),
    Index(None, "recipient", "id"),
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
    Column("forgotten_until", BigInteger, nullable=False),  # the latest expiry of an entry that was dropped
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
    Index(None, "key_id", "at", "id", "verdict", "method", "address"),  # a span of a key, filtered without the rows
)

usage_counts = Table(
    "usage_counts",
    metadata,
    # What pages show of many records: added up when they are written, because a million can't be counted per page.
    Column("key_id", Text, primary_key=True),
    Column("unit_ms", Integer, primary_key=True, autoincrement=False),  # a minute's, kept some hours; an hour's
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # where the minute or hour begins
    Column("verdict", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

key_last_use = Table(
    "key_last_use",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
)

key_addresses = Table(
    "key_addresses",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

# ── vault ───────────────────────────────────────────────────────────────────────────────────────────────────────────

egress_addresses = Table(
    "egress_addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # local, socks5, http
    Column("place", Text, nullable=False),  # the local address, or the proxy's host and port
    Column("user_sealed", LargeBinary),  # user and password of a proxy that wants them
    Column("created_at", BigInteger, nullable=False),
    Column("shared_at", BigInteger),  # since when it may serve several connections
    Column("trial_at", BigInteger),  # since when keys are tried from it, which must not work from there
    Column("removed_at", BigInteger),
    Column("observed", Text, nullable=False),  # what an exchange saw through it; empty: nobody has asked yet
    Column("observed_at", BigInteger),
    Column("version", Integer, nullable=False),  # only rises; the audit log knows the newest
    Column("egress_mac", LargeBinary, nullable=False),  # over all of it: people put what is shown on an exchange's list
)

connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),  # empty in a personal vault
    Column("name", Text),  # null once it is removed: the name is free again
    Column("exchange", Text, nullable=False),
    Column("egress_id", Text, ForeignKey("egress_addresses.id"), nullable=False),
    Column("held_key_id", Text, nullable=False),  # which of its keys serves it
    Column("status", Text, nullable=False),  # active, suspended, removed
    Column("reasons", Text, nullable=False),  # JSON: the codes of what it was suspended for
    Column("bots", Text, nullable=False),  # JSON: what uses it, as its owner calls it
    Column("accepted", Text, nullable=False),  # JSON: what can't be proven and was accepted, by whom and when
    Column("probe", Text, nullable=False),  # JSON: what the exchange answered last, graded
    Column("checked_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # only rises; the audit log knows the newest
    Column("connection_mac", LargeBinary, nullable=False),  # over all of the above, and the rotation
    Column("rotation", Text),  # JSON: how far a rotation is, and which other key it keeps; null: none is under way
    Column("next_check_at", BigInteger, nullable=False),  # when a chore looks again; of no consequence where it lies
    Column(
        "terms", Text
    ),  # JSON: what it is for, how its key is rotated, when it ends on its owner's word; under the MAC
    UniqueConstraint("account_id", "name"),
    Index(None, "egress_id"),
    Index(None, "next_check_at"),
)

held_keys = Table(
    "held_keys",
    metadata,
    # A key of an exchange; a row never changes but to be wiped, and by its nonces.
    Column("id", Text, primary_key=True),
    Column("connection_id", Text, ForeignKey("connections.id"), nullable=False),
    Column("account_id", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("kind", Text, nullable=False),  # hmac, ed25519, rsa
    Column("key_sealed", LargeBinary, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("passphrase_sealed", LargeBinary),
    # Keyed, over exchange and key. Unique over all accounts: a key has one owner. Null once it is wiped.
    Column("key_digest", LargeBinary, unique=True),
    Column("masked", Text, nullable=False),  # enough of the key to tell it from another
    Column("added_at", BigInteger, nullable=False),
    Column("wiped_at", BigInteger),
    Column("last_nonce", BigInteger, nullable=False),  # of an exchange that wants them; only rises
    Index(None, "connection_id"),
)

egress_reservations = Table(
    "egress_reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("egress_id", Text, ForeignKey("egress_addresses.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "exchange"),
    Index(None, "egress_id"),
)

# ── sandbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────

sandbox_head = Table(
    "sandbox_head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),  # the latest given to an order, a trade; its row is the writers' lock
)

sandbox_accounts = Table(
    "sandbox_accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("sub_account", Text, primary_key=True),  # empty: the account itself
    Column("opened_at", BigInteger, nullable=False),  # when it was given its starting money, once
)

sandbox_balances = Table(
    "sandbox_balances",
    metadata,
    Column("id", Text, nullable=False, unique=True),  # what clients ask for under accounts/{id}
    Column("account_id", Text, primary_key=True),  # empty: the house
    Column("sub_account", Text, primary_key=True),
    Column("book", Text, primary_key=True),  # main, trade; the house: equity, fees
    Column("currency", Text, primary_key=True),
    Column("available", Text, nullable=False),
    Column("held", Text, nullable=False),  # what open orders have set aside
)

sandbox_postings = Table(
    "sandbox_postings",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("movement", BigInteger, nullable=False),  # postings of one movement sum to zero in each currency
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("book", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("leg", Text, nullable=False),  # available, held
    Column("amount", Text, nullable=False),  # signed
    Column("at", BigInteger, nullable=False),
    Index(None, "account_id", "sub_account", "currency"),
)

sandbox_lines = Table(
    "sandbox_lines",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("book", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", Text, nullable=False),  # signed
    Column("fee", Text, nullable=False),
    Column("balance", Text, nullable=False),  # of the purse, afterwards
    Column("kind", Text, nullable=False),
    Column("context", Text, nullable=False),  # JSON: order and trade
    Column("at", BigInteger, nullable=False),
    Index(None, "account_id", "sub_account", "id"),
)

sandbox_orders = Table(
    "sandbox_orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),  # time priority
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("client_oid", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("price", Text),
    Column("size", Text),
    Column("funds", Text),
    Column("terms", Text, nullable=False),  # JSON: what else was asked for
    Column("deal_size", Text, nullable=False),
    Column("deal_funds", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("cut_size", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),  # null: open
    Column("cancelled_at", BigInteger),
    UniqueConstraint("account_id", "sub_account", "client_oid"),
    Index(None, "symbol", "closed_at"),
    Index(None, "account_id", "sub_account", "closed_at", "number"),
)

sandbox_fills = Table(
    "sandbox_fills",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("number", BigInteger, nullable=False),  # of the trade: both sides carry it
    Column("order_id", Text, ForeignKey("sandbox_orders.id"), nullable=False),
    Column("counter_order_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("liquidity", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("funds", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("fee_rate", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "account_id", "sub_account", "symbol", "id"),
    Index(None, "order_id"),
)

sandbox_transfers = Table(
    "sandbox_transfers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("client_oid", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "sub_account", "client_oid"),
)

sandbox_withdrawals = Table(
    "sandbox_withdrawals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("sub_account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("memo", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("approval_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "account_id", "sub_account", "created_at"),
    Index(None, "status"),
)
