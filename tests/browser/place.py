"""Where the browser tests take place: a server whose clock can be set forward, its bots, and authenticators."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyotp

from keywright.protocol.message import SignedRequest
from keywright.secret import Secret
from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Double, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.bot import DIALECT, Bot
from tests.support.server import Installation, Server, Values

ROOT = Path(__file__).parent.parent.parent
STEP_MS = 30_000
ELSEWHERE = "console.elsewhere.example"
"""A name that leads to the server but is not the console's own."""

EGRESS = tuple(f"127.0.0.{last}" for last in range(1, 7))
"""Addresses that held keys leave from: more than are in use at a time."""


class Clock:
    """The server's clock: the wall's, set forward."""

    def __init__(self, file: Path) -> None:
        self.file = file
        """Where it says how far ahead it is, in ms."""
        self._offset = 0
        self._set()

    def __call__(self) -> int:
        """Return what the server's clock shows."""
        return time.time_ns() // 1_000_000 + self._offset

    @property
    def offset(self) -> int:
        """How far it is ahead of the wall's, in ms."""
        return self._offset

    def advance(self, *, ms: int = 0, seconds: int = 0, minutes: int = 0) -> None:
        """Set it forward."""
        self._offset += ms + seconds * 1_000 + minutes * 60_000
        self._set()

    def _set(self) -> None:
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(str(self._offset))
        unfinished.rename(self.file)


@dataclass
class Authenticator:
    """An app on a phone: a code for each step, none twice."""

    secret: str
    clock: Clock
    used: int = 0

    def code(self) -> str:
        """Return a code that was not used yet; the server's clock is set forward where there is none."""
        if self.clock() // STEP_MS <= self.used:
            self.clock.advance(ms=(self.used + 1) * STEP_MS - self.clock())
        self.used = self.clock() // STEP_MS
        return self.shows(self.used)

    def shows(self, step: int) -> str:
        """Return the code of a step, used or not."""
        return pyotp.TOTP(self.secret).generate_otp(step)

    def wrong_code(self) -> str:
        """Return six digits that are no code of now, nor of the steps beside it."""
        present = self.clock() // STEP_MS
        right = {self.shows(step) for step in range(present - 2, present + 4)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


@dataclass(frozen=True)
class BotOnTime(Bot):
    """A bot whose clock is the server's."""

    clock: Clock = field(kw_only=True)

    def sign(self, method: str, target: str, body: bytes = b"") -> SignedRequest:
        """Return the request signed now."""
        return DIALECT.sign(
            method, target, body, key=self.key, secret=self.secret, passphrase=self.passphrase, now_ms=self.clock()
        )

    def is_served(self) -> bool:
        """Tell whether a request is answered; where not, for what a person did at the console."""
        answered = self.get("/api/v1/accounts")
        refused = {(401, "400003"), (401, "400004"), (403, "411100")}
        assert (answered.status, answered.code) in {(200, "200000"), *refused}, answered
        return answered.status == 200


@dataclass(frozen=True)
class Exchanges:
    """The doubles that stand in the exchanges' place."""

    kucoin: KucoinDouble
    binance: BinanceDouble
    bitfinex: BitfinexDouble

    def all(self) -> tuple[Double, ...]:
        """Return each of them."""
        return self.kucoin, self.binance, self.bitfinex


@dataclass
class Running:
    """The server, its clock, and where it lives."""

    server: Server
    clock: Clock
    installation: Installation
    exchanges: Exchanges = field(init=False)
    """What it takes for the exchanges, where it was started with them."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    @property
    def console(self) -> str:
        """The official address."""
        return self.server.console

    def bot(self, values: Values) -> BotOnTime:
        """Return a bot at the spot gateway."""
        secret, passphrase = Secret(values.api_secret), Secret(values.api_passphrase)
        return BotOnTime(self.server.spot, values.api_key, secret, passphrase, clock=self.clock)

    def operator_link(self) -> str:
        """Return a new one-time operator link, as the command line prints it."""
        said = self.installation.cli("operator", "link", "--json")
        assert said.code == 0, said.err
        link: str = said.json["link"]
        return link


@contextlib.contextmanager
def started(folder: Path, *, database_url: str = "", **environment: str) -> Iterator[Running]:
    """Give a running server in a folder nothing was ever started in; it had nothing to complain of when it is stopped.

    With the URL of an empty PostgreSQL database, that is where it keeps everything.
    """
    clock = Clock(folder / "offset")
    installation = Installation(folder, database_url=database_url)
    server = Server(
        installation,
        folder / "server",
        (),
        {
            "KEYWRIGHT_DEVELOPMENT_PAGES": "on",
            "PYTHONPATH": str(ROOT),
            **environment,
        },
        launcher=(sys.executable, "-m", "tests.support.shifted_server", str(folder / "offset")),
    )
    try:
        server.wait()
        yield Running(server, clock, installation)
        assert server.err == ""
    finally:
        server.end()


@contextlib.contextmanager
def started_with_exchanges(folder: Path) -> Iterator[Running]:
    """Give a running server for which doubles on the loopback are the exchanges, and its pool of addresses."""
    with (
        running_in_thread(KucoinDouble()) as kucoin,
        running_in_thread(BinanceDouble()) as binance,
        running_in_thread(BitfinexDouble()) as bitfinex,
    ):
        exchanges = Exchanges(kucoin, binance, bitfinex)
        urls = {f"KEYWRIGHT_{one.name.upper()}_URL": one.url for one in exchanges.all()}
        with started(folder, **urls) as server:
            server.exchanges = exchanges
            for double in exchanges.all():
                double.clock = server.clock
            for address in EGRESS:
                added = server.installation.cli("vault", "egress", "add", address, "--server", **urls)
                assert added.code == 0, added.err
            yield server
