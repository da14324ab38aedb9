"""What makes a row ours: MACs over the records that are decided by, and the fingerprint that finds a key again. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json

from keywright.secret import Secret
from keywright.vault.model import EgressAddress, HeldKey, Record

RECORD_LABEL = "connection/v1"
EGRESS_LABEL = "egress/v1"
FINGERPRINT_LABEL = "held-key-fingerprint/v1"
"""The labels under which the keyring derives the key of each."""


def fingerprint(key: Secret, nonce_name: str) -> bytes:
    """Return what a key of an exchange is found by, from the name its nonces go by. Takes the keyring to compute."""
    return hmac.digest(key.reveal(), f"held key\0{nonce_name}".encode(), "sha256")


def record_mac(key: Secret, record: Record, held: HeldKey) -> bytes:
    """Return the MAC over a record and over what is shown of the key it names."""
    fields: list[object] = [
        record.id,
        record.account_id,
        record.name,
        record.exchange,
        record.egress_id,
        record.held_key_id,
        record.status,
        list(record.reasons),
        list(record.bots),
        [[one.what, one.by, one.at] for one in record.accepted],
        record.probe.written(),
        record.checked_at,
        record.created_at,
        record.version,
        held.id,
        held.kind,
        held.masked,
        held.digest.hex() if held.digest else None,
        held.added_at,
    ]
    if record.rotation is not None:
        fields.append(record.rotation.written())
    terms = record.terms.written()
    if terms is not None:  # most have none, as none had before there were terms
        fields.append(["terms", terms])
    return _mac(key, b"connection\0", fields)


def seal_of(held: HeldKey) -> str:
    """Return a digest of what a key's row shows, to be kept where a MAC covers it: for a key that no record names as serving."""
    fields = [held.id, held.kind, held.masked, held.digest.hex() if held.digest else None, held.added_at]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def egress_mac(key: Secret, egress: EgressAddress, user_sealed: bytes | None) -> bytes:
    """Return the MAC over an egress address, what was observed through it included."""
    fields: list[object] = [
        egress.id,
        egress.kind,
        egress.place,
        user_sealed.hex() if user_sealed else None,
        egress.created_at,
        egress.shared_at,
        egress.removed_at,
        egress.observed,
        egress.observed_at,
        egress.version,
    ]
    if egress.trial_at is not None:  # most are not, as none was before there were trials
        fields.append(egress.trial_at)
    return _mac(key, b"egress\0", fields)


def _mac(key: Secret, what: bytes, fields: list[object]) -> bytes:
    return hmac.digest(key.reveal(), what + json.dumps(fields, separators=(",", ":")).encode(), "sha256")
