"""Heavy work: so much at once, so much waiting, the rest turned away."""

from __future__ import annotations

import asyncio
import threading

import pytest

from keywright.errors import Busy
from keywright.web.turns import Turns


async def test_work_takes_turns_and_what_finds_no_room_is_turned_away() -> None:
    turns, gate = Turns(at_once=1, waiting=1), threading.Event()
    work = [asyncio.create_task(turns.run(lambda: gate.wait(30))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy, match="too much"):
        await turns.run(lambda: True)
    gate.set()
    assert await asyncio.gather(*work) == [True, True]
    assert await turns.run(lambda: 7) == 7


async def test_room_is_given_back_when_work_fails_or_nobody_waits_for_it() -> None:
    turns = Turns(at_once=1, waiting=0)

    def fails() -> None:
        raise ValueError

    for _ in range(3):
        with pytest.raises(ValueError):
            await turns.run(fails)
    task = asyncio.create_task(turns.run(lambda: threading.Event().wait(0.01)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await turns.run(lambda: 7) == 7
