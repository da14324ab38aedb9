"""Known browsers: a token that says "someone signed in completely with this one before". Pure; nothing is stored of it.

It proves nothing about a person. It only gives a browser attempts of its own, so that strangers who use up theirs can't
keep the owner out. A changed password makes every one of them unknown again.
"""

from __future__ import annotations

import hmac
import re
import secrets

from keywright.secret import Secret

LABEL = "device/v1"
"""The label under which the keyring derives the key of the tokens."""

BETWEEN = b"~"
MOST = 4
"""Accounts that one browser is known to; a fifth takes the place of the oldest."""

TOKEN = re.compile(rb"[0-9a-f]{32}\.[0-9a-f]{64}")


def new_token(key: Secret, account_id: str, password_hash: str) -> tuple[str, Secret]:
    """Return a fresh device id and the token that proves it for this account."""
    device = secrets.token_hex(16)
    return device, Secret(f"{device}.{_mac(key, account_id, password_hash, device)}")


def device_of(key: Secret, account_id: str, password_hash: str, token: Secret | None) -> str:
    """Return the device id that a token proves for this account, or an empty string."""
    for one in token.reveal().split(BETWEEN) if token is not None else []:
        if TOKEN.fullmatch(one):
            device, _, mac = one.decode().partition(".")
            if hmac.compare_digest(mac.encode(), _mac(key, account_id, password_hash, device).encode()):
                return device
    return ""


def with_one_more(token: Secret | None, new: Secret) -> Secret:
    """Return what a browser keeps that knows several accounts: the newest few tokens."""
    known = [one for one in token.reveal().split(BETWEEN) if TOKEN.fullmatch(one)] if token is not None else []
    return Secret(BETWEEN.join([*known, new.reveal()][-MOST:]))


def _mac(key: Secret, account_id: str, password_hash: str, device: str) -> str:
    covered = b"\0".join(part.encode() for part in ("device", account_id, password_hash, device))
    return hmac.new(key.reveal(), covered, "sha256").hexdigest()
