"""Households that settled once, to begin with again: signing up, proving and making keys takes longer than most tests of them.

A household is the rows of its database, what each browser and authenticator holds, and the time. The first that is asked for
in a process settles through the pages; the next of the same kind gets its rows. What could tell them apart is compared
first, so one that would have settled otherwise does settle.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.holding import Obliging
from tests.support.visitor import Caller, console_over

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.web.app import Console
    from tests.support.clock import FakeClock
    from tests.support.household import Household


@dataclass(frozen=True)
class Beginning:
    """What a household depends on, as far as it may differ from test to test."""

    rows: tuple[tuple[str, int], ...]
    """How many rows each table had: with nobody in it, the database is as good as another."""
    keyring: Any
    policy: Any
    rest_ms: int
    now: int
    origins: tuple[str, ...]


@dataclass(frozen=True)
class _Settled:
    home: Household
    file: bytes
    now: int
    asked: tuple[Any, ...]


_SETTLED: list[tuple[Beginning, _Settled]] = []


async def beginning_of(services: Services, clock: FakeClock, place: dict[str, Any]) -> Beginning | None:
    """Return what a household here depends on; `None` where it can't be begun with again: on PostgreSQL, or among others."""
    if not services.database.is_sqlite or set(place) - {"origins"}:
        return None
    await services.database.close()  # it opens again by itself
    path = _path(services)
    if Path(f"{path}-wal").exists():
        return None  # somebody else has it open
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = tuple((name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in sorted(names))
    if dict(rows)["accounts"]:
        return None
    keyring = services.keyring
    return Beginning(
        rows,
        (keyring.database_id, dict(keyring.keys)),
        services.policies.given,
        services.notices._rest_ms,
        clock(),
        place.get("origins", ()),
    )


async def keep(beginning: Beginning, home: Household, clock: FakeClock) -> None:
    """Keep a household for those that begin alike, as it is now."""
    await home.services.database.close()
    file = _path(home.services).read_bytes()
    kept = _moved(home, home.services, home.console, clock)
    _SETTLED.append((beginning, _Settled(kept, file, clock(), tuple(_exchange(home.services).asked))))


def settled_before(beginning: Beginning, services: Services, clock: FakeClock) -> Household | None:
    """Put the rows of a household that began alike into this database; return it as it was when it had settled."""
    found = next((settled for other, settled in _SETTLED if other == beginning), None)
    if found is None:
        return None
    _path(services).write_bytes(found.file)
    clock.now = found.now
    _exchange(services).asked.extend(found.asked)
    console = console_over(services, **({"origins": beginning.origins} if beginning.origins else {}))
    return _moved(found.home, services, console, clock)


def _moved(home: Household, services: Services, console: Console, clock: FakeClock) -> Household:
    """Return the same people, with what they hold now, at another console."""

    def moved(one: Caller) -> Caller:
        other = Caller(
            console,
            clock,
            one.address,
            one.origin,
            one.email,
            one.totp_secret,
            one.used_step,
            one.last,
            dict(one.headers),
        )
        for cookie in one.client.cookies.jar:
            other.client.cookies.jar.set_cookie(copy(cookie))
        return other

    return replace(
        home,
        services=services,
        console=console,
        ada=moved(home.ada),
        elsewhere=moved(home.elsewhere),
        bob=moved(home.bob),
        soft=copy(home.soft),
    )


def _path(services: Services) -> Path:
    return Path(services.database.engine.url.database or "")


def _exchange(services: Services) -> Obliging:
    found = services.vault._asks
    assert isinstance(found, Obliging)
    return found
