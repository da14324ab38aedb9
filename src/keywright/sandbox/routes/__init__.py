"""The routes of the paper exchange: per topic a table of method, path and what answers it.

`market` what anyone may see, `funds` an owner's money, `payouts` what leaves, `trading` its orders and fills, `futures` the little of futures
there is. Each answers the `data` of KuCoin's envelope, or raises `Declined`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keywright.sandbox.call import Call


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a table. `path` may have variable parts: `/api/v1/orders/{order_id}`."""

    method: str
    path: str
    answer: Callable[[Call], Awaitable[object]]
    private: bool = True
    """Answered only to a request that has an owner."""
