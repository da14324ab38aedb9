"""The receiver's side of KuCoin's wire, once a request was read: its `Claim`, and the `KucoinVerifier` of one key.

Rule 1: until the secret is proved, the work depends on the request alone, never on the key: an unknown key is held
against a decoy, and what comes of it can't be told from the time it took.
Rule 2: of the passphrase only keyed digests are held. What is kept in the database is HMAC(pepper, header). A header that
was proved against it is remembered by its mark, a quicker keyed digest that never leaves the process.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from hashlib import sha256
from typing import NamedTuple, NoReturn, final

from keywright.protocol.prepared import MacKey
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

    __slots__ = ("_key", "start_mark")

    def __init__(self, secret: Secret) -> None:
        self._key = MacKey(secret)
        # A whole block, so that it is worked in here, once. Prolonging such a digest is no use to anyone: it is compared
        # in this process and never shown.
        self.start_mark = sha256(self._key.digest(b"keywright/passphrase-mark/v1").ljust(64, b"\0")).copy
        """Begins the mark of a header, by which one that was proved is known again as long as this process runs."""

    def digest(self, header_value: bytes) -> bytes:
        """Return the 32 bytes kept in the passphrase's place; `header_value` as versions 2 and 3 send it."""
        return self._key.digest(header_value)

    def __repr__(self) -> str:
        return "Pepper(•••)"


@final
class KucoinVerifier:
    """What claims of one key are held against; made once per key, and kept with it."""

    __slots__ = ("_digest", "_mac", "_pepper", "_proved", "_ready", "_signs")

    def __init__(self, secret: Secret, *, passphrase_digest: bytes, pepper: Pepper) -> None:
        self._mac = MacKey(secret)
        self._ready = self._mac.start, pepper.start_mark
        self._signs = bool(
            secret
        )  # with an empty secret anyone could have signed; a client that was given no keys does
        self._digest = passphrase_digest
        self._pepper = pepper
        self._proved = b""

    def check(self, claim: Claim) -> None:
        """Do nothing if the signature holds, and then the passphrase.

        Raises `Refused` with SIGNATURE_MISMATCH or PASSPHRASE_MISMATCH.
        """
        _, _, version, signature, passphrase, candidates, raw_only_because = claim
        start, new_mark = self._ready
        matched = False
        for candidate in candidates:
            mac = start()
            mac.update(candidate)
            # The header itself is compared, not what it decodes to: four spellings decode to the same MAC, and a second
            # spelling would pass for a second request.
            matched |= hmac.compare_digest(b2a_base64(mac.finalize(), newline=False), signature)
        received = passphrase if version != 1 else self._mac.base64(passphrase)
        marked = new_mark()
        marked.update(received)
        mark = marked.digest()
        known = hmac.compare_digest(mark, self._proved) and passphrase != b""
        if not matched or not self._signs:
            raise Refused(Reason.SIGNATURE_MISMATCH, rule=raw_only_because)
        if not known and not (passphrase and self._learn(received, mark)):
            raise Refused(Reason.PASSPHRASE_MISMATCH)

    def _learn(self, received: bytes, mark: bytes) -> bool:
        """Tell whether a passphrase header is the right one; remember it if so. Asked by who holds the secret only."""
        if self._proved or not hmac.compare_digest(self._pepper.digest(received), self._digest):
            return False
        self._proved = mark
        return True

    def __repr__(self) -> str:
        return "KucoinVerifier(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a KucoinVerifier can't be pickled or copied")
