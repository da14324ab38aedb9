"""A service on this machine that takes JSON over HTTP, as chats and gateways for text messages do; what Apprise posts to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from keywright.secret import Secret


@dataclass
class Room:
    """What was posted, and how it is answered."""

    port: int = 0
    status: int = 200
    pause: float = 0.0
    said: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def chat_url(self) -> Secret:
        """Where a chat's texts go."""
        return Secret(f"json://127.0.0.1:{self.port}/hook-t0ken")

    @property
    def sms_url(self) -> Secret:
        """Where text messages go: the number is a field of its own, as gateways want it."""
        return Secret(f"json://127.0.0.1:{self.port}/hook-t0ken?:to={{number}}")


@contextmanager
def open_room() -> Iterator[Room]:
    """Give a room and its server."""
    made = Room()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.over.wait(made.pause)
            made.said.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        made.over.set()
        server.shutdown()
        thread.join()
