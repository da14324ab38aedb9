"""Two small proxies: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT. They remember who came and where to, and leave from an
address of their own, as a proxy elsewhere would."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ProxyDouble:
    """A proxy on the loopback. `leaves_from` is the address that destinations see."""

    scheme: str
    leaves_from: str = "127.0.0.66"
    user: str = ""
    password: str = ""
    address: str = "127.0.0.1"
    port: int = 0
    peers: list[str] = field(default_factory=list)
    """Where connections came from."""
    asked_for: list[str] = field(default_factory=list)
    """What it was asked for: names or addresses, as they were sent."""
    live: set[asyncio.Task[None]] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    """What names lead to, seen from the proxy."""

    @property
    def url(self) -> str:
        opened = f"{self.user}:{self.password}@" if self.user else ""
        return f"{self.scheme}://{opened}{self.address}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peername")[0])
        task = asyncio.current_task()
        assert task is not None
        self.live.add(task)
        try:
            target = await (self._connect(reader, writer) if self.scheme == "http" else self._socks(reader, writer))
            if target is not None:
                await self._relay(reader, writer, *target)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever asked has gone, or the test is over
        finally:
            writer.transport.abort()
            self.live.discard(task)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if self.user else 0
        if version != 5 or wanted not in methods:
            writer.write(b"\x05\xff")
            return None
        writer.write(bytes((5, wanted)))
        if self.user:
            _, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            good = (user.decode(), password.decode()) == (self.user, self.password)
            writer.write(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return None
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked_for.append(host)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return self.names.get(host, host), port

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n", 1)[0].split()
        opened = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if method != "CONNECT" or (self.user and f"basic {opened.lower()}" not in head.lower()):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return None
        host, _, port = target.rpartition(":")
        self.asked_for.append(host)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return self.names.get(host, host), int(port)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        there, out = await asyncio.open_connection(host, port, local_addr=(self.leaves_from, 0))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, out))
                both.create_task(_pump(there, writer))
        finally:
            out.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def running_proxy(proxy: ProxyDouble) -> AsyncIterator[ProxyDouble]:
    """Run a proxy in this loop."""
    server = await asyncio.start_server(proxy.serve, proxy.address, proxy.port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(proxy.live):
            task.cancel()
        await asyncio.gather(*proxy.live, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted says so in the next turn of the loop
