from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.cli.conftest import Said, Terminal

PASSPHRASE = "Tr4ding-Pass-91"


def _make(ada: Terminal, more: str = "") -> Said:
    made = ada(f"keys create bot-1 --json {more}", PASSPHRASE, ada.code())
    assert made.code == 0, made.err
    return made


def test_a_key_is_made_with_passphrase_and_code_and_its_secret_shown_once(ada: Terminal) -> None:
    made = _make(ada, "--permission trade --address 203.0.113.7 --memo Server-A")
    assert made.json["permissions"] == ["read", "trade"]
    assert made.json["addresses"] == ["203.0.113.7/32"]
    assert re.fullmatch(r"[0-9a-f]{24}", made.json["id"])
    assert made.json["schema"] == 1
    for again in (
        ada(f"keys show {made.json['id']}"),
        ada("keys list"),
        ada("keys list --json"),
        ada("audit list --json"),
    ):
        assert again.code == 0
        assert made.json["secret"] not in again.out
        assert PASSPHRASE not in again.out


def test_for_people_the_secret_is_data_and_the_rest_is_said_beside_it(ada: Terminal) -> None:
    made = ada("keys create bot-1 --permission trade", PASSPHRASE, ada.code())
    assert re.fullmatch(r"KUCOIN_API_KEY=[0-9a-f]{24}\nKUCOIN_SECRET_KEY=[0-9a-f-]{36}\n", made.out)
    assert "shown this once" in made.err
    assert "expires on" in made.err


def test_k16_making_enabling_and_deleting_ask_for_the_code_and_disabling_does_not(ada: Terminal) -> None:
    key_id = _make(ada).json["id"]
    disabled = ada(f"keys disable {key_id}")
    assert (disabled.code, disabled.out) == (0, "")
    assert "refused" in disabled.err
    for verb in ("enable", "delete"):
        refused = ada(f"keys {verb} {key_id}")
        assert refused.code == 4
        assert "authenticator" in refused.err
    assert ada(f"keys enable {key_id}", ada.code()).code == 0
    assert ada(f"keys disable {key_id}").code == 0
    assert ada(f"keys delete {key_id}", ada.code()).code == 0
    assert ada("keys list").out == ""
    assert [event["kind"] for event in ada("audit list --json").json["events"]] == [
        "key.deleted",
        "key.disabled",
        "key.enabled",
        "key.disabled",
        "key.issued",
        "account.created",
    ]
    assert ada("audit verify").code == 0


def test_a_used_code_and_a_wrong_one_are_refused_with_what_to_do(ada: Terminal) -> None:
    code = ada.code()
    assert ada("keys create one", PASSPHRASE, code).code == 0
    again = ada("keys create two", PASSPHRASE + "x", code)
    assert (again.code, again.out) == (4, "")
    assert "wait" in again.err
    wrong = ada("keys create two", PASSPHRASE + "x", "12345")
    assert (wrong.code, wrong.out) == (4, "")


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ("--permission admin", 2, "read, trade, transfer, withdraw"),
        ("--environment margin", 2, "spot or futures"),
        ("--permission withdraw", 2, "needs at least one address"),
        ("--address 0.0.0.0/0", 2, "at most /16"),
        ("--address 203.0.113.9/24", 2, "203.0.113.0/24"),
    ],
)
def test_a_bad_wish_is_one_sentence_and_a_hint_and_leaves_nothing(
    ada: Terminal, more: str, code: int, words: str
) -> None:
    refused = ada(f"keys create bot {more}", PASSPHRASE, ada.code())
    assert (refused.code, refused.out) == (code, "")
    assert words in refused.err
    assert "Traceback" not in refused.err
    assert ada("keys list").out == ""


def test_a_weak_passphrase_is_refused_before_a_code_is_asked_for(ada: Terminal) -> None:
    refused = ada("keys create bot", "Passw0rd!")
    assert refused.code == 2
    assert "easily guessed" in refused.err


def test_only_the_last_of_what_was_edited_stands(ada: Terminal) -> None:
    key_id = _make(ada, "--permission trade").json["id"]
    assert ada(f"keys edit {key_id} --name renamed --memo here").code == 0
    assert ada(f"keys edit {key_id} --address 203.0.113.7", ada.code()).code == 0
    shown = ada(f"keys show {key_id} --json").json
    assert (shown["name"], shown["memo"], shown["addresses"], shown["expires_at"]) == (
        "renamed",
        "here",
        ["203.0.113.7/32"],
        None,
    )
    assert ada(f"keys edit {key_id}").code == 2
    assert ada(f"keys edit {key_id} --address 1.1.1.1 --any-address").code == 2


@pytest.mark.parametrize("verb", ["show", "disable"])
def test_an_unknown_key_is_not_found(ada: Terminal, verb: str) -> None:
    missing = ada(f"keys {verb} {'0' * 24}")
    assert missing.code == 5
    assert "keys list" in missing.err


def test_a_secret_is_never_taken_from_the_arguments(ada: Terminal) -> None:
    for option in ("--passphrase", "--secret", "--code", "--password"):
        assert ada(f"keys create bot {option} x").code == 2
        assert option not in ada("keys create --help").out


def test_a_hostile_name_moves_no_cursor(ada: Terminal) -> None:
    refused = ada("keys create \x1b[2J", PASSPHRASE, ada.code())
    assert refused.code == 2
    assert "\x1b" not in refused.err + refused.out


def test_with_two_accounts_one_must_be_named(ada: Terminal, keywright: Callable[..., Said]) -> None:
    assert keywright("accounts create bob@example.org", "nine-boats-on-a-lake").code == 0
    refused = keywright("keys list")
    assert refused.code == 2
    assert "--account" in refused.err
    assert keywright("keys list --account bob@example.org").code == 0


def test_a_profile_that_asks_for_more_asks_for_it_here_too(ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYWRIGHT_PROFILE", "platform")
    refused = ada("keys create bot", "Tide-wharf-29-Q", ada.code(), "482913")
    assert refused.code == 4
    assert "no trading password yet" in refused.err
    monkeypatch.setenv("KEYWRIGHT_PROFILE", "personal")
    assert ada("keys create bot", "Tide-wharf-29-Q", ada.code()).code == 0
