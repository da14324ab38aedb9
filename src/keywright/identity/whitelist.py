"""Verbs of the withdrawal addresses: where an account's money may go.

What widens the list takes a step-up, and time where the policy says so; what narrows it takes neither. Rows carry a MAC
over their own version in the audit log, so neither an edited row nor an older copy of one opens a way out.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, LimitReached, NotFound, NotProven
from keywright.identity import destinations, store
from keywright.identity.destinations import Destination
from keywright.identity.model import FactorProof
from keywright.identity.policies import HOUR_MS, Policies
from keywright.identity.store import destinations as rows
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

MAC_LABEL = "withdrawal-address/v1"
MOST_ADDRESSES = 50


class NotListed(Conflict):
    """Money may not go there: the address is not on the list, or not yet to be used."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One address on an account's list."""

    id: str
    account_id: str
    to: Destination
    label: str
    exempt_daily: str | None
    """Up to this much a day needs no confirmation; `None`: every withdrawal does."""
    created_at: int
    usable_at: int
    """From when on money may go there."""
    holds: bool = True
    """False when its row was altered behind Keywright's back: nothing goes there, and it can only be removed."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether every withdrawal goes to listed addresses only."""

    is_on: bool
    since: int | None = None
    ends_at: int | None = None
    """When it ends, where its owner asked for that."""


class Whitelist:
    """The withdrawal addresses of every account."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog, policies: Policies) -> None:
        self._key = keyring.derive(MAC_LABEL).reveal()
        self._audit = audit
        self._policies = policies

    async def of(self, tx: Tx, account_id: str) -> list[Listed]:
        """Return the account's addresses, oldest first; altered ones among them, and told apart."""
        hold_ms = await self._policies.hold_ms(tx)
        return [await self._read(tx, row, hold_ms) for row in await rows.addresses_of(tx, account_id=account_id)]

    async def one(self, tx: Tx, account_id: str, address_id: str) -> Listed:
        """Return one address on the list; raises `NotFound`."""
        row = await rows.find_address(tx, account_id=account_id, address_id=address_id)
        if row is None:
            raise NotFound("there is no such address on your list")
        return await self._read(tx, row, await self._policies.hold_ms(tx))

    async def find(self, tx: Tx, account_id: str, to: Destination) -> Listed | None:
        """Return what the list says of a destination, `None` where it does not hold it. An altered row says nothing."""
        hold_ms = await self._policies.hold_ms(tx)
        for row in await rows.addresses_of(tx, account_id=account_id, currency=to.currency):
            listed = await self._read(tx, row, hold_ms)
            if listed.holds and listed.to.identity == to.identity:
                return listed
        return None

    async def require(self, tx: Tx, account_id: str, to: Destination, *, now: int) -> Listed:
        """Return the destination's line of the list; raises `NotListed` where money may not go there (yet)."""
        listed = await self.find(tx, account_id, to)
        if listed is None:
            raise NotListed(
                "that address is not on the list of withdrawal addresses",
                hint="the owner adds it at the console, under Security",
            )
        if now < listed.usable_at:
            raise NotListed(
                "that address is new: money can go there in {hours} h",
                hint="new addresses wait, so that their owner hears of them first",
                hours=-(-(listed.usable_at - now) // HOUR_MS),
            )
        return listed

    async def add(
        self, tx: Tx, account_id: str, to: Destination, *, label: str, proof: FactorProof, actor: Actor, now: int
    ) -> Listed:
        """Put an address on the list; money may go there once the hold is over.

        Raises `NotProven` without a fresh step-up, `Invalid`, `Conflict` for one that is listed, `LimitReached`.
        """
        _require_proof(proof, account_id, now=now)
        name = destinations.label(label)
        await store.lock_account(tx, account_id=account_id)
        known = await self.of(tx, account_id)
        if any(one.holds and one.to.identity == to.identity for one in known):
            raise Conflict("that address is on your list already", hint="it is shown below")
        if len(known) >= MOST_ADDRESSES:
            raise LimitReached("at most {most} addresses", hint="remove one first", most=MOST_ADDRESSES)
        usable_at = now + await self._policies.hold_ms(tx)
        listed = Listed(new_id("wad"), account_id, to, name, None, now, usable_at)
        await self._keep(tx, listed, Kind.ADDRESS_ADDED, actor, {**_told(to), "usable_at": listed.usable_at}, now=now)
        return listed

    async def relabel(self, tx: Tx, account_id: str, address_id: str, label: str, *, actor: Actor, now: int) -> None:
        """Give an address another name. Raises `NotFound`, `Invalid`, and `Conflict` for an altered one."""
        name = destinations.label(label)
        await store.lock_account(tx, account_id=account_id)
        listed = replace(await self._sound(tx, account_id, address_id), label=name)
        await self._keep(tx, listed, Kind.ADDRESS_LABELLED, actor, {"label": listed.label}, now=now)

    async def exempt(
        self, tx: Tx, account_id: str, address_id: str, daily: str, *, proof: FactorProof, actor: Actor, now: int
    ) -> None:
        """Let withdrawals to one address go without a confirmation, up to an amount a day (UTC), fees apart.

        One address at a time (K17). Raises `NotProven`, `NotFound`, `Invalid`, and `Conflict` while another one is exempt
        or this one still waits.
        """
        _require_proof(proof, account_id, now=now)
        amount = destinations.amount(daily.strip(), field="daily")
        await store.lock_account(tx, account_id=account_id)
        listed = await self._sound(tx, account_id, address_id)
        if now < listed.usable_at:
            raise Conflict("this address is still waiting to be usable")
        if any(one.exempt_daily and one.id != address_id for one in await self.of(tx, account_id)):
            raise Conflict("one address at a time can be exempt", hint="end the other exemption first")
        listed = replace(listed, exempt_daily=amount)
        await self._keep(tx, listed, Kind.ADDRESS_EXEMPTED, actor, {"daily": amount}, now=now)

    async def end_exemption(self, tx: Tx, account_id: str, address_id: str, *, actor: Actor, now: int) -> None:
        """Let every withdrawal to an address take a confirmation again. Needs no factor. Raises `NotFound`, `Conflict`."""
        await store.lock_account(tx, account_id=account_id)
        listed = await self._sound(tx, account_id, address_id)
        if listed.exempt_daily is not None:
            listed = replace(listed, exempt_daily=None)
            await self._keep(tx, listed, Kind.ADDRESS_EXEMPTED, actor, {"daily": None}, now=now)

    async def remove(self, tx: Tx, account_id: str, address_id: str, *, actor: Actor, now: int) -> None:
        """Take an address off the list. Needs no factor, and no sound row. Raises `NotFound`."""
        await store.lock_account(tx, account_id=account_id)
        listed = await self.one(tx, account_id, address_id)
        await self._keep(tx, listed, Kind.ADDRESS_REMOVED, actor, _told(listed.to), now=now, removed_at=now)

    async def switch(self, tx: Tx, account_id: str, *, now: int) -> Switch:
        """Return whether every withdrawal goes to listed addresses only: by the audit log, or the account's row if either
        says so.
        """
        newest = {kind: await self._newest(tx, account_id, kind) for kind in (Kind.WHITELIST_ON, Kind.WHITELIST_OFF)}
        on, off = newest[Kind.WHITELIST_ON], newest[Kind.WHITELIST_OFF]
        if on is None:
            noted = await rows.whitelist_on_at(tx, account_id=account_id)
            return Switch(is_on=noted is not None, since=noted)
        if off is None or off.seq < on.seq:
            return Switch(is_on=True, since=on.at)
        ends_at = int(json.loads(off.detail)["ends_at"])
        return Switch(is_on=True, since=on.at, ends_at=ends_at) if now < ends_at else Switch(is_on=False)

    async def switch_on(self, tx: Tx, account_id: str, *, actor: Actor, now: int) -> None:
        """Let every withdrawal go to listed addresses only, at once. Needs no factor: it only tightens."""
        await store.lock_account(tx, account_id=account_id)
        state = await self.switch(tx, account_id, now=now)
        if state.is_on and state.ends_at is None:
            return
        await rows.set_whitelist(tx, account_id=account_id, on_at=state.since or now, off_at=None)
        await self._audit.record(tx, Event(Kind.WHITELIST_ON, actor, account_id, account_id), now=now)

    async def switch_off(self, tx: Tx, account_id: str, *, proof: FactorProof, actor: Actor, now: int) -> int:
        """Let the whitelist end once the hold is over; return when. Raises `NotProven`, and `Conflict` when it is off."""
        _require_proof(proof, account_id, now=now)
        await store.lock_account(tx, account_id=account_id)
        state = await self.switch(tx, account_id, now=now)
        if not state.is_on or state.ends_at is not None:
            raise Conflict("the list is off, or about to be")
        ends_at = now + await self._policies.hold_ms(tx)
        on_at, off_at = (state.since, ends_at) if ends_at > now else (None, None)
        await rows.set_whitelist(tx, account_id=account_id, on_at=on_at, off_at=off_at)
        event = Event(Kind.WHITELIST_OFF, actor, account_id, account_id, 0, {"ends_at": ends_at})
        await self._audit.record(tx, event, now=now)
        return ends_at

    async def settle(self, tx: Tx, *, now: int) -> None:
        """Clear the note in the accounts' rows where the whitelist was to end by now."""
        await rows.clear_whitelists_that_ended(tx, now=now)

    async def _newest(self, tx: Tx, account_id: str, kind: Kind) -> Row[Any] | None:
        return next(iter(await self._audit.list(tx, account_id=account_id, kind=kind.value, limit=1)), None)

    async def _sound(self, tx: Tx, account_id: str, address_id: str) -> Listed:
        listed = await self.one(tx, account_id, address_id)
        if not listed.holds:
            raise Conflict(
                "this address was altered outside Keywright", hint="remove it, and add it again if it is yours"
            )
        return listed

    async def _read(self, tx: Tx, row: Row[Any], hold_ms: int) -> Listed:
        to, usable_at = Destination(row.currency, row.chain, row.address, row.memo), row.created_at + hold_ms
        listed = Listed(row.id, row.account_id, to, row.label, row.exempt_daily, row.created_at, usable_at)
        version = await self._audit.latest_version(tx, row.id)
        holds = version > 0 and hmac.compare_digest(row.address_mac, self._mac(listed, version, row.removed_at))
        return listed if holds else replace(listed, holds=False, exempt_daily=None)

    async def _keep(
        self,
        tx: Tx,
        listed: Listed,
        kind: Kind,
        actor: Actor,
        detail: Mapping[str, object],
        *,
        now: int,
        removed_at: int | None = None,
    ) -> None:
        """Write the address as it stands now, under the next version, and say so in the audit log."""
        version = await self._audit.latest_version(tx, listed.id) + 1
        changing = {
            "label": listed.label,
            "exempt_daily": listed.exempt_daily,
            "removed_at": removed_at,
            "address_mac": self._mac(listed, version, removed_at),
        }
        if kind is Kind.ADDRESS_ADDED:
            fixed = {"id": listed.id, "account_id": listed.account_id, "created_at": listed.created_at}
            await rows.insert_address(tx, {**fixed, **_columns(listed.to), **changing})
        elif not await rows.update_address(tx, account_id=listed.account_id, address_id=listed.id, values=changing):
            raise NotFound("there is no such address on your list")  # what was taken off it never comes back
        event = Event(kind, actor, listed.account_id, listed.id, version, {"label": listed.label, **detail})
        await self._audit.record(tx, event, now=now)

    def _mac(self, listed: Listed, version: int, removed_at: int | None) -> bytes:
        covered = [
            *(listed.id, listed.account_id, version, listed.label, listed.exempt_daily, listed.created_at, removed_at),
            *_columns(listed.to).values(),
        ]
        return hmac.digest(self._key, b"withdrawal-address\0" + json.dumps(covered).encode(), "sha256")


def _columns(to: Destination) -> dict[str, str]:
    return {"currency": to.currency, "chain": to.chain, "address": to.address, "memo": to.memo}


def _told(to: Destination) -> dict[str, str]:
    return {name: value for name, value in _columns(to).items() if value}


def _require_proof(proof: FactorProof, account_id: str, *, now: int) -> None:
    if proof.account_id != account_id or not proof.is_fresh(now=now):
        raise NotProven("this takes the account's second factor", hint="give a fresh code")
