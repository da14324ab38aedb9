"""VLT: the vault's rows altered by somebody who can write to its file. Rows of the catalogue by id.

VLT-04 says what is promised of nonces: docs/threat-model.md has the budget.
VLT-01, -02, -07 and -11 are in tests/cli/test_vault.py, tests/app/test_personal_vault.py and tests/sealing, VLT-06 in
tests/faults/test_vault_kill.py, VLT-08 of backups and VLT-12 in tests/app/test_vault_backup.py, VLT-10 in tests/app/test_agent.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary

from keywright.app import store
from keywright.app.installation import open_keyring
from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.errors import KeywrightError
from keywright.sealing.envelope import HEADER_BYTES, Place, open_sealed, seal
from keywright.sealing.keyring import NONCE_BYTES, Keyring, new_data_key
from keywright.sealing.protections.passphrase import stretch
from keywright.sealing.protections.wrapped import unwrap_from
from keywright.secret import Secret
from keywright.storage.tables import metadata
from keywright.vault import rules
from keywright.vault.evidence import Exchange
from keywright.vault.model import PERSONAL, NewConnection, Pasted
from keywright.vault.service import Vault as HeldKeys
from tests.support.holding import KEY, PASSPHRASE as API_PASSPHRASE, SECRET, Obliging, probe_of
from tests.support.vault import PASSPHRASE, Vault, twenty

OWNER = Actor("owner")
PROXY, SEEN = "socks5://quay:lamp-7@203.0.113.80:1080", "203.0.113.80"
OF_A_VAULT = (
    "keyring_keys",
    "vault_protections",
    "audit_events",
    "audit_head",
    "egress_addresses",
    "connections",
    "held_keys",
)
"""The tables that a personal vault rests on."""

SEALED = [
    (name, column.name)
    for name in OF_A_VAULT
    for column in metadata.tables[name].columns
    if isinstance(column.type, LargeBinary)
]
EMPTY_HERE = {("audit_head", "link"), ("audit_head", "link_mac")}
"""A checkpoint's, which a personal vault does not make."""


def altered(sealed: bytes) -> Iterator[bytes]:
    """Give it with one bit of each byte changed, cut at each length, and with a byte more."""
    for at in range(len(sealed)):
        yield sealed[:at] + bytes([sealed[at] ^ 1 << at % 8]) + sealed[at + 1 :]
    for length in range(len(sealed)):
        yield sealed[:length]
    yield sealed + b"\0"
    yield b"\0" + sealed


class Undone(Exception):
    """What was looked at is not kept: each look is at the same vault."""


class Held:
    """A personal vault with a passphrase, a proxy with a password and a held key, and somebody who writes into its file."""

    def __init__(self, vault: Vault, services: Services) -> None:
        self.vault, self.services = vault, services

    async def opens(self) -> None:
        """Do what a command does: by the passphrase to the wrapping key, to the keyring, past the log, to the held key."""
        database, now = self.services.database, self.services.clock()
        async with database.read() as tx:
            (protection,), (row, *_) = await store.protections(tx), await store.keyring_rows(tx)
        outer = stretch(Secret(PASSPHRASE), protection.read())
        wrapping_key = unwrap_from(protection, outer=outer, database_id=row.database_id)
        keyring = await open_keyring(database, wrapping_key, name="the vault")
        async with database.read() as tx:
            await self.services.audit.verify(tx)
        held = HeldKeys.over(database, keyring, self.services.audit, Obliging(), most=twenty)
        async with database.write() as tx:
            given = (await held.credentials(tx, PERSONAL, "grid", purpose="exec", actor=OWNER, now=now)).credentials
            assert (given.key, given.secret, given.passphrase) == (KEY, Secret(SECRET), Secret(API_PASSPHRASE))
            raise Undone

    def write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.vault.file)) as connection, connection:
            connection.execute(statement, values)

    def rows(self, table: str, column: str) -> list[tuple[int, bytes | None]]:
        with closing(sqlite3.connect(self.vault.file)) as connection:
            return connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Held]:
    vault = Vault(tmp_path)
    await vault.make()
    async with vault.opened(key=await vault.key()) as services:
        keys = HeldKeys.over(
            services.database,
            services.keyring,
            services.audit,
            Obliging(probe_of(Exchange.KUCOIN, address=SEEN), seen=SEEN),
            most=twenty,
        )
        now = services.clock()
        async with services.database.write() as tx:
            await keys.pool.add(tx, rules.egress_place(PROXY), actor=OWNER, now=now)
        await keys.reserve(PERSONAL, "kucoin", actor=OWNER, now=now)
        new = NewConnection("grid", "kucoin", Pasted(KEY, Secret(SECRET), Secret(API_PASSPHRASE)), ("night grid",))
        await keys.connect(PERSONAL, new, actor=OWNER, now=now)
        made = Held(vault, services)
        for (name,) in made_triggers(made):
            made.write(f"DROP TRIGGER {name}")
        yield made


def made_triggers(held: Held) -> list[tuple[str]]:
    with closing(sqlite3.connect(held.vault.file)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'"
        return connection.execute(query).fetchall()


@pytest.mark.slow
async def test_vlt_08_every_sealed_column_altered_at_every_byte_and_cut_at_every_length_is_refused(held: Held) -> None:
    """A new column that is sealed, or has a MAC in it, is in the list by itself."""
    with pytest.raises(Undone):
        await held.opens()
    tried = {}
    for table, column in SEALED:
        for row, was in held.rows(table, column):
            if was is None:
                assert (table, column) in EMPTY_HERE
                continue
            for value in (*altered(was), None if metadata.tables[table].c[column].nullable else b""):
                held.write(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", value, row)
                with pytest.raises(KeywrightError):
                    await held.opens()
            held.write(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", was, row)
            tried[table, column] = len(was)
    assert set(tried) | EMPTY_HERE == set(SEALED)
    assert min(tried.values()) >= 32, "less than a key or a MAC is sealed nowhere"
    with pytest.raises(Undone):
        await held.opens()


def test_vlt_04_one_value_sealed_again_and_again_never_looks_the_same_and_no_nonce_comes_twice() -> None:
    """At random, so it holds across processes, restarts and restored copies, which no counter survives."""
    keyring, place = Keyring("db_1", {1: new_data_key()}), Place("held_keys", "hk_1", "acc_1", "kucoin")
    sealed = {seal(keyring, Secret(SECRET), place=place) for _ in range(100_000)}
    assert len(sealed) == 100_000
    assert len({one[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES] for one in sealed}) == 100_000
    assert len({one[HEADER_BYTES + NONCE_BYTES :] for one in sealed}) == 100_000, (
        "the same bytes tell of the same secret"
    )
    assert open_sealed(keyring, next(iter(sealed)), place=place) == Secret(SECRET)
