"""The log: each event's MAC covers the one before it, and a head row covers the newest, so that nothing can be edited,
removed, swapped, slipped in or cut off the end unseen by whoever lacks the audit key.

Against someone who can restore an older copy of the whole database, only checkpoints kept elsewhere help. What is
hashed, and how, stands in `chain`.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from sqlalchemy import LargeBinary, Row, Select, Text, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from keywright.audit import chain
from keywright.audit.chain import BEGINNING, COLUMNS, MAX_FIELD, START, Place
from keywright.audit.checkpoint import Checkpoint, Comparison
from keywright.audit.events import Actor, Event, Kind
from keywright.audit.model import Noted, Verified, Walked, noted
from keywright.errors import Unusable
from keywright.secret import Secret
from keywright.storage.tables import audit_events, audit_head
from keywright.storage.transaction import Tx, is_temporary

LABEL = "audit/v1"
"""The label under which the keyring derives the key of the chain."""

CHECKPOINTS = "checkpoints"
"""What events about checkpoints are about; their subject's version is the checkpoint's number."""

Hear = Callable[[Tx, Event, int], Awaitable[None]]
"""What hears of events: given the transaction, the event, and when it was."""


class AuditLog:
    """Appends to and verifies the chain of one database."""

    def __init__(self, key: Secret) -> None:
        self._key = key.reveal()
        self._hearers: list[Hear] = []

    def listen(self, hear: Hear) -> None:
        """Let `hear` be told of every event from now on, in its transaction: what it raises undoes the change too."""
        self._hearers.append(hear)

    async def begin(self, tx: Tx) -> None:
        """Write the head of an empty log: once, when its database is made. A log without a head was tampered with."""
        await tx.execute(insert(audit_head).values(id=1, **self._head(0, START), **self._kept_link(0, START)))

    async def record(self, tx: Tx, event: Event, *, now: int) -> int:
        """Append `event` in the caller's transaction and return its number.

        Whoever writes waits here for whoever wrote before: the head row is locked, so numbers have no gap. Raises
        `Unusable` when the event can't be kept, which undoes the caller's change too, and when the head is gone or not
        ours: building on it would make good what someone altered.
        """
        head = await self._locked_head(tx)
        seq: int = head.seq + 1
        values = [
            seq,
            now,
            event.kind.value,
            event.actor.id,
            chain.canonical(chain.origin_of(event.actor)),
            event.account_id,
            event.subject,
            event.subject_version,
            chain.canonical(chain.bounded(event.detail)),
        ]
        mac = chain.mac_of(self._key, head.mac, values)
        new_head = self._head(seq, mac)
        if head.link_seq == head.seq:  # else events were added by a program that knew no links: `settle` adds them
            new_head |= self._kept_link(seq, chain.link_of(chain.line_of(values, mac=mac, previous=head.link)))
        try:
            if any(len(text) > MAX_FIELD for text in values if isinstance(text, str)):
                raise Unusable("an event is longer than the audit log takes, so nothing was changed")
            await tx.execute(insert(audit_events).values(**dict(zip(COLUMNS, values, strict=True)), mac=mac))
            await tx.execute(update(audit_head).values(**new_head))
        except DBAPIError as error:
            if is_temporary(error):
                raise
            raise Unusable(
                "the audit log can't be written, so nothing was changed",
                hint="look at the database: was a table or a right of its user altered?",
            ) from None
        for hear in self._hearers:
            await hear(tx, event, now)
        return seq

    async def verify(self, tx: Tx, *, checkpoints: Iterable[Checkpoint] | None = None) -> Verified:
        """Walk the whole chain, and the checkpoints beside it; return what that proves. `None`: look at none.

        Raises `Unusable` naming the first event or checkpoint that does not hold. One row in memory at a time.
        """
        head = await self._head_of(tx)
        comparison = None if checkpoints is None else Comparison(checkpoints)
        place, kept = BEGINNING, head is not None and head.link_seq in {None, 0}
        # Up to the head as it was seen first: another process may be adding to the end meanwhile.
        async with aclosing(self.walk(tx, up_to=head.seq if head else None)) as events:
            async for walked in events:
                place = walked.place
                kept = kept or (head is not None and (head.link_seq, head.link) == (place.count, place.link))
                if comparison:
                    comparison.see(place)
                    if walked.row.kind == Kind.CHECKPOINT_MADE:
                        said = noted(walked.row)
                        comparison.hear(said.number, said.digest, seq=place.count)
        if head is None or (head.seq, head.mac) != (place.count, place.mac) or not kept:
            raise Unusable(
                f"the audit chain is broken after event {place.count}: its end was cut off or its head altered"
            )
        if comparison is None:
            return Verified(place.count, place.mac.hex())
        comparison.end(place.count, of="the database")
        covered = comparison.newest.statement.events if comparison.newest else 0
        return Verified(place.count, place.mac.hex(), comparison.held, covered)

    async def walk(
        self, tx: Tx, *, after: Place = BEGINNING, up_to: int | None = None, since: int = 1
    ) -> AsyncGenerator[Walked, None]:
        """Give every event after a place, from number `since` on, as long as each holds; raises `Unusable` at the first
        that does not."""
        place = after
        async with aclosing(_rows(tx, after=after.count, up_to=up_to)) as rows:
            async for row in rows:
                seq = place.count + 1
                if row.seq != seq:
                    raise Unusable(f"the audit chain is broken: event {seq} is missing")
                values: list[object] = list(row[:-1])
                mac = row[-1]
                if not self._event_holds(place.mac, values, mac):
                    raise Unusable(f"the audit chain is broken at event {seq}: it was altered, moved or slipped in")
                line = chain.line_of(values, mac=mac, previous=place.link)
                place = Place(seq, mac, chain.link_of(line))
                if seq >= since:
                    yield Walked(row, line, place)

    async def place(self, tx: Tx, *, at: int | None = None) -> Place:
        """Return where the chains are now, or were after `at` events; walks only what the head does not cover.

        Raises `Unusable` when the head is not ours, or an event on the way does not hold.
        """
        head = await self._head_of(tx)
        if head is None:
            raise _altered_head()
        end = head.seq if at is None else at
        place = BEGINNING
        if head.link_seq and head.link_seq <= end:
            mac = select(audit_events.c.mac).where(audit_events.c.seq == head.link_seq)
            place = Place(head.link_seq, (await tx.execute(mac)).scalar_one_or_none() or START, head.link)
        async for walked in self.walk(tx, after=place, up_to=end):
            place = walked.place
        if place.count != end or (end == head.seq and place.mac != head.mac):
            raise Unusable(f"the audit chain is broken after event {place.count}", hint="run `keywright audit verify`")
        return place

    async def newest_checkpoint(self, tx: Tx) -> Noted | None:
        """Return what the log says of the newest checkpoint; `None` before the first."""
        query = select(audit_events).where(audit_events.c.subject == CHECKPOINTS)
        query = query.where(audit_events.c.kind == Kind.CHECKPOINT_MADE.value)
        row = (await tx.execute(query.order_by(audit_events.c.seq.desc()).limit(1))).one_or_none()
        return noted(row) if row is not None else None

    async def note_checkpoint(
        self, tx: Tx, checkpoint: Checkpoint, *, after: Noted | None, known: Place, actor: Actor, now: int
    ) -> None:
        """Record that a checkpoint was made, unless the newest is another than `after`: then someone noted it before.

        `known` is a place computed before: what the head does not cover yet is kept too.
        """
        await self._settle(tx, known)  # which locks the head: whoever comes second sees what the first one noted
        if await self.newest_checkpoint(tx) != after:
            return
        said = checkpoint.statement
        detail = {"events": said.events, "digest": checkpoint.digest}
        event = Event(Kind.CHECKPOINT_MADE, actor, "", CHECKPOINTS, said.number, detail)
        await self.record(tx, event, now=now)

    async def knows(self, tx: Tx, subject: str, kind: Kind) -> bool:
        """Tell whether an event of this kind about the subject was ever recorded."""
        query = select(audit_events.c.seq).where(audit_events.c.subject == subject, audit_events.c.kind == kind.value)
        return (await tx.execute(query.limit(1))).one_or_none() is not None

    async def latest_version(self, tx: Tx, subject: str) -> int:
        """Return the highest version of `subject` that the log knows; 0 when it never heard of it."""
        query = select(func.max(audit_events.c.subject_version)).where(audit_events.c.subject == subject)
        return (await tx.execute(query)).scalar_one_or_none() or 0

    async def list(
        self,
        tx: Tx,
        *,
        account_id: str | None = None,
        kind: str | None = None,
        kinds: Sequence[str] = (),
        since: int | None = None,
        until: int | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> Sequence[Row[Any]]:
        """Return the newest events, newest first; of one account, of one kind or of some, from one moment on, up to another,
        below and above a number, where it is given."""
        query = select(audit_events).order_by(audit_events.c.seq.desc()).limit(limit)
        if account_id is not None:
            query = query.where(audit_events.c.account_id == account_id)
        if kind is not None:
            query = query.where(audit_events.c.kind == kind)
        if kinds:
            query = query.where(audit_events.c.kind.in_(kinds))
        if since is not None:
            query = query.where(audit_events.c.at >= since)
        if until is not None:
            query = query.where(audit_events.c.at < until)
        if before is not None:
            query = query.where(audit_events.c.seq < before)
        if after is not None:
            query = query.where(audit_events.c.seq > after)
        return (await tx.execute(query)).all()

    async def _settle(self, tx: Tx, known: Place) -> None:
        """Keep the link of the newest event where it is not kept yet: in a log from before there were links."""
        head = await self._locked_head(tx)
        if head.link_seq == head.seq:
            return
        place = known
        async for walked in self.walk(tx, after=known, up_to=head.seq):
            place = walked.place
        if (place.count, place.mac) != (head.seq, head.mac):
            raise _altered_head()
        await tx.execute(update(audit_head).values(**self._kept_link(place.count, place.link)))

    async def _locked_head(self, tx: Tx) -> Row[Any]:
        head = await self._head_of(tx, lock=True)
        if head is None:
            raise _altered_head()
        return head

    async def _head_of(self, tx: Tx, *, lock: bool = False) -> Row[Any] | None:
        """Return the head; `None` when there is none, or it is not ours. SQLite keeps any type in any column."""
        query = select(audit_head).with_for_update() if lock else select(audit_head)
        try:
            head = (await tx.execute(query)).one_or_none()
            return head if head is not None and self._head_holds(head) else None
        except (TypeError, ValueError, AttributeError, OverflowError):
            return None

    def _head(self, seq: int, mac: bytes) -> dict[str, Any]:
        return {"seq": seq, "mac": mac, "head_mac": chain.head_mac(self._key, seq, mac)}

    def _kept_link(self, seq: int, link: bytes) -> dict[str, Any]:
        return {"link_seq": seq, "link": link, "link_mac": chain.link_mac(self._key, seq, link)}

    def _head_holds(self, head: Row[Any]) -> bool:
        """Tell whether head and kept link are ours. No link at all is how a log from before there were links looks."""
        link = (head.link_seq, head.link, head.link_mac)
        is_ours = link == (None, None, None) or (
            None not in link and hmac.compare_digest(chain.link_mac(self._key, head.link_seq, head.link), head.link_mac)
        )
        return is_ours and hmac.compare_digest(chain.head_mac(self._key, head.seq, head.mac), head.head_mac)

    def _event_holds(self, previous: bytes, values: Sequence[object], mac: object) -> bool:
        """Tell whether an event is ours, here."""
        try:
            return isinstance(mac, bytes) and hmac.compare_digest(chain.mac_of(self._key, previous, values), mac)
        except (TypeError, ValueError):
            return False


async def _rows(tx: Tx, *, after: int, up_to: int | None) -> AsyncGenerator[Row[Any], None]:
    query = _bounded().where(audit_events.c.seq > after).order_by(audit_events.c.seq)
    seen = after
    try:
        async with tx.stream(query if up_to is None else query.where(audit_events.c.seq <= up_to)) as result:
            async for row in result:
                yield row
                seen = row.seq
    except (DBAPIError, TypeError, ValueError) as error:
        if is_temporary(error):
            raise
        raise Unusable(f"the audit chain is broken after event {seen}: what follows can't be read") from None


def _bounded() -> Select[Any]:
    """Return the query of events that never loads more of a row than one of ours can hold."""
    return select(
        *(
            func.substr(column, 1, MAX_FIELD + 1, type_=column.type).label(column.name)
            if isinstance(column.type, (Text, LargeBinary))
            else column
            for column in (*(audit_events.c[name] for name in COLUMNS), audit_events.c.mac)
        )
    )


def _altered_head() -> Unusable:
    return Unusable("the head of the audit log was altered", hint="run `keywright audit verify`")
