"""The little of futures there is: enough for futures clients to load. Nothing can be traded there yet."""

from __future__ import annotations

from keywright.sandbox import listings, markets
from keywright.sandbox.call import Call
from keywright.sandbox.routes import Route
from keywright.sandbox.routes.market import status, timestamp


async def contracts(call: Call) -> object:
    """Answer every contract."""
    return [listings.contract(entry, at=call.now) for entry in markets.CONTRACTS]


ROUTES = (
    Route("GET", "/api/v1/timestamp", timestamp, private=False),
    Route("GET", "/api/v1/status", status, private=False),
    Route("GET", "/api/v1/contracts/active", contracts, private=False),
)
