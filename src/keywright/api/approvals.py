"""Approvals for whoever holds the funds: asked for, confirmed by the owner with a second factor of its own, used up once.

The digest of what is confirmed is told when it is asked for; what is paid out is compared with it again at the end (K17).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Security
from pydantic import Field

from keywright.api.accounts import AccountId
from keywright.api.call import Call, assertion, may
from keywright.api.problems import Cause
from keywright.api.shapes import PERSON, TEXT, Answered, Sent, answers
from keywright.approvals import rules
from keywright.approvals.model import MINUTE_MS, Approval
from keywright.errors import Invalid
from keywright.identity.token_model import Scope

router = APIRouter(tags=["approvals"])

ApprovalId = Annotated[str, Path(pattern=r"^apv_[0-9a-f]{24}$")]
Asker = Annotated[Call, Depends(may(Scope.APPROVALS_WRITE))]
Line = Annotated[str, Field(max_length=200, pattern=TEXT)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="What the approval's `digest` said")]


class Asking(Sent):
    """A withdrawal that its owner is to confirm."""

    account_id: str = Field(pattern=r"^acc_[0-9a-f]{24}$")
    sub_account: str = Field(default="", max_length=64, pattern=TEXT)
    reference: str = Field(
        pattern=r"^[A-Za-z0-9._:-]{1,128}$", description="Your own name for it; the same again: the same"
    )
    amount: Line = Field(description="What arrives: decimal text")
    currency: Line
    chain: Line
    address: Line
    memo: Line = ""
    fee: Line = Field(default="", description="On top, for the owner to see")
    key: Line = Field(default="", description="Id of the API key that ordered it")
    remark: Line = ""
    minutes: int = Field(default=60, ge=1, le=1_440, description="For how long it waits")


class Shown(Sent):
    """What was shown to the owner, or is about to be carried out: by its digest."""

    digest: Digest


class ApprovalOut(Answered):
    """One withdrawal, and where its confirmation stands."""

    id: str
    account_id: str
    sub_account: str
    reference: str
    state: str
    """`waiting`, `confirmed`, `refused`, `expired` or `consumed`."""
    detail: dict[str, str]
    digest: str
    """SHA-256 of amount, destination, account and sub-account: of what is confirmed, and of what may be carried out."""
    created_at: int
    expires_at: int
    decided_at: int | None
    consumed_at: int | None


@router.post("/approvals", responses=answers(Cause.CONFLICT, Cause.LIMIT_REACHED))
async def ask_approval(call: Asker, asking: Asking) -> ApprovalOut:
    """Ask an account's owner to confirm a withdrawal. Asked again under its reference, it is the same approval.

    Takes `approvals:write`.
    """
    names = ("amount", "currency", "chain", "address", "memo", "fee", "key", "remark")
    detail = {name: value for name in names if (value := getattr(asking, name))}
    async with call.office.database.write() as tx:
        approval = await call.office.approvals.ask(
            tx,
            account_id=asking.account_id,
            sub_account=asking.sub_account,
            asked_by=call.token.id,
            reference=asking.reference,
            detail=detail,
            expires_in=asking.minutes * MINUTE_MS,
            now=call.now,
        )
    return _approval_out(approval)


@router.get("/approvals/{approval_id}", responses=answers())
async def read_approval(call: Asker, approval_id: ApprovalId) -> ApprovalOut:
    """Show where one stands that this token asked for. Takes `approvals:write`."""
    async with call.office.database.read() as tx:
        found = await call.office.approvals.status(tx, approval_id, asked_by=call.token.id, now=call.now)
    return _approval_out(found)


@router.post("/approvals/{approval_id}/consume", responses=answers(Cause.CONFLICT))
async def consume_approval(call: Asker, approval_id: ApprovalId, shown: Shown) -> ApprovalOut:
    """Use up a confirmed one: it succeeds once. Carry out what it confirms under its id, and then only.

    Takes `approvals:write`.
    """
    digest = bytes.fromhex(shown.digest)
    async with call.office.database.write() as tx:
        done = await call.office.approvals.consume(tx, approval_id, digest=digest, asked_by=call.token.id, now=call.now)
    return _approval_out(done)


@router.post("/approvals/{approval_id}/take-back", responses=answers(Cause.CONFLICT))
async def take_back_approval(call: Asker, approval_id: ApprovalId) -> ApprovalOut:
    """Withdraw what was asked for, unless it was carried out. Takes `approvals:write`."""
    async with call.office.database.write() as tx:
        return _approval_out(
            await call.office.approvals.take_back(tx, approval_id, asked_by=call.token.id, now=call.now)
        )


@router.post(
    "/accounts/{account_id}/approvals/{approval_id}/confirm",
    responses=answers(*PERSON, Cause.NOT_ALLOWED),
    dependencies=[Security(assertion)],
)
async def confirm_approval(call: Asker, account_id: AccountId, approval_id: ApprovalId, shown: Shown) -> ApprovalOut:
    """Confirm what its owner saw, by its digest. Takes `approvals:write`, and the owner with a second factor that was
    proved for this: after it was asked for, within the last minute."""
    office = call.office
    async with office.database.read() as tx:
        approval = await office.approvals.one(tx, account_id, approval_id)
    proof = await call.person_for(
        account_id, approval.purpose, sub_account=approval.sub_account, since=approval.created_at
    )
    async with office.database.write() as tx:
        done = await office.approvals.confirm(
            tx,
            account_id,
            approval_id,
            digest=bytes.fromhex(shown.digest),
            proof=proof,
            actor=call.actor(proof),
            now=call.now,
        )
    return _approval_out(done)


def _approval_out(approval: Approval) -> ApprovalOut:
    if not approval.holds:
        raise Invalid("this approval's record was altered outside Keywright", hint="ask anew, under another reference")
    return ApprovalOut(
        id=approval.id,
        account_id=approval.account_id,
        sub_account=approval.sub_account,
        reference=approval.reference,
        state=approval.state.value,
        detail=rules.detail_of(approval.withdrawal),
        digest=approval.digest.hex(),
        created_at=approval.created_at,
        expires_at=approval.expires_at,
        decided_at=approval.decided_at,
        consumed_at=approval.consumed_at,
    )
