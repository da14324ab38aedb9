"""A file that is sent while it is still being read from the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send


def as_file(content: AsyncIterator[str], *, name: str, media_type: str) -> Response:
    """Return what sends a file of this name as it is read; a browser keeps it and does not show it."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Download(content, media_type=media_type, headers=headers)


class Download(StreamingResponse):
    """Sends a file piece by piece until its end, or until nobody is there any more.

    Starlette's own cancels what it is doing when the browser goes away, over and over until it has ended. In the midst of a
    statement that costs the connection: SQLAlchemy closes it, is cancelled at that too, and leaves the rest to nobody.
    Here the piece under way is waited for, which takes milliseconds, and no further one is asked for.
    """

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self.body_iterator:
                if leaving.done():
                    return
                body = piece.encode(self.charset) if isinstance(piece, str) else piece
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
