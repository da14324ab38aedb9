from __future__ import annotations

import asyncio

import pytest

from keywright.app.chores import every


async def test_a_chore_that_fails_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        raise ValueError("a value that no log should hold")

    task = asyncio.create_task(every(0.001, work))
    while done < 3:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "ValueError" in caplog.text
    assert "no log should hold" not in caplog.text
