"""A disk that is full: nothing is shown or told that was not kept, and what was there before goes on.

No file may grow beyond a limit (RLIMIT_FSIZE), for one process alone: SQLite sees its writes fail as on a full disk.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.test_kill import Told, prove, wrong_in_ledger
from tests.support import killable
from tests.support.server import Codes, Installation, command, surroundings


@pytest.mark.parametrize("room", [0, 30_000, 90_000, 200_000])
async def test_what_was_acknowledged_survives(tmp_path: Path, room: int) -> None:
    """Creates and disables until the log of the database can't grow: an error of ours, and every told fact holds."""
    data = tmp_path / "data"
    account_id = await killable.new_account(data)
    process, facts = killable.start(killable.churn, data, account_id, most_bytes=room)
    arrived = await asyncio.to_thread(killable.told, facts)
    await asyncio.to_thread(process.join, 60)
    *before, last = arrived
    assert last[:2] == ("ended", "Busy")
    assert "unreachable" in last[2] or "can't be read" in last[2]
    told = Told()
    told.hear(before)
    assert bool(told.secrets) == (room >= 90_000)
    async with killable.opened(data) as services:
        await prove(services, account_id, told)


def limited(kilobytes: int, *arguments: str | Path) -> list[str]:
    """Return a command whose process can't let a file grow beyond so much."""
    return ["bash", "-c", f'ulimit -f {kilobytes} && exec "$@"', "bash", *command(*arguments)]


def test_a_command_shows_no_secret_of_a_key_that_was_not_kept(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    made = installation.cli("accounts", "create", "ada@example.org", "--json", stdin="seven-lamps-under-rain\n").json
    codes = Codes(made["totp_secret"])
    code = codes.next()
    done = subprocess.run(
        limited(33, "keys", "create", "bot", "--data-dir", installation.data),
        input=f"Quiet-Harbour-77\n{code}\n",
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=surroundings(tmp_path),
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "")
    sentence, hint = done.stderr.splitlines()
    assert sentence == "keywright: the database is locked, full or unreachable"
    assert "disk full" in hint
    assert installation.cli("keys", "list", "--json").json["keys"] == []
    # The code served: that it was given is on record, whatever became of the key.
    assert installation.cli("keys", "create", "bot", stdin=f"Quiet-Harbour-77\n{codes.next()}\n").code == 0


def test_a_first_start_without_room(tmp_path: Path) -> None:
    """Nothing usable is left that looks like an installation; with room again the same folder starts."""
    for kilobytes in (0, 4, 60):
        data = tmp_path / str(kilobytes)
        done = subprocess.run(
            limited(kilobytes, "accounts", "create", "ada@example.org", "--data-dir", data),
            input="seven-lamps-under-rain\n",
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=surroundings(tmp_path),
            check=False,
        )
        assert done.returncode in {1, 7}, done
        assert done.stderr.startswith("keywright: ")
        assert "nobody foresaw" not in done.stderr
        assert not (data / "keywright.db").exists()
        shutil.copytree(data, tmp_path / "data", dirs_exist_ok=True)
        again = Installation(tmp_path).cli("accounts", "create", "ada@example.org", stdin="seven-lamps-under-rain\n")
        assert again.code == 0, again.err
        shutil.rmtree(tmp_path / "data")


def test_a_server_on_a_full_disk(tmp_path: Path) -> None:
    """Writes are refused as unsure, not lost and not half done; reads are answered; with room again all goes on."""
    installation = Installation(tmp_path)
    with installation.serving() as server:
        values = server.values
        bot = server.bot(values)
        order = {"symbol": "BTC-USDT", "side": "buy", "type": "market"}
        assert bot.post("/api/v1/hf/orders", **order, size="0.001").code == "200000"
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        for _ in range(2):
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
            refused = [bot.post("/api/v1/hf/orders", **order, size=f"0.1{turn}") for turn in range(3)]
            assert {(answer.status, answer.code) for answer in refused} == {(503, "503000")}
            assert bot.get("/api/v1/accounts").code == "200000"
            assert bot.get("/api/v1/user/api-key").code == "200000"
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
            assert bot.post("/api/v1/hf/orders", **order, size="0.002").code == "200000"
        done = bot.get("/api/v1/hf/orders/done?symbol=BTC-USDT").data["items"]
        assert sorted(item["size"] for item in done) == ["0.001", "0.002", "0.002"]
        assert server.stop() == 0
    assert not asyncio.run(wrong_in_ledger(installation.data))
