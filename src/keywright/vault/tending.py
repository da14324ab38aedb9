"""How held keys are looked after: what is seen from outside, checks, and what becomes of a connection by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, KeywrightError
from keywright.identity.model import FactorProof
from keywright.protocol.refusal import Reason
from keywright.storage.transaction import Database, Tx
from keywright.vault import deadlines, rules, store
from keywright.vault.book import Book
from keywright.vault.deadlines import DueDeadline
from keywright.vault.drift import Drift, between
from keywright.vault.evidence import Credentials, Grade, Probe, Right
from keywright.vault.mastery import judge_for
from keywright.vault.model import ANY_ADDRESS, ASKED, Connection, EgressAddress, Status
from keywright.vault.pool import Pool
from keywright.vault.preflight import Finding
from keywright.vault.safe import Safe
from keywright.vault.seam import Asks, Checked, KeyDenied, Outlet
from keywright.vault.way_out import EgressGone

Charge = Callable[..., Awaitable[None]]
"""Counts an attempt of an account (`account_id, now`): to have a key looked at, or an address kept (`of="reserved"`), which has a
limit of its own. Raises `Limited`."""
Most = Callable[[Tx], Awaitable[int]]
"""Tells how many connections an account may have, as it holds in the transaction that would make one more."""

DENIALS = frozenset(
    {
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.KEY_DISABLED,
        Reason.KEY_EXPIRED,
        Reason.KEY_FROZEN,
        Reason.KEY_OTHER_ENVIRONMENT,
        Reason.KEY_UNKNOWN,
        Reason.PASSPHRASE_MISMATCH,
        Reason.PERMISSION_MISSING,
        Reason.SIGNATURE_MISMATCH,
    }
)
"""What an exchange says of a key that no bot can use either; not that it is busy, or thinks a stamp late. Only what is likeliest
counts: what begins with a limit says nothing of the key."""

MOST_AT_ONCE = 20
"""Connections that one round of checks looks at; the rest are the next round's."""


class Tending:
    """What is done about connections from time to time, by chores and by their owners."""

    def __init__(
        self,
        *,
        database: Database,
        safe: Safe,
        audit: AuditLog,
        book: Book,
        pool: Pool,
        asks: Asks,
        charge: Charge | None,
        most: Most,
    ) -> None:
        self._database = database
        self._safe = safe
        self._audit = audit
        self.book = book
        self.pool = pool
        self._asks = asks
        self._charge = charge
        self._most = most

    async def observe(self, wanted: str, *, now: int) -> EgressAddress:
        """Return an egress address as an exchange sees it now, and keep that.

        Raises what went wrong on the way; `EgressGone` where nothing can leave from it.
        """
        async with self._database.read() as tx:
            outlet = await self.pool.outlet(tx, (await self.pool.find(tx, wanted)).id)
        return await self._observe(outlet, now=now)

    async def seen_or_not(self, egress: EgressAddress, *, now: int) -> EgressAddress:
        """Return an egress address as an exchange sees it, or as it was where nobody tells. Raises `EgressGone`."""
        try:
            return await self.observe(egress.id, now=now)
        except EgressGone:
            raise
        except KeywrightError:
            return egress

    async def check(
        self, account_id: str, wanted: str, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Checked:
        """Ask the exchange again what a connection's key may do, and keep the answer.

        What must not be suspends the connection. Where its owner asks, and all is well, one that was suspended is used again;
        one that the owner suspended takes the second factor for that, as a key does that was disabled: `NotProven`.
        Raises what the exchange or the way there said, and `Conflict` where the connection changed meanwhile and the answer holds
        nothing against the key. A key that the exchange does not take a second time is suspended too,
        until it is taken again.
        """
        async with self._database.read() as tx:
            before, sealed = await self.book.good(tx, account_id, wanted)
            if before.is_stopped_by_owner and actor != SYSTEM:
                self.book.require(proof, account_id, now=now, to="use a connection again")
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = self.book.open(before, sealed)
        try:
            probe = await self._probed(credentials, outlet, trial, before=before.record.probe, now=now)
        except KeyDenied as denied:
            await self._note_denial(before, denied, actor=actor, now=now)
            raise
        purpose, accepted = before.record.terms.purpose, before.exceptions()
        address = await self._address(outlet, probe, now=now)
        findings = judge_for(purpose, probe, egress_address=address, accepted=accepted, now=now)
        drift = between(before.record.probe, probe)
        refused = [one for one in findings if one.refuses]
        async with self._database.write() as tx:
            connection = await self._same(tx, before)
            if not refused and connection.record.version != before.record.version:
                raise Conflict("the connection changed meanwhile", hint="have it checked again: this answer is older")
            was_suspended, only_denied = connection.record.status is Status.SUSPENDED, _is_denial(connection)
            record = replace(connection.record, probe=probe, checked_at=now, reasons=())
            if refused:
                kind = Kind.CONNECTION_CHECKED if was_suspended and not only_denied else Kind.CONNECTION_SUSPENDED
                stopped = (ASKED,) if connection.is_stopped_by_owner else ()
                record = replace(record, status=Status.SUSPENDED, reasons=(*stopped, *codes(refused)))
            elif was_suspended and actor == SYSTEM and not only_denied:  # who found it must hear that it is well again
                kind, record = Kind.CONNECTION_CHECKED, replace(record, reasons=connection.record.reasons)
            elif was_suspended:
                kind, record = Kind.CONNECTION_RESUMED, replace(record, status=Status.ACTIVE)
            else:
                kind = Kind.CONNECTION_DRIFTED if drift.is_worse else Kind.CONNECTION_CHECKED
            detail = {"reasons": codes(refused), **_against(refused), **_changes(drift)}
            connection = await self.book.change(tx, connection, record, kind, actor, now=now, **detail)
            await self._plan(tx, connection, now=now)
        return Checked(connection, findings, drift)

    async def due(self, *, now: int) -> list[tuple[str, str]]:
        """Return account and id of the connections that are to be checked now; not more than a round can do."""
        async with self._database.read() as tx:
            return await store.due(tx, now=now, furthest=now + rules.CHECK_EVERY_MS, most=MOST_AT_ONCE)

    async def due_deadlines(self, tx: Tx, *, now: int) -> list[DueDeadline]:
        """Return of which deadlines of held keys their owners should hear now; what was told already is in there too."""
        return [due for connection in await self.book.everyone(tx) for due in deadlines.due(connection, now=now)]

    async def postpone(self, account_id: str, connection_id: str, *, now: int) -> None:
        """Have a connection that could not be checked looked at again in an hour."""
        async with self._database.write() as tx:
            await self._again(tx, account_id, connection_id, now=now)

    async def _observe(self, outlet: Outlet, *, now: int) -> EgressAddress:
        seen = await self._asks.address(outlet, now=now)
        if not seen:
            return outlet.egress
        async with self._database.write() as tx:
            return await self.pool.note_observed(tx, outlet.egress.id, seen, now=now)

    async def _address(self, outlet: Outlet, probe: Probe, *, now: int) -> str:
        """Return the address that an exchange is to see; where the system chooses it, what was seen just now, and keep that."""
        seen, egress = probe.seen_address, outlet.egress
        if egress.place != ANY_ADDRESS or seen in {"", egress.observed}:
            return egress.shown
        async with self._database.write() as tx:
            return (await self.pool.note_observed(tx, egress.id, seen, now=now)).shown

    async def _probed(
        self, credentials: Credentials, outlet: Outlet, trial: Outlet | None, *, before: Probe | None, now: int
    ) -> Probe:
        """Return what an exchange says of a key; where it does not tell from where the key works, that is tried.

        A trial that came to nothing leaves what an earlier one proved. Where nothing is tried any more, that a key was bound
        once is declared, not proven: the address to try it from went, and the key at its exchange is what it was.
        """
        probe = await self._asks.probe(credentials, outlet, now=now)
        told = probe.of(Right.ADDRESS_FILTER)
        if told.allowed is False or told.grade is Grade.PROVEN:
            return probe
        known = before.of(Right.ADDRESS_FILTER) if before is not None else told
        bound = await self._asks.is_bound(credentials, trial) if trial is not None else None
        if bound is None and trial is not None and known.grade is Grade.PROVEN:
            bound = known.allowed
        if bound is not None:
            return probe.with_filter(bound=bound)
        was_bound = told.allowed is None and known.allowed is True
        return probe.with_filter(bound=True, grade=Grade.DECLARED) if was_bound else probe

    async def _note_denial(self, before: Connection, denied: KeyDenied, *, actor: Actor, now: int) -> None:
        """Keep that an exchange did not take a key: the second time in a row, it is suspended, and asked about each hour at first.

        Once may be the exchange's own trouble, and would stop every bot at once. One that is busy is left alone as long as it
        asks for.
        """
        reason = next((one for one in denied.reasons[:1] if one in DENIALS), None)
        async with self._database.write() as tx:
            connection = await self._same(tx, before)
            account_id = connection.record.account_id
            if reason is None:
                await self._again(tx, account_id, connection.id, now=now, wait_ms=denied.wait_ms)
                return
            if connection.record.status is Status.SUSPENDED:
                if _is_denial(connection) and now - connection.record.checked_at < rules.CHECK_HOURLY_MS:
                    await self._again(tx, account_id, connection.id, now=now)
                else:
                    await self._plan(tx, connection, now=now)
                return
            is_second = _is_denial(connection)
            status = Status.SUSPENDED if is_second else Status.ACTIVE
            record = replace(connection.record, status=status, reasons=(f"denied {reason}",))
            kind = Kind.CONNECTION_SUSPENDED if is_second else Kind.CONNECTION_CHECKED
            detail = {"reasons": list(record.reasons), "against": [reason.value], "why": denied.message}
            connection = await self.book.change(tx, connection, record, kind, actor, now=now, **detail)
            await self._again(tx, account_id, connection.id, now=now)

    async def _same(self, tx: Tx, before: Connection) -> Connection:
        """Return a connection as it is now, if it still is the one that was asked about. Raises `Conflict`."""
        connection, _ = await self.book.good(tx, before.record.account_id, before.id)
        if connection.record.held_key_id != before.record.held_key_id:
            raise Conflict("the key of this connection was replaced meanwhile", hint="have it checked again")
        return connection

    async def _plan(self, tx: Tx, connection: Connection, *, now: int) -> None:
        at = rules.next_check_at(connection.id, now=now)
        await store.plan_check(tx, account_id=connection.record.account_id, connection_id=connection.id, at=at)

    async def _again(self, tx: Tx, account_id: str, connection_id: str, *, now: int, wait_ms: int = 0) -> None:
        at = now + min(max(wait_ms, rules.CHECK_AGAIN_MS), rules.CHECK_EVERY_MS)
        await store.plan_check(tx, account_id=account_id, connection_id=connection_id, at=at)


def codes(findings: list[Finding]) -> list[str]:
    """Return what refuses a key, in stable words: `exit withdraw`."""
    return [f"{one.code} {one.right}" for one in findings if one.refuses]


def _is_denial(connection: Connection) -> bool:
    """Tell whether all that is held against a connection is that the exchange did not take its key."""
    return bool(connection.record.reasons) and all(one.startswith("denied ") for one in connection.record.reasons)


def _against(refused: list[Finding]) -> dict[str, object]:
    """Return what is held against a key in the exchange's own words, which need no translation."""
    words = dict.fromkeys(str(one.values.get("said") or one.values.get("filter") or one.code) for one in refused)
    return {"against": list(words)} if words else {}


def _changes(drift: Drift) -> dict[str, object]:
    lost = (f"no {Right.ADDRESS_FILTER}",) if drift.lost_filter else ()
    changes = [*drift.gained, *lost, *drift.addresses]
    return {"changes": changes} if changes else {}
