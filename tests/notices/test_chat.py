"""Against a real service: one that takes JSON, on this machine, through Apprise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keywright.notices import chat as chat_module
from keywright.notices.chat import AppriseChat
from keywright.notices.courier import Undelivered
from tests.support.room import Room, open_room

pytestmark = pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise


@pytest.fixture
def room() -> Iterator[Room]:
    """Give a room and its server."""
    with open_room() as room:
        yield room


def chat(room: Room) -> AppriseChat:
    return AppriseChat([room.chat_url])


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
