"""`Egress`: the way out of one connection, a local address or a proxy. Pure: what takes it is `connector`."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.errors import Unusable
from keywright.vault.destinations import Proxy


@dataclass(frozen=True, slots=True)
class Egress:
    """One way out."""

    address: str = ""
    """The local address that requests leave from; empty where the system may choose."""
    proxy: Proxy | None = None
    """What they go through on their way; reached from `address` too."""

    def __str__(self) -> str:
        return " through ".join(part for part in (self.address, str(self.proxy or "")) if part) or "any address"


class EgressGone(Unusable):
    """The address or the proxy that a connection leaves through is not there. Nothing was sent."""


def gone(egress: Egress) -> EgressGone:
    """Return the error for a local address that is not this machine's any more."""
    return EgressGone(
        "the address {address} of this connection is not on this machine any more",
        hint="give the machine its address back, or move the connection to another one and enter that one at the exchange. "
        "Nothing was sent, and nothing leaves from another address",
        address=egress.address,
    )
