"""The receiver's side of KuCoin's wire, once a request was read: its `Claim`, and the `KucoinVerifier` of one key.

Rule 1: until the secret is proved, the work depends on the request alone, never on the key: an unknown key is held
against a decoy, and what comes of it can't be told from the time it took.
Rule 2: of the passphrase only its keyed digest is held, HMAC(pepper, header), as it is kept in the database.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn, final

from keywright.protocol.prepared import mac_key
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret


class Claim(NamedTuple):
    """What a well-formed request says of itself. Nothing of it is proved before `check`."""

    key_id: str
    """Empty where what was sent can't be the id of any key: no such key exists."""
    timestamp_ms: int
    version: int
    signature: bytes
    """The header's value; after `check` the one spelling of the MAC, so that it may name the request."""
    passphrase: bytes
    candidates: tuple[bytes, ...]
    """What may have been signed, one or two strings."""
    raw_only_because: str = ""
    """Why the decoded target is no candidate, where that needs saying."""

    def __repr__(self) -> str:
        # Neither passphrase nor candidates: targets and bodies may carry a passphrase too.
        return f"Claim({self.key_id!r}, {self.timestamp_ms}, version {self.version})"


@final
class Pepper:
    """The secret under which passphrases are recognised, ready to use; one for all keys."""

    __slots__ = ("digest", "is_digest")

    def __init__(self, secret: Secret) -> None:
        key = mac_key(secret)
        self.digest = key.digest
        """Returns the 32 bytes kept in the passphrase's place; given the header as versions 2 and 3 send it."""
        self.is_digest = key.is_digest
        """Tells whether a header is the one whose 32 bytes were kept."""

    def __repr__(self) -> str:
        return "Pepper(•••)"


@final
class KucoinVerifier:
    """What claims of one key are held against; made once per key, and kept with it."""

    __slots__ = ("_mac", "_ready")

    def __init__(self, secret: Secret, *, passphrase_digest: bytes, pepper: Pepper) -> None:
        self._mac = mac_key(secret)
        signs = bool(secret)  # with an empty secret anyone could have signed; a client that was given no keys does
        self._ready = self._mac.is_base64, pepper.is_digest, passphrase_digest, signs

    def check(self, claim: Claim) -> None:
        """Do nothing if the signature holds, and then the passphrase.

        Raises `Refused` with SIGNATURE_MISMATCH or PASSPHRASE_MISMATCH.
        """
        _, _, version, signature, passphrase, candidates, raw_only_because = claim
        is_mac, is_known, digest, signs = self._ready
        matched = False
        for candidate in candidates:
            # The header itself is compared, not what it decodes to: four spellings decode to the same MAC, and a second
            # spelling would pass for a second request.
            matched |= is_mac(candidate, signature)
        known = is_known(passphrase if version != 1 else self._mac.base64(passphrase), digest)
        if not matched or not signs:
            raise Refused(Reason.SIGNATURE_MISMATCH, rule=raw_only_because)
        if not known or not passphrase:
            raise Refused(Reason.PASSPHRASE_MISMATCH)

    def __repr__(self) -> str:
        return "KucoinVerifier(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a KucoinVerifier can't be pickled or copied")
