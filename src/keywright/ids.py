"""Names for things. A floor: imports nothing of ours.

Key ids look like KuCoin's (24 lower-case hex digits) but carry no time: 96 random bits. Secrets are UUID-shaped with
122 random bits. Row ids of our own carry a prefix that says what they name, so that a pasted id explains itself.
"""

from __future__ import annotations

import re
import secrets
import uuid

KEY_ID = re.compile(r"[0-9a-f]{24}")


def new_key_id() -> str:
    """Return a fresh API key id: 24 lower-case hex digits, 96 random bits."""
    return secrets.token_hex(12)


def new_api_secret() -> str:
    """Return a fresh API secret: UUID version 4 text, 122 random bits (KuCoin's own shape)."""
    return str(uuid.uuid4())


def new_id(prefix: str) -> str:
    """Return a fresh id such as `acc_…`: the prefix, an underscore and 96 random bits in hex."""
    return f"{prefix}_{secrets.token_hex(12)}"


def new_uid() -> int:
    """Return a fresh nine-digit account number, KuCoin's `uid`; whoever stores it holds it unique."""
    return 100_000_000 + secrets.randbelow(900_000_000)


def new_request_id() -> str:
    """Return a fresh request id: 32 lower-case hex digits."""
    return secrets.token_hex(16)
