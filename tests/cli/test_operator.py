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


def test_n8_a_permission_is_frozen_without_a_code_and_lifted_with_an_operator_s(ada: Terminal) -> None:
    frozen = ada("operator freeze-permission withdraw --json")
    assert (frozen.code, frozen.json["frozen_permissions"]) == (0, ["withdraw"])
    assert ada("operator freeze-permission trade").err == "Frozen for every key: trade, withdraw.\n"
    refused = ada("operator unfreeze-permission trade", ada.code())
    assert refused.code == 4
    assert "keywright operator link" in refused.err
    ada.make_operator("ada@example.org")
    lifted = ada("operator unfreeze-permission trade", ada.code())
    assert (lifted.code, lifted.err) == (0, "Frozen for every key: withdraw.\n")
    assert ada("operator unfreeze-permission trade", "000000").code == 4


def test_n8_a_word_that_is_no_permission_is_said_to_be_none(ada: Terminal) -> None:
    for verb in ("freeze-permission", "unfreeze-permission"):
        refused = ada(f"operator {verb} everything", ada.code())
        assert refused.code == 2
        assert "choose from read, trade, transfer, withdraw" in refused.err
