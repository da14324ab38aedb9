from __future__ import annotations

import re

import pytest

from keywright.app.running import Running
from tests.cli.conftest import Terminal

LINK = re.compile(r"/operator#kwop-[A-Za-z0-9_-]{32}\n")


def test_without_a_server_the_path_is_printed_and_said_what_to_put_before_it(ada: Terminal) -> None:
    made = ada("operator link")
    assert made.code == 0
    assert LINK.fullmatch(made.out)
    assert "for a day, and once" in made.err
    assert "put the address of its console before it" in made.err


def test_beside_a_running_server_the_whole_link_is_printed(ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(1, "sandbox", "https://keys.example.org", "http://127.0.0.1:8401", "http://127.0.0.1:8402")
    monkeypatch.setattr("keywright.app.running.running_server", lambda _folders: running)
    made = ada("operator link")
    assert made.out.startswith("https://keys.example.org/operator#kwop-")
    assert "put the address" not in made.err
    shown = ada("operator link --json").json
    assert shown["link"] == f"https://keys.example.org{shown['path']}"


def test_each_link_is_new_and_in_the_log_stands_only_that_it_was_made(ada: Terminal) -> None:
    one, other = ada("operator link --json").json, ada("operator link --json").json
    assert one["link"] is None
    assert one["path"] != other["path"]
    log = ada("audit list --json")
    assert [event["kind"] for event in log.json["events"]][:2] == ["operator.link_made"] * 2
    for made in (one, other):
        assert made["path"].partition("#")[2] not in log.out


def test_a_link_needs_an_installation(keywright: Terminal) -> None:
    refused = keywright("operator link")
    assert (refused.code, refused.out) == (1, "")
    assert not keywright.folder.exists()
