"""Accounts and keys by the shortest way: the console's own forms over HTTP, for stories that are about something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from tests.browser.place import Authenticator, Running
from tests.support.server import Values
from tests.support.visitor import CSRF, PASSWORD, RECOVERY, SECRET

KEY = re.compile(r"\b[0-9a-f]{24}\b")
KEY_SECRET = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
PASSPHRASE = "Tide-wharf-29-Q"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Account:
    """Someone who signed up and enrolled, in a browser that nobody looks at."""

    running: Running
    client: httpx2.Client
    email: str
    authenticator: Authenticator
    recovery_codes: tuple[str, ...] = ()
    password: str = PASSWORD

    def cookies(self) -> dict[str, str]:
        """Return what its browser keeps."""
        return dict(self.client.cookies)

    def post(self, path: str, *, at: str, **fields: str) -> str:
        """Send the form at `path` from the page `at`; return the page that comes of it."""
        csrf = CSRF.search(self.client.get(at).text)
        assert csrf, at
        answer = self.client.post(path, data={"csrf": csrf[1], **fields})
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text}"
        return answer.text

    def makes_key(
        self, name: str = "bot", *permissions: str, passphrase: str = PASSPHRASE, addresses: str = "", memo: str = ""
    ) -> Values:
        """Make a key for the spot environment, with a code of its own, and switch it on."""
        wish = {"name": name, "memo": memo, "environment": "spot", "addresses": addresses}
        made = self.post(
            "/api-management/create",
            at="/api-management/new",
            permissions=" ".join(("read", *permissions)),
            passphrase=passphrase,
            code=self.authenticator.code(),
            **wish,
        )
        key, secret = KEY.search(made), KEY_SECRET.search(made)
        assert key, made
        assert secret, made
        self.post(f"/api-management/{key[0]}/acknowledge", at="/api-management")
        return Values(key[0], secret[0], passphrase)


def new_account(running: Running, *, name: str = "ada") -> Account:
    """Sign up and enrol. Each account comes from an address of its own: nobody uses up another one's attempts."""
    number = next(running.numbers)
    port = urlsplit(running.console).port
    base = f"http://127.0.0.1:{port}"
    client = httpx2.Client(
        base_url=base,
        transport=httpx2.HTTPTransport(local_address=f"127.0.{number // 250}.{number % 250 + 2}"),
        headers={"user-agent": AGENT, "origin": base},
        follow_redirects=True,
        timeout=20,
    )
    account = Account(running, client, f"{name}-{number}@example.org", Authenticator("", running.clock))
    account.post("/sign-up", at="/sign-up", email=account.email, password=PASSWORD)
    page = account.post("/security/authenticator/start", at="/security/authenticator")
    secret = SECRET.search(page)
    assert secret, page
    account.authenticator.secret = secret[1]
    code = account.authenticator.code()
    codes = account.post("/security/authenticator/confirm", at="/security/authenticator", code=code)
    account.recovery_codes = tuple(dict.fromkeys(_found(RECOVERY, codes)))
    return account


def _found(pattern: re.Pattern[str], text: str) -> Iterable[str]:
    return (found[0] for found in pattern.finditer(text))
