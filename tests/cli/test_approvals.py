"""`keywright approvals`: what waits is shown whole, confirmed with a code of its own, refused without one."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Terminal
from tests.support.withdrawing import TRON, waiting_in


def test_what_waits_is_listed_confirmed_and_told(ada: Terminal) -> None:
    approval_id = waiting_in(ada.folder, ada.clock)
    [listed] = ada("approvals list --json").json["approvals"]
    assert (listed["id"], listed["state"], listed["amount"], listed["address"]) == (approval_id, "waiting", "250", TRON)
    assert TRON in ada("approvals list").out
    refused = ada(f"approvals confirm {approval_id}")
    assert refused.code == 4
    assert ada(f"approvals confirm {approval_id}", "000000").code == 4
    code = ada.code()
    done = ada(f"approvals confirm {approval_id}", code)
    assert done.code == 0, done.err
    for words in ("250 USDT", TRON, "trx", "is confirmed"):
        assert words in done.err
    another = waiting_in(ada.folder, ada.clock, "w2")
    assert ada(f"approvals confirm {another}", code).code == 4
    assert ada(f"approvals confirm {approval_id}", ada.code()).code == 6
    assert [one["state"] for one in ada("approvals list --all --json").json["approvals"]] == ["waiting", "confirmed"]


def test_refusing_takes_no_code(ada: Terminal) -> None:
    approval_id = waiting_in(ada.folder, ada.clock)
    assert ada(f"approvals refuse {approval_id} --json").json["state"] == "refused"
    assert ada(f"approvals refuse {approval_id}").code == 6
    assert ada(f"approvals confirm {approval_id}", ada.code()).code == 6
    assert ada("approvals list").out == ""


def test_nonsense_is_told(ada: Terminal) -> None:
    for name in ("apv_0", "", "../x"):
        assert ada(f"approvals refuse {name or '-'}").code in {2, 5}


def test_a_sub_accounts_withdrawal_says_whose_it_is(ada: Terminal) -> None:
    assert ada("sub-accounts create trading1", ada.code()).code == 0
    approval_id = waiting_in(ada.folder, ada.clock, sub_account="trading1")
    [listed] = ada("approvals list --json").json["approvals"]
    assert listed["sub_account"] == "trading1"
    assert "trading1" in ada("approvals list").out
    done = ada(f"approvals confirm {approval_id}", ada.code())
    assert (done.code, "trading1" in done.err) == (0, True)


def test_2fa_14_it_is_said_until_when_withdrawals_rest_and_no_code_is_used_up(
    ada: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval_id = waiting_in(ada.folder, ada.clock)
    monkeypatch.setenv("KEYWRIGHT_WITHDRAWAL_REST_HOURS", "24")
    assert ada("approvals list --json").json["withdrawals_rest_until"] is None
    changed = ada("accounts set-password ada@example.org", "four-otters-in-amber", ada.code())
    assert changed.code == 0, changed.err
    listed = ada("approvals list --json").json
    assert listed["withdrawals_rest_until"] == ada.clock() + 24 * 3_600_000
    assert "No withdrawal goes out until" in ada("approvals list").err
    code = ada.code()
    refused = ada(f"approvals confirm {approval_id}", code)
    assert (refused.code, "24 h" in refused.err) == (6, True), refused.err
    ada("accounts freeze ada@example.org")
    assert ada("accounts unfreeze ada@example.org", code).code == 0
