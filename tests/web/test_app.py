from __future__ import annotations

from typing import Any

import pytest

from keywright.web.app import Console


async def _ask(path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Console(jwks=b'{"keys":[]}', mode="sandbox")({"type": "http", "method": method, "path": path}, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/.well-known/jwks.json"])
async def test_machines_find_what_they_ask_for(path: str) -> None:
    status, _, body = await _ask(path)
    assert status == 200
    assert body
    assert (await _ask(path, "HEAD"))[2] == b""
    assert (await _ask(path, "POST"))[0] == 405


@pytest.mark.parametrize("path", ["/", "/admin", "/.git/config"])
async def test_web_06_every_answer_carries_the_security_headers(path: str) -> None:
    _, headers, _ = await _ask(path)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert headers[b"cache-control"] == b"no-store"
