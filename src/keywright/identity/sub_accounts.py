"""Verbs of sub-accounts: made, described, frozen by the account they belong to. One is never deleted and never renamed,
because keys, balances and whatever stands behind the gateway know it by its name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, Invalid, LimitReached, NotFound, NotProven
from keywright.identity import store
from keywright.identity.model import FactorProof, SubAccount
from keywright.identity.policies import Policies
from keywright.identity.store import sub_accounts as rows
from keywright.ids import new_id, new_uid
from keywright.storage.changes import announce
from keywright.storage.transaction import Tx

NAME = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9]{7,32}")
"""KuCoin's rule for `subName` (POST /api/v2/sub/user/created): clients check names by it."""

MEMO_MAX = 24
"""KuCoin's most for `remarks`."""


class SubAccounts:
    """Sub-accounts of every account."""

    def __init__(self, *, audit: AuditLog, policies: Policies) -> None:
        self._audit = audit
        self._policies = policies

    async def create(
        self, tx: Tx, account_id: str, name: str, memo: str = "", *, proof: FactorProof, actor: Actor, now: int
    ) -> SubAccount:
        """Make a sub-account. Raises `NotProven` without a fresh factor, `Invalid`, `LimitReached`, `Conflict`."""
        await store.lock_account(tx, account_id=account_id)
        _require(proof, account_id, now=now, to="make a sub-account")
        called, about = sub_account_name(name), _memo(memo)
        most = (await self._policies.current(tx)).sub_accounts_per_account
        if await rows.count_sub_accounts(tx, account_id) >= most:
            raise LimitReached("an account has at most {most} sub-accounts", most=most)
        if await rows.find_sub_account(tx, account_id, name=called) is not None:
            raise Conflict("there is a sub-account {name} already", name=called)
        uid = new_uid()
        while await store.is_uid_taken(tx, uid) or await rows.is_sub_uid_taken(tx, uid):
            uid = new_uid()
        sub = SubAccount(new_id("sub"), account_id, uid, called, about, now, None)
        await rows.insert_sub_account(tx, sub)
        await self._record(tx, Kind.SUB_ACCOUNT_CREATED, sub, actor, now=now)
        return sub

    async def all(self, tx: Tx, account_id: str) -> list[SubAccount]:
        """Return the account's sub-accounts, oldest first."""
        return await rows.list_sub_accounts(tx, account_id)

    async def find(self, tx: Tx, account_id: str, name: str = "", *, sub_id: str = "") -> SubAccount:
        """Return the account's sub-account of this name, or of this id.

        Raises `NotFound` for one that is unknown or someone else's.
        """
        found = await rows.find_sub_account(tx, account_id, name=name, sub_id=sub_id)
        if found is None:
            raise NotFound("there is no sub-account {name}", name=(name or sub_id)[:32])
        return found

    async def describe(self, tx: Tx, account_id: str, name: str, memo: str, *, actor: Actor, now: int) -> SubAccount:
        """Give a sub-account another memo. Raises `Invalid`, `NotFound`."""
        await store.lock_account(tx, account_id=account_id)
        sub = replace(await self.find(tx, account_id, name), memo=_memo(memo))
        await rows.describe_sub_account(tx, sub)
        await self._record(tx, Kind.SUB_ACCOUNT_DESCRIBED, sub, actor, now=now)
        return sub

    async def freeze(self, tx: Tx, account_id: str, name: str, *, actor: Actor, now: int) -> SubAccount:
        """Freeze a sub-account: each of its keys is refused from the commit on. Needs no factor, and never fails twice."""
        await store.lock_account(tx, account_id=account_id)
        sub = await self.find(tx, account_id, name)
        if sub.frozen_at is not None:
            return sub
        return await self._switch(tx, replace(sub, frozen_at=now), Kind.SUB_ACCOUNT_FROZEN, actor, now=now)

    async def unfreeze(
        self, tx: Tx, account_id: str, name: str, *, proof: FactorProof, actor: Actor, now: int
    ) -> SubAccount:
        """Lift a sub-account's freeze. Raises `NotProven` without a fresh factor, `NotFound`, `Conflict` if not frozen."""
        await store.lock_account(tx, account_id=account_id)
        _require(proof, account_id, now=now, to="lift a freeze")
        sub = await self.find(tx, account_id, name)
        if sub.frozen_at is None:
            raise Conflict("the sub-account is not frozen")
        return await self._switch(tx, replace(sub, frozen_at=None), Kind.SUB_ACCOUNT_UNFROZEN, actor, now=now)

    async def _switch(self, tx: Tx, sub: SubAccount, kind: Kind, actor: Actor, *, now: int) -> SubAccount:
        await rows.freeze_sub_account(tx, sub)
        await announce(tx)
        await self._record(tx, kind, sub, actor, now=now)
        return sub

    async def _record(self, tx: Tx, kind: Kind, sub: SubAccount, actor: Actor, *, now: int) -> None:
        event = Event(kind, actor, sub.account_id, sub.id, detail={"name": sub.name, "memo": sub.memo})
        await self._audit.record(tx, event, now=now)


def sub_account_name(text: str) -> str:
    """Return the name if a sub-account may be called that; raises `Invalid`."""
    name = text.strip()
    if not NAME.fullmatch(name):
        raise Invalid(
            "a sub-account's name has {least} to {most} letters and digits, at least one of each, and no spaces",
            hint="write it like trading01",
            field="name",
            least=7,
            most=32,
        )
    return name


def _memo(text: str) -> str:
    memo = text.strip()
    if len(memo) > MEMO_MAX:
        raise Invalid("a sub-account's memo has at most {most} characters", field="memo", most=MEMO_MAX)
    if any(unicodedata.category(one).startswith(("C", "Zl", "Zp")) for one in memo):
        raise Invalid("a sub-account's memo holds no invisible characters", field="memo")
    return memo


def _require(proof: FactorProof, account_id: str, *, now: int, to: str) -> None:
    if proof.account_id != account_id or not proof.is_fresh(now=now):
        raise NotProven("to {to} takes the account's second factor", hint="give a fresh code", to=to)
