"""Writers of different processes take turns: a busy one never starves the other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keywright.errors import Busy
from keywright.storage import turnstile
from keywright.storage.turnstile import Turnstile

BUSY_PROCESS = """
    import asyncio, sys
    from pathlib import Path
    from keywright.storage.turnstile import Turnstile

    async def main():
        gate = Turnstile(Path(sys.argv[1]))
        print("begun", flush=True)
        while True:
            async with gate.turn():
                await asyncio.sleep(0.005)  # a commit on an ordinary disk; and again at once

    asyncio.run(main())
"""


async def test_a_process_that_writes_without_pause_lets_another_in(tmp_path: Path) -> None:
    database = tmp_path / "db"
    program = [sys.executable, "-c", textwrap.dedent(BUSY_PROCESS), str(database)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "begun\n"
        try:
            gate, waited, ticks = Turnstile(database), [], asyncio.get_running_loop().time
            for _ in range(30):
                began = ticks()
                async with gate.turn():
                    waited.append(ticks() - began)
        finally:
            busy.kill()
    # A turn is 5 ms long. Seconds, as SQLite's own waiting makes of it, would be a hundred of them.
    assert sorted(waited)[len(waited) // 2] < 0.5


async def test_who_holds_the_turn_too_long_is_given_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE_SECONDS", 0.05)
    one, other = Turnstile(tmp_path / "db"), Turnstile(tmp_path / "db")
    async with one.turn():
        with pytest.raises(Busy):
            async with other.turn():
                raise AssertionError
    async with other.turn():
        pass


async def test_a_waiter_that_is_cancelled_holds_nothing(tmp_path: Path) -> None:
    one, other = Turnstile(tmp_path / "db"), Turnstile(tmp_path / "db")

    async def wait() -> None:
        async with other.turn():
            raise AssertionError

    async with one.turn():
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with one.turn():
        pass
