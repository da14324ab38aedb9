"""What is sent to a service is sent once, and its address is one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from keywright.errors import Busy, Unusable
from keywright.gateway.upstream import Assertions, ServiceUpstream, check_base_url
from keywright.protocol.message import Identity, Request
from keywright.secret import Secret
from tests.support.clock import FakeClock

WHO = Identity("r1", "spot", account_id="acc_1")


@dataclass
class Rude:
    """A service that reads each request, and hangs up instead of answering."""

    seen: list[bytes] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head.split(b" ")[0])
        writer.close()


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
async def test_a_write_on_a_broken_connection_is_never_repeated(method: str) -> None:
    rude = Rude()
    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = ServiceUpstream(f"http://127.0.0.1:{port}", assertions=Assertions(Secret(b"k" * 32)), clock=FakeClock())
    try:
        with pytest.raises(Busy):
            await upstream.forward(Request(method, b"/api/v1/orders/1", (), b"", "127.0.0.1"), WHO)
        assert rude.seen == [method.encode()]
    finally:
        await upstream.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "http://127.0.0.1:9000/", "https://api.internal", "http://[::1]:9"]
)
def test_a_base_url_is_scheme_host_and_port(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://h", "http://", "http://h/x", "http://h?x", "http://h#f", "http://u:p@h/", "http://h:x"],
)
def test_anything_else_is_none_and_a_password_in_it_is_not_repeated(url: str) -> None:
    with pytest.raises(Unusable) as refused:
        check_base_url(url)
    assert "u:p" not in refused.value.message
