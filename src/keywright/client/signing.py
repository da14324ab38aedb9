"""`Signing`: one key, bound to one exchange and one origin, that signs with a time no two requests share.

Rule 1: a request that would go elsewhere is refused, not sent unsigned or, worse, signed: a redirect would hand the key's
headers to whoever it leads to.
Rule 2: the target is signed as it is sent. A URL that the exchange could not verify is refused here, with the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from keywright.clock import wall_clock_ms
from keywright.errors import Invalid
from keywright.protocol.message import SignedRequest
from keywright.secret import Secret

MOST_AHEAD_MS = 500
"""How far a burst may run ahead of the clock. Binance takes up to a second; beyond this, two requests share a stamp."""


class _Signer(Protocol):
    def sign(self, method: str, target: bytes | str, body: bytes, *, now_ms: int) -> SignedRequest: ...


class Signing:
    """Signs requests with one key. May be used by several threads.

    `origin` is where requests may go (`https://api.kucoin.com`); without it, wherever the first one goes. Raises
    `Invalid` for an exchange it does not know, and for a passphrase that is missing or has no place there.
    """

    def __init__(
        self,
        exchange: str,
        *,
        key: str,
        secret: Secret | str,
        passphrase: Secret | str | None = None,
        origin: str = "",
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._signer = _signer(exchange, key, _secret(secret), None if passphrase is None else _secret(passphrase))
        self._origin = origin.rstrip("/").lower()
        self._clock = clock
        self._last = 0
        self._lock = threading.Lock()

    def sign(self, method: str, origin: str, target: bytes, body: bytes) -> SignedRequest:
        """Return the request as it must be sent. Raises `Invalid` for another origin, and for what can't be verified."""
        with self._lock:
            self._origin = self._origin or origin.lower()
            if origin.lower() != self._origin:
                raise Invalid(
                    f"this key signs for {self._origin}, and the request goes to {origin}",
                    hint="follow no redirects; for another host, make another one of these",
                )
            return self._signer.sign(method, target, body, now_ms=self._next())

    def _next(self) -> int:
        """Return the time, above the one before: a write with the same stamp and text would be refused as a replay."""
        now = self._clock()
        self._last = min(self._last + 1, now + MOST_AHEAD_MS) if now <= self._last else now
        return self._last

    def __repr__(self) -> str:
        return "Signing(•••)"


def _secret(value: Secret | str) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _signer(exchange: str, key: str, secret: Secret, passphrase: Secret | None) -> _Signer:
    if not secret:
        raise Invalid("the secret is empty", field="secret")
    if (exchange == "kucoin") != bool(passphrase):
        needed = "needs" if exchange == "kucoin" else "has no"
        raise Invalid(f"a key of {exchange} {needed} passphrase", field="passphrase")
    # Imported here: a bot of one exchange loads one wire.
    if exchange == "kucoin":
        from keywright.protocol.kucoin_signing import KucoinSigner  # noqa: PLC0415

        return KucoinSigner(key, secret, passphrase or Secret(b""))
    if exchange == "binance":
        from keywright.protocol.binance import BinanceSigner  # noqa: PLC0415

        return BinanceSigner(key=key, secret=secret)
    if exchange == "bitfinex":
        from keywright.protocol.bitfinex_signer import BitfinexSigner  # noqa: PLC0415

        return BitfinexSigner(key=key, secret=secret)
    raise Invalid("the exchanges are kucoin, binance, bitfinex", field="exchange")
