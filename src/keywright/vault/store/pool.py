"""Queries of the pool of egress addresses, which is the operator's, and of reservations in it, which are accounts'."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update

from keywright.storage.tables import connections, egress_addresses as addresses, egress_reservations as reservations
from keywright.storage.transaction import Tx, is_writing
from keywright.vault.evidence import Exchange
from keywright.vault.model import EgressAddress, EgressKind, Reservation, Status

Found = tuple[EgressAddress, bytes | None, bytes]
"""An egress address not judged yet, what is sealed of its proxy's user, and its MAC."""


async def all_addresses(tx: Tx) -> list[Found]:
    """Return the addresses of the pool, oldest first, without the removed."""
    query = select(addresses).where(addresses.c.removed_at.is_(None))
    return [egress_of(row) for row in await tx.execute(query.order_by(addresses.c.created_at, addresses.c.id))]


async def find_address(tx: Tx, egress_id: str) -> Found | None:
    """Return an address, or `None`; locked against other writers by a transaction that writes."""
    query = select(addresses).where(addresses.c.id == egress_id)
    row = (await tx.execute(query.with_for_update() if is_writing(tx) else query)).one_or_none()
    return egress_of(row) if row else None


async def insert_address(tx: Tx, egress: EgressAddress, *, user_sealed: bytes | None, mac: bytes) -> None:
    """Keep a new address."""
    values = {**_columns(egress, mac), "id": egress.id, "created_at": egress.created_at, "user_sealed": user_sealed}
    await tx.execute(insert(addresses).values(**values))


async def update_address(tx: Tx, egress: EgressAddress, *, mac: bytes, user_sealed: bytes | None) -> None:
    """Write what may change of an address."""
    values = {**_columns(egress, mac), "user_sealed": user_sealed}
    await tx.execute(update(addresses).where(addresses.c.id == egress.id).values(**values))


async def is_free(tx: Tx, egress: EgressAddress, *, now: int, of: str | None) -> bool:
    """Tell whether no connection uses an address and nobody has it reserved, but perhaps the account `of`.

    Two ways out that the world sees as one address are one address.
    """
    same = [addresses.c.id == egress.id]
    if egress.shown:
        of_this_machine = addresses.c.kind == EgressKind.LOCAL.value, addresses.c.place == egress.shown
        same += [addresses.c.observed == egress.shown, and_(addresses.c.observed == "", *of_this_machine)]
    used = select(func.count()).join_from(connections, addresses, connections.c.egress_id == addresses.c.id)
    used = used.where(or_(*same), connections.c.status != Status.REMOVED.value)
    kept = select(func.count()).join_from(reservations, addresses, reservations.c.egress_id == addresses.c.id)
    kept = kept.where(or_(*same), reservations.c.expires_at > now)
    if of is not None:
        kept = kept.where(reservations.c.account_id != of)
    # What is kept is looked at first: in between it may become used, and the other way round would be seen as neither.
    return not (await tx.execute(kept)).scalar_one() and not (await tx.execute(used)).scalar_one()


async def is_used(tx: Tx, egress_id: str, *, now: int) -> bool:
    """Tell whether a connection uses an address, or someone has it reserved."""
    used = select(connections.c.id).where(
        connections.c.egress_id == egress_id, connections.c.status != Status.REMOVED.value
    )
    kept = select(reservations.c.id).where(reservations.c.egress_id == egress_id, reservations.c.expires_at > now)
    return any([(await tx.execute(query.limit(1))).one_or_none() is not None for query in (used, kept)])


async def find_reservation(tx: Tx, *, account_id: str, exchange: Exchange) -> tuple[str, str, int, int] | None:
    """Return id, egress address, beginning and end of what the account has reserved for an exchange, or `None`."""
    query = select(reservations).where(reservations.c.account_id == account_id)
    row = (await tx.execute(query.where(reservations.c.exchange == exchange.value))).one_or_none()
    return (row.id, row.egress_id, row.created_at, row.expires_at) if row else None


async def put_reservation(tx: Tx, reservation: Reservation) -> None:
    """Keep a reservation in place of the account's earlier one for this exchange."""
    await drop_reservation(tx, account_id=reservation.account_id, exchange=reservation.exchange)
    await tx.execute(
        insert(reservations).values(
            id=reservation.id,
            account_id=reservation.account_id,
            exchange=reservation.exchange.value,
            egress_id=reservation.egress.id,
            created_at=reservation.created_at,
            expires_at=reservation.expires_at,
        )
    )


async def drop_reservation(tx: Tx, *, account_id: str, exchange: Exchange) -> None:
    """Let go of what the account has reserved for an exchange."""
    mine = reservations.c.account_id == account_id, reservations.c.exchange == exchange.value
    await tx.execute(delete(reservations).where(*mine))


async def drop_expired(tx: Tx, *, now: int) -> None:
    """Forget reservations whose time is over."""
    await tx.execute(delete(reservations).where(reservations.c.expires_at <= now))


def egress_of(row: Row[Any], prefix: str = "") -> Found:
    """Return the address that a row states; one that can't be read does not hold."""

    def column(name: str) -> Any:
        return getattr(row, prefix + name)

    user_sealed, mac = column("user_sealed"), column("egress_mac")
    try:
        egress = EgressAddress(
            id=str(column("id")),
            kind=EgressKind(column("kind")),
            place=str(column("place")),
            created_at=int(column("created_at")),
            shared_at=column("shared_at"),
            trial_at=column("trial_at"),
            removed_at=column("removed_at"),
            observed=str(column("observed")),
            observed_at=column("observed_at"),
            version=int(column("version")),
            has_user=user_sealed is not None,
        )
    except (ValueError, TypeError):
        egress = EgressAddress(str(column("id")), EgressKind.LOCAL, "", 0, version=0, holds=False)
    return egress, user_sealed if isinstance(user_sealed, bytes) else None, mac if isinstance(mac, bytes) else b""


def _columns(egress: EgressAddress, mac: bytes) -> dict[str, Any]:
    return {
        "kind": egress.kind.value,
        "place": egress.place,
        "shared_at": egress.shared_at,
        "trial_at": egress.trial_at,
        "removed_at": egress.removed_at,
        "observed": egress.observed,
        "observed_at": egress.observed_at,
        "version": egress.version,
        "egress_mac": mac,
    }
