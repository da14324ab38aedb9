"""Every page of the console over real HTTP: one signed-in operator with keys, usage, a connection; one request after the other.

    python -m benchmarks.console                        starts `keywright serve` in a folder of its own
    python -m benchmarks.console --seconds 5            longer a page
    python -m benchmarks.console --profile out.prof     the server under cProfile

What is measured is the server: the client is a bare connection on loopback, kept alive. `cpu` is the processor's time that
the server takes for a request, with whatever else it does meanwhile; other programs on the machine hardly lengthen it, so the
goal is held against it. `kB` is the page with all that it loads, headers included, as a
browser that was never here gets it; `tests/browser/test_weight.py` weighs the same, and more states, in Chromium.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

import pyotp
from tests.doubles.exchange import running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.bot import Bot

from keywright.secret import Secret
from keywright.web.app import PAGES

GOAL_MS, GOAL_BYTES = 50, 200_000
KEYS = 4  # one less than an account may have: with all of them there is no form for a new one
REQUESTS = 60  # more than a page of usage shows
PASSWORD = "seven-lamps-under-rain"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
ASSET = re.compile(r'(?:src|href)="?(/static/[^\s">]+)')
ELSEWHERE = {"/login", "/login/step-up", "/login/arrived", "/captcha", "/security/passkeys/{passkey_id:row}"}
"""What isn't there without an exchange's login, a captcha or a passkey."""


class Browser:
    """One connection and one cookie jar."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._connection = http.client.HTTPConnection(urlsplit(origin).netloc)
        self._cookies: dict[str, str] = {}
        self.text = ""
        self.bytes = 0

    def request(self, method: str, path: str, fields: dict[str, str] | None = None, **more: str) -> int:
        """Return the status; the page is kept."""
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()), **more}
        headers |= {"origin": self.origin, "host": urlsplit(self.origin).netloc}
        if fields is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields) if fields is not None else None
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self.text = content.decode("utf-8", "replace")
        self.bytes = len(content) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status

    def get(self, path: str) -> None:
        """Follow a link; the page must be there."""
        status = self.request("GET", path)
        assert status == 200, (path, status)

    def weigh(self, path: str) -> int:
        """Return the bytes of an address and of all that it loads; a style sheet loads nothing more here; files come packed."""
        self.request("GET", path)
        whole = self.bytes
        for asset in sorted(set(ASSET.findall(self.text))):
            self.request("GET", asset, None, **{"accept-encoding": "gzip"})
            whole += self.bytes
        return whole

    def find(self, pattern: str) -> str:
        """Return what the page that is open has in this place."""
        found = re.search(pattern, self.text)
        assert found, (pattern, self.text)
        return found[1]

    def post(self, page: str, path: str, **fields: str) -> None:
        """Send a form of a page; it must be taken."""
        self.get(page)
        found = CSRF.search(self.text)
        assert found, page
        status = self.request("POST", path, {"csrf": found[1], **fields})
        assert status in {200, 303}, (path, status, self.text)


@dataclass(frozen=True)
class Server:
    """A running `keywright serve`."""

    console: str
    spot: str
    folder: Path
    pid: int

    def cpu_ms(self) -> float:
        """Return the processor's time that it took so far."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text("ascii").split()[0]) for one in threads) / 1_000_000

    def cli(self, *arguments: str) -> str:
        """Run a command on its folder and return what it printed."""
        command = [sys.executable, "-m", "keywright", *arguments, "--data-dir", str(self.folder)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  our own


@contextmanager
def served(folder: Path, profile: str) -> Iterator[Server]:
    """Give a server in this folder."""
    under = ["-m", "cProfile", "-o", profile] if profile else []
    ports = [f"--{name}-port=0" for name in ("console", "gateway", "futures")]
    process = subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, *under, "-m", "keywright", "serve", "--data-dir", str(folder), *ports],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    said = ""
    urls: dict[str, str] = {}
    try:
        while not {"console", "spot"} <= urls.keys():
            line = process.stdout.readline()
            assert line, said
            said += line
            urls = dict(re.findall(r"^  (console|spot) +(http://\S+)$", said, re.MULTILINE))
        yield Server(urls["console"], urls["spot"], folder, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def arrived(server: Server, exchange: KucoinDouble) -> tuple[Browser, dict[str, str]]:
    """Return a browser that is signed in and has proved its second factor, and what pages are about: an id of each kind."""
    browser = Browser(server.console)
    browser.post("/sign-up", "/sign-up", email="bench@example.org", password=PASSWORD)
    browser.post("/security/authenticator", "/security/authenticator/start")
    codes, now = pyotp.TOTP(browser.find(r"secret=([A-Z2-7]{32})")), int(time.time())
    fields = {"csrf": browser.find(CSRF.pattern), "code": codes.at(now - 30)}
    # The code of the step before is taken too, so that the present one is left for the step-up.
    assert browser.request("POST", "/security/authenticator/confirm", fields) == 200
    browser.post("/step-up", "/step-up", code=codes.at(now), next="/security")
    about, bots = {"exchange": "kucoin"}, []
    for number in range(KEYS):
        wish = {
            "name": f"bot {number}",
            "memo": "Server A",
            "environment": "spot",
            "addresses": "127.0.0.1 203.0.113.7",
        }
        passphrase = f"Tide-wharf-{number}9-Q"
        browser.post(
            "/api-management/new", "/api-management/create", permissions="read trade", passphrase=passphrase, **wish
        )
        about["key_id"] = browser.find(r"/api-management/([0-9a-f]{24})/download")
        secret = Secret(browser.find(r"\b([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\b"))
        browser.post("/api-management", f"/api-management/{about['key_id']}/acknowledge")
        bots.append(Bot(server.spot, about["key_id"], secret, Secret(passphrase)))
    for _ in range(REQUESTS):
        assert bots[-1].get("/api/v1/accounts").status == 200
    browser.post("/sub-accounts", "/sub-accounts/create", name="trading1")
    browser.get("/sub-accounts")
    about["sub_id"] = browser.find(r"/sub-accounts/([a-z]{3}_[0-9a-f]{24})")
    about["connection_id"] = connected(browser, server, exchange)
    link = server.cli("operator", "link")
    code = re.search(r"#(\S+)", link)
    assert code, link
    browser.post("/operator", "/operator/claim", code=code[1])
    browser.get("/operator")
    about["account_id"] = browser.find(r"/operator/accounts/(acc_[0-9a-f]{24})")
    return browser, about


def connected(browser: Browser, server: Server, exchange: KucoinDouble) -> str:
    """Hold a key of the exchange's double; return the connection's id."""
    server.cli("vault", "egress", "add", "127.0.0.1", "--server")
    browser.post("/exchanges/new", "/exchanges/new", exchange="kucoin")
    key = exchange.new_key("General", "Spot", addresses=("127.0.0.1",), created_at=int(time.time() * 1_000))
    given = {"name": "night grid", "key": key.key, "secret": key.secret, "passphrase": key.passphrase}
    browser.post("/exchanges/new/kucoin", "/exchanges/new/kucoin", **given)
    browser.get("/exchanges")
    return browser.find(r"/exchanges/(con_[0-9a-f]{24})")


def measured(server: Server, what: Callable[[], object], *, seconds: float) -> tuple[list[float], list[float]]:
    """Return how long each call took, and how much of the processor's time the server, in milliseconds and in order."""
    what()
    times: list[float] = []
    cpu: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 20:
        before, began = server.cpu_ms(), time.perf_counter()
        what()
        times.append((time.perf_counter() - began) * 1_000)
        cpu.append(server.cpu_ms() - before)
    return sorted(times), sorted(cpu)


def p99(values: list[float]) -> float:
    """Return what 99 of 100 do not exceed."""
    return values[min(len(values) - 1, int(len(values) * 0.99))]


def pages(about: dict[str, str]) -> dict[str, str]:
    """Return the address of each page there is, by its name; the ids in it are `about`'s."""
    found = {}
    for at in PAGES:
        if at.method == "GET" and at.path not in ELSEWHERE:
            name = re.sub(r"{(\w+):\w+}", r"{\1}", at.path)
            found[name] = name.format(**about)
    return found


def works(browser: Browser, about: dict[str, str]) -> dict[str, Callable[[], object]]:
    """Return what else is measured, by name: forms, and what comes before signing in."""
    browser.get("/api-management")
    csrf = browser.find(CSRF.pattern)
    stranger, anonymous = Browser(browser.origin), Browser(browser.origin)

    def post(path: str, **fields: str) -> Callable[[], None]:
        def send() -> None:
            status = browser.request("POST", path, {"csrf": csrf, **fields})
            assert status in {200, 303}, (path, status)

        return send

    def sign_in() -> None:
        stranger.post("/sign-in", "/sign-in", email="bench@example.org", password=PASSWORD)
        stranger.post("/sign-in/code", "/sign-out")

    key = f"/api-management/{about['key_id']}"
    wish = {"name": "bot", "permissions": "read trade", "environment": "spot", "addresses": "203.0.113.7"}
    return {
        "GET /healthz": lambda: anonymous.get("/healthz"),
        **{f"GET {path} (nobody)": functools.partial(anonymous.get, path) for path in ("/sign-in", "/sign-up")},
        "POST …/summary": post("/api-management/summary", **wish),
        "POST …/new (check)": post("/api-management/new", **wish),
        "POST …/rename": post(f"{key}/rename", name="bot 0", memo="Server B"),
        "POST …/addresses": post(f"{key}/addresses", addresses="203.0.113.7"),
        "POST …/disable": post(f"{key}/disable"),
        "POST /strength": post("/strength", secret="20122012" * 9),
        "sign in and out (Argon2id, 4 requests)": sign_in,
    }


def main() -> None:
    """Print the table; exit 1 where a page misses the goal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    missed = []
    with (
        TemporaryDirectory() as folder,
        running_in_thread(KucoinDouble(lambda: time.time_ns() // 1_000_000)) as exchange,
    ):
        os.environ["KEYWRIGHT_KUCOIN_URL"] = exchange.url
        with served(Path(folder), options.profile) as server:
            browser, about = arrived(server, exchange)
            paths = pages(about)
            asked: dict[str, Callable[[], object]] = {
                f"GET {name}": functools.partial(browser.request, "GET", path) for name, path in paths.items()
            }
            print(f"{'':<48}{'calls':>7}{'p50 ms':>9}{'p99 ms':>9}{'cpu p50':>9}{'cpu p99':>9}{'kB':>9}")
            for name, work in (asked | works(browser, about)).items():
                times, cpu = measured(server, work, seconds=options.seconds)
                weight = browser.weigh(paths[name[4:]]) if name in asked else 0
                said = f"{name:<48}{len(times):>7}{statistics.median(times):>9.2f}{p99(times):>9.2f}"
                said += f"{statistics.median(cpu):>9.2f}{p99(cpu):>9.2f}"
                print(said + (f"{weight / 1_000:>9.1f}" if weight else ""), flush=True)
                if (p99(cpu) >= GOAL_MS and "Argon2id" not in name) or weight > GOAL_BYTES:
                    missed.append(name)
    if missed:
        print(
            f"p99 of the processor's time of {GOAL_MS} ms or more, or above {GOAL_BYTES:,} bytes: {', '.join(missed)}"
        )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
