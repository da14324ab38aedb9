"""An exchange with a login of its own, as examples/exchange_service.py runs it: its user lands in API Management."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.ports import free_port
from tests.support.server import READY_SECONDS, Installation, surroundings

EXAMPLE = Path(__file__).parents[2] / "examples" / "exchange_service.py"


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


@contextlib.contextmanager
def exchange(folder: Path, port: int, keywright: str) -> Iterator[str]:
    """Give the address of the running example."""
    process = subprocess.Popen(
        [sys.executable, EXAMPLE, str(port)],
        cwd=folder,
        env=surroundings(folder, OFFICIAL_ADDRESS=keywright),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + READY_SECONDS
        while not is_listening(port):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Give a folder nothing was ever started in."""
    return Installation(tmp_path)


def test_the_example_is_short_and_holds_no_password_of_ours() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 60


def test_a_user_of_the_exchange_lands_in_api_management(installation: Installation, tmp_path: Path) -> None:
    port, console = free_port(), free_port()
    keywright = f"http://localhost:{console}"
    login = {
        "KEYWRIGHT_LOGIN_ISSUER": "https://exchange.example",
        "KEYWRIGHT_LOGIN_JWKS_FILE": str(tmp_path / "exchange.jwks.json"),
        "KEYWRIGHT_LOGIN_URL": f"http://localhost:{port}/login",
    }
    with (
        exchange(tmp_path, port, keywright) as address,
        installation.serving(f"--console-port={console}", **login),
        httpx2.Client(base_url=keywright) as browser,
    ):
        out = browser.get("/login")
        assert out.headers["location"].startswith(f"{address}/login?nonce=")
        page = httpx2.get(out.headers["location"]).text
        nonce = re.search(r'name=nonce value="([^"]+)"', page)
        assert nonce
        wrong = httpx2.post(f"{address}/login", data={"user": "ada", "password": "x", "nonce": nonce[1]})
        assert "assertion" not in wrong.text
        right = {"user": "ada", "password": "trades-by-night", "nonce": nonce[1]}
        onward = httpx2.post(f"{address}/login", data=right).text
        to, assertion = re.search(r'action="([^"]+)"', onward), re.search(r'name=assertion value="([^"]+)"', onward)
        assert to
        assert assertion
        # The browser sends none of our cookies along with another site's form.
        foreign = {"origin": address, "sec-fetch-site": "cross-site"}
        posted = httpx2.post(to[1], data={"assertion": assertion[1]}, headers=foreign)
        assert posted.headers["location"] == "/login/arrived", posted.text
        name, _, value = posted.headers["set-cookie"].partition(";")[0].partition("=")
        browser.cookies.set(name, value, domain="localhost.local")
        assert browser.get("/login/arrived").headers["location"] == "/api-management"
        home = browser.get("/api-management")
        assert home.status_code == 200
        assert "Create" in home.text
