"""What the console's address answers today: who is here, `/healthz`, and `/.well-known/jwks.json`. Plain ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SECURITY = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Console:
    """An ASGI application."""

    def __init__(self, *, jwks: bytes, mode: str) -> None:
        about = {"name": "Keywright", "mode": mode, "management": "the command line: keywright --help"}
        self._answers = {
            "/": json.dumps(about).encode(),
            "/healthz": b'{"status":"ok"}',
            "/.well-known/jwks.json": jwks,
        }

    async def __call__(self, scope: MutableMapping[str, Any], _receive: object, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = self._answers.get(scope["path"])
        status = 404 if body is None else 200 if scope["method"] in {"GET", "HEAD"} else 405
        if status != 200:
            body = b'{"error":"not found"}' if body is None else b'{"error":"method not allowed"}'
        payload = body or b""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode()), *SECURITY]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else payload})
