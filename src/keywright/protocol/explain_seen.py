"""What can be seen of a request without searching: headers, stamps, hosts, what the server refuses before it verifies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from keywright.protocol import canonical
from keywright.protocol.explain_causes import cause
from keywright.protocol.explain_forms import UNITS
from keywright.protocol.explain_model import Cause, Mistake
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused

# Where each exchange's API answers. Any other host is somebody's own, and nothing can be said of it.
_HOSTS: Mapping[str, tuple[str, ...]] = {
    "kucoin": ("kucoin.com", "kucoin.eu"),
    "binance": ("binance.com", "binance.us", "binance.vision"),
    "bitfinex": ("bitfinex.com",),
}
_GONE = ("openapi-sandbox.kucoin.com", "api-sandbox-futures.kucoin.com")
SHORTEST_SECRET = 7
"""Bytes of a secret that is looked for in a request; shorter ones, of tests, stand everywhere by chance."""
_FUTURES = (b"/api/v1/contracts", b"/api/v1/position", b"/api/v1/account-overview", b"/api/v1/funding-history")


def headers(request: Request, names: Iterable[str], *, needed: Iterable[str]) -> Iterator[Cause]:
    """Yield what is wrong with the exchange's headers: not sent, sent twice, with bytes that can't be seen."""
    needed = tuple(needed)
    for name in names:
        values = request.header(name.lower().encode())
        if not values:
            if name in needed:
                yield cause(Mistake.HEADER_MISSING, name)
            continue
        if len(values) > 1:
            yield cause(Mistake.HEADER_REPEATED, name)
        if any(byte <= 0x20 or byte >= 0x7F for value in values for byte in value):
            yield cause(Mistake.HEADER_UNPRINTABLE, name, certain=False)


def value(request: Request, name: str) -> bytes:
    """Return a header's value, the first where there are several; empty where there is none."""
    return next(iter(request.header(name.lower().encode())), b"")


def skew(stamp: bytes, now_ms: int) -> int | None:
    """Return a stamp minus our time in ms, whatever its unit; `None` where it is no stamp of this age."""
    whole = stamp.partition(b".")[0]
    if not whole.isdigit() or len(whole) not in UNITS:
        return None
    per_second: int = 10 ** (len(whole) - 10)
    return int(whole) * 1000 // per_second - now_ms


def stamp_of_13_digits(stamp: bytes, now_ms: int, *, earliest_ms: int, latest_ms: int, own_ms: int) -> Iterator[Cause]:
    """Yield what is wrong with a stamp in milliseconds that may lie so far from our time; `own_ms`: the exchange's window."""
    apart = skew(stamp, now_ms)
    if len(stamp) != 13 or not stamp.isdigit():
        unit = UNITS.get(len(stamp.partition(b".")[0])) if stamp.replace(b".", b"", 1).isdigit() else None
        if unit and b"." not in stamp:
            yield cause(Mistake.STAMP_IN_OTHER_UNIT, unit)
        elif stamp:
            yield cause(Mistake.STAMP_MALFORMED, "it has a point" if b"." in stamp else "it is no number of 13 digits")
    elif apart is not None and not earliest_ms <= apart <= latest_ms:
        most = abs(earliest_ms if apart < 0 else latest_ms)
        yield cause(Mistake.CLOCK_OFF, f"{_words(apart)} the time of receipt; {most} ms are tolerated")
    elif apart is not None and abs(apart) > own_ms:
        yield cause(Mistake.CLOCK_BEYOND_EXCHANGE, _words(apart) + " the time of receipt", certain=False)


def _words(skew_ms: int) -> str:
    return f"{abs(skew_ms)} ms {'ahead of' if skew_ms > 0 else 'behind'}"


def target(method: str, raw: bytes) -> Iterator[Cause]:
    """Yield why the server would refuse method or target before it verifies."""
    if method != method.upper():
        yield cause(Mistake.METHOD_LOWER_CASE)
    try:
        canonical.read_target(raw)
    except Refused as refused:
        yield cause(Mistake.TARGET_NOT_CANONICAL, refused.facts["rule"])


def body(method: str, content: bytes) -> Iterator[Cause]:
    """Yield why the server would refuse the body before it verifies."""
    try:
        may_follow = canonical.body_may_follow(method, body_allowed=True)
        canonical.check_beginning_of_body(content, may_follow=may_follow)
        canonical.check_body(content)
    except Refused as refused:
        yield cause(Mistake.BODY_NOT_TAKEN, refused.facts.get("rule", f"{method} takes none"))


def host(request: Request, exchange: str) -> Iterator[Cause]:
    """Yield whether the request went to a host that can't know the key."""
    name = value(request, "host").decode("latin-1").partition(":")[0].lower()
    if name in _GONE:
        yield cause(Mistake.HOST_FOREIGN, "a test exchange that was shut down", certain=False)
    for other, ends in _HOSTS.items():
        if other != exchange and any(name == end or name.endswith(f".{end}") for end in ends):
            yield cause(Mistake.HOST_FOREIGN, f"the host of another exchange, {other}", certain=False)
    if name == "api.kucoin.com" and request.path.startswith(_FUTURES):
        yield cause(Mistake.HOST_FOREIGN, "the spot host, and its path is one of futures", certain=False)
    if name == "api-futures.kucoin.com" and not request.path.startswith((*_FUTURES, b"/api/")):
        yield cause(Mistake.HOST_FOREIGN, "the futures host, and its path is none of its API", certain=False)


def carried(request: Request, secret: bytes, passphrase: bytes | None, *, apart_from: str = "") -> Iterator[Cause]:
    """Yield which secret stands in the request itself. `apart_from`: the header where a passphrase may stand."""
    everything = (request.target, request.body, *(text for _, text in request.headers))
    if len(secret.strip()) >= SHORTEST_SECRET and any(secret.strip() in text for text in everything):
        yield cause(Mistake.SECRET_IN_REQUEST, "the secret")
    elsewhere = (
        request.target,
        request.body,
        *(text for name, text in request.headers if name.decode("latin-1") != apart_from.lower()),
    )
    if passphrase and len(passphrase) >= SHORTEST_SECRET and any(passphrase in text for text in elsewhere):
        yield cause(Mistake.SECRET_IN_REQUEST, "the passphrase", certain=False)
