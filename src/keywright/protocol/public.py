"""The public API: `sign`, `Signer`, `verify`, by the exchange's name. `from keywright import sign` comes from here.

Rules: no clock is read, `now_ms` is always given; secrets may come as text or bytes and are wrapped at once; whatever does
not hold is `Refused`, whatever can't be taken is `Invalid`, and both are `KeywrightError`. An exchange's own module is
imported when it is first named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, final

from keywright.errors import Invalid
from keywright.protocol.message import Header, Request, SignedRequest
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

Plain = str | bytes | Secret
"""A secret as people have it."""
Body = bytes | dict[str, Any] | list[Any]
"""As it will be sent; or an object or array, to be written once: as compact JSON, for Binance an object as a form."""
Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

T = TypeVar("T")

DEFAULT_WINDOW_MS = 5_000
"""KuCoin's and Binance's own."""


class Sign(Protocol):
    """How each exchange's signer is called."""

    def __call__(self, method: str, target: bytes | str, body: Any = b"", *, now_ms: int) -> SignedRequest:
        """Return the request as it must be sent."""
        ...


@final
class Signer:
    """Signs for one credential, with everything made ready that does not change from request to request.

    `secret` for all; `passphrase` for KuCoin; `private_key` in the place of a secret for Binance's Ed25519 and RSA keys;
    `last_nonce` for a Bitfinex key that others have used. What an exchange does not know is not looked at. Raises
    `Invalid` for an unknown exchange and for a credential that is missing or can't be one.
    """

    __slots__ = ("exchange", "sign")

    def __init__(
        self,
        exchange: str,
        *,
        key: str,
        secret: Plain | None = None,
        passphrase: Plain | None = None,
        private_key: Plain | None = None,
        last_nonce: int = 0,
    ) -> None:
        make = _named(exchange, _SIGNERS)
        self.exchange = exchange
        self.sign: Sign = make(
            key=key,
            secret=_wrapped(secret),
            passphrase=_wrapped(passphrase),
            private_key=_wrapped(private_key),
            last_nonce=last_nonce,
        )
        """The exchange's own: `sign(method, target, body, now_ms=…)`, with nothing in between."""

    def __repr__(self) -> str:
        return f"Signer({self.exchange!r}, •••)"


def sign(
    exchange: str,
    method: str,
    target: bytes | str,
    *,
    body: Body = b"",
    key: str,
    secret: Plain | None = None,
    passphrase: Plain | None = None,
    private_key: Plain | None = None,
    now_ms: int,
) -> SignedRequest:
    """Return one request as it must be sent: `method`, `target`, `headers`, `body`. Who signs often keeps a `Signer`.

    `target` is path and query, percent-encoded already. Raises `Invalid` as `Signer` does, and for a request that the
    exchange could not verify.
    """
    signer = Signer(exchange, key=key, secret=secret, passphrase=passphrase, private_key=private_key)
    return signer.sign(method, target, body, now_ms=now_ms)


@dataclass(frozen=True, slots=True)
class Proved:
    """What a signature proves, and no more: a part it does not cover may have been changed on the way."""

    exchange: str
    key_id: str
    covers_method: bool
    covers_path: bool
    covers_query: bool
    covers_body: bool
    timestamp_ms: int | None = None
    """When it was signed, by the signer's clock; `None` at Bitfinex."""
    nonce: int | None = None
    """Bitfinex's; the `last_nonce` of the next call."""
    once: bytes = field(default=b"", repr=False)
    """What names this one request. Who acts on requests remembers it for as long as the time would hold, and refuses it
    the second time."""


def verify(
    exchange: str,
    method: str,
    target: bytes | str,
    headers: Headers,
    body: bytes = b"",
    *,
    now_ms: int,
    key: str | None = None,
    secret: Plain | None = None,
    passphrase: Plain | None = None,
    public_key: str | bytes | None = None,
    window_ms: int = DEFAULT_WINDOW_MS,
    last_nonce: int | None = None,
) -> Proved:
    """Return what is proved about a request, exactly as it was received.

    `key` is the id it must claim, where the caller knows only one. KuCoin takes `secret` and `passphrase`, Binance
    `secret` or `public_key` (PEM), Bitfinex `secret` and `last_nonce` (0 before the first). Raises `Refused` with the one
    reason that stopped it, and `Invalid` for an unknown exchange or a credential that is missing.
    """
    check = _named(exchange, _CHECKS)
    raw = target.encode("utf-8", "surrogatepass") if isinstance(target, str) else target
    request = Request(method, raw, _lowered(headers), body, None)
    return check(
        request,
        now_ms=now_ms,
        key=key,
        secret=_wrapped(secret),
        passphrase=_wrapped(passphrase),
        public_key=public_key.encode() if isinstance(public_key, str) else public_key,
        window_ms=window_ms,
        last_nonce=last_nonce,
    )


# ── each exchange: what makes its signer, and what checks its requests


def _kucoin_signer(*, key: str, secret: Secret | None, passphrase: Secret | None, **_other: Any) -> Sign:
    from keywright.protocol.kucoin_signing import KucoinSigner  # noqa: PLC0415

    return KucoinSigner(key, _needed(secret, "secret"), _needed(passphrase, "passphrase")).sign


def _check_kucoin(
    request: Request,
    *,
    now_ms: int,
    key: str | None,
    secret: Secret | None,
    passphrase: Secret | None,
    window_ms: int,
    **_other: Any,
) -> Proved:
    from keywright.protocol.kucoin import KucoinDialect, KucoinVerifier, Pepper  # noqa: PLC0415

    secret, passphrase = _needed(secret, "secret"), _needed(passphrase, "passphrase")
    claim = KucoinDialect().read(request, body_allowed=True)
    skew = claim.timestamp_ms - now_ms
    if abs(skew) > window_ms:
        raise Refused(Reason.TIMESTAMP_OUT_OF_WINDOW, skew_ms=skew, window_ms=window_ms)
    _check_key(key, claim.key_id)
    pepper = Pepper(secret)  # nothing is kept here: any secret will do
    digest = pepper.digest(KucoinDialect.passphrase_header(secret, passphrase))
    KucoinVerifier(secret, passphrase_digest=digest, pepper=pepper).check(claim)
    once = claim.key_id.encode() + b"\0" + claim.signature
    return Proved("kucoin", claim.key_id, True, True, True, True, timestamp_ms=claim.timestamp_ms, once=once)


def _binance_signer(*, key: str, secret: Secret | None, private_key: Secret | None, **_other: Any) -> Sign:
    from keywright.protocol.binance import BinanceSigner  # noqa: PLC0415

    if private_key is None:
        secret = _needed(secret, "secret")
    return BinanceSigner(key=key, secret=secret, private_key=private_key).sign


def _check_binance(
    request: Request,
    *,
    now_ms: int,
    key: str | None,
    secret: Secret | None,
    public_key: bytes | None,
    window_ms: int,
    **_other: Any,
) -> Proved:
    from keywright.protocol.binance import BinanceDialect  # noqa: PLC0415

    if public_key is None:
        secret = _needed(secret, "secret")
    dialect = BinanceDialect()
    claim = dialect.read(request)
    dialect.check_time(claim, now_ms=now_ms, widest_ms=window_ms)
    _check_key(key, claim.key_id)
    dialect.check(claim, secret=secret, public_key=public_key)
    once = claim.key_id.encode() + b"\0" + claim.once
    return Proved("binance", claim.key_id, False, False, True, True, timestamp_ms=claim.timestamp_ms, once=once)


def _bitfinex_signer(*, key: str, secret: Secret | None, last_nonce: int, **_other: Any) -> Sign:
    from keywright.protocol.bitfinex import BitfinexSigner  # noqa: PLC0415

    return BitfinexSigner(key, _needed(secret, "secret"), last_nonce=last_nonce).sign


def _check_bitfinex(
    request: Request, *, key: str | None, secret: Secret | None, last_nonce: int | None, **_other: Any
) -> Proved:
    from keywright.protocol.bitfinex import BitfinexDialect, nonce_above  # noqa: PLC0415

    secret, last = _needed(secret, "secret"), _needed(last_nonce, "last_nonce")
    dialect = BitfinexDialect()
    claim = dialect.read(request)
    _check_key(key, claim.key_id)
    dialect.check(claim, secret=secret)
    nonce_above(claim.nonce, last_nonce=last)
    once = b"%b\0%d" % (claim.key_id.encode(), claim.nonce)
    return Proved("bitfinex", claim.key_id, False, True, False, True, nonce=claim.nonce, once=once)


_SIGNERS: dict[str, Callable[..., Sign]] = {
    "kucoin": _kucoin_signer,
    "binance": _binance_signer,
    "bitfinex": _bitfinex_signer,
}
_CHECKS: dict[str, Callable[..., Proved]] = {
    "kucoin": _check_kucoin,
    "binance": _check_binance,
    "bitfinex": _check_bitfinex,
}
EXCHANGES = tuple(_SIGNERS)
"""By name."""


def _named(exchange: str, table: Mapping[str, T]) -> T:
    found = table.get(exchange)
    if found is None:
        raise Invalid("there is no such exchange here", hint=f"one of {', '.join(table)}", field="exchange")
    return found


def _wrapped(plain: Plain | None) -> Secret | None:
    return plain if plain is None or isinstance(plain, Secret) else Secret(plain)


def _needed(value: T | None, name: str) -> T:
    if value is None or (isinstance(value, Secret) and not value):
        raise Invalid(f"this exchange needs {name}", field=name)
    return value


def _check_key(expected: str | None, claimed: str) -> None:
    if not claimed or (expected is not None and claimed != expected):
        raise Refused(Reason.KEY_UNKNOWN)


def _lowered(headers: Headers) -> tuple[Header, ...]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((_bytes(name).lower(), _bytes(value)) for name, value in pairs)


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
