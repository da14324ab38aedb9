"""A request that asks for another protocol is refused by name, and its connection closed: nothing after it is read."""

from __future__ import annotations

import pytest

from tests.support import raw
from tests.support.door import Door


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_an_upgrade_is_refused_and_the_connection_closed(door: Door, protocol: bytes) -> None:
    async with raw.line(door.port) as line:
        await line.send(
            b"GET /api/v1/timestamp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
            b"GET /api/v1/timestamp HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        reply = await line.reply()
        assert reply is not None
        assert reply.status == 400
        assert reply.json()["code"] == "400100"
        assert "protocol" in reply.json()["hint"]
        assert await line.is_closed()
    assert door.echo.calls == []
