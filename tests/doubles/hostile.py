"""A server on the loopback that answers as nobody should: without end, drop by drop, elsewhere. It counts what it got rid of."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Say = Callable[["Hostile", asyncio.StreamWriter], Awaitable[None]]
PIECE = b"x" * 65_536


@dataclass
class Hostile:
    """One way to answer, whatever is asked."""

    say: Say
    url: str = ""
    port: int = 0
    sent: int = 0
    heard: list[bytes] = field(default_factory=list)
    """The heads of requests, as they came."""
    live: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.live.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                await self.say(self, writer)
        writer.transport.abort()
        self.live.discard(task)

    async def write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        await writer.drain()
        self.sent += len(piece)


@asynccontextmanager
async def running_hostile(say: Say) -> AsyncIterator[Hostile]:
    """Run one in this loop."""
    hostile = Hostile(say)
    server = await asyncio.start_server(hostile.serve, "127.0.0.1", 0, limit=1 << 20)
    hostile.port = server.sockets[0].getsockname()[1]
    hostile.url = f"http://127.0.0.1:{hostile.port}"
    try:
        yield hostile
    finally:
        server.close()
        for task in list(hostile.live):
            task.cancel()
        await asyncio.gather(*hostile.live, return_exceptions=True)


async def ten_gigabytes(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await hostile.write(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n")
    while True:
        await hostile.write(writer, PIECE)


async def chunks_without_end(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await hostile.write(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await hostile.write(writer, b"10000\r\n" + PIECE + b"\r\n")


async def heads_without_end(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await hostile.write(writer, b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        await hostile.write(writer, b"".join(b"x-%d: y\r\n" % (number + at) for at in range(1_000)))
        number += 1_000


async def one_long_head(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await hostile.write(writer, b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        await hostile.write(writer, PIECE)


async def continues_without_end(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    while True:
        await hostile.write(writer, b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 1_000)


async def body_drop_by_drop(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await hostile.write(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        await hostile.write(writer, b"x")
        await asyncio.sleep(0.05)


async def head_drop_by_drop(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx-header: " + b"y" * 100_000:
        await hostile.write(writer, bytes([byte]))
        await asyncio.sleep(0.05)


async def silence(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3_600)


async def gzip_bomb(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
    body = gzip.compress(bytes(64 << 20))
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    await hostile.write(writer, head.encode() + body)


def elsewhere(status: int, where: str) -> Say:
    """Return the answer that sends everybody there."""

    async def say(hostile: Hostile, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} Elsewhere\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n"
        await hostile.write(writer, head.encode())

    return say
