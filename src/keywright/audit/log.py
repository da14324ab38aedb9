"""The chain: each event's MAC covers the one before it, and a head row covers the newest, so that nothing can be
edited, removed, swapped, slipped in or cut off the end unseen by whoever lacks the audit key.

Against someone who can restore an older copy of the whole database, only checkpoints kept elsewhere help.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from keywright.audit.events import Event
from keywright.errors import Unusable
from keywright.secret import Secret
from keywright.storage.tables import audit_events, audit_head
from keywright.storage.transaction import Tx, is_temporary

LABEL = "audit/v1"
"""The label under which the keyring derives the key of the chain."""

START = b"\0" * 32
"""What stands for the event before the first one."""

MAX_TEXT = 512
"""Longest actor agent kept; a longer one is cut, so that no request can bloat the log."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain held: `count` events, the newest with this MAC (hex)."""

    count: int
    head: str


class AuditLog:
    """Appends to and verifies the chain of one database."""

    def __init__(self, key: Secret) -> None:
        self._key = key.reveal()

    async def begin(self, tx: Tx) -> None:
        """Write the head of an empty log: once, when its database is made. A log without a head was tampered with."""
        await tx.execute(insert(audit_head).values(id=1, seq=0, mac=START, head_mac=self._head_mac(0, START)))

    async def record(self, tx: Tx, event: Event, *, now: int) -> int:
        """Append `event` in the caller's transaction and return its number.

        Whoever writes waits here for whoever wrote before: the head row is locked, so numbers have no gap. Raises
        `Unusable` when the event can't be kept, which undoes the caller's change too, and when the head is gone or not
        ours: building on it would make good what someone altered.
        """
        head = (await tx.execute(select(audit_head).with_for_update())).one_or_none()
        if head is None or not self._head_holds(head):
            raise Unusable("the head of the audit log was altered", hint="run `keywright audit verify`")
        seq: int = head.seq + 1
        previous: bytes = head.mac
        origin = {key: value[:MAX_TEXT] for key, value in asdict(event.actor).items() if key != "id" and value}
        row: dict[str, Any] = {
            "seq": seq,
            "at": now,
            "kind": event.kind.value,
            "actor": event.actor.id,
            "origin": _json(origin),
            "account_id": event.account_id,
            "subject": event.subject,
            "subject_version": event.subject_version,
            "detail": _json(event.detail),
        }
        mac = self._mac(previous, row)
        new_head = {"seq": seq, "mac": mac, "head_mac": self._head_mac(seq, mac)}
        try:
            await tx.execute(insert(audit_events).values(**row, mac=mac))
            await tx.execute(update(audit_head).values(**new_head))
        except DBAPIError as error:
            if is_temporary(error):
                raise
            raise Unusable(
                "the audit log can't be written, so nothing was changed",
                hint="look at the database: was a table or a right of its user altered?",
            ) from None
        return seq

    async def verify(self, tx: Tx) -> Verified:
        """Walk the whole chain; return what it proves.

        Raises `Unusable` naming the first event that does not hold. One row in memory at a time.
        """
        head = (await tx.execute(select(audit_head))).one_or_none()
        previous, expected = START, 1
        # Up to the head as it was seen first: another process may be adding to the end meanwhile.
        async for row in _rows(tx, up_to=head.seq if head else None):
            if row.seq != expected:
                raise Unusable(f"the audit chain is broken: event {expected} is missing")
            values = {column.name: getattr(row, column.name) for column in audit_events.columns if column.name != "mac"}
            if not hmac.compare_digest(self._mac(previous, values), row.mac):
                raise Unusable(f"the audit chain is broken at event {row.seq}: it was altered, moved or slipped in")
            previous, expected = row.mac, expected + 1
        count = expected - 1
        if head is None or (head.seq, head.mac) != (count, previous) or not self._head_holds(head):
            raise Unusable(f"the audit chain is broken after event {count}: its end was cut off or its head altered")
        return Verified(count, previous.hex())

    async def latest_version(self, tx: Tx, subject: str) -> int:
        """Return the highest version of `subject` that the log knows; 0 when it never heard of it."""
        query = select(func.max(audit_events.c.subject_version)).where(audit_events.c.subject == subject)
        return (await tx.execute(query)).scalar_one_or_none() or 0

    async def list(self, tx: Tx, *, account_id: str | None = None, limit: int = 100) -> Sequence[Row[Any]]:
        """Return the newest events, newest first; of one account where it is named."""
        query = select(audit_events).order_by(audit_events.c.seq.desc()).limit(limit)
        if account_id is not None:
            query = query.where(audit_events.c.account_id == account_id)
        return (await tx.execute(query)).all()

    def _mac(self, previous: bytes, row: dict[str, Any]) -> bytes:
        fields = [
            row[name]
            for name in ("seq", "at", "kind", "actor", "origin", "account_id", "subject", "subject_version", "detail")
        ]
        return hmac.digest(self._key, b"event\0" + previous + _json(fields).encode(), "sha256")

    def _head_mac(self, seq: int, mac: bytes) -> bytes:
        return hmac.digest(self._key, b"head\0" + seq.to_bytes(8, "big") + mac, "sha256")

    def _head_holds(self, head: Row[Any]) -> bool:
        return hmac.compare_digest(self._head_mac(head.seq, head.mac), head.head_mac)


async def _rows(tx: Tx, *, up_to: int | None) -> AsyncIterator[Row[Any]]:
    query = select(audit_events).order_by(audit_events.c.seq)
    async with tx.stream(query if up_to is None else query.where(audit_events.c.seq <= up_to)) as result:
        async for row in result:
            yield row


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
