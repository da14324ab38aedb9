"""A browser without a screen: cookies, forms and their tokens, against the console itself, on the tests' own clock.

What it does is what a browser without JavaScript does. Pages in a real browser are tested in tests/browser.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol
from urllib.parse import unquote, urlencode

import httpx2
import pyotp
from sqlalchemy import Row, select

from keywright.app.purses import SandboxPurses
from keywright.app.services import Services
from keywright.app.standing_of_keys import posture_of
from keywright.audit.model import Verified
from keywright.storage.tables import metadata
from keywright.web.app import Console
from keywright.web.assets import Assets
from keywright.web.chain_checks import ChainChecks
from keywright.web.rendering import Pages
from keywright.web.security import CSRF_LABEL
from keywright.web.site import Place, Site
from keywright.web.texts import Texts
from tests.support.texts import all_texts

ORIGIN = "http://localhost:8400"
CSRF = re.compile(r'name="?csrf"? value="?([0-9a-f]{64})')
SECRET = re.compile(r"secret=([A-Z2-7]{32})")
RECOVERY = re.compile(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b")
PASSWORD = "seven-lamps-under-rain"


def console_over(services: Services, *, origins: tuple[str, ...] = (ORIGIN,), **place: Any) -> Console:
    """Return the console over these services."""
    texts, assets, pages = _looks()
    settings: dict[str, Any] = {"mode": "sandbox", "spot_url": "http://spot", "futures_url": "http://futures", **place}

    async def verify() -> Verified:
        async with services.database.read() as tx:
            return await services.audit.verify(tx)

    site = Site(
        place=Place(origins=origins, **settings),
        database=services.database,
        identity=services.identity,
        issuing=services.issuing,
        entrance=services.entrance,
        captcha=services.captcha,
        sub_accounts=services.sub_accounts,
        passkeys=services.passkeys,
        whitelist=services.whitelist,
        approvals=services.approvals,
        notices=services.notices,
        own=services.own,
        login=services.login,
        policies=services.policies,
        tokens=services.tokens,
        audit=services.audit,
        chain=ChainChecks(verify),
        vault=services.vault,
        standing=partial(posture_of, services),
        csrf_key=services.keyring.derive(CSRF_LABEL),
        clock=services.clock,
        jwks=b'{"keys":[]}',
        texts=texts,
        assets=assets,
        pages=pages,
        purses=SandboxPurses(services.database) if settings["mode"] == "sandbox" else None,
    )
    return Console(site)


@cache
def _looks() -> tuple[Texts, Assets, Pages]:
    """Return what every console here shows itself with: to compile the templates anew for each takes half a second."""
    texts, assets = all_texts(), Assets()
    return texts, assets, Pages(assets, texts)


HTTP: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "scheme": "http",
    "root_path": "",
    "server": ("127.0.0.1", 8400),
}
"""What every request to the console says of itself, as its server puts it."""


@dataclass(frozen=True)
class Answer:
    """What an application sent, byte for byte."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header; `None` when it is not there. More than one is a mistake."""
        found = [value.decode("latin-1") for key, value in self.headers if key.decode() == name]
        assert len(found) <= 1, (name, found)
        return found[0] if found else None

    @property
    def cookies(self) -> list[str]:
        """The cookies that were set, as they were written."""
        return [value.decode() for key, value in self.headers if key == b"set-cookie"]


async def ask(
    console: Console,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | Iterable[bytes] = b"",
    *,
    host: str | None = "localhost:8400",
    peer: str | None = "127.0.0.1",
) -> Answer:
    """Send what no browser would: any method, any header as often as wanted, any bytes."""
    raw_path, _, query = target.partition("?")
    sent_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if host is not None:
        sent_headers.insert(0, (b"host", host.encode("latin-1")))
    scope = {
        **HTTP,
        "method": method,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": sent_headers,
        "client": (peer, 50_000) if peer is not None else None,
    }
    chunks = [body] if isinstance(body, bytes) else list(body)
    coming = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks)}
        for place, chunk in enumerate(chunks, 1)
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await console(scope, receive, send)
    assert sent[0]["type"] == "http.response.start", sent
    return Answer(sent[0]["status"], sent[0]["headers"], b"".join(one.get("body", b"") for one in sent[1:]))


def form_routes(console: Console) -> list[str]:
    """Return the path of every route that takes a form, as it is written: none of them can be forgotten by a test."""
    return [one.path for one in console._routes if "POST" in (one.methods or ())]


def shown_routes(console: Console) -> list[str]:
    """Return the path of every route that shows something."""
    return [one.path for one in console._routes if "GET" in (one.methods or ())]


async def everything(services: Services) -> dict[str, list[str]]:
    """Return every row of every table, to see that nothing changed."""
    async with services.database.read() as tx:
        return {table.name: sorted(map(repr, await tx.execute(select(table)))) for table in metadata.sorted_tables}


async def events_of(services: Services) -> list[Row[Any]]:
    """Return the audit log's events, oldest first; its chain holds."""
    async with services.database.read() as tx:
        await services.audit.verify(tx)
        return list((await services.audit.list(tx, limit=10_000))[::-1])


class Ticking(Protocol):
    """A clock that can be set forward: the tests' own, or that of a server which lets them."""

    def __call__(self) -> int: ...

    def advance(self, *, ms: int = 0, seconds: int = 0) -> None: ...


@dataclass
class Caller:
    """One browser at one address, and the authenticator of who sits before it."""

    console: Console | None
    """The console in this process; without one, whatever answers at `origin`."""
    clock: Ticking
    address: str = "127.0.0.1"
    origin: str = ORIGIN
    email: str = "ada@example.org"
    totp_secret: str = ""
    used_step: int = 0
    last: httpx2.Response | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"user-agent": "Mozilla/5.0 Firefox/140.0"})

    def __post_init__(self) -> None:
        here = httpx2.ASGITransport(app=self.console, client=(self.address, 50_000)) if self.console else None
        self.client = httpx2.AsyncClient(transport=here, base_url=self.origin, headers=self.headers, trust_env=False)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Follow a link."""
        self.last = await self.client.get(path, headers=headers)
        return self.last

    async def post(self, path: str, *, follow: Any = False, csrf: str | None = None, **fields: str) -> httpx2.Response:
        """Send a form of the page last seen."""
        token = self.csrf if csrf is None else csrf
        self.last = await self.client.post(
            path,
            data={"csrf": token, **fields},
            headers={"origin": self.origin, "sec-fetch-site": "same-origin"},
        )
        while follow and self.last.status_code == 303:
            self.last = await self.client.get(self.last.headers["location"])
        return self.last

    async def send(
        self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str
    ) -> httpx2.Response:
        """Send anything with this browser's cookies; nothing is added to it but the content type of a form."""
        content = urlencode(fields).encode() if fields is not None else b""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if fields is not None:
            named.setdefault("content-type", "application/x-www-form-urlencoded")
        self.last = await self.client.request(method, path, content=content, headers=named)
        return self.last

    async def get_until(self, has_gone: asyncio.Event, path: str, pieces: list[bytes]) -> None:
        """Follow a link, collect the pieces of the answer as they come, and close the connection in the midst of it."""
        assert self.console is not None
        request = self.client.build_request("GET", path)
        scope = {
            **HTTP,
            "method": "GET",
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": (self.address, 50_000),
        }

        async def receive() -> dict[str, Any]:
            await has_gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body" and message["body"]:
                pieces.append(message["body"])

        await self.console(scope, receive, send)

    @property
    def token(self) -> str:
        """What the browser's cookie holds."""
        names = ("__Host-keywright", "keywright")
        return next((cookie.value or "" for cookie in self.client.cookies.jar if cookie.name in names), "")

    def borrow(self, token: str) -> Caller:
        """Return another browser that was given this token: a thief's, or one that kept an old one."""
        thief = Caller(
            self.console, self.clock, self.address, self.origin, self.email, self.totp_secret, self.used_step
        )
        name = "__Host-keywright" if self.origin.startswith("https") else "keywright"
        thief.client.headers["cookie"] = f"{name}={token}"
        return thief

    async def is_in(self) -> bool:
        """Tell whether this browser is signed in, with both factors."""
        return (await self.client.get("/security")).status_code == 200

    @property
    def csrf(self) -> str:
        """The token in the page last seen."""
        found = CSRF.search(self.last.text) if self.last is not None else None
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """The page last seen, its entities as people see them."""
        assert self.last is not None
        return html.unescape(self.last.text)

    def code(self) -> str:
        """Return a code that was not used yet; the clock moves on where there is none."""
        if self.clock() // 30_000 <= self.used_step:
            self.clock.advance(ms=(self.used_step + 1) * 30_000 - self.clock())
        self.used_step = self.clock() // 30_000
        return pyotp.TOTP(self.totp_secret).generate_otp(self.used_step)

    def wrong_code(self) -> str:
        """Return six digits that the authenticator shows neither now nor a step before or after."""
        present = self.clock() // 30_000
        shown = {pyotp.TOTP(self.totp_secret).generate_otp(present + drift) for drift in (-1, 0, 1)}
        return next(code for number in range(4) if (code := f"{number:06}") not in shown)

    async def sign_up(self, *, password: str = PASSWORD) -> httpx2.Response:
        """Make an account, up to the page of the authenticator."""
        await self.get("/sign-up")
        return await self.post("/sign-up", follow=True, email=self.email, password=password)

    async def enrol(self) -> tuple[str, ...]:
        """Enrol the authenticator; return the recovery codes."""
        await self.get("/security/authenticator")
        await self.post("/security/authenticator/start")
        found = SECRET.search(self.text)
        assert found, self.text
        self.totp_secret = found[1]
        answer = await self.post("/security/authenticator/confirm", code=self.code())
        assert answer.status_code == 200, self.text
        return tuple(dict.fromkeys(RECOVERY.findall(self.text)))

    async def arrive(self) -> tuple[str, ...]:
        """Sign up and enrol: in, with a second factor. Return the recovery codes."""
        await self.sign_up()
        return await self.enrol()

    async def sign_in(self, *, password: str = PASSWORD, code: str | None = None) -> httpx2.Response:
        """Sign in with both factors."""
        await self.get("/sign-in")
        await self.post("/sign-in", follow=True, email=self.email, password=password)
        return await self.post("/sign-in/code", follow=True, code=self.code() if code is None else code)

    async def make_key(self, *permissions: str, passphrase: str = "Tide-wharf-29-Q", **fields: str) -> tuple[str, str]:
        """Make a key through both pages and switch it on; return its id and secret. The page last seen shows them."""
        wish: dict[str, Any] = {"name": "bot", "memo": "", "environment": "spot", "addresses": "", **fields}
        await self.get("/api-management/new")
        await self.post("/api-management/new", permissions=" ".join(permissions), **wish)
        await self.post(
            "/api-management/create",
            permissions=" ".join(("read", *permissions)),
            passphrase=passphrase,
            code=self.code(),
            **wish,
        )
        key = re.search(r"\b[0-9a-f]{24}\b", self.text)
        secret = re.search(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", self.text)
        assert key, self.text
        assert secret, self.text
        shown = self.last
        answer = await self.post(f"/api-management/{key[0]}/acknowledge")
        assert answer.status_code == 303, self.text
        self.last = shown
        return key[0], secret[0]
