"""What the log is made of, as bytes: pure, so that whoever has an export can compute the public half of it.

Two chains run through the events. The keyed one (`mac`) is checked with the audit key and can't be imitated without it.
The public one needs no key: an event's *line* is the line of the export, it names the link before it, and its own *link*
is the SHA-256 of that line's bytes. Signed checkpoints name links, so an export can be checked by anyone.

Every line holds its event's MAC: 256 bits that nobody outside knows. That is why a link, published alone, can't be used
to try out what an event might say.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keywright.audit.events import Actor

START = b"\0" * 32
"""What stands for the MAC and for the link of the event before the first one."""

MAX_TEXT = 512
"""Longest text kept; a longer one is cut and ends in its digest, so that no request can bloat the log."""

MAX_FIELD = 65_536
"""Longest column of an event. A row with a longer one is none of ours, and is not read to its end."""

MAX_LINE = 16 * MAX_FIELD
"""Longest line of an export: every column at its longest, escaped."""

ORIGIN = ("factor", "address", "agent", "request_id", "session")
"""What is kept of an actor beside its id; named so in lines, each there even where it is empty."""

COLUMNS = ("seq", "at", "kind", "actor", "origin", "account_id", "subject", "subject_version", "detail")
"""What the MAC covers, in this order."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in both chains: after `count` events."""

    count: int
    mac: bytes
    link: bytes


BEGINNING = Place(0, START, START)


def canonical(value: object) -> str:
    """Return JSON that is always written the same way, in one line of ASCII: no byte of it moves a cursor."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def origin_of(actor: Actor) -> dict[str, str]:
    """Return what is kept of an actor beside its id."""
    return {name: shortened(value) for name in ORIGIN if (value := getattr(actor, name))}


def bounded(value: object) -> object:
    """Return a detail with every text in it at most `MAX_TEXT` long."""
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, Mapping):
        return {name: bounded(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [bounded(part) for part in value]
    return value


def shortened(text: str) -> str:
    """Return a text as it is kept: whole, or its beginning and the SHA-256 of all of it."""
    if len(text) <= MAX_TEXT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    end = f"… sha256:{digest}"
    return text[: MAX_TEXT - len(end)] + end


def mac_of(key: bytes, previous: bytes, values: Sequence[object]) -> bytes:
    """Return an event's MAC: over the one before it and `COLUMNS`."""
    return hmac.digest(key, b"event\0" + previous + canonical(list(values)).encode(), "sha256")


def head_mac(key: bytes, seq: int, mac: bytes) -> bytes:
    """Return the MAC of the head: that `seq` events are all, the newest with this `mac`."""
    return hmac.digest(key, b"head\0" + seq.to_bytes(8, "big") + mac, "sha256")


def link_mac(key: bytes, seq: int, link: bytes) -> bytes:
    """Return the MAC of the kept link, so that only a link of our own making is ever signed."""
    return hmac.digest(key, b"link\0" + seq.to_bytes(8, "big") + link, "sha256")


def line_of(values: Sequence[object], *, mac: bytes, previous: bytes) -> bytes:
    """Return an event's line, without its end: `values` are `COLUMNS`, `previous` is the link before it.

    Never change it: every link that was ever signed rests on these bytes.
    """
    row = dict(zip(COLUMNS, values, strict=True))
    fields = {
        **dict.fromkeys(ORIGIN, ""),
        **json.loads(str(row["origin"])),
        "seq": row["seq"],
        "at": row["at"],
        "kind": row["kind"],
        "actor": row["actor"],
        "account_id": row["account_id"],
        "subject": row["subject"],
        "version": row["subject_version"],
        "detail": json.loads(str(row["detail"])),
        "mac": mac.hex(),
        "previous": previous.hex(),
    }
    return canonical(fields).encode()


def link_of(line: bytes) -> bytes:
    """Return the link that follows from a line."""
    return hashlib.sha256(line).digest()
