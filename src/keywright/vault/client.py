"""`VenueClient`: asks one exchange what its keys may do, and sends what is signed with them.

The way of a signed request: a stamp is taken when it is sent, not before; it is signed; it leaves through the egress. Called
out of time, or below the last nonce, it is signed anew and sent again: such a refusal says that nothing was done.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Self

from keywright.errors import KeywrightError
from keywright.protocol.binance import BinanceDialect
from keywright.protocol.bitfinex import BitfinexDialect
from keywright.protocol.dialect import Dialect
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.refusal import Reason
from keywright.vault.clocks import NONCE_STEPS, Nonces, Timepiece
from keywright.vault.destinations import Origin, read_origin
from keywright.vault.diagnosis import Diagnosis, explain
from keywright.vault.echoes import unechoed
from keywright.vault.egress import Lookup, look_up
from keywright.vault.evidence import Credentials, Exchange, Probe, nonce_name
from keywright.vault.factors import Factor
from keywright.vault.signer import KeySigner
from keywright.vault.venues.known import VENUES
from keywright.vault.venues.venue import Call, NotUnderstood, not_understood
from keywright.vault.way_out import Egress
from keywright.vault.wire import BrokenOff, Unreachable, Wire, monotonic_ms
from keywright.vault.wire_reply import Reply

_DIALECTS: dict[Exchange, Dialect] = {
    Exchange.KUCOIN: KucoinDialect(),
    Exchange.BINANCE: BinanceDialect(),
    Exchange.BITFINEX: BitfinexDialect(),
}

READS = b"/v2/auth/r/"
"""What Bitfinex answers to a POST without anything changing."""

EXIT_CODES = {
    **dict.fromkeys((Factor.KEY, Factor.PASSPHRASE, Factor.SECRET, Factor.NONCE, Factor.ENVIRONMENT), 4),
    **dict.fromkeys((Factor.PERMISSION, Factor.SYMBOL, Factor.ACCOUNT), 6),
    **dict.fromkeys((Factor.NETWORK, Factor.EXCHANGE, Factor.LIMIT), 7),
    Factor.ADDRESS: 11,
    Factor.CLOCK: 13,
}
"""What a command ends with, by what is likeliest to blame; 1 for the rest."""


class Denied(KeywrightError):
    """The exchange refused: said as its `diagnosis`, made from its `reply` where nothing better is known."""

    def __init__(self, exchange: Exchange, reply: Reply, diagnosis: Diagnosis | None = None) -> None:
        self.exchange, self.reply, self.diagnosis = exchange, reply, diagnosis or explain(exchange, reply)
        self.exit_code = EXIT_CODES.get(self.diagnosis.factor, 1)
        super().__init__(self.diagnosis.words.message, hint=self.diagnosis.words.hint, **self.diagnosis.values)


@dataclass(frozen=True, slots=True)
class Ways:
    """What every client of an installation shares: clocks, nonces, and where the exchanges are."""

    clock: Callable[[], int]
    nonces: Nonces
    origins: dict[Exchange, Origin]
    """Where an exchange is, if not at its own address."""
    tls: ssl.SSLContext | None = None
    """For private roots; the system's otherwise."""
    lookup: Lookup = look_up

    elsewhere: dict[Exchange, dict[str, Origin]] | None = None
    """The other environments of exchanges, by name, if not at their own addresses."""

    def origin(self, exchange: Exchange) -> Origin:
        """Return where an exchange is asked."""
        return self.origins.get(exchange) or read_origin(VENUES[exchange].origin)

    def environments(self, exchange: Exchange) -> dict[str, Origin]:
        """Return where its other environments are; none where the exchange itself is a double, unless they are named."""
        if self.elsewhere is not None:
            return self.elsewhere.get(exchange, {})
        if exchange in self.origins:
            return {}
        return {name: read_origin(url) for name, url in VENUES[exchange].elsewhere}


class VenueClient:
    """Speaks to one exchange through one egress. Make it inside a running loop; use `async with`, or `close` it."""

    def __init__(self, exchange: Exchange, egress: Egress, ways: Ways, *, origin: Origin | None = None) -> None:
        """Make ready. `origin` is for another environment of the exchange than its own."""
        self.exchange, self.egress, self.ways = exchange, egress, ways
        self.venue = VENUES[exchange]
        self.origin = origin or ways.origin(exchange)
        self._wire = Wire(self.origin, egress, tls=ways.tls, lookup=ways.lookup)
        self.time = Timepiece(
            self._exchange_time,
            exchange=exchange.title,
            budget=self.venue.budget,
            clock=ways.clock,
            monotonic=monotonic_ms,
        )
        """The exchange's time, as measured through this egress."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    # ── nothing of a key

    async def ask(self, call: Call) -> Reply:
        """Return what is answered to a public question; asked again where a kept connection had ended meanwhile."""
        try:
            return await self._wire.send(call.method, call.target, body=call.body)
        except BrokenOff:
            return await self._wire.send(call.method, call.target, body=call.body)

    async def address_seen(self) -> str:
        """Return the address the exchange sees us come from; empty where it does not tell, or not whole."""
        call, read = self.venue.my_address, self.venue.read_address
        if call is None or read is None:
            return ""
        reply = await self.ask(call)
        if reply.status != 200:
            raise Denied(self.exchange, reply)
        return read(reply.body)

    async def _exchange_time(self) -> int:
        reply = await self.ask(self.venue.time)
        read = self.venue.read_time
        if reply.status != 200:
            raise Denied(self.exchange, reply)
        if read is None:
            raise not_understood(self.exchange)
        return read(reply.body)

    # ── with a key

    async def send(
        self,
        credentials: Credentials,
        method: str,
        target: bytes,
        body: bytes = b"",
        *,
        signer: KeySigner | None = None,
    ) -> Reply:
        """Return what is answered to a request signed with a key; a refusal too. Who sends many keeps a `signer`.

        Raises `EgressGone`, `ClockOff`, `Unreachable`, and `Invalid` for what can't be signed.
        """
        signer = signer or KeySigner(credentials)
        name = nonce_name(credentials)
        async with self.ways.nonces.turn(name) if self.exchange is Exchange.BITFINEX else nullcontext():
            try:
                reply = await self._sent(signer, name, method, target, body)
            except BrokenOff:
                # A connection that was kept open may have ended meanwhile. Only what changes nothing is sent again.
                if method != "GET" and not target.startswith(READS):
                    raise
                reply = await self._sent(signer, name, method, target, body)
            if self.reasons(reply)[:1] == (Reason.TIMESTAMP_OUT_OF_WINDOW,):
                self.time.forget()
                reply = await self._sent(signer, name, method, target, body)
            for ahead_ms, fine in NONCE_STEPS:
                if self.reasons(reply)[:1] != (Reason.NONCE_NOT_INCREASING,):
                    break
                reply = await self._sent(signer, name, method, target, body, ahead_ms=ahead_ms, fine=fine)
        return reply

    async def _sent(
        self,
        signer: KeySigner,
        name: str,
        method: str,
        target: bytes,
        body: bytes,
        *,
        ahead_ms: int = 0,
        fine: bool = False,
    ) -> Reply:
        if self.exchange is Exchange.BITFINEX:
            stamp = await self.ways.nonces.next(name, ahead_ms=ahead_ms, fine=fine)
        else:
            stamp = await self.time.stamp()
        signed = signer.sign(method, target, body, stamp=stamp)
        reply = await self._wire.send(signed.method, signed.target, signed.headers, signed.body)
        if reply.status == 200 and not self.reasons(reply):
            return reply
        return replace(reply, body=unechoed(reply.body, signed.target, signed.headers))

    async def probe(self, credentials: Credentials, *, at: int | None = None) -> Probe:
        """Return what the exchange tells about a key: rights, addresses, dates. It moves nothing.

        Raises `Denied` with the exchange's refusal, `NotUnderstood` for an answer of another shape, and what `send` raises.
        """
        call = self.venue.permissions
        reply = await self.send(credentials, call.method, call.target, call.body)
        if reply.status != 200 or self.reasons(reply):
            raise Denied(self.exchange, reply)
        if reply.is_page:
            raise not_understood(self.exchange, "html")
        if self.venue.read_key is not None and self.venue.read_key(reply.body) not in {"", credentials.key}:
            raise not_understood(self.exchange, "another key")
        now = self.ways.clock() if at is None else at
        probe = self.venue.read_permissions(reply.body, at=now)
        if not self.venue.my_address:
            return probe
        try:
            return replace(probe, seen_address=await self.address_seen())
        except (Denied, NotUnderstood, Unreachable):
            return probe  # what the key may do is known; where we were seen is told another time

    def reasons(self, reply: Reply) -> tuple[Reason, ...]:
        """Return what a reply refuses for, likeliest first; empty for one that is no refusal."""
        return _DIALECTS[self.exchange].understand(reply.status, reply.body)

    def own_reasons(self, reply: Reply) -> tuple[Reason, ...]:
        """Return what the exchange itself refuses for, by its words alone: a status, or a page, may be from what stands before it,
        which knows nothing of the key.
        """
        return self.reasons(replace(reply, status=200))


async def is_bound(client: VenueClient, credentials: Credentials) -> bool | None:
    """Tell whether a key is bound to addresses, by asking with it from one that it should not work from.

    `client` leaves from a second address; the key has just worked from its own. `False`: it was let in, so it is not bound.
    `None`: the way there failed, which proves nothing.
    """
    try:
        await client.probe(credentials)
    except Denied as denied:
        # Its own words for it, not just any 403: a firewall on the way would prove the same of every key.
        return True if client.venue.foreign_address in denied.reply.body and not denied.reply.is_page else None
    except KeywrightError:
        return None
    return False
