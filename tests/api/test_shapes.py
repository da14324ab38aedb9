"""Free text that no database of ours could keep or look for is named as the caller's mistake."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_keys import WISH
from tests.support.exchange import BackEnd

NUL = "a\0b"
KEY = "0" * 24


@pytest.mark.parametrize(
    "path",
    [
        "/accounts?external_id=%00",
        "/accounts?search=%00",
        "/accounts?after=%00",
        "/accounts/{account}/keys?sub_account=%00",
        f"/accounts/{{account}}/keys/{KEY}?sub_account=a%00b",
        f"/accounts/{{account}}/keys/{KEY}/usage?sub_account=%00",
        f"/accounts/{{account}}/keys/{KEY}/usage?verdict=%00",
        "/audit?kind=%00",
    ],
)
async def test_a_nul_in_a_query_is_refused(back_end: BackEnd, path: str) -> None:
    await back_end.refused("invalid", "GET", path.format(account=await back_end.account()))


@pytest.mark.parametrize("name", ["sub_account", "amount", "currency", "chain", "address", "memo", "fee", "key"])
async def test_a_nul_in_what_is_to_be_approved_is_refused(back_end: BackEnd, name: str) -> None:
    asking = {"account_id": await back_end.account(), "reference": "order-1", "amount": "1", "currency": "USDT"}
    asking |= {"chain": "trc20", "address": "TQn9Y2khEsLJW1ChVWFMSMeRDow5KcbLSE", name: NUL}
    await back_end.refused("invalid", "POST", "/approvals", asking)


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        *(("", {**WISH, name: NUL}) for name in ("name", "memo", "passphrase")),
        ("", {**WISH, "permissions": [NUL]}),
        ("", {**WISH, "addresses": [NUL]}),
        ("?sub_account=%00", WISH),
    ],
)
async def test_a_nul_in_a_key_to_be_made_is_refused(back_end: BackEnd, end: str, wanted: dict[str, Any]) -> None:
    account = await back_end.account()
    await back_end.refused("invalid", "POST", f"/accounts/{account}/keys{end}", wanted, user="user-1")


async def test_a_nul_in_an_address_or_a_reason_is_refused(back_end: BackEnd) -> None:
    account = await back_end.account()
    await back_end.refused("invalid", "POST", "/accounts", {"external_id": "user-2", "email": "a\0@example.org"})
    decided = {"decision": "refuse", "version": 1, "reason": NUL}
    answer = await back_end.send("POST", f"/accounts/{account}/identity/decision", decided)
    assert answer.status_code < 500, answer.text
