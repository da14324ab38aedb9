"""Key records, opened and cached in process, under the freshness lease.

A record is cached together with the change sequence it was read under. Before each decision the sequence is asked for:
one that moved empties the cache. A change committed while a record was being read makes it be read again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from keywright.audit.log import AuditLog
from keywright.errors import KeywrightError, Unopenable
from keywright.gateway import store
from keywright.gateway.address import compile_networks
from keywright.gateway.freshness import Freshness
from keywright.gateway.model import KeyRecord
from keywright.ids import KEY_ID
from keywright.issuing import grant as grants
from keywright.issuing.freezing import frozen_permissions
from keywright.issuing.material import pepper
from keywright.issuing.passphrases import secret_place
from keywright.issuing.store import grant_of
from keywright.protocol.kucoin import KucoinVerifier, Pepper
from keywright.protocol.refusal import Reason, Refused
from keywright.sealing.envelope import open_sealed
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Database

MAX_RECORDS = 100_000
MAX_UNKNOWN = 10_000
"""Ids remembered as unknown, so that a flood of one costs no query each; another flood only empties this memory."""


class Keys:
    """What `admit` asks for a key."""

    def __init__(self, database: Database, *, keyring: Keyring, audit: AuditLog, freshness: Freshness) -> None:
        self._database = database
        self._keyring = keyring
        self._audit = audit
        self._freshness = freshness
        self._grant_key = keyring.derive(grants.LABEL)
        self._pepper = Pepper(pepper(keyring))
        self._sequence = -1
        self._records: dict[str, KeyRecord] = {}
        self._unknown: set[str] = set()
        self._frozen: frozenset[str] | None = None

    async def find(self, key_id: str) -> KeyRecord | None:
        """Return the key's record as of now, or `None` for an id that names no key that can be used.

        Raises `Refused` (not_sure) when the truth can't be reached: refuse rather than trust.
        """
        try:
            sequence = self._renew(self._freshness.sequence())
        except Refused:
            sequence = self._renew(await self._freshness.newest())
        record = self._records.get(key_id)
        if record is not None or key_id in self._unknown or not KEY_ID.fullmatch(key_id):
            return record
        while True:
            try:
                found = await self._read(key_id)
            except KeywrightError:
                raise Refused(Reason.NOT_SURE, what="the database can't be read") from None
            newest = self._renew(await self._freshness.newest())
            if newest == sequence:
                break
            sequence = newest
        if found is None:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown.add(key_id)
        else:
            if len(self._records) >= MAX_RECORDS:
                del self._records[next(iter(self._records))]
            self._records[key_id] = found
        return found

    def _renew(self, sequence: int) -> int:
        if sequence != self._sequence:
            self._records.clear()
            self._unknown.clear()
            self._frozen = None
            self._sequence = sequence
        return sequence

    async def _read(self, key_id: str) -> KeyRecord | None:
        began = self._sequence
        async with self._database.read() as tx:
            row = await store.find_key(tx, key_id)
            if row is None:
                return None
            heard = await self._audit.latest_version(tx, key_id)
            frozen = self._frozen
            if frozen is None:
                frozen = frozenset(one.value for one in await frozen_permissions(tx, self._audit))
                # Or somebody else saw a change meanwhile, which may not be in what was read.
                if self._sequence == began:
                    self._frozen = frozen
        return self._open(row, heard=heard, frozen=frozen)

    def _open(self, row: Row[Any], *, heard: int, frozen: frozenset[str]) -> KeyRecord | None:
        """Return the record, or `None` when the row can't be used at all: moved, altered beyond reading."""
        try:
            grant = grant_of(row)
            secret = open_sealed(self._keyring, row.secret_sealed, place=secret_place(grant))
            networks = compile_networks(grant.addresses)
        except (Unopenable, ValueError):
            return None
        return KeyRecord(
            grant=grant,
            secret=secret,
            verifier=KucoinVerifier(secret, passphrase_digest=row.passphrase_digest, pepper=self._pepper),
            holds=grants.grant_holds(self._grant_key, grant, row.grant_mac) and heard == grant.version,
            name=row.name,
            uid=row.uid,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            frozen_at=row.frozen_at or row.account_frozen_at,
            networks=networks,
            frozen=frozen,
        )
