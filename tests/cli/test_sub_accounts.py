from __future__ import annotations

from tests.cli.conftest import Terminal

PASSPHRASE = "Tide-wharf-29-Q"


def test_one_is_made_with_the_code_and_its_keys_are_its_own(ada: Terminal) -> None:
    assert ada("sub-accounts create trading1 --memo nights").code == 4
    assert ada("sub-accounts create nodigits", ada.code()).code == 2
    made = ada("sub-accounts create trading1 --memo nights --json", ada.code()).json
    assert (made["name"], made["memo"], made["frozen_at"]) == ("trading1", "nights", None)
    assert ada("sub-accounts create trading1", ada.code()).code == 6
    assert "trading1" in ada("sub-accounts list").out
    key = ada("keys create bot --sub-account trading1 --json", PASSPHRASE, ada.code()).json
    assert key["sub_account"] == "trading1"
    assert ada("keys list --json").json["keys"] == []
    assert [one["id"] for one in ada("keys list --sub-account trading1 --json").json["keys"]] == [key["id"]]
    assert ada("keys list --sub-account trading2").code == 5
    assert ada("keys create bot --sub-account trading2", "Quiet-Harbour-77", ada.code()).code == 5


def test_a_key_of_it_is_found_by_its_id_alone(ada: Terminal) -> None:
    ada("sub-accounts create trading1", ada.code())
    key = ada("keys create bot --sub-account trading1 --json", PASSPHRASE, ada.code()).json["id"]
    assert ada(f"keys show {key} --json").json["sub_account"] == "trading1"
    assert ada(f"keys edit {key} --name other").code == 0
    rotated = ada(f"keys rotate {key} --json", "Moor-chain-83-W", ada.code())
    assert rotated.json["sub_account"] == "trading1"
    assert ada(f"keys disable {key}").code == 0
    assert ada(f"keys enable {key}", ada.code()).code == 0
    assert ada(f"keys usage {key}").code == 0
    assert ada(f"keys disable {key}").code == 0
    assert ada(f"keys delete {key}", ada.code()).code == 0


def test_freezing_takes_no_code_and_lifting_it_does(ada: Terminal) -> None:
    ada("sub-accounts create trading1", ada.code())
    assert ada("sub-accounts freeze trading1").code == 0
    assert ada("sub-accounts list --json").json["sub_accounts"][0]["frozen_at"]
    assert ada("keys create bot --sub-account trading1", PASSPHRASE, ada.code()).code == 6
    assert ada("sub-accounts unfreeze trading1").code == 4
    assert ada("sub-accounts unfreeze trading1", ada.code()).code == 0
    assert ada("sub-accounts freeze trading9").code == 5
