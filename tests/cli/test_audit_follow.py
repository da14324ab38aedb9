"""`keywright audit list --follow`: what happens, while it happens, each event once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Terminal

FOLLOWS = """
import sys
import keywright.cli.audit as audit
audit.FOLLOW_SECONDS = 0.05
from keywright.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def follow(ada: Terminal, *more: str) -> subprocess.Popen[str]:
    """Start following in a process of its own, asking more often than people need."""
    return subprocess.Popen(
        [sys.executable, "-c", FOLLOWS, "audit", "list", "--follow", "--data-dir", str(ada.folder), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )


def test_following_prints_each_event_once_oldest_first_until_ctrl_c(ada: Terminal) -> None:
    assert ada("operator link").code == 0
    with follow(ada, "--json") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        told = [json.loads(running.stdout.readline()) for _ in range(2)]
        assert ada("accounts freeze ada@example.org").code == 0
        told.append(json.loads(running.stdout.readline()))
        assert [one["kind"] for one in told] == ["account.created", "operator.link_made", "account.frozen"]
        assert [one["seq"] for one in told] == [1, 2, 3]
        assert {one["schema"] for one in told} == {1}
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == ""
        assert running.stderr.read() == "keywright: interrupted\n"
    assert running.returncode == 130


def test_following_a_filter_shows_only_what_fits_and_ends_when_nobody_reads(ada: Terminal) -> None:
    with follow(ada, "--kind", "account.frozen") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert ada("operator link").code == 0
        assert ada("accounts freeze ada@example.org").code == 0
        assert running.stdout.readline().split("\t")[2] == "account.frozen"
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 141
