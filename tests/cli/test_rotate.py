from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Terminal

PASSPHRASE, ANOTHER = "Tr4ding-Pass-91", "Moor-chain-83-W"
DAY_MS = 86_400_000


def _make(ada: Terminal) -> str:
    made = ada("keys create bot-1 --json --permission trade", PASSPHRASE, ada.code())
    assert made.code == 0, made.err
    return str(made.json["id"])


def test_k12_a_successor_is_made_with_passphrase_and_code_and_both_are_listed(ada: Terminal) -> None:
    old = _make(ada)
    rotated = ada(f"keys rotate {old} --json --overlap 24", ANOTHER, ada.code())
    assert rotated.code == 0, rotated.err
    new = rotated.json["id"]
    assert rotated.json["predecessor_id"] == old
    assert rotated.json["predecessor_until"] == ada.clock() + DAY_MS
    assert rotated.json["permissions"] == ["read", "trade"]
    listed = {key["id"]: key for key in ada("keys list --json").json["keys"]}
    assert listed[old]["overlap_until"] == ada.clock() + DAY_MS
    assert listed[new]["predecessor_id"] == old
    table = ada("keys list").out
    assert f"replaces {old}" in table
    assert "its successor replaces it" in table
    assert re.search(r"overlap_until\t20\d\d-", ada(f"keys show {old}").out)
    assert rotated.json["secret"] not in table
    ada.clock.advance(days=1)
    assert "replaced by its successor: delete it" in ada("keys list").out


def test_k12_for_people_the_secret_is_data_and_when_the_old_key_ends_is_said_beside_it(ada: Terminal) -> None:
    old = _make(ada)
    rotated = ada(f"keys rotate {old}", ANOTHER, ada.code())
    assert re.fullmatch(r"KUCOIN_API_KEY=[0-9a-f]{24}\nKUCOIN_SECRET_KEY=[0-9a-f-]{36}\n", rotated.out)
    assert f"The old key {old} works until 2023-11-21T" in rotated.err
    assert ANOTHER not in rotated.err


def test_k12_with_no_overlap_the_old_key_is_off(ada: Terminal) -> None:
    old = _make(ada)
    rotated = ada(f"keys rotate {old} --overlap 0", ANOTHER, ada.code())
    assert f"The old key {old} is disabled" in rotated.err
    assert ada(f"keys show {old} --json").json["status"] == "disabled"
    refused = ada(f"keys enable {old}", ada.code())
    assert refused.code == 6
    assert "successor took its place" in refused.err


@pytest.mark.parametrize(
    ("more", "typed", "code", "said"),
    [
        ("--overlap 169", ANOTHER, 2, "0 to 168 hours"),
        ("--overlap -1", ANOTHER, 2, "0 to 168 hours"),
        ("--overlap soon", ANOTHER, 2, "not a valid integer"),
        ("", PASSPHRASE, 2, "another of your keys has that passphrase"),
        ("", "weak", 2, "7 to 32 characters"),
    ],
)
def test_a_bad_wish_leaves_the_key_as_it_was(ada: Terminal, more: str, typed: str, code: int, said: str) -> None:
    old = _make(ada)
    refused = ada(f"keys rotate {old} {more}", typed, ada.code())
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    (key,) = ada("keys list --json").json["keys"]
    assert (key["id"], key["overlap_until"]) == (old, None)


def test_a_profile_that_asks_for_more_asks_for_it_here_too(ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _make(ada)
    monkeypatch.setenv("KEYWRIGHT_PROFILE", "platform")
    refused = ada(f"keys rotate {old}", ANOTHER, ada.code(), "482913")
    assert (refused.code, refused.out) == (4, "")
    assert "no trading password yet" in refused.err
    monkeypatch.setenv("KEYWRIGHT_PROFILE", "personal")
    assert ada(f"keys rotate {old}", ANOTHER, ada.code()).code == 0


def test_a_key_that_is_old_is_said_to_be(ada: Terminal) -> None:
    assert ada("keys create reader --json", PASSPHRASE, ada.code()).code == 0
    ada.clock.advance(days=29)
    assert ada("keys list").out.rstrip("\n").endswith("\t–")
    ada.clock.advance(days=61)
    assert "not used for 30 days" in ada("keys list").out
