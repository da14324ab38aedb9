"""The console's story over HTTP, on a database of each kind: a real server, a browser without a screen, a real bot.

What a person sees of it stands in tests/browser, in Chromium; here it is the way through the server to the database and back.
"""

from __future__ import annotations

import contextlib
import csv
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.place import Running, started
from tests.support.server import Values
from tests.support.visitor import Caller

PASSPHRASE = "Tide-wharf-29-Q"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Give a running server, its database of each kind; it has nothing to complain of at its end."""
    url: str = request.getfixturevalue("empty_postgres") if request.param == "postgres" else ""
    with started(tmp_path, database_url=url) as running:
        yield running


async def test_from_signing_up_to_a_request_that_is_refused(
    running: Running, browser: Callable[[Running], Caller]
) -> None:
    grace = browser(running)
    assert len(set(await grace.arrive())) == 10
    key_id, secret = await grace.make_key("trade", passphrase=PASSPHRASE)
    bot = running.bot(Values(key_id, secret, PASSPHRASE))

    assert bot.is_served()
    ordered = bot.post("/api/v1/hf/orders", symbol="BTC-USDT", side="buy", type="market", size="0.001")
    assert ordered.code == "200000"
    await grace.get(f"/api-management/{key_id}")
    assert (await grace.post(f"/api-management/{key_id}/disable")).status_code == 303
    refused = bot.get("/api/v1/accounts")
    assert (refused.status, refused.code) == (401, "400003")

    running.clock.advance(minutes=11)  # the code given for the key serves no longer
    bot = running.bot(Values(key_id, secret, PASSPHRASE))
    await grace.get(f"/api-management/{key_id}")
    assert (await grace.post(f"/api-management/{key_id}/enable")).status_code != 303
    assert (await grace.post(f"/api-management/{key_id}/enable", code=grace.code())).status_code == 303
    assert bot.is_served()
    await grace.get("/security")
    assert (await grace.post("/security/freeze")).status_code == 303
    assert not bot.is_served()

    again = browser(running)
    again.totp_secret, again.used_step = grace.totp_secret, grace.used_step
    await again.sign_in()
    assert await again.is_in()
    assert await usage_of(again, key_id, 5) == ["200", "200", "401", "200", "403"]
    hang_up(running.console, f"/api-management/{key_id}/usage/export.csv", again)
    assert running.installation.cli("audit", "verify").code == 0
    events = running.installation.cli("audit", "list", "--json", "--account", grace.email).json["events"]
    assert [event["kind"] for event in events if event["kind"].startswith(("key.", "account.frozen"))] == [
        "account.frozen",
        "key.enabled",
        "key.disabled",
        "key.acknowledged",
        "key.issued",
    ]


@pytest.fixture
async def browser() -> AsyncIterator[Callable[[Running], Caller]]:
    """Give what opens a browser before a server's console."""
    async with contextlib.AsyncExitStack() as opened:

        def open_one(running: Running) -> Caller:
            caller = Caller(None, running.clock, origin=running.console, email="grace@example.org")
            opened.push_async_callback(caller.client.aclose)
            return caller

        yield open_one


async def usage_of(caller: Caller, key_id: str, count: int) -> list[str]:
    """Return the status of each request in the exported usage, oldest first, once so many are written down."""
    rows: list[dict[str, str]] = []
    while len(rows) < count:  # the test's own time limit ends what never comes
        answer = await caller.get(f"/api-management/{key_id}/usage/export.csv")
        rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    return [row["status"] for row in reversed(rows)]


def hang_up(console: str, path: str, caller: Caller) -> None:
    """Ask for a download and close the connection before its end."""
    place = urlsplit(console)
    request = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: keywright={caller.token}\r\n\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as asking:
        asking.sendall(request.encode())
        assert asking.recv(12) == b"HTTP/1.1 200"
