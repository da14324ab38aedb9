"""PERM-12: what an operator can't do. Every page, form and call that an operator has is tried on somebody else's account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Row, select

from keywright.api.app import routes
from keywright.approvals.model import DAY_MS
from keywright.audit.events import Actor
from keywright.errors import Conflict
from keywright.identity.model import FactorProof
from keywright.storage.tables import accounts, api_keys
from tests.support.exchange import BackEnd
from tests.support.household import FORMS, FROM_ELSEWHERE, Household, csrf_of
from tests.support.visitor import ORIGIN, PASSWORD, shown_routes

BOBS_PASSPHRASE = "Kelp-under-52-V"
PROVES_BY = ("password_hash", "totp_sealed", "trading_password_hash", "phrase_sealed", "email", "whitelist_on_at")
"""What an account proves itself by, or is warned by: its owner's alone to change."""


@pytest.fixture
async def victim(home: Household) -> dict[str, str]:
    """Give Bob a key, and everything about him that nobody else may ever see, by name."""
    key_id, secret = await home.bob.make_key("trade", passphrase=BOBS_PASSPHRASE)
    async with home.services.database.read() as tx:
        row = await _row(tx, home)
        (key,) = (await tx.execute(select(api_keys).where(api_keys.c.id == key_id))).all()
    return {
        "key_id": key_id,
        "secret": secret,
        "passphrase": BOBS_PASSPHRASE,
        "password": PASSWORD,
        "password hash": row.password_hash,
        "authenticator": home.bob.totp_secret,
        "passphrase digest": key.passphrase_digest.hex(),
    }


async def _row(tx: Any, home: Household) -> Row[Any]:
    found: Row[Any] = (await tx.execute(select(accounts).where(accounts.c.id == home.bobs_account_id))).one()
    return found


def told(victim: dict[str, str], text: str) -> list[str]:
    """Return what of the victim's a text gives away."""
    return [name for name, value in victim.items() if name != "key_id" and value in text]


async def test_perm_12_no_page_shows_an_operator_a_secret(home: Household, victim: dict[str, str]) -> None:
    seen = 0
    for pattern in shown_routes(home.console):
        if pattern.startswith("/static/"):
            continue
        path = home.path(pattern, key=victim["key_id"])
        answer = await home.ada.get(f"{path}?account={home.bobs_account_id}&search=bob@example.org")
        assert not told(victim, answer.text), pattern
        seen += pattern.startswith("/operator") and victim["key_id"][:4] in answer.text
    assert seen, "the account's page shows that there is a key"


async def test_perm_12_no_call_of_the_management_api_gives_a_secret_away(
    home: Household, victim: dict[str, str], clock: Any
) -> None:
    """With a token that may do everything, and nobody there."""
    back_end = await BackEnd.with_token(home.services, clock)
    about = {"account_id": home.bobs_account_id, "key_id": victim["key_id"], "permission": "trade"}
    answered = 0
    for pattern, methods in routes().openapi()["paths"].items():
        path = re.sub(r"\{(\w+)\}", lambda found: about.get(found[1], "apr_" + "0" * 24), pattern)
        for method in methods:
            answer = await back_end.send(method.upper(), path.partition("/api/management/v1")[2], {})
            assert not told(victim, answer.text), (method, pattern)
            assert answer.status_code < 500
            answered += answer.status_code == 200
    assert answered >= 8, "the calls were really made"


@pytest.mark.parametrize("pattern", sorted(FORMS.keys() - FROM_ELSEWHERE - {"/sign-up", "/sign-in", "/sign-out"}))
async def test_perm_12_no_form_lets_an_operator_set_what_another_proves_themselves_by(
    home: Household, victim: dict[str, str], pattern: str
) -> None:
    """Nor enable, bind or make a key of theirs. What an operator may do to it is switch it off."""
    async with home.services.database.read() as tx:
        before = await _row(tx, home)
        keys = {row.id: row for row in await tx.execute(select(api_keys))}
    await home.ada.get("/security")
    path = home.path(pattern, key=victim["key_id"])
    also = {"account": home.bobs_account_id, "account_id": home.bobs_account_id, "email": "bob@example.org"}
    form = {**also, **FORMS[pattern], "csrf": csrf_of(home, home.ada.token)}
    answer = await home.ada.send("POST", path, form, origin=ORIGIN, sec_fetch_site="same-origin")
    assert not told(victim, answer.text)
    async with home.services.database.read() as tx:
        after = await _row(tx, home)
        now = {row.id: row for row in await tx.execute(select(api_keys))}
    for column in PROVES_BY:
        assert getattr(after, column) == getattr(before, column), column
    assert now[victim["key_id"]] == keys[victim["key_id"]]
    bobs = {row.id for row in now.values() if row.account_id == home.bobs_account_id}
    assert bobs == {victim["key_id"]}


async def test_perm_12_an_operator_confirms_neither_anothers_withdrawal_nor_their_own_without_a_code(
    home: Household,
) -> None:
    now = home.ada.clock()
    to = {"currency": "USDT", "chain": "trx", "address": "TXYZabcdefghijkmnopqrstuvwxyz12345"}
    async with home.services.database.write() as tx:
        bobs = await home.services.approvals.ask(
            tx,
            account_id=home.bobs_account_id,
            asked_by="tok_household",
            reference="w9",
            detail={"amount": "9", **to},
            expires_in=DAY_MS,
            now=now,
        )
        own = await home.services.approvals.one(tx, home.account_id, home.approval_id)
    await home.step_up()  # which is good for everything else for ten minutes
    for approval, status in ((bobs, 404), (own, 400)):
        for code in ("", home.recovery_codes[0]):
            await home.ada.get("/approvals")
            answer = await home.ada.post(f"/approvals/{approval.id}/confirm", digest=approval.digest.hex(), code=code)
            assert answer.status_code == status, home.ada.text
    await home.ada.get("/approvals")
    assert (await home.ada.post(f"/approvals/{bobs.id}/refuse")).status_code == 404
    async with home.services.database.read() as tx:
        for account_id, approval in ((home.bobs_account_id, bobs), (home.account_id, own)):
            state = (await home.services.approvals.one(tx, account_id, approval.id)).state
            assert state.value == "waiting"


async def test_perm_12_an_operator_approves_no_identity_of_their_own(home: Household) -> None:
    identities, now = home.services.own.identities, home.ada.clock()
    async with home.services.database.write() as tx:
        said = await identities.submit_identity(
            tx,
            home.account_id,
            name="Ada Lovelace",
            country="GB",
            document="passport",
            last_digits="1815",
            proof=FactorProof(home.account_id, "totp", now),
            actor=Actor(home.account_id),
            now=now,
        )
    path = f"/operator/accounts/{home.account_id}"
    await home.ada.get(path)
    assert "Another operator decides about your own identity" in home.ada.text
    answer = await home.ada.post(f"{path}/identity", decision="approve", version=str(said.version))
    assert answer.status_code == 409
    with pytest.raises(Conflict, match="of their own"):
        async with home.services.database.write() as tx:
            await identities.decide_identity(
                tx, home.account_id, version=said.version, approve=True, actor=Actor(home.account_id), now=now
            )
    async with home.services.database.read() as tx:
        assert not await identities.is_verified(tx, home.account_id)


async def test_perm_12_an_operator_lifts_no_freeze_of_anothers_account(home: Household) -> None:
    await home.ada.get("/operator")
    await home.ada.post(f"/operator/accounts/{home.bobs_account_id}/freeze")
    await home.ada.get(f"/operator/accounts/{home.bobs_account_id}")
    assert "unfreeze" not in home.ada.text
    answer = await home.ada.post(f"/operator/accounts/{home.bobs_account_id}/unfreeze", code=home.ada.code())
    assert answer.status_code == 404
    async with home.services.database.read() as tx:
        assert (await home.services.identity.account(tx, account_id=home.bobs_account_id)).frozen_at is not None
