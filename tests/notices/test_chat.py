"""Against a real service: one that takes JSON, on this machine, through Apprise."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from keywright.notices import chat as chat_module
from keywright.notices.chat import AppriseChat
from keywright.notices.courier import Undelivered
from keywright.secret import Secret

pytestmark = pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise


@dataclass
class Room:
    """A chat room."""

    port: int = 0
    status: int = 200
    pause: float = 0.0
    said: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def room() -> Iterator[Room]:
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


def chat(room: Room) -> AppriseChat:
    return AppriseChat([Secret(f"json://127.0.0.1:{room.port}/hook-t0ken")])


async def test_a_text_arrives_as_it_was_written(room: Room) -> None:
    await chat(room).send("Your account is frozen – ada@example.org", "<b>@everyone</b> *x*")
    (said,) = room.said
    assert said["title"] == "Your account is frozen – ada@example.org"
    assert said["message"] == "<b>@everyone</b> *x*"


async def test_a_refusal_is_told_without_the_address(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.status = 500
    with pytest.raises(Undelivered) as problem:
        await chat(room).send("t", "x")
    assert problem.value.is_carrier
    assert "t0ken" not in problem.value.reason + caplog.text


async def test_a_service_that_is_slow_is_not_waited_for(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_module, "SECONDS", 0.2)
    room.pause = 3.0
    with pytest.raises(Undelivered, match="in time"):
        await chat(room).send("t", "x")
    room.over.set()


def test_nothing_of_its_address_is_printed(room: Room) -> None:
    assert "t0ken" not in repr(chat(room))
