"""`KeySigner`: one held key made ready, whatever its exchange. The wires sign; this only hands each what it takes."""

from __future__ import annotations

from typing import NoReturn, final

from keywright.errors import Invalid
from keywright.protocol.binance_signer import BinanceSigner
from keywright.protocol.bitfinex_signer import BitfinexSigner
from keywright.protocol.kucoin_signing import KucoinSigner
from keywright.protocol.message import SignedRequest
from keywright.secret import Secret
from keywright.vault.evidence import Credentials, Exchange, KeyKind


@final
class KeySigner:
    """Signs with one key. Shows nothing of it."""

    __slots__ = ("_signer", "exchange")

    def __init__(self, credentials: Credentials) -> None:
        """Make ready. Raises `Invalid` for what can't sign."""
        self.exchange = credentials.exchange
        key, secret = credentials.key, credentials.secret
        self._signer: KucoinSigner | BinanceSigner | BitfinexSigner
        match credentials.exchange:
            case Exchange.KUCOIN:
                self._signer = KucoinSigner(key, secret, credentials.passphrase or Secret(b""))
            case Exchange.BINANCE if credentials.kind is KeyKind.HMAC:
                self._signer = BinanceSigner(key=key, secret=secret)
            case Exchange.BINANCE:
                self._signer = BinanceSigner(key=key, private_key=secret)
            case Exchange.BITFINEX:
                self._signer = BitfinexSigner(key, secret)

    def sign(self, method: str, target: bytes, body: bytes, *, stamp: int) -> SignedRequest:
        """Return the request as it must be sent. `stamp` is the exchange's time, or at Bitfinex the nonce.

        Raises `Invalid` for what the exchange could not verify.
        """
        if isinstance(self._signer, BitfinexSigner):
            return self._signer.sign(method, target, body, nonce=stamp)
        if self.exchange is Exchange.KUCOIN and method in {"GET", "HEAD"} and body:
            raise Invalid("a GET takes no body", field="body")
        return self._signer.sign(method, target, body, now_ms=stamp)

    def __repr__(self) -> str:
        return "KeySigner(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a KeySigner can't be pickled or copied")
