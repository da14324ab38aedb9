"""uvicorn's HTTP protocol, with bounds on the head of a request: how long it may grow, and how long it may take.

The parser would go on collecting a head without end, and wait for one for ever, before anyone has looked at it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
"""Bytes of request line and headers held for one request. The gateway's own, finer limit answers 431 below this."""

HEAD_SECONDS = 15.0
"""From the connection's or the request's first byte to the end of its head."""


class StrictHttp(HttpToolsProtocol):
    """Answers 400 and closes when a head grows too long; closes when it takes too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the connection, unless its head is too long already."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and len(data) < self._head_bytes:
                self.send_400_response("The head of the request is too long.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to count: a new request has begun."""
        self._in_head = True
        cycle: Any = self.cycle  # None until the first request
        if self._deadline is None and (cycle is None or cycle.response_complete):
            self._expect_head()  # a head that is pipelined behind an unfinished answer waits for that
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: what follows is body, bounded by its stated length."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        if not self.url.startswith(b"/") or b"#" in self.url:
            # An absolute form or a fragment: what follows would see another target than the one that was sent.
            self.send_400_response("The target must begin with / and hold no fragment.")
            return
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
