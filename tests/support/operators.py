"""A short way to make an operator, as a one-time link would."""

from __future__ import annotations

from keywright.app.services import Services
from keywright.audit.events import Actor, Event, Kind
from keywright.identity import store


async def make_operator(services: Services, account_id: str) -> None:
    """Make the account an operator's."""
    async with services.database.write() as tx:
        await store.set_operator(tx, account_id=account_id, at=services.clock())
        event = Event(Kind.OPERATOR_CLAIMED, Actor(account_id, factor="totp"), account_id, account_id)
        await services.audit.record(tx, event, now=services.clock())
