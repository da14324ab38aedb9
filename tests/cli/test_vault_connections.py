"""Held keys at the command line, with KuCoin's double behind it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.adversarial.test_leak import spellings
from tests.cli.conftest import Terminal
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble

OURS = "127.0.0.7"


@pytest.fixture
def kucoin(keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[KucoinDouble]:
    """Give KuCoin, and a vault that asks it."""
    with running_in_thread(KucoinDouble(keywright.clock)) as double:
        monkeypatch.setenv("KEYWRIGHT_KUCOIN_URL", double.url)
        made = keywright("vault init --by key-file")
        assert made.code == 0, made.err
        yield double


def pasted(key: DoubleKey) -> str:
    return json.dumps({"key": key.key, "secret": key.secret, "passphrase": key.passphrase})


def test_a_key_is_held_shown_checked_edited_and_removed(keywright: Terminal, kucoin: KucoinDouble) -> None:
    assert keywright(f"vault egress add {OURS}").code == 0
    key = kucoin.new_key(addresses=(OURS,))
    added = keywright("vault add grid --exchange kucoin --bot night --stdin --json", pasted(key))
    assert added.code == 0, added.err
    assert (added.json["key"], added.json["address"], added.json["address_is_confirmed"]) == (
        f"{key.key[:4]}…{key.key[-4:]}",
        OURS,
        True,
    )
    assert f"enter under “IP Restriction”: {OURS}" in added.err
    assert "never “Withdrawal”" in added.err
    assert keywright("vault list").out.split("\t")[:3] == ["grid", "KuCoin", "active"]
    shown = keywright("vault show grid")
    assert "trade\tyes\tproven\tSpot" in shown.out
    assert "withdraw\tno\tproven" in shown.out
    assert keywright("vault check grid").code == 0
    edited = keywright("vault edit grid --name swing --bot day --bot night --json").json
    assert (edited["name"], edited["bots"], edited["is_shared"]) == ("swing", ["day", "night"], True)
    assert "several bots share it" in keywright("vault list").out
    other = kucoin.new_key(addresses=(OURS,))
    replaced = keywright("vault edit swing --stdin --json", pasted(other)).json
    assert replaced["fingerprint"] != added.json["fingerprint"]
    assert keywright("vault remove swing").code == 2  # nobody can be asked whether that is meant
    removed = keywright("vault remove swing --yes")
    assert "https://www.kucoin.com/account/api" in removed.err
    assert keywright("vault list --json").json["connections"] == []
    assert keywright("vault show swing").code == 5
    assert kucoin.peers == {OURS}
    assert keywright(f"vault egress share {OURS}").code == 0
    assert keywright(f"vault egress share {OURS} --off").code == 0
    assert keywright(f"vault egress remove {OURS}").code == 0
    with closing(sqlite3.connect(keywright.folder / "vault.db")) as database:
        kinds = [kind for (kind,) in database.execute("SELECT kind FROM audit_events ORDER BY seq")]
        actors = {actor for (actor,) in database.execute("SELECT DISTINCT actor FROM audit_events")}
    assert kinds == [
        *("vault.made", "egress.added", "egress.observed", "egress.reserved", "connection.added", "connection.checked"),
        *("connection.edited", "connection.key_replaced", "connection.removed"),
        *("egress.shared", "egress.unshared", "egress.removed"),
    ]
    assert actors == {"owner", "system"}


@pytest.mark.parametrize(
    ("permissions", "addresses", "code", "said"),
    [
        (("General", "Spot", "Transfer"), (OURS,), 10, "untick “Withdrawal”"),
        (("General", "Spot", "InnerTransfer"), (OURS,), 10, "untick “FlexTransfers”"),
        (("General", "Spot"), (), 11, "--accept no-address-filter"),
        (("General", "Spot", "Margin"), (OURS,), 10, "--accept margin"),
    ],
)
def test_a_key_that_must_not_be_held_leaves_nothing_and_says_what_to_mend(
    keywright: Terminal,
    kucoin: KucoinDouble,
    permissions: tuple[str, ...],
    addresses: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    keywright(f"vault egress add {OURS}")
    key = kucoin.new_key(*permissions, addresses=addresses)
    refused = keywright("vault add grid --exchange kucoin --stdin", pasted(key))
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert said.startswith("--accept") or "--accept" not in refused.err
    assert keywright("vault list --json").json["connections"] == []
    if said.startswith("--accept"):
        accepted = keywright(f"vault add grid --exchange kucoin --stdin {said} --json", pasted(key))
        assert [one["what"] for one in accepted.json["accepted"]] == [said.split()[1]]
        assert accepted.json["accepted"][0]["by"] == "owner"


def test_leak_no_byte_of_a_key_is_in_any_file_or_output(keywright: Terminal, kucoin: KucoinDouble) -> None:
    keywright(f"vault egress add {OURS}")
    good, bad = kucoin.new_key(addresses=(OURS,)), kucoin.new_key("General", "Transfer", addresses=(OURS,))
    said = [keywright("vault add bad --exchange kucoin --stdin", pasted(bad))]
    said += [keywright("vault add grid --exchange kucoin --stdin --json", pasted(good))]
    said += [keywright(f"vault {command}") for command in ("list", "show grid", "show grid --json", "check grid")]
    files = [path for path in keywright.folder.parent.rglob("*") if path.is_file()]
    assert any(path.name == "vault.db" for path in files)
    content = b"\n".join([*(path.read_bytes() for path in files), *(f"{one.out}{one.err}".encode() for one in said)])
    for key in (good, bad):
        for secret in (key.key, key.secret, key.passphrase):
            assert not [form for form in spellings(secret.encode()) if form in content]


def test_a_machine_with_one_way_out_needs_no_pool(keywright: Terminal, kucoin: KucoinDouble) -> None:
    """The first key leaves from whatever address the system chooses; a second one there has to be allowed."""
    key, second = kucoin.new_key(addresses=("127.0.0.1",)), kucoin.new_key(addresses=("127.0.0.1",))
    assert keywright("vault add grid --exchange kucoin --stdin", pasted(key)).code == 0
    assert keywright("vault egress list").out.split("\t")[:2] == ["any", "127.0.0.1"]
    full = keywright("vault add swing --exchange kucoin --stdin", pasted(second))
    assert full.code == 6
    assert "keywright vault egress share any" in full.err
    assert keywright("vault egress share any").code == 0
    assert keywright("vault add swing --exchange kucoin --stdin", pasted(second)).code == 0
    assert "its address is shared" in keywright("vault list").out
    again = keywright("vault add third --exchange kucoin --stdin", pasted(key))
    assert again.code == 6
    assert "your connection grid holds this key already" in again.err


def test_a_key_that_changed_at_its_exchange_is_found_by_a_check_of_all(
    keywright: Terminal, kucoin: KucoinDouble
) -> None:
    key = kucoin.new_key(addresses=("127.0.0.1",))
    keywright("vault add grid --exchange kucoin --stdin", pasted(key))
    key.rights = {"permission": "General,Spot,Transfer"}
    checked = keywright("vault check --all --json")
    assert checked.code == 10
    assert checked.json["checked"][0]["status"] == "suspended"
    assert keywright("vault list --json").json["connections"][0]["reasons"] == ["exit withdraw"]
    key.rights = {"permission": "General,Spot"}
    # A timer looks at all of them: that it is well again is not for a timer to say.
    timer = keywright("vault check --all")
    assert timer.code == 0
    assert "grid stays suspended" in timer.err
    assert keywright("vault list --json").json["connections"][0]["status"] == "suspended"
    assert keywright("vault check grid").code == 0
    assert keywright("vault list --json").json["connections"][0]["status"] == "active"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("no json at all", "that is no JSON"),
        ('["key"]', "no object of texts"),
        ('{"key": "k"}', "not those of a key"),
        ('{"key": "k", "secret": 7}', "no object of texts"),
        ('{"key": "k", "secret": "s", "password": "p"}', "not those of a key"),
        ('{"key": "6512ab34cd56ef7890ab12cd", "secret": "••••", "passphrase": "x"}', "shows later"),
    ],
)
def test_nonsense_is_refused_before_anyone_is_asked_and_is_not_repeated(
    keywright: Terminal, kucoin: KucoinDouble, typed: str, said: str
) -> None:
    refused = keywright("vault add grid --exchange kucoin --stdin", typed)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err
    assert typed not in refused.err
    assert [seen.path for seen in kucoin.seen if "api-key" in seen.path] == []


def test_a_key_in_a_file_that_others_can_read_is_refused(
    keywright: Terminal, kucoin: KucoinDouble, tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    key = kucoin.new_key(addresses=("127.0.0.1",))
    path.write_text(pasted(key))
    path.chmod(0o644)
    refused = keywright(f"vault add grid --exchange kucoin --from-file {path}")
    assert refused.code == 1
    assert "others can read" in refused.err
    path.chmod(0o600)
    assert keywright(f"vault add grid --exchange kucoin --from-file {path}").code == 0
    assert keywright(f"vault add other --exchange kucoin --stdin --from-file {path}").code == 2
    assert keywright(f"vault add other --exchange kucoin --from-file {tmp_path}").code == 1


def test_a_proxys_password_is_no_argument(keywright: Terminal, kucoin: KucoinDouble) -> None:
    refused = keywright("vault egress add socks5://lodger:s3cret-w0rd@127.0.0.1:1")
    assert refused.code == 2
    assert "s3cret" not in refused.err
    added = keywright("vault egress add --stdin", "socks5://lodger:s3cret-w0rd@127.0.0.1:1")
    assert added.code == 0, added.err
    assert "unconfirmed" in added.err
    assert "s3cret" not in added.err
    assert keywright("vault egress list").out.startswith("socks5://127.0.0.1:1\t")
    assert keywright("vault egress check 127.0.0.1:1").code != 0
    assert keywright("vault egress remove 127.0.0.1:1").code == 0
    foreign = keywright("vault egress add 203.0.113.7")
    assert foreign.code == 1
    assert "203.0.113.7 is no address of this machine" in foreign.err
    assert "`ip address`" in foreign.err


def test_an_account_of_the_server_has_keys_held_there(ada: Terminal, kucoin: KucoinDouble) -> None:
    assert ada(f"vault egress add {OURS} --server").code == 0
    key = kucoin.new_key(addresses=(OURS,))
    line = pasted(key)
    refused = ada("vault add grid --exchange kucoin --account ada@example.org --stdin", line)
    assert refused.code == 4  # the key was read, and no code came after it
    spread = json.dumps(json.loads(line), indent=2)
    given = ada("vault add swing --exchange kucoin --account ada@example.org --stdin", spread, ada.code())
    assert given.code == 0, given.err
    assert ada("vault remove swing --account ada@example.org --yes", ada.code()).code == 0
    path = ada.folder.parent / "key.json"
    path.write_text(line)
    path.chmod(0o600)
    command = f"vault add grid --exchange kucoin --account ada@example.org --from-file {path}"
    assert ada(command, ada.code()).code == 0
    assert ada("vault list --account ada@example.org --json").json["connections"][0]["name"] == "grid"
    assert ada("vault list --json").json["connections"] == []
    with closing(sqlite3.connect(ada.folder / "keywright.db")) as database:
        (by,) = database.execute("SELECT actor FROM audit_events WHERE kind = 'connection.added'").fetchone()
    assert by.startswith("acc_")
    assert ada("vault remove grid --account ada@example.org --yes", ada.code()).code == 0


def test_what_was_pasted_wrong_is_named(keywright: Terminal, kucoin: KucoinDouble) -> None:
    """At the console it stands beside its field; here a sentence about "it" says nothing."""
    good = kucoin.new_key(addresses=("127.0.0.1",))
    parts = {"key": good.key, "secret": good.secret, "passphrase": good.passphrase}
    for part, wrong in (("the API key", {"key": "abc"}), ("the secret", {"secret": "abc"})):
        refused = keywright("vault add grid --exchange kucoin --stdin", json.dumps(parts | wrong))
        assert refused.err.splitlines()[3].startswith(f"keywright: {part}: it has 3 characters"), refused.err
    missing = keywright("vault add grid --exchange kucoin --stdin", json.dumps(parts | {"passphrase": ""}))
    assert "keywright: the passphrase is missing" in missing.err
    assert keywright("vault add grid --exchange kucoin --stdin", pasted(good)).code == 0
    for command in ("vault edit grid", "vault rotate grid"):
        refused = keywright(f"{command} --stdin", json.dumps(parts | {"key": "abc"}))
        assert "keywright: the API key: it has 3 characters" in refused.err, refused.err


def test_a_name_that_is_taken_is_told_before_anybody_makes_a_key(keywright: Terminal, kucoin: KucoinDouble) -> None:
    assert keywright("vault egress add 127.0.0.1 --share").code == 0
    keywright("vault add grid --exchange kucoin --stdin", pasted(kucoin.new_key(addresses=("127.0.0.1",))))
    again = keywright("vault add grid --exchange kucoin")
    assert again.code == 6
    assert again.err.splitlines()[0] == "keywright: there is a connection grid already"


def test_what_a_key_of_the_main_account_can_do_besides_is_said_when_it_is_added_shown_and_checked(
    keywright: Terminal, kucoin: KucoinDouble
) -> None:
    key = kucoin.new_key(addresses=("127.0.0.1",))
    said = [keywright("vault add grid --exchange kucoin --stdin", pasted(key))]
    said += [keywright("vault show grid"), keywright("vault check grid")]
    for one in said:
        assert one.code == 0
        assert "warning: this is a key of your main account" in one.err
    key.rights["subName"] = "bots01"
    assert "warning" not in keywright("vault check grid").err


def test_lists_speak_to_people(keywright: Terminal, kucoin: KucoinDouble) -> None:
    empty = keywright("vault list")
    assert (empty.code, empty.out) == (0, "")
    assert "keywright vault add" in empty.err
    key = kucoin.new_key(addresses=("127.0.0.1",))
    keywright("vault add grid --exchange kucoin --stdin", pasted(key))
    shown = keywright("vault show grid").out
    assert "made there  2023-11-14T22:13:20Z" in shown
    assert "bound to addresses\tyes\tdeclared\tipWhitelist" in shown
    assert "internal transfer\tno\tproven\tInnerTransfer" in shown
    key.rights = {"permission": "General,Spot,Transfer"}
    assert keywright("vault check grid").code == 10
    assert keywright("vault list").out.rstrip().endswith("money could leave (withdraw)")
    assert keywright("vault edit grid --ends 2020-01-01").code == 2
    assert keywright("vault edit grid --ends 2099-01-01").code == 0


def test_a_check_of_all_calls_what_failed_by_its_name(keywright: Terminal, kucoin: KucoinDouble) -> None:
    key = kucoin.new_key(addresses=("127.0.0.1",))
    keywright("vault add grid --exchange kucoin --stdin", pasted(key))
    key.deleted = True
    checked = keywright("vault check --all")
    assert checked.code == 4
    assert "grid: KuCoin does not know this key" in checked.err
    assert "hint: it was deleted there" in checked.err
