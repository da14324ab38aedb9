"""Verbs of approvals: asked for, confirmed or refused, consumed. Each takes the open transaction and never commits.

For who holds the funds, in order:

1  hold them, and `ask` in the same transaction; a retry under the same reference gives the same approval
2  look at `status` until it is decided
3  `confirmed`: `consume` it in the transaction that pays out, with the digest of what is about to be paid (`digest_of`).
   It returns once; whatever goes wrong later, the approval's id tells whether this was paid
   `refused`, `expired`: give the funds back
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from keywright.approvals import rules, store
from keywright.approvals.book import Book, asker
from keywright.approvals.model import DAY_MS, EXEMPT, GRACE_MS, MOST_WAITING, Approval, State, Withdrawal
from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, LimitReached, NotFound, NotProven, Unusable
from keywright.identity.holds import Holds
from keywright.identity.model import FactorProof
from keywright.identity.service import IdentityService
from keywright.identity.whitelist import Listed, Whitelist
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

FACTORS = frozenset({"totp", "passkey", "assertion"})
"""What confirms. A recovery code does not: who found the paper must not empty the account with it."""

MayWithdraw = Callable[[Tx, str, str, str, int], Awaitable[None]]
"""Handed account, sub-account, key (empty: none ordered it) and the time; raises `Conflict` unless money may go out now."""

EVERY = tuple(one.value for one in State)


class Approvals:
    """Approvals of every account."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        audit: AuditLog,
        identity: IdentityService,
        whitelist: Whitelist,
        holds: Holds,
        may_withdraw: MayWithdraw,
    ) -> None:
        self._book = Book(keyring.derive(rules.LABEL), audit)
        self._audit = audit
        self._identity = identity
        self._whitelist = whitelist
        self.holds = holds
        """Tells whose withdrawals rest, and until when."""
        self._may_withdraw = may_withdraw

    # ── for who holds the funds ─────────────────────────────────────────────────────────────────────────────────────

    async def ask(
        self,
        tx: Tx,
        *,
        account_id: str,
        sub_account: str = "",
        asked_by: str,
        reference: str,
        kind: str = "withdrawal",
        detail: Mapping[str, object],
        expires_in: int,
        now: int,
    ) -> Approval:
        """Ask the owner to confirm a withdrawal; return the approval: waiting, or confirmed where an exemption covers it.

        `asked_by` is `sandbox` or the id of a service token, `reference` what it calls the withdrawal: asked twice with the
        same detail, the same approval is returned; with another, `Conflict`. `detail` holds text under `amount` (what
        arrives), `currency`, `chain`, `address`, and, where there is one, `memo`, `fee` (on top), `key` (id of the API key
        that ordered it), `from` (the client's address), `remark`. `expires_in` is in milliseconds, a minute to a day.

        Raises `Invalid` with the field, `NotFound` for an unknown account or sub-account, `NotListed` (a `Conflict`) where
        money may not go there, `Resting` (another) while withdrawals rest, `Conflict` where either or the permission is
        frozen or the key may not withdraw, `LimitReached` when too many wait already.
        """
        rules.check_asking(reference, expires_in)
        withdrawal = rules.withdrawal_of(kind, detail)
        await self._identity.lock(tx, account_id)
        earlier = await store.find_asked(tx, asked_by=asked_by, reference=reference)
        if earlier is not None:
            return _same(await self._book.read(tx, earlier), account_id, sub_account, withdrawal).at(now)
        listed = await self._require_way(tx, account_id, sub_account, withdrawal, now=now)
        if await store.count_waiting(tx, account_id=account_id, sub_account=sub_account, now=now) >= MOST_WAITING:
            raise LimitReached("too many withdrawals wait already", hint="the owner confirms or refuses some first")
        approval = Approval(
            *(new_id("apv"), account_id, sub_account, asked_by, reference, withdrawal),
            digest=rules.digest_of(account_id, sub_account, withdrawal),
            state=State.WAITING,
            factor="",
            created_at=now,
            expires_at=now + expires_in,
        )
        await self._book.begin(tx, approval, now=now)
        if await self._is_exempt(tx, listed, withdrawal, now=now):
            actor = replace(asker(approval), factor=EXEMPT)
            confirmed = replace(approval, state=State.CONFIRMED, factor=EXEMPT, decided_at=now)
            return await self._book.change(
                tx, Kind.APPROVAL_CONFIRMED, approval, confirmed, actor=actor, detail={"exempt": True}, now=now
            )
        return approval

    async def status(self, tx: Tx, approval_id: str, *, asked_by: str, now: int) -> Approval:
        """Return what this asker asked for, as it stands now; raises `NotFound`."""
        return (await self._book.asked(tx, approval_id, asked_by)).at(now)

    async def consume(self, tx: Tx, approval_id: str, *, digest: bytes, asked_by: str, now: int) -> Approval:
        """Take a confirmed approval, in the transaction that carries out what it confirms: succeeds once.

        `digest` is `digest_of` what is about to be paid. Raises `Conflict` when it is not confirmed, was consumed, came too
        late, is about something else, or when the account, sub-account or permission was frozen, the authenticator
        replaced, the key switched off or the address taken off the list since; `Unusable` for an altered row; `NotFound`
        for another asker's.
        """
        approval = await self._book.asked(tx, approval_id, asked_by)
        account = await self._identity.lock(tx, approval.account_id)
        approval = _sound(
            await self._book.asked(tx, approval_id, asked_by)
        )  # as it stands now that nobody else can change it
        state = approval.at(now).state
        if state is not State.CONFIRMED:
            raise Conflict("this is {state}, so it can't be carried out", state=state.value)
        if not hmac.compare_digest(approval.digest, digest):
            raise Conflict("what was confirmed is something else")
        since = approval.decided_at or approval.created_at
        replaced = Kind.AUTHENTICATOR_SET.value
        if await self._audit.list(tx, account_id=account.id, kind=replaced, since=since, limit=1):
            raise Conflict("the authenticator was replaced since")
        await self._require_way(tx, account.id, approval.sub_account, approval.withdrawal, now=now)
        consumed = replace(approval, state=State.CONSUMED, consumed_at=now)
        return await self._book.change(tx, Kind.APPROVAL_CONSUMED, approval, consumed, actor=asker(approval), now=now)

    async def take_back(self, tx: Tx, approval_id: str, *, asked_by: str, now: int) -> Approval:
        """Let the asker withdraw what it asked for, unless it was carried out. Raises `Conflict`, `NotFound`."""
        approval = await self._book.asked(tx, approval_id, asked_by)
        await self._identity.lock(tx, approval.account_id)
        approval = await self._book.asked(tx, approval_id, asked_by)
        return await self._refuse(tx, approval, asker(approval), {"by": "asker"}, now=now)

    # ── for its owner ───────────────────────────────────────────────────────────────────────────────────────────────

    async def confirm(
        self, tx: Tx, account_id: str, approval_id: str, *, digest: bytes, proof: FactorProof, actor: Actor, now: int
    ) -> Approval:
        """Confirm what was shown. `digest` is that of what the owner saw, `proof` was made for this and at this moment.

        Raises `NotProven` for any other proof, an earlier step-up and a recovery code among them; `Conflict` when it was
        decided, ran out, shows something else now, or could no longer be asked for; `Unusable` for an altered row;
        `NotFound`.
        """
        await self._identity.lock(tx, account_id)
        approval = _sound(await self.one(tx, account_id, approval_id))
        is_ours = proof.account_id == account_id and proof.factor in FACTORS
        if not is_ours or not proof.is_for(approval.purpose, now=now):
            raise NotProven("each confirmation takes a code of its own", hint="give a fresh code of your authenticator")
        if not hmac.compare_digest(approval.digest, digest):
            raise Conflict("this is no longer what was shown", hint="look at it again")
        _require_waiting(approval.at(now))
        await self._require_way(tx, account_id, approval.sub_account, approval.withdrawal, now=now)
        confirmed = replace(approval, state=State.CONFIRMED, factor=proof.factor, decided_at=now)
        return await self._book.change(tx, Kind.APPROVAL_CONFIRMED, approval, confirmed, actor=actor, now=now)

    async def refuse(self, tx: Tx, account_id: str, approval_id: str, *, actor: Actor, now: int) -> Approval:
        """Refuse it, for good. Needs no factor, and no sound row. Raises `Conflict` once it is over, `NotFound`."""
        await self._identity.lock(tx, account_id)
        approval = await self.one(tx, account_id, approval_id)
        return await self._refuse(tx, approval, actor, {"by": "owner"}, now=now)

    async def one(self, tx: Tx, account_id: str, approval_id: str) -> Approval:
        """Return one of the account's approvals as it was written; raises `NotFound`."""
        row = await store.find(tx, account_id=account_id, approval_id=approval_id)
        if row is None:
            raise NotFound("there is no such confirmation")
        return await self._book.read(tx, row)

    async def waiting(self, tx: Tx, account_id: str, *, now: int) -> list[Approval]:
        """Return what waits for the account's owner, newest first."""
        return [await self._book.read(tx, row) for row in await store.waiting(tx, account_id=account_id, now=now)]

    async def history(self, tx: Tx, account_id: str, *, now: int, limit: int = 50) -> list[Approval]:
        """Return what was decided or ran out, newest first."""
        found = await store.of_account(tx, account_id=account_id, states=EVERY, limit=limit)
        read = [(await self._book.read(tx, row)).at(now) for row in found]
        return [one for one in read if one.state is not State.WAITING]

    async def count_waiting(self, tx: Tx, account_id: str, *, now: int) -> int:
        """Return how many wait for the account's owner, of its sub-accounts too."""
        return await store.count_waiting(tx, account_id=account_id, now=now)

    # ── for the chores ──────────────────────────────────────────────────────────────────────────────────────────────

    async def due_to_expire(self, tx: Tx, *, now: int) -> list[tuple[str, str]]:
        """Return account and id of those whose time ran out."""
        return await store.due_to_expire(tx, now=now, grace_ms=GRACE_MS)

    async def expire(self, tx: Tx, account_id: str, approval_id: str, *, now: int) -> None:
        """Write down that an approval's time ran out; one that was decided meanwhile stays as it is."""
        await self._identity.lock(tx, account_id)
        approval = await self.one(tx, account_id, approval_id)
        if approval.state is not State.EXPIRED and approval.at(now).state is State.EXPIRED:
            over = replace(approval, state=State.EXPIRED, decided_at=now)
            await self._book.change(tx, Kind.APPROVAL_EXPIRED, approval, over, actor=SYSTEM, now=now)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _require_way(
        self, tx: Tx, account_id: str, sub_account: str, withdrawal: Withdrawal, *, now: int
    ) -> Listed | None:
        """Raise unless this may go out now, whoever confirmed it: nothing is frozen or rests, and who ordered it still may.

        Returns the line of the list where it has to be there: always for what an API key ordered (K17).
        """
        await self._identity.lock_unfrozen(tx, account_id, sub_account)
        await self._may_withdraw(tx, account_id, sub_account, withdrawal.key_id, now)
        await self.holds.require_none(tx, account_id, now=now)
        if withdrawal.key_id or (await self._whitelist.switch(tx, account_id, now=now)).is_on:
            return await self._whitelist.require(tx, account_id, withdrawal.to, now=now)
        return await self._whitelist.find(tx, account_id, withdrawal.to)

    async def _is_exempt(self, tx: Tx, listed: Listed | None, withdrawal: Withdrawal, *, now: int) -> bool:
        if listed is None or listed.exempt_daily is None or now < listed.usable_at:
            return False
        # Of all its sub-accounts together: the owner allowed an amount, not one for each.
        today = await store.asked_since(tx, account_id=listed.account_id, since=now - now % DAY_MS)
        with localcontext(prec=80):
            spent = Decimal(0)
            for row in today:
                one = await self._book.read(tx, row)
                if not one.holds:
                    return False  # what was spent can't be told
                paid = one.factor == EXEMPT and one.state in {State.CONFIRMED, State.CONSUMED}
                if paid and one.withdrawal.to.identity == listed.to.identity:
                    spent += Decimal(one.withdrawal.amount)
            return spent + Decimal(withdrawal.amount) <= Decimal(listed.exempt_daily)

    async def _refuse(
        self, tx: Tx, approval: Approval, actor: Actor, detail: dict[str, object], *, now: int
    ) -> Approval:
        if approval.at(now).state not in {State.WAITING, State.CONFIRMED}:
            raise Conflict("this is over already: {state}", state=approval.at(now).state.value)
        refused = replace(approval, state=State.REFUSED, decided_at=now)
        return await self._book.change(
            tx, Kind.APPROVAL_REFUSED, approval, refused, actor=actor, detail=detail, now=now
        )


def _same(found: Approval, account_id: str, sub_account: str, withdrawal: Withdrawal) -> Approval:
    if (found.account_id, found.sub_account, found.withdrawal) != (account_id, sub_account, withdrawal):
        raise Conflict("another withdrawal was asked for under this reference")
    return found


def _sound(approval: Approval) -> Approval:
    digest = rules.digest_of(approval.account_id, approval.sub_account, approval.withdrawal)
    if not approval.holds or approval.digest != digest:
        raise Unusable(
            "this was altered outside Keywright, so nobody can confirm it",
            hint="refuse it, and tell whoever runs this: they can run `keywright audit verify`",
        )
    return approval


def _require_waiting(approval: Approval) -> None:
    if approval.state is State.EXPIRED:
        raise Conflict("the time to confirm this is over", hint="order the withdrawal again if you still want it")
    if approval.state is not State.WAITING:
        raise Conflict("this is {state} already", state=approval.state.value)
