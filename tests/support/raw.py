"""HTTP by hand: exact bytes out, whatever comes back in. No HTTP library stands between a case and the door."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds after which an answer that should come is missing."""
QUIET = 0.1
"""Seconds of silence after which nothing more is expected."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case."""
    body: bytes
    raw: bytes

    def header(self, name: bytes) -> bytes | None:
        """Return the first value under `name`, or `None`."""
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send bytes as they are; each piece in a segment of its own, as far as the kernel lets us."""
        with contextlib.suppress(ConnectionError):  # hung up on already: what it said is still to be read
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                if len(pieces) > 1:
                    await asyncio.sleep(0.001)

    async def reply(self, *, to_head: bool = False, within: float = PATIENCE) -> Reply | None:
        """Return the next answer, or `None` when the connection was closed instead.

        Raises `TimeoutError` when neither happens, `ValueError` for what is no HTTP answer.
        """
        async with asyncio.timeout(within):
            return await self._read(to_head=to_head)

    async def replies(self, at_least: int = 1) -> list[Reply]:
        """Return every answer until the connection is closed, or quiet after so many."""
        found: list[Reply] = []
        with contextlib.suppress(TimeoutError):
            while (reply := await self.reply(within=QUIET if len(found) >= at_least else PATIENCE)) is not None:
                found.append(reply)
        return found

    async def is_closed(self) -> bool:
        """Tell whether the other side hangs up, with nothing more to say."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _read(self, *, to_head: bool) -> Reply | None:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if getattr(error, "partial", b""):
                raise ValueError("half an answer") from None
            return None
        first, *lines = head[:-4].split(b"\r\n")
        version, status = first.split(b" ")[:2]
        if version != b"HTTP/1.1":
            raise ValueError(f"no HTTP answer: {first!r}")
        if status == b"100":
            return await self._read(to_head=to_head)
        fields = (line.partition(b":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in fields)
        length = next((int(value) for name, value in headers if name == b"content-length"), 0)
        body = b"" if to_head else await self._reader.readexactly(length)
        return Reply(int(status), headers, body, head + body)


@asynccontextmanager
async def line(to: int | Path) -> AsyncIterator[Line]:
    """Open a connection to a port of this machine, or to a Unix socket; hang up at the end."""
    reader, writer = await (
        asyncio.open_connection("127.0.0.1", to) if isinstance(to, int) else asyncio.open_unix_connection(to)
    )
    connection = Line(reader, writer)
    try:
        yield connection
    finally:
        await connection.close()


def message(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """Return a request's bytes. Nothing is added, not even a length."""
    head = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, head, body)
