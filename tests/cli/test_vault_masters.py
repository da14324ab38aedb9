"""A master connection at the command line: taken, named, rotated through, with KuCoin's double behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keywright.app.held import credentials_for
from keywright.app.vault_place import vault_place_of
from keywright.errors import Conflict
from keywright.settings import Settings
from tests.adversarial.test_leak import spellings
from tests.cli.conftest import Terminal
from tests.cli.test_vault_connections import OURS, kucoin, pasted
from tests.doubles.exchange import DoubleKey
from tests.doubles.kucoin import KucoinDouble

__all__ = ["kucoin"]

MASTERS, SUB = "127.0.0.8", "gridbot7"


def start(keywright: Terminal, name: str) -> None:
    """Have a key opened for a program, as `exec` does before it becomes that."""
    place = vault_place_of(Settings(data_dir=str(keywright.folder)))
    asyncio.run(credentials_for(name, purpose="exec", place=place, clock=keywright.clock))


@pytest.fixture
def first(keywright: Terminal, kucoin: KucoinDouble) -> DoubleKey:
    """Give the key of `grid`, which is rotated through `head`."""
    for address in (OURS, MASTERS):
        assert keywright(f"vault egress add {address}").code == 0
        keywright.clock.advance(seconds=1)  # the oldest is given out first
    first = kucoin.sub_accounts.new_key(SUB, addresses=(OURS,))
    assert keywright("vault add grid --exchange kucoin --stdin", pasted(first)).code == 0
    master = kucoin.new_key("General", addresses=(MASTERS,))
    refused = keywright("vault add head --exchange kucoin --master --stdin", pasted(master))
    assert (refused.code, "--accept sub-account-keys" in refused.err) == (10, True), refused.err
    assert "as one of the main account" in refused.err
    taken = keywright("vault add head --exchange kucoin --master --accept sub-account-keys --stdin", pasted(master))
    assert taken.code == 0, taken.err
    assert "warning" not in taken.err, "that it can't trade is what a master key is for"
    named = keywright("vault edit grid --master head --json")
    assert (named.code, named.json["rotates_by_itself"]) == (0, False), named.err
    return first


def test_a_bot_s_key_is_rotated_without_anybody_going_to_the_exchange(
    keywright: Terminal, kucoin: KucoinDouble, first: DoubleKey, tmp_path: Path
) -> None:
    rotated = keywright("vault rotate grid --json")
    assert (rotated.code, rotated.json["step"]) == (0, "switched"), rotated.err
    (new,) = [one for one in kucoin.sub_accounts.of(SUB) if one is not first]
    assert (rotated.json["serving"][:4], new.rights["remark"]) == (new.key[:4], rotated.json["remark"])
    assert "--finish deletes it there" in keywright("vault rotate grid --status").err
    done = keywright("vault rotate grid --finish")
    assert (done.code, "does not know it any more" in done.err) == (0, True), done.err
    assert kucoin.sub_accounts.of(SUB) == [new]
    kept = b"".join(path.read_bytes() for path in keywright.folder.rglob("*") if path.is_file())
    for secret in (new.secret, new.passphrase):
        assert not any(one in kept for one in spellings(secret.encode()))


def test_it_stops_before_the_switch_and_goes_back(keywright: Terminal, kucoin: KucoinDouble, first: DoubleKey) -> None:
    assert keywright("vault rotate grid --later --json").json["step"] == "added"
    back = keywright("vault rotate grid --roll-back --json")
    assert (back.json["step"], back.json["left_there"]) == ("none", None), back.err
    assert kucoin.sub_accounts.of(SUB) == [first]


def test_what_is_left_there_is_said(keywright: Terminal, kucoin: KucoinDouble, first: DoubleKey) -> None:
    assert keywright("vault rotate grid").code == 0
    for key in kucoin.keys.values():
        key.deleted = key.deleted or key.rights["permission"] == "General"
    failed = keywright("vault rotate grid --roll-back")
    assert (failed.code, "with the key of head" in failed.err) == (4, True), failed.err
    assert keywright("vault rotate grid --status --json").json["step"] == "undoing"
    left = keywright("vault rotate grid --roll-back --leave-there")
    assert (left.code, "delete it there" in left.err, "remark keywright-" in left.err) == (0, True, True), left.err
    assert keywright("vault rotate grid --leave-there").code == 2
    assert not first.deleted


def test_a_program_that_runs_with_the_old_key_is_thought_of(
    keywright: Terminal, first: DoubleKey, kucoin: KucoinDouble
) -> None:
    start(keywright, "grid")
    keywright.clock.advance(seconds=5)
    rotated = keywright("vault rotate grid")
    assert (rotated.code, "not anew since" in rotated.err) == (0, True), rotated.err
    held_back = keywright("vault rotate grid --finish")
    assert (held_back.code, first.deleted) == (6, False), held_back.err
    assert keywright("vault rotate grid --finish --yes").code == 0
    assert first.deleted


def test_a_master_is_handed_to_no_program_and_shown_as_what_it_is(keywright: Terminal, first: DoubleKey) -> None:
    with pytest.raises(Conflict, match="handed to no program"):
        start(keywright, "head")
    assert "a master key: it rotates others" in keywright("vault list").out
    assert "rotated     through head" in keywright("vault show grid").out
    assert keywright("vault add two --exchange kucoin --master --bot night --stdin", pasted(first)).code == 2


def test_how_it_is_rotated_is_said_and_taken_back(keywright: Terminal, first: DoubleKey) -> None:
    assert keywright("vault edit grid --by-itself --json").json["rotates_by_itself"] is True
    assert keywright("vault edit grid --ends 2027-03-31 --json").json["key_ends_at"] == 1_806_451_200_000
    assert keywright("vault edit grid --ends never --json").json["key_ends_at"] is None
    by_hand = keywright("vault edit grid --no-master --json").json
    assert (by_hand["master_id"], by_hand["rotates_by_itself"]) == (None, False)
    for words in ("--by-itself", "--no-master --by-itself", "--ends soon"):
        assert keywright(f"vault edit grid {words}").code == 2, words
    assert not first.deleted
