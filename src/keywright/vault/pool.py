"""Verbs of the egress pool: which addresses requests leave from, whose they are, and what the world sees of them.

Rule 1: an address serves one connection, until an operator lets several share it.
Rule 2: a connection keeps its address for good; when that is gone, it waits, and never takes another.
"""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound, Unusable
from keywright.ids import new_id
from keywright.storage.transaction import Tx
from keywright.vault import rules, seals
from keywright.vault.book import Book
from keywright.vault.evidence import Exchange
from keywright.vault.model import ANY_ADDRESS, EgressAddress, EgressKind, Reservation
from keywright.vault.rules import RESERVED_MS, Place
from keywright.vault.safe import Safe
from keywright.vault.seam import Outlet
from keywright.vault.store import pool as store


class Pool:
    """The operator's egress addresses."""

    def __init__(self, *, safe: Safe, audit: AuditLog, book: Book) -> None:
        self._safe = safe
        self._audit = audit
        self._book = book

    async def all(self, tx: Tx) -> list[EgressAddress]:
        """Return the addresses of the pool, oldest first."""
        return [await self._judged(tx, found) for found in await store.all_addresses(tx)]

    async def find(self, tx: Tx, wanted: str) -> EgressAddress:
        """Return an address by its id or as it was written; raises `NotFound`."""
        for egress in await self.all(tx):
            if wanted in {egress.id, egress.place} or (wanted == "any" and egress.place == ANY_ADDRESS):
                return egress
        raise NotFound(
            "there is no egress address {address} in the pool",
            hint="`keywright vault egress list` shows them all",
            address=wanted[:64],
        )

    async def outlet(self, tx: Tx, egress_id: str) -> Outlet:
        """Return an address ready to be used. Raises `Unusable` for one that is gone from the pool or was altered."""
        found = await store.find_address(tx, egress_id)
        if found is None or found[0].removed_at is not None:
            raise Unusable(
                "the egress address of this connection is no longer in the pool",
                hint="put it back, or remove the connection and make a new one",
            )
        egress = await self._judged(tx, found)
        if not egress.holds:
            raise _altered(egress)
        user = self._safe.open_user(found[1], egress_id=egress.id) if found[1] is not None else None
        return Outlet(egress, rules.way_out(egress.kind, egress.place, user))

    async def trial(self, tx: Tx, outlet: Outlet) -> Outlet | None:
        """Return the way out from which keys are tried that are to work from `outlet` alone; `None` where there is none.

        One that the world sees, or may see, as the same address would prove nothing.
        """
        for egress in await self.all(tx):
            is_another = egress.shown and outlet.egress.shown and egress.shown != outlet.egress.shown
            if egress.trial_at is not None and egress.holds and is_another:
                return await self.outlet(tx, egress.id)
        return None

    async def add(
        self, tx: Tx, place: Place, *, shared: bool = False, trial: bool = False, actor: Actor, now: int
    ) -> EgressAddress:
        """Put an address into the pool: for a connection, for several, or to try keys from. Raises `Conflict` when it is there."""
        for known in await self.all(tx):
            if (known.kind, known.place) == (place.kind, place.place):
                raise Conflict("{address} is in the pool already", address=shown(known))
        egress = EgressAddress(
            *(new_id("egr"), place.kind, place.place, now),
            shared_at=now if shared and not trial else None,
            trial_at=now if trial else None,
            has_user=place.user is not None,
        )
        user_sealed = self._safe.seal_user(place.user, egress_id=egress.id) if place.user is not None else None
        mac = seals.egress_mac(self._safe.egress_key, egress, user_sealed)
        await store.insert_address(tx, egress, user_sealed=user_sealed, mac=mac)
        await self._record(tx, Kind.EGRESS_ADDED, egress, actor, now=now, shared=shared, trial=trial)
        return egress

    async def share(self, tx: Tx, wanted: str, *, shared: bool, actor: Actor, now: int) -> EgressAddress:
        """Let an address serve several connections, or one again; those that it serves already keep it."""
        egress = await self._good(tx, wanted)
        if egress.trial_at is not None:
            raise Conflict("keys are only tried from this address", hint="add another one for connections")
        if (egress.shared_at is not None) == shared:
            return egress
        changed = replace(egress, shared_at=now if shared else None, version=egress.version + 1)
        kind = Kind.EGRESS_SHARED if shared else Kind.EGRESS_UNSHARED
        return await self._write(tx, changed, kind, actor, now=now)

    async def remove(self, tx: Tx, wanted: str, *, actor: Actor, now: int) -> EgressAddress:
        """Take an address out of the pool. Raises `Conflict` while a connection uses it or someone has it reserved."""
        egress = await self.find(tx, wanted)
        found = await store.find_address(tx, egress.id)  # locked: nobody reserves it meanwhile
        if found is None or await store.is_used(tx, egress.id, now=now):
            raise Conflict(
                "a connection uses this address, or someone has it reserved",
                hint="remove the connection first; a reservation ends after two hours",
            )
        removed = replace(found[0], removed_at=now, version=await self._audit.latest_version(tx, egress.id) + 1)
        return await self._write(tx, replace(removed, has_user=False), Kind.EGRESS_REMOVED, actor, now=now, wipe=True)

    async def note_observed(self, tx: Tx, egress_id: str, address: str, *, now: int) -> EgressAddress:
        """Keep what an exchange saw through an address, with an event where that is another than before."""
        egress = await self._good(tx, egress_id)
        changed = replace(egress, observed=address, observed_at=now)
        if address == egress.observed:
            found = await store.find_address(tx, egress_id)
            user_sealed = found[1] if found else None
            mac = seals.egress_mac(self._safe.egress_key, changed, user_sealed)
            await store.update_address(tx, changed, mac=mac, user_sealed=user_sealed)
            return changed
        changed = replace(changed, version=egress.version + 1)
        return await self._write(tx, changed, Kind.EGRESS_OBSERVED, Actor("system"), now=now, before=egress.observed)

    # ── reservations ────────────────────────────────────────────────────────────────────────────────────────────────

    async def reserve(self, tx: Tx, account_id: str, exchange: Exchange, *, actor: Actor, now: int) -> Reservation:
        """Keep an address for an account that is about to make a key: the one it has reserved already, or a free one.

        Raises `Conflict` when every address is taken.
        """
        await self._book.lock(tx, account_id)
        await store.drop_expired(tx, now=now)
        kept = await store.find_reservation(tx, account_id=account_id, exchange=exchange)
        egress = await self._still(tx, kept[1], now=now, of=account_id) if kept else None
        if egress is None:
            egress = await self._free(tx, account_id, actor=actor, now=now)
        begun = (kept[0], kept[2]) if kept and kept[1] == egress.id else (new_id("res"), now)
        reservation = Reservation(begun[0], account_id, exchange, egress, begun[1], now + RESERVED_MS)
        await store.put_reservation(tx, reservation)
        if begun[1] == now:
            detail = {"exchange": exchange.title, "address": egress.shown, "until": reservation.expires_at}
            event = Event(Kind.EGRESS_RESERVED, actor, account_id, reservation.id, 0, detail)
            await self._audit.record(tx, event, now=now)
        return reservation

    async def reservation(self, tx: Tx, account_id: str, exchange: Exchange, *, now: int) -> Reservation | None:
        """Return what the account has reserved for an exchange, or `None`."""
        kept = await store.find_reservation(tx, account_id=account_id, exchange=exchange)
        if kept is None or kept[3] <= now:
            return None
        found = await store.find_address(tx, kept[1])
        if found is None or found[0].removed_at is not None:
            return None
        return Reservation(kept[0], account_id, exchange, await self._judged(tx, found), kept[2], kept[3])

    async def require_still(self, tx: Tx, reservation: Reservation, *, now: int) -> None:
        """Do nothing if what was reserved is still the account's, and the address locked; raises `Conflict`."""
        kept = await store.find_reservation(tx, account_id=reservation.account_id, exchange=reservation.exchange)
        if kept is None or (kept[0], kept[1]) != (reservation.id, reservation.egress.id) or kept[3] <= now:
            raise Conflict(
                "the address that was reserved is no longer yours",
                hint="begin again: an address is kept for two hours, and shown before the key is made",
            )
        if await self._still(tx, kept[1], now=now, of=reservation.account_id) is None:
            raise Conflict("the address that was reserved serves another connection", hint="begin again")

    async def release(self, tx: Tx, account_id: str, exchange: Exchange, *, actor: Actor, now: int) -> None:
        """Let others have what the account has reserved for an exchange, if that is anything."""
        kept = await store.find_reservation(tx, account_id=account_id, exchange=exchange)
        if kept is not None:
            await self.let_go(tx, account_id, exchange)
            event = Event(Kind.EGRESS_RELEASED, actor, account_id, kept[0], 0, {"exchange": exchange.title})
            await self._audit.record(tx, event, now=now)

    async def let_go(self, tx: Tx, account_id: str, exchange: Exchange) -> None:
        """Forget what the account had reserved for an exchange: a connection has it now."""
        await store.drop_reservation(tx, account_id=account_id, exchange=exchange)

    async def spare(self, tx: Tx, own: EgressAddress, *, now: int) -> Outlet | None:
        """Return another way out, that nobody uses or has reserved and that is seen as another address; `None` for none."""
        for egress in await self.all(tx):
            if (
                egress.observed
                and egress.shown != own.shown
                and egress.holds
                and await store.is_free(tx, egress, now=now, of=None)
            ):
                return await self.outlet(tx, egress.id)
        return None

    async def _free(self, tx: Tx, account_id: str, *, actor: Actor, now: int) -> EgressAddress:
        known = await self.all(tx)
        if not known and self._book.is_personal:  # a machine of one's own has a way out, and nobody else is on it
            known = [await self.add(tx, Place(EgressKind.LOCAL, ANY_ADDRESS), actor=actor, now=now)]
        # Before the shared ones come those that are free; last what this account has reserved for another exchange's key.
        for mine in (None, account_id):
            for egress in sorted(known, key=lambda one: one.shared_at is not None):
                if egress.holds and await self._still(tx, egress.id, now=now, of=mine) is not None:
                    return egress
        serving = [shown(egress) for egress in known if egress.holds and egress.trial_at is None]
        if self._book.is_personal and serving:
            raise Conflict(
                "each address that requests can leave from serves another key already",
                hint="let several of your keys leave from one: `keywright vault egress share {address}`. Or give this key one "
                "of its own, an address of this machine or a proxy: `keywright vault egress add`",
                address=serving[0],
            )
        raise Conflict(
            "no egress address is free" if known else "there are no egress addresses yet",
            hint="whoever runs this adds one with `keywright vault egress add`, or lets several connections share one with "
            "`keywright vault egress share`",
        )

    async def _still(self, tx: Tx, egress_id: str, *, now: int, of: str | None = None) -> EgressAddress | None:
        """Return an address, locked, if nothing keeps it from serving another connection, else `None`.

        What the account `of` has reserved keeps nobody of it.
        """
        found = await store.find_address(tx, egress_id)
        if found is None or found[0].removed_at is not None:
            return None
        egress = await self._judged(tx, found)
        if not egress.holds or egress.trial_at is not None:
            return None
        return egress if egress.shared_at or await store.is_free(tx, egress, now=now, of=of) else None

    async def _good(self, tx: Tx, wanted: str) -> EgressAddress:
        egress = await self.find(tx, wanted)
        found = await store.find_address(tx, egress.id)
        if found is None or not (egress := await self._judged(tx, found)).holds:
            raise _altered(egress)
        return egress

    async def _write(
        self, tx: Tx, egress: EgressAddress, kind: Kind, actor: Actor, *, now: int, wipe: bool = False, **detail: object
    ) -> EgressAddress:
        found = await store.find_address(tx, egress.id)
        user_sealed = found[1] if found and not wipe else None
        mac = seals.egress_mac(self._safe.egress_key, egress, user_sealed)
        await store.update_address(tx, egress, mac=mac, user_sealed=user_sealed)
        await self._record(tx, kind, egress, actor, now=now, **detail)
        return egress

    async def _record(
        self, tx: Tx, kind: Kind, egress: EgressAddress, actor: Actor, *, now: int, **detail: object
    ) -> None:
        told = {"address": shown(egress), **({"observed": egress.observed} if egress.observed else {}), **detail}
        await self._audit.record(tx, Event(kind, actor, "", egress.id, egress.version, told), now=now)

    async def _judged(self, tx: Tx, found: store.Found) -> EgressAddress:
        return replace(found[0], holds=await self._book.egress_holds(tx, *found))


def shown(egress: EgressAddress) -> str:
    """Return an address as it is listed: never with a proxy's password."""
    if egress.kind is EgressKind.LOCAL:
        return "any" if egress.place == ANY_ADDRESS else egress.place
    return f"{egress.kind}://{egress.place}"


def _altered(egress: EgressAddress) -> Unusable:
    return Unusable(
        "the record of the egress address {address} was altered outside Keywright",
        hint="run `keywright audit verify`, take the address out of the pool and add it again",
        address=shown(egress),
    )
