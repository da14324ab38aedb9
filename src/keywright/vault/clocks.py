"""What time it is at an exchange, and which nonce comes next: `Timepiece` and `Nonces`. One of each for every key's requests.

Rule 1: a stamp is made from the exchange's time as measured, carried on by the monotonic clock. A step of this machine's
clock changes nothing, and a machine that slept is noticed.
Rule 2: a stamp is biased backwards by half a round trip: exchanges take one that is late for seconds, and one that is early
for one second (Binance) or not at all.
Rule 3: what is further off than `MOST_MS` is not corrected but said, in seconds. Signing for a time far ahead would make
requests that somebody could keep for later; and a machine that wrong has other troubles.
Rule 4: a nonce that was given is never given again, by no process, nor a smaller one; and none is larger than it must be, since
whatever else uses the key has to rise above it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Protocol

from keywright.errors import Conflict, Unusable
from keywright.protocol.bitfinex_payload import LARGEST_NONCE
from keywright.vault.venues.venue import Budget

MOST_MS = 30_000
"""The largest offset that is corrected. docs/decisions says why not less."""
OLDEST_MS = 600_000
"""The oldest measurement that is used: offsets that are taken at the start alone go stale within a quarter of an hour."""
STEP_MS = 500
"""By how much the two clocks of this machine may drift apart before the exchange is asked again: it slept, or was set."""
SAMPLES = 5
MOST_BIAS_MS = 1_000
LEAP_MS = 60_000
"""How far a nonce leaps after one was called small: further than clocks differ that anybody calls right."""
MOST_COARSE = 10**14
"""What no nonce in milliseconds reaches, and every one in microseconds is above."""
NONCE_STEPS = ((0, False), (2_000, False), (10_000, False), (LEAP_MS, False), (0, True), (LEAP_MS, True))
"""How far ahead, and whether in microseconds, after one was called small: as little as it takes. A bot that counts milliseconds
would never have a nonce taken again after a single one of ours in microseconds."""
MOST_AHEAD_MS = 500
"""How far a burst of requests may run ahead of the exchange's time."""


class Sample(NamedTuple):
    """One question for the time: when it was sent, what was answered, when that came. Ours by the monotonic clock."""

    sent_ms: float
    said_ms: int
    came_ms: float


@dataclass(frozen=True, slots=True)
class Offset:
    """How an exchange's time stands to ours."""

    ahead_of_monotonic_ms: float
    """Exchange's time minus the monotonic clock."""
    rtt_ms: float
    """The round trip, of the samples that were used."""
    measured_ms: float
    """When, by the monotonic clock."""
    wall_ms: int
    """What this machine's clock said then."""

    @property
    def skew_ms(self) -> int:
        """How far this machine's clock is ahead of the exchange's; negative where it is behind."""
        return round(self.wall_ms - (self.ahead_of_monotonic_ms + self.measured_ms))

    def age_ms(self, monotonic_ms: float) -> float:
        """Return how old the measurement is."""
        return monotonic_ms - self.measured_ms

    def stamp(self, monotonic_ms: float) -> int:
        """Return what to sign: the exchange's time, less half a round trip."""
        return int(self.ahead_of_monotonic_ms + monotonic_ms - min(self.rtt_ms / 2, MOST_BIAS_MS))

    def holds(self, *, monotonic_ms: float, wall_ms: int) -> bool:
        """Tell whether it may still be used: young enough, and the machine neither slept nor was set meanwhile."""
        drift = (wall_ms - self.wall_ms) - (monotonic_ms - self.measured_ms)
        return 0 <= self.age_ms(monotonic_ms) <= OLDEST_MS and abs(drift) <= STEP_MS


def estimate(samples: Sequence[Sample], *, wall_ms: int, monotonic_ms: float) -> Offset:
    """Return the offset that several answers agree on: the median of those whose round trip was shortest. Pure."""
    quick = sorted(samples, key=lambda one: one.came_ms - one.sent_ms)[: max(1, (len(samples) + 1) // 2)]
    return Offset(
        ahead_of_monotonic_ms=median(one.said_ms - (one.sent_ms + one.came_ms) / 2 for one in quick),
        rtt_ms=median(one.came_ms - one.sent_ms for one in quick),
        measured_ms=monotonic_ms,
        wall_ms=wall_ms,
    )


class ClockOff(Unusable):
    """This machine's clock is further from the exchange's than is corrected, or the way there is too slow to tell."""

    exit_code = 13

    def __init__(self, message: str, *, hint: str, skew_ms: int, **values: object) -> None:
        super().__init__(message, hint=hint, **values)
        self.skew_ms = skew_ms


def check_offset(offset: Offset, *, exchange: str, budget: Budget) -> None:
    """Do nothing if requests stamped by this offset will be in time. Raises `ClockOff`, which says by how many seconds."""
    skew = offset.skew_ms
    seconds = f"{abs(skew) / 1000:.1f}"
    if skew > MOST_MS:
        raise ClockOff(
            "this machine's clock is {seconds} seconds ahead of {exchange}'s",
            hint="whoever runs this machine sets it by NTP (timedatectl set-ntp true). Up to {most} seconds are corrected; "
            "nothing was signed, and nothing is wrong with the key",
            skew_ms=skew,
            seconds=seconds,
            exchange=exchange,
            most=MOST_MS // 1000,
        )
    if skew < -MOST_MS:
        raise ClockOff(
            "this machine's clock is {seconds} seconds behind {exchange}'s",
            hint="whoever runs this machine sets it by NTP (timedatectl set-ntp true). Up to {most} seconds are corrected; "
            "nothing was signed, and nothing is wrong with the key",
            skew_ms=skew,
            seconds=seconds,
            exchange=exchange,
            most=MOST_MS // 1000,
        )
    if offset.rtt_ms > budget.behind_ms:
        raise ClockOff(
            "a question to {exchange} takes {seconds} seconds there and back, longer than it takes a request to expire",
            hint="the clock is not to blame: look at the connection, and at the proxy if there is one",
            skew_ms=skew,
            seconds=f"{offset.rtt_ms / 1000:.1f}",
            exchange=exchange,
        )


def is_worrying(offset: Offset, budget: Budget) -> bool:
    """Tell whether somebody should set this machine's clock: a quarter of what the exchange takes, or a second ahead."""
    skew = offset.skew_ms
    return skew > min(1_000, budget.ahead_ms / 4) or -skew > budget.behind_ms / 4


class Timepiece:
    """One exchange's time, over one way out. Asks again when what it knows is old, or no longer holds."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[int]],
        *,
        exchange: str,
        budget: Budget,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        """`ask` returns the exchange's time, `clock` ours, `monotonic` what never steps; all in milliseconds."""
        self._ask, self._exchange, self._budget = ask, exchange, budget
        self._clock, self._monotonic = clock, monotonic
        self._lock = asyncio.Lock()
        self._last = 0
        self.offset: Offset | None = None
        """What was measured last."""

    async def stamp(self) -> int:
        """Return what to sign now, above every one before. Raises `ClockOff`, and what `ask` raises."""
        now = (await self.known()).stamp(self._monotonic())
        # Two requests of one stamp and text would be one to whoever refuses replays. A long burst does not run ahead.
        self._last = min(self._last + 1, now + MOST_AHEAD_MS) if now <= self._last <= now + MOST_AHEAD_MS else now
        return self._last

    async def known(self) -> Offset:
        """Return the offset, measured anew if it must be."""
        async with self._lock:
            held = self.offset
            if held is None or not held.holds(monotonic_ms=self._monotonic(), wall_ms=self._clock()):
                self.offset = held = None
                self.offset = held = await self._measured()
            return held

    def forget(self) -> None:
        """Have it measured anew before the next request: the exchange has just called a stamp wrong."""
        self.offset = None

    async def _measured(self) -> Offset:
        samples = []
        for _ in range(SAMPLES):
            sent = self._monotonic()
            said = await self._ask()
            samples.append(Sample(sent, said, self._monotonic()))
        offset = estimate(samples, wall_ms=self._clock(), monotonic_ms=self._monotonic())
        check_offset(offset, exchange=self._exchange, budget=self._budget)
        return offset


class NonceStore(Protocol):
    """Where the highest nonce of each key is kept, for all processes."""

    async def next_nonce(self, key: str, *, at_least: int) -> int:
        """Keep and return the next nonce of a key in one step: `at_least`, or one more than the highest it has used."""
        ...


class NoncesInMemory:
    """For one process that no other shares its keys with."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    async def next_nonce(self, key: str, *, at_least: int) -> int:
        """Keep and return the next nonce of a key."""
        self._last[key] = nonce = max(at_least, self._last.get(key, 0) + 1)
        return nonce


class Nonces:
    """The one authority over the nonces of Bitfinex keys: they rise, over restarts and processes, whatever the clock does."""

    def __init__(self, store: NonceStore, *, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, key: str) -> asyncio.Lock:
        """Return what a request holds while it is on its way: one that overtakes another is refused."""
        return self._turns.setdefault(key, asyncio.Lock())

    async def next(self, key: str, *, ahead_ms: int = 0, fine: bool = False) -> int:
        """Return the next nonce of a key: the present time, or above the last. Raises `Conflict` at the end.

        In milliseconds, until one was `fine`: in microseconds. `ahead_ms` leaps over what another program with a clock ahead
        of ours has used.
        """
        now = self._clock() + ahead_ms
        nonce = await self._store.next_nonce(key, at_least=now * 1_000 if fine else now)
        if not fine and nonce > MOST_COARSE:
            nonce = await self._store.next_nonce(key, at_least=now * 1_000)
        if nonce > LARGEST_NONCE:
            raise Conflict(
                "this key has used the highest nonce there is",
                hint="some program has used one far too high with it. Make a new key; this one can't sign any more",
            )
        return nonce
