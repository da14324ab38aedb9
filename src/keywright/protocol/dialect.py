"""What every exchange's dialect can do: the same verbs, each in its own wire. Callers that know the exchange use its class;
callers that don't (the public `sign` and `verify`, the vault, `explain`) go through this.

    sign        request, credentials, now      → SignedRequest
    read        a received request             → what it claims, or Refused
    check       a claim against credentials    → nothing, or Refused: constant time, the same work for an unknown key
    refuse      our Refused                    → the exchange's status, code and message
    understand  an exchange's error answer     → our Reasons, likeliest first; empty for an answer that is no refusal
    read_order  an authentic request           → what it would do
"""

from __future__ import annotations

from typing import Any, Protocol

from keywright.protocol.message import Answer, Request, SignedRequest
from keywright.protocol.order import Intent
from keywright.protocol.refusal import Reason, Refused


class Dialect(Protocol):
    """One exchange's wire. `sign`, `read` and `check` take what their exchange needs, by keyword: hence `Any`."""

    def sign(self, *args: Any, **kwargs: Any) -> SignedRequest:
        """Return the request as it must be sent. Raises `Invalid` for one that the exchange could not verify."""
        ...

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a received request claims. Raises `Refused`."""
        ...

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing if the claim holds. Raises `Refused`."""
        ...

    def refuse(self, refused: Refused) -> Answer:
        """Return the refusal as the exchange would say it."""
        ...

    def understand(self, status: int, body: bytes) -> tuple[Reason, ...]:
        """Return what an error answer of the exchange may mean, likeliest first. Never raises."""
        ...

    def read_order(self, request: Request) -> tuple[Intent, ...]:
        """Return what an authentic request would do; one `unknown` where it can't be told. Never raises."""
        ...
