"""DOS-01 and DOS-03: a head without end or without haste is cut off before anyone looks at it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keywright.app import strict_http
from keywright.app.listening import QuietServer, server_config


async def _hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    sock = socket.create_server(("127.0.0.1", 0))
    server = QuietServer(server_config(_hello))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield sock.getsockname()[1]
    server.should_exit = True
    await task


async def _send(port: int, *chunks: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        return await asyncio.wait_for(reader.read(4096), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_requests_pass_one_after_the_other_on_one_connection(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(50):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 8_000 + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(2)
    writer.close()


@pytest.mark.parametrize("piece", [b"x: " + b"y" * 1_000 + b"\r\n", b"y" * 1_000])
async def test_dos_01_a_head_without_end_is_cut_off(port: int, piece: bytes) -> None:
    answer = await _send(port, b"GET / HTTP/1.1\r\nhost: x\r\nz: ", *[piece] * 500)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert b"HTTP/1.1 200" in await _send(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"), "others are served on"


async def test_dos_01_a_target_of_a_megabyte_is_cut_off(port: int) -> None:
    answer = await _send(port, b"GET /", *[b"a" * 10_000] * 100)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_dos_03_who_never_finishes_a_head_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_http, "HEAD_SECONDS", 0.2)
    for beginning in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n"):
        assert await _send(port, beginning) == b""


async def test_a_connection_kept_alive_waits_for_its_next_request(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_http, "HEAD_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        await asyncio.sleep(0.4)
    writer.close()
