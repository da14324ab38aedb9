"""Confirmations: withdrawals that wait for their owner, each confirmed with a code of its own, or a passkey."""

from __future__ import annotations

from starlette.responses import Response

from keywright.approvals.model import EXEMPT, Approval, State
from keywright.errors import Conflict, Invalid, KeywrightError, NotFound
from keywright.issuing.model import Owner
from keywright.storage.transaction import Tx
from keywright.web.model import Form
from keywright.web.outgoing import ApprovalView, grouped
from keywright.web.posted import typed_code
from keywright.web.routing import At, status_of
from keywright.web.visit import AboutCode, Visit

HOME = "/approvals"


async def approvals(visit: Visit) -> Response:
    """Show what waits, and what became of the rest."""
    return await _page(visit)


async def confirm(visit: Visit) -> Response:
    """Confirm one withdrawal as it was shown, with a code that is asked for each time."""
    try:
        async with visit.site.database.read() as tx:
            approval = await visit.site.approvals.one(tx, visit.own_account.id, _id(visit))
            await visit.site.approvals.holds.require_none(tx, visit.own_account.id, now=visit.now)
        if approval.at(visit.now).state is not State.WAITING:  # before a code is used up for it
            raise Conflict("this is over already: {state}", state=approval.at(visit.now).state.value)
        code = typed_code(visit.text("code"))
        if code and not code.isdecimal():
            problem = Invalid(
                "a recovery code confirms no withdrawal", hint="enter the six digits your authenticator shows"
            )
            raise AboutCode(problem)
        if visit.text("passkey"):
            proof = await visit.confirm_by_passkey(approval.purpose)
        else:
            proof = (await visit.prove()).made_for(approval.purpose)
        async with visit.site.database.write() as tx:
            await visit.site.approvals.confirm(
                tx,
                visit.own_account.id,
                approval.id,
                digest=_digest(visit),
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )
    except NotFound:
        raise
    except KeywrightError as problem:
        return await _page(visit, which=_id(visit), problem=problem)
    return visit.to(HOME, done="withdrawal-confirmed")


async def refuse(visit: Visit) -> Response:
    """Refuse one withdrawal: one click, no code."""
    try:
        async with visit.site.database.write() as tx:
            await visit.site.approvals.refuse(tx, visit.own_account.id, _id(visit), actor=visit.actor, now=visit.now)
    except Conflict as problem:
        return await _page(visit, problem=problem)
    return visit.to(HOME, done="withdrawal-refused")


async def _page(visit: Visit, *, which: str = "", problem: KeywrightError | None = None) -> Response:
    account = visit.own_account
    async with visit.site.database.read() as tx:
        waiting = await visit.site.approvals.waiting(tx, account.id, now=visit.now)
        history = await visit.site.approvals.history(tx, account.id, now=visit.now)
        rest = await visit.site.approvals.holds.rest_of(tx, account.id, now=visit.now)
        shown = [await _view(visit, tx, one) for one in waiting]
        over = [await _view(visit, tx, one) for one in history]
    is_shown = any(one.id == which for one in shown)
    return visit.page(
        "approvals.html",
        status=status_of(problem) if problem else 200,
        form=visit.form(problem=problem) if problem else Form(),
        which=which if is_shown else "",
        waiting=shown,
        history=over,
        is_frozen=account.frozen_at is not None,
        rest=rest,
    )


async def _view(visit: Visit, tx: Tx, approval: Approval) -> ApprovalView:
    withdrawal, to = approval.withdrawal, approval.withdrawal.to
    listed = await visit.site.whitelist.find(tx, approval.account_id, to)
    name = ""
    if withdrawal.key_id:
        try:
            owner = Owner(approval.account_id, approval.sub_account)
            name = (await visit.site.issuing.key(tx, owner, withdrawal.key_id)).name
        except NotFound:
            name = ""
    return ApprovalView(
        id=approval.id,
        digest=approval.digest.hex(),
        purpose=approval.purpose,
        state=approval.state.value,
        amount=withdrawal.amount,
        fee=withdrawal.fee,
        currency=to.currency,
        chain=to.chain,
        groups=grouped(to.address),
        memo=to.memo,
        label=listed.label if listed else "",
        sub_account=approval.sub_account,
        key_id=withdrawal.key_id,
        key_name=name,
        asked_from=withdrawal.asked_from,
        asked_by=approval.asked_by,
        remark=withdrawal.remark,
        is_exempt=approval.factor == EXEMPT,
        created_at=approval.created_at,
        expires_at=approval.expires_at,
        decided_at=approval.decided_at,
        holds=approval.holds,
    )


def _id(visit: Visit) -> str:
    approval_id: str = visit.request.path_params["approval_id"]
    return approval_id


def _digest(visit: Visit) -> bytes:
    try:
        return bytes.fromhex(visit.text("digest"))
    except ValueError:
        return b""


PAGES = (
    At(HOME, approvals),
    At("/approvals/{approval_id:row}/confirm", confirm, "POST"),
    At("/approvals/{approval_id:row}/refuse", refuse, "POST"),
)
