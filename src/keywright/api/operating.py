"""What operators do by program: decide about identities, freeze a permission everywhere. Lifting that takes an operator."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from keywright.api.accounts import AccountId
from keywright.api.call import Call, may
from keywright.api.problems import Cause
from keywright.api.shapes import Answered, Sent, answers
from keywright.errors import NotFound
from keywright.identity.model import Identity
from keywright.identity.token_model import Scope
from keywright.issuing.model import Permission

router = APIRouter(tags=["operating"])

Reader = Annotated[Call, Depends(may(Scope.ACCOUNTS_READ))]
Decider = Annotated[Call, Depends(may(Scope.IDENTITY_WRITE))]
PolicyReader = Annotated[Call, Depends(may(Scope.POLICY_READ))]
Freezer = Annotated[Call, Depends(may(Scope.FREEZES_WRITE))]


class IdentityOut(Answered):
    """Who the owner of an account says they are, and what was decided about it."""

    state: str
    """`submitted`, `approved`, `refused`, or `altered` where its record was changed outside Keywright."""
    name: str
    country: str
    document: str
    submitted_at: int
    decided_at: int | None
    decided_by: str
    reason: str
    version: int
    """Of what was looked at: a decision names it."""


class Decided(Sent):
    """A decision about the identity that was looked at."""

    decision: Literal["approve", "refuse"]
    version: int = Field(ge=1, lt=1 << 31)
    reason: str = Field(default="", max_length=500, description="For its owner to read; a refusal needs one")


class FrozenOut(Answered):
    """Permissions that are refused everywhere, with every key."""

    permissions: list[str]


@router.get("/accounts/{account_id}/identity", responses=answers())
async def read_identity(call: Reader, account_id: AccountId) -> IdentityOut:
    """Show what an account's owner said of themselves. Takes `accounts:read`."""
    async with call.office.database.read() as tx:
        found = await call.office.identities.of(tx, account_id)
    if found is None:
        raise NotFound("this account has submitted no identity")
    return _identity_out(found)


@router.post("/accounts/{account_id}/identity/decision", responses=answers(Cause.CONFLICT))
async def decide_identity(call: Decider, account_id: AccountId, decided: Decided) -> IdentityOut:
    """Approve an identity, or refuse it with a reason. Takes `identity:write`."""
    async with call.office.database.write() as tx:
        await call.office.identity.account(tx, account_id=account_id)
        found = await call.office.identities.decide_identity(
            tx,
            account_id,
            version=decided.version,
            approve=decided.decision == "approve",
            reason=decided.reason,
            actor=call.actor(),
            now=call.now,
        )
    return _identity_out(found)


@router.get("/frozen-permissions", responses=answers())
async def list_frozen_permissions(call: PolicyReader) -> FrozenOut:
    """List the permissions that are refused everywhere. Takes `policy:read`."""
    async with call.office.database.read() as tx:
        found = await call.office.issuing.frozen_permissions(tx)
    return FrozenOut(permissions=[one.value for one in Permission if one in found])


@router.put("/frozen-permissions/{permission}", responses=answers())
async def freeze_permission(call: Freezer, permission: Literal["read", "trade", "transfer", "withdraw"]) -> FrozenOut:
    """Refuse every call that takes this permission, with every key, until an operator lifts it at the console.

    Never fails twice. Takes `freezes:write`.
    """
    issuing = call.office.issuing
    async with call.office.database.write() as tx:
        await issuing.freeze_permission(tx, permission, actor=call.actor(), now=call.now)
        found = await issuing.frozen_permissions(tx)
    return FrozenOut(permissions=[one.value for one in Permission if one in found])


def _identity_out(identity: Identity) -> IdentityOut:
    return IdentityOut(**{name: getattr(identity, name) for name in IdentityOut.model_fields})
