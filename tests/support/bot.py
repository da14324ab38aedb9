"""A bot with our own signer: the standard library's HTTP, `keywright.protocol`'s signature, nothing else."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import SignedRequest
from keywright.secret import Secret

DIALECT = KucoinDialect()
AHEAD_MS = 25_000
"""Of the 30 s that a gateway allows either way."""


@dataclass(frozen=True)
class Answered:
    """An answer: its status, the exchange's code, and the data under it."""

    status: int
    code: str
    data: Any
    message: str
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Bot:
    """Sends signed requests, a connection each: no keep-alive, so that each stands for itself."""

    url: str
    key: str
    secret: Secret
    passphrase: Secret

    def sign(self, method: str, target: str, body: bytes = b"") -> SignedRequest:
        """Return the request signed now; sent twice, it is a replay."""
        now = int(time.time() * 1000)
        return DIALECT.sign(
            method, target, body, key=self.key, secret=self.secret, passphrase=self.passphrase, now_ms=now
        )

    def sign_ahead(self, method: str, target: str, body: bytes = b"") -> SignedRequest:
        """Return the request signed by a clock that is fast: what is sent again after a restart still counts by then."""
        ahead = int(time.time() * 1000) + AHEAD_MS
        return DIALECT.sign(
            method, target, body, key=self.key, secret=self.secret, passphrase=self.passphrase, now_ms=ahead
        )

    def send(self, request: SignedRequest) -> Answered:
        """Send exactly this request."""
        return send(self.url, request.method, request.target.decode(), request.body, dict(request.headers))

    def get(self, target: str) -> Answered:
        return self.send(self.sign("GET", target))

    def delete(self, target: str) -> Answered:
        return self.send(self.sign("DELETE", target))

    def post(self, target: str, **fields: object) -> Answered:
        return self.send(self.sign("POST", target, json.dumps(fields).encode()))


def send(url: str, method: str, target: str, body: bytes = b"", headers: dict[bytes, bytes] | None = None) -> Answered:
    """Send a request as it is, signed or not."""
    place = urlsplit(url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        plain = {name.decode(): value.decode("latin-1") for name, value in (headers or {}).items()}
        connection.request(method, target, body or None, plain)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    try:
        said = json.loads(content)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    return Answered(
        answer.status,
        str(said.get("code", "")),
        said.get("data"),
        str(said.get("msg", "")),
        {name.lower(): value for name, value in answer.getheaders()},
        content,
    )
