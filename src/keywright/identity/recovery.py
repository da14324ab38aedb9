"""Recovery codes: what they look like, and the digest by which one is recognised. Pure.

80 random bits in base32, so that a keyed hash is enough at rest (ASVS 6.5.2 asks for a slow one below 112 bits where the
hash has no key). Typed by people: case, spaces and dashes don't matter, nor do 0, 1 and 8 for the letters they look like.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets

from keywright.secret import Secret

LABEL = "recovery/v1"
"""The label under which the keyring derives the key of the digests."""

COUNT = 10
BYTES = 10
GROUP = 4
MOST_TYPED = 64
CODE = re.compile(r"[a-z2-7]{16}", re.ASCII)
LOOKALIKES = str.maketrans({"0": "o", "1": "l", "8": "b", " ": None, "-": None, "\u2010": None, "\u2013": None})


def new_code() -> Secret:
    """Return a fresh code such as `abcd-efgh-ijkl-mnop`."""
    text = base64.b32encode(secrets.token_bytes(BYTES)).decode().lower()
    return Secret("-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP)))


def digest_of(key: Secret, account_id: str, code: Secret) -> bytes | None:
    """Return what a code is recognised by, or `None` when what was typed can't be one."""
    typed = code.reveal()
    if len(typed) > MOST_TYPED:
        return None
    text = typed.decode("utf-8", "replace").strip().lower().translate(LOOKALIKES)
    if not CODE.fullmatch(text):
        return None
    return hmac.digest(key.reveal(), b"recovery\0" + account_id.encode() + b"\0" + text.encode(), "sha256")
