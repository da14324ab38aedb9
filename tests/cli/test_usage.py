"""`keywright keys usage` as it is typed: lists, files, and following until someone has had enough."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from keywright.gateway.export import COLUMNS
from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from keywright.storage.engine import open_database, sqlite_url
from tests.cli.conftest import Terminal

PASSPHRASE = "Tr4ding-Pass-91"
DAY_MS = 86_400_000
ATTEMPT = Attempt("r1", "spot", 0, "GET", "/api/v1/accounts", "203.0.113.7", "ccxt", "", "acc", "allowed", 200, 1_540)


@pytest.fixture
def key_id(ada: Terminal) -> str:
    """Give a key of Ada's."""
    made = ada("keys create bot --json", PASSPHRASE, ada.code())
    assert made.code == 0, made.err
    found: str = made.json["id"]
    return found


def keep(ada: Terminal, key_id: str, *verdicts: str, ago_ms: int = 0, **changes: Any) -> None:
    """Write records down as the gateway does."""
    (path,) = ada.folder.glob("keywright.db")
    at = ada.clock() - ago_ms

    async def write() -> None:
        database = open_database(sqlite_url(path))
        usage = Usage(database)
        for verdict in verdicts:
            usage.keep(replace(ATTEMPT, key_id=key_id, started_at=at, verdict=verdict, **changes))
        await usage.flush()
        await database.close()

    asyncio.run(write())


def test_elsewhere_than_on_a_terminal_it_is_lines_with_tabs_newest_first(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed", ago_ms=1_500)
    keep(ada, key_id, "replayed", status=400)
    said = ada(f"keys usage {key_id}")
    assert said.code == 0
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert [line[4] for line in lines] == ["replayed", "allowed"]
    assert lines[1][0].endswith("500Z")
    assert lines[1][1:] == ["203.0.113.7", "GET", "/api/v1/accounts", "allowed", "200", "1.5 ms"]


def test_on_a_terminal_it_is_a_table_and_what_to_do_about_refusals_beside_it(
    ada: Terminal, key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(ada, key_id, "allowed", "replayed", "replayed")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    said = ada(f"keys usage {key_id}")
    assert said.out.splitlines()[0].split() == ["AT", "ADDRESS", "METHOD", "PATH", "VERDICT", "STATUS", "LATENCY"]
    assert said.err.count("replayed: This very request was taken before") == 1


def test_json_has_a_schema_and_every_field(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed")
    said = ada(f"keys usage {key_id} --json").json
    assert (said["schema"], said["key_id"]) == (1, key_id)
    (record,) = said["records"]
    assert record["latency_us"] == 1_540
    assert record["agent"] == "ccxt"


def test_web_11_csv_is_safe_for_spreadsheets(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed", agent="=HYPERLINK(0)")
    said = ada(f"keys usage {key_id} --csv")
    head, row = csv.reader(StringIO(said.out))
    assert tuple(head) == COLUMNS
    assert "'=HYPERLINK(0)" in row


def test_span_verdict_address_and_limit_narrow_it(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed", ago_ms=3 * DAY_MS)
    keep(ada, key_id, "allowed", "replayed", "signature_mismatch")
    keep(ada, key_id, "allowed", address="2001:db8::1")
    for more, many in (
        ("", 4),
        ("--since 7d", 5),
        ("--since all", 5),
        ("--since 1m", 4),
        ("--verdict refused", 2),
        ("--verdict replayed", 1),
        ("--verdict allowed --since all", 3),
        ("--address 2001:DB8:0::1", 1),
        ("--address 192.0.2.1", 0),
        ("--limit 2", 2),
    ):
        assert len(ada(f"keys usage {key_id} {more}").out.splitlines()) == many, more


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--since yesterday", "30m, 24h, 7d, or all"),
        ("--since 0h", "30m, 24h, 7d, or all"),
        ("--verdict good", "allowed, refused, or a reason"),
        ("--address 203.0.113", "one whole address"),
        ("--limit 0", "range"),
        ("--csv --json", "neither"),
        ("--csv --follow", "neither"),
    ],
)
def test_what_can_not_be_asked_for_is_one_sentence(ada: Terminal, key_id: str, more: str, words: str) -> None:
    said = ada(f"keys usage {key_id} {more}")
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_someone_elses_key_is_no_key(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed")
    assert ada("accounts create bob@example.org", "nine-boats-on-a-lake").code == 0
    refused = ada(f"keys usage {key_id} --account bob@example.org")
    assert (refused.code, refused.out) == (5, "")
    assert ada(f"keys usage {key_id} --account ada@example.org").out


def test_what_a_stranger_wrote_moves_no_cursor(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed", path="/\x1b[2J", agent="\x1b[2J")
    assert "\x1b" not in ada(f"keys usage {key_id}").out
    assert "\x1b" not in ada(f"keys usage {key_id} --json").out


def test_k20_the_list_marks_keys_that_nobody_used_for_30_days(ada: Terminal, key_id: str) -> None:
    assert "not used" not in ada("keys list").out
    assert not ada("keys list --json").json["keys"][0]["is_idle"]
    ada.clock.advance(days=30)
    assert "not used for 30 days: disable or delete" in ada("keys list").out
    assert ada("keys list --json").json["keys"][0]["is_idle"]
    keep(ada, key_id, "allowed")
    assert "not used" not in ada("keys list").out


FOLLOWS = """
import sys
from types import SimpleNamespace
import keywright.clock, keywright.cli.key_usage as usage
keywright.clock.time = SimpleNamespace(time_ns=lambda: NOW * 1_000_000)
usage.FOLLOW_SECONDS = 0.05
from keywright.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def follow(ada: Terminal, key_id: str, *more: str) -> subprocess.Popen[str]:
    """Start following in a process of its own, on the same clock, asking more often than people need."""
    program = FOLLOWS.replace("NOW", str(ada.clock()))
    arguments = ["keys", "usage", key_id, "--follow", "--data-dir", str(ada.folder), *more]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )


def test_following_prints_each_request_once_a_line_until_ctrl_c(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed", ago_ms=5)
    keep(ada, key_id, "replayed")
    with follow(ada, key_id, "--json") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = [json.loads(running.stdout.readline()) for _ in range(2)]
        assert [one["verdict"] for one in first] == ["allowed", "replayed"], "oldest first"
        keep(ada, key_id, "signature_mismatch")
        keep(ada, key_id, "allowed", ago_ms=2)
        then = [json.loads(running.stdout.readline()) for _ in range(2)]
        assert [one["verdict"] for one in then] == ["signature_mismatch", "allowed"]
        assert {one["schema"] for one in (*first, *then)} == {1}
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == ""
        assert running.stderr.read() == "keywright: interrupted\n"
    assert running.returncode == 130


def test_following_a_filter_shows_only_what_fits(ada: Terminal, key_id: str) -> None:
    with follow(ada, key_id, "--verdict", "refused") as running:
        assert running.stdout is not None
        keep(ada, key_id, "allowed", "replayed")
        assert running.stdout.readline().split("\t")[4] == "replayed"
        running.send_signal(signal.SIGINT)


def test_following_ends_when_nobody_reads_any_more_though_nothing_comes(ada: Terminal, key_id: str) -> None:
    keep(ada, key_id, "allowed")
    with follow(ada, key_id) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert "allowed" in running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 141
