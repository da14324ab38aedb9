"""Calls under an Idempotency-Key: what is kept of them, and what two at once make."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from keywright.api import store
from keywright.api.app import PREFIX
from keywright.storage.tables import kept_answers
from keywright.storage.transaction import Tx
from tests.api.test_keys import WISH
from tests.support.exchange import BackEnd

NAMED = {"idempotency-key": "order-0001"}


async def test_who_reads_the_database_can_not_try_passphrases_on_what_is_kept(back_end: BackEnd) -> None:
    account = await back_end.account()
    path, body = f"/accounts/{account}/keys", b'{"name": "bot", "passphrase": "Tide-wharf-29-Q"}'
    made = await back_end.send("POST", path, content=body, user="user-1", headers=NAMED)
    assert made.status_code == 201, made.text
    async with back_end.services.database.read() as tx:
        row = (await tx.execute(select(kept_answers))).one()
    said = (b"POST", (PREFIX + path).encode(), body)
    name = b"order-0001"
    guesses = [
        hashlib.sha256(sep.join((*start, *what))).digest()
        for what in (said, (name,), (b"name", name), (b"request", *said))
        for start in ((), (row.token_id.encode(),))
        for sep in (b"\0", b"")
    ]
    assert row.request_digest not in guesses
    assert row.name_digest not in guesses


async def test_one_name_for_two_accounts_at_once_makes_one_key(
    back_end: BackEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [await back_end.account(user) for user in ("user-1", "user-2")]
    find, both = store.find_answer, asyncio.Event()
    asked: list[str] = []

    async def seen(tx: Tx, **what: Any) -> Any:
        """Answer the first look of each call only when both have looked, and the second from before either wrote."""
        found = await find(tx, **what)
        asked.append("")
        if len(asked) == 2:
            both.set()
        await both.wait()
        return found if len(asked) > 4 else None

    monkeypatch.setattr(store, "find_answer", seen)
    answers = await asyncio.gather(
        *(
            back_end.send("POST", f"/accounts/{account}/keys", WISH, user=f"user-{number}", headers=NAMED)
            for number, account in enumerate(accounts, 1)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
    assert {answer.json().get("reason") for answer in answers} == {None, "answer_of_another"}
    listed = [await back_end.send("GET", f"/accounts/{account}/keys") for account in accounts]
    assert sum(len(answer.json()["keys"]) for answer in listed) == 1, "the loser made nothing"
