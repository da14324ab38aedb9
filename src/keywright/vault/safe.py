"""Seals what is held to its rows, and opens it: the one module of the vault that can.

Key, secret and passphrase are sealed each to its column, row, account and exchange: moved anywhere else they don't open.
"""

from __future__ import annotations

from keywright.errors import Unopenable
from keywright.sealing.envelope import Place, open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.vault import seals
from keywright.vault.evidence import Credentials, Exchange, nonce_name
from keywright.vault.model import HeldKey, Sealed


class Safe:
    """Holds the keyring for the vault."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._fingerprint_key = keyring.derive(seals.FINGERPRINT_LABEL)
        self.record_key = keyring.derive(seals.RECORD_LABEL)
        self.egress_key = keyring.derive(seals.EGRESS_LABEL)

    def fingerprint(self, credentials: Credentials) -> bytes:
        """Return what a key is found by over all accounts."""
        return self.fingerprint_of(nonce_name(credentials))

    def fingerprint_of(self, name: str) -> bytes:
        """Return the same from the name that the nonces of a key go by."""
        return seals.fingerprint(self._fingerprint_key, name)

    def seal_key(self, credentials: Credentials, *, key_id: str, account_id: str) -> Sealed:
        """Return credentials as they rest in the row of this id."""

        def sealed(part: str, value: Secret) -> bytes:
            return seal(self._keyring, value, place=_place(part, key_id, account_id, credentials.exchange))

        return Sealed(
            key=sealed("key", Secret(credentials.key)),
            secret=sealed("secret", credentials.secret),
            passphrase=sealed("passphrase", credentials.passphrase) if credentials.passphrase is not None else None,
        )

    def open_key(self, sealed: Sealed, held: HeldKey, *, account_id: str, exchange: Exchange) -> Credentials:
        """Return the credentials of a held key in the clear. Raises `Unopenable` for one that was moved or altered."""

        def opened(part: str, value: bytes) -> Secret:
            return open_sealed(self._keyring, value, place=_place(part, held.id, account_id, exchange))

        if (sealed.passphrase is None) == exchange.has_passphrase:
            raise Unopenable("a held key has lost its passphrase, or has one that its exchange gives none")
        passphrase = opened("passphrase", sealed.passphrase) if sealed.passphrase is not None else None
        key = opened("key", sealed.key).reveal_text()
        credentials = Credentials(exchange, key, opened("secret", sealed.secret), passphrase, held.kind)
        if held.digest != self.fingerprint(credentials):
            raise Unopenable("the fingerprint of a held key is another key's")
        return credentials

    def seal_passphrase(self, passphrase: Secret, *, key_id: str, account_id: str, exchange: Exchange) -> Sealed:
        """Return the passphrase of a key that is to be made yet, as it rests in the row of this id: alone."""
        return Sealed(
            b"", b"", seal(self._keyring, passphrase, place=_place("passphrase", key_id, account_id, exchange))
        )

    def open_passphrase(self, sealed: Sealed, held: HeldKey, *, account_id: str, exchange: Exchange) -> Secret:
        """Return the passphrase of a held key in the clear. Raises `Unopenable`."""
        place = _place("passphrase", held.id, account_id, exchange)
        return open_sealed(self._keyring, sealed.passphrase or b"", place=place)

    def seal_user(self, user: Secret, *, egress_id: str) -> bytes:
        """Return user and password of a proxy as they rest."""
        return seal(self._keyring, user, place=Place("egress_addresses.user", egress_id, ""))

    def open_user(self, sealed: bytes, *, egress_id: str) -> Secret:
        """Return user and password of a proxy in the clear. Raises `Unopenable`."""
        return open_sealed(self._keyring, sealed, place=Place("egress_addresses.user", egress_id, ""))


def _place(part: str, key_id: str, account_id: str, exchange: Exchange) -> Place:
    return Place(f"held_keys.{part}", key_id, account_id, exchange.value)
