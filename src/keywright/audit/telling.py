"""Events as they are told: one plain object each, for `--json`, files and pages. Pure.

What can't be read was altered: it is told as it stands, so that whoever looks sees that.
"""

from __future__ import annotations

import json
from typing import Any

from keywright.audit.chain import ORIGIN


def as_dict(row: Any) -> dict[str, Any]:
    """Return an event as JSON shows it: times in milliseconds since 1970, `detail` as an object."""
    return {
        **dict.fromkeys(ORIGIN, ""),
        **_read(row.origin, "origin"),
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "actor": row.actor,
        "account_id": row.account_id,
        "subject": row.subject,
        "version": row.subject_version,
        "detail": _read(row.detail, "unreadable"),
        "mac": row.mac.hex() if isinstance(row.mac, bytes) else repr(row.mac)[:64],
    }


def _read(text: object, otherwise: str) -> dict[str, Any]:
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {otherwise: str(text)}
