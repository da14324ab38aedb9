"""Passphrases of keys: which may protect one, and whether one is the key's own. None is ever kept (decision 0004)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from keywright.errors import Invalid, NotProven, Unopenable
from keywright.identity.service import IdentityService
from keywright.issuing import material, rules, store
from keywright.issuing.model import ApiKey, Grant, Material, Owner, Passphrase
from keywright.sealing.envelope import Place, open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx


class IsPassword(Invalid):
    """The candidate is the account's password: an answer that must not be had for the asking."""


class Passphrases:
    """Judges and recognises passphrases."""

    def __init__(self, *, keyring: Keyring, identity: IdentityService) -> None:
        self._keyring = keyring
        self._identity = identity

    async def vet(self, tx: Tx, owner: Owner, candidate: Secret, *, about: tuple[str, ...] = ()) -> Passphrase:
        """Return the passphrase if it may protect one of the owner's keys (K18): before the transaction that uses it,
        because judging and hashing take a tenth of a second, and no writer should wait for that.

        Raises `Invalid` saying what to change. `about` are words that someone guessing would try, the key's name first.
        """
        account = await self._identity.account(tx, account_id=owner.account_id)
        words = (account.email, *about, "keywright", "kucoin")
        # In a thread: judging takes milliseconds, in which no other request would be answered.
        passphrase = await asyncio.to_thread(rules.passphrase, candidate, about=words)
        if await self._identity.is_password(tx, account.id, passphrase):
            raise IsPassword("that is the account's password", hint="choose another passphrase", field="passphrase")
        return Passphrase(account.id, passphrase)

    def protect(self, grant: Grant, secret: Secret, passphrase: Secret) -> tuple[bytes, bytes]:
        """Return a new key's secret, sealed in its place, and what recognises its passphrase."""
        digest = material.digest_of(self._keyring, secret, passphrase)
        return seal(self._keyring, secret, place=secret_place(grant)), digest

    def refuse_used(self, keys: Iterable[tuple[ApiKey, Material]], passphrase: Secret) -> None:
        """Do nothing if none of the keys has this passphrase; raises `Invalid` (K18)."""
        for key, kept in keys:
            if self._is_of(key.grant, kept, passphrase):
                raise Invalid(
                    "another of your keys has that passphrase", hint="give each key its own", field="passphrase"
                )

    async def exchange(self, tx: Tx, owner: Owner, key: ApiKey, *, current: Secret, new: Passphrase) -> None:
        """Let the key be recognised by the new passphrase instead of `current`.

        Raises `NotProven` when that is not its passphrase, and `Invalid` for a new one that is no other or another key's.
        """
        keys = await store.list_keys(tx, owner)
        grant, kept = next((one.grant, of_it) for one, of_it in keys if one.id == key.id)
        if not self._is_of(grant, kept, current):
            raise NotProven(
                "that is not the key's passphrase", hint="a forgotten passphrase can't be told: make a new key instead"
            )
        if new.account_id != grant.account_id:
            raise Invalid("that passphrase was vetted for another account", field="passphrase")
        if new.value == current:
            raise Invalid("that is the passphrase it has already", hint="choose another one", field="passphrase")
        self.refuse_used([pair for pair in keys if pair[0].id != key.id], new.value)
        secret = open_sealed(self._keyring, kept.secret_sealed, place=secret_place(grant))
        digest = material.digest_of(self._keyring, secret, new.value)
        await store.set_passphrase(tx, owner, key.id, digest=digest)

    def _is_of(self, grant: Grant, kept: Material, passphrase: Secret) -> bool:
        try:
            secret = open_sealed(self._keyring, kept.secret_sealed, place=secret_place(grant))
        except Unopenable:
            return False  # altered: no passphrase opens anything with it
        return material.same_digest(material.digest_of(self._keyring, secret, passphrase), kept.passphrase_digest)


def secret_place(grant: Grant) -> Place:
    """Return where a key's secret lives: bound to its row, account and environment, which never change."""
    return Place("api_keys", grant.key_id, f"{grant.account_id}/{grant.sub_account}", grant.environment.value)
