"""The grant's MAC: a row edited behind the service's back stops working instead of granting more. Pure."""

from __future__ import annotations

import hmac
import json

from keywright.issuing.model import Grant
from keywright.secret import Secret

LABEL = "grant/v1"
"""The label under which the keyring derives the key for it."""


def grant_mac(key: Secret, grant: Grant) -> bytes:
    """Return the MAC over everything a decision rests on."""
    fields: list[object] = [
        grant.key_id,
        grant.account_id,
        grant.sub_account,
        sorted(grant.permissions),
        grant.environment,
        list(grant.addresses),
        grant.status,
        grant.expires_at,
        grant.version,
    ]
    if grant.predecessor_id or grant.overlap_until is not None:  # most keys have neither, as all had before there were
        fields += [grant.predecessor_id, grant.overlap_until]
    return hmac.digest(key.reveal(), b"grant\0" + json.dumps(fields, separators=(",", ":")).encode(), "sha256")


def grant_holds(key: Secret, grant: Grant, mac: bytes) -> bool:
    """Tell whether `mac` is the grant's own."""
    return hmac.compare_digest(grant_mac(key, grant), mac)
