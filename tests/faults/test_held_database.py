"""STO-05 and DOS-07: a database that another process holds while many want to write."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.bot import Answered, Bot
from tests.support.server import Installation, Server

ORDER = {"symbol": "BTC-USDT", "side": "buy", "type": "market"}
LONGEST_S = 18.0
"""A refusal may wait as long as another process is waited for, ten seconds, and what a busy machine adds; whoever asks."""


def buy(bot: Bot, size: str) -> Answered:
    return bot.post("/api/v1/hf/orders", **ORDER, size=size)


def threads(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


@pytest.mark.slow
def test_sto_05_and_dos_07_while_the_database_is_held_writes_are_refused_in_time_and_reads_go_on(
    tmp_path: Path,
) -> None:
    installation = Installation(tmp_path)
    with installation.serving() as server:
        bot = server.bot(server.values)
        assert buy(bot, "0.001").code == "200000"
        before = threads(server)
        with closing(sqlite3.connect(installation.data / "keywright.db", isolation_level=None)) as holding:
            holding.execute("BEGIN EXCLUSIVE")
            with ThreadPoolExecutor(20) as many:
                began = time.monotonic()
                writes = [many.submit(buy, bot, f"0.1{number}") for number in range(20)]
                reads = [bot.get("/api/v1/user/api-key").code for _ in range(5)]
                read_after = time.monotonic() - began
                answers = {(one.result().status, one.result().code) for one in writes}
                refused_after = time.monotonic() - began
            holding.execute("ROLLBACK")
        assert reads == ["200000"] * 5
        assert read_after < LONGEST_S / 2, "reads wait for writers"
        assert answers == {(503, "503000")}
        assert refused_after < LONGEST_S
        assert buy(bot, "0.002").code == "200000"
        done = bot.get("/api/v1/hf/orders/done?symbol=BTC-USDT").data["items"]
        assert sorted(item["size"] for item in done) == ["0.001", "0.002"]
        time.sleep(1)
        assert threads(server) <= before + 4, "threads are left over"
        assert server.stop() == 0
