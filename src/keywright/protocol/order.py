"""What an authentic request would do, as read from its exact bytes: the nouns. Each exchange's reader makes them.

Rule: what can't be understood is said to be so, never guessed. A limit that rests on a field which is `None` refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Action(StrEnum):
    """What a request would do."""

    PLACE = "place"
    CANCEL = "cancel"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"
    OTHER = "other"
    """Known, and none of the above: a read, or a write that moves no order and no money."""
    UNKNOWN = "unknown"
    """Not understood: a path nobody described, or a body that does not say what such a body must."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a request would do. A batch makes several."""

    action: Action
    symbol: str | None = None
    """As the exchange writes it; `None` where the request does not say (cancelling by id, all markets)."""
    side: str | None = None
    """`buy` or `sell`."""
    type: str | None = None
    """The exchange's word in lower case: `limit`, `market`, `stop_limit` …"""
    price: Decimal | None = None
    size: Decimal | None = None
    """In the base currency, or in contracts on futures."""
    notional: Decimal | None = None
    """In the quote currency, where it can be known from the request alone: price × size of a limit order on spot, or the
    amount a market order spends. `None` where it can't: then no limit on it can be proved to hold."""
    currency: str | None = None
    """Of a withdrawal or transfer."""
    destination: str | None = None
    """Where a withdrawal or transfer goes, in the exchange's words."""
    why: str = ""
    """For `unknown`: what was not understood, in words for the log. Never a secret."""
