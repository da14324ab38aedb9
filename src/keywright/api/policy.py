"""The policy: what holds for every account, read and changed by program. What operators decided goes before the settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from keywright.api.call import Call, may
from keywright.api.problems import Cause
from keywright.api.shapes import Answered, Sent, answers
from keywright.identity.policies import Policies
from keywright.identity.policy_model import RULES, Policy, StoredPolicy
from keywright.identity.token_model import Scope

router = APIRouter(tags=["operating"])

Reader = Annotated[Call, Depends(may(Scope.POLICY_READ))]
Writer = Annotated[Call, Depends(may(Scope.POLICY_WRITE))]
ProfileName = Literal["personal", "platform", "exchange"]
SignUp = Literal["open", "closed"]


def _bounded(name: str) -> Any:
    return Field(default=None, ge=RULES[name].least, le=RULES[name].most)


class RulesOut(Answered):
    """Each rule and what it says."""

    keys_per_account: int
    sub_accounts_per_account: int
    connections_per_account: int
    """To exchanges whose keys are held; 0: none can be made."""
    sign_up: SignUp
    """Who may make an account at the console."""
    profile: ProfileName
    """What an account needs before its first key."""
    key_lifetime_days: int
    """Of a key that trades without an address list."""
    disable_idle_days: int
    """Days without use after which a key is switched off; 0: never."""
    whitelist_hold_hours: int
    """Hours until money may go to a new withdrawal address."""


class PolicyOut(RulesOut):
    """What holds for every account, and where each rule comes from."""

    addresses_per_key: int
    """No rule: the same everywhere."""
    defaults: RulesOut
    """What the settings say: it holds where nothing was decided."""
    decided: list[str]
    """Rules that operators decided themselves."""
    version: int
    """Rises with each change; 0: nothing was ever decided."""
    changed_at: int | None
    changed_by: str
    is_altered: bool
    """Whether the record was changed outside Keywright: then no key is made until someone decides anew."""


class ChangedPolicy(Sent):
    """What rules are to say; null gives one back to the settings, what is left out stays."""

    keys_per_account: int | None = _bounded("keys_per_account")
    sub_accounts_per_account: int | None = _bounded("sub_accounts_per_account")
    connections_per_account: int | None = _bounded("connections_per_account")
    sign_up: SignUp | None = None
    profile: ProfileName | None = None
    key_lifetime_days: int | None = _bounded("key_lifetime_days")
    disable_idle_days: int | None = _bounded("disable_idle_days")
    whitelist_hold_hours: int | None = _bounded("whitelist_hold_hours")
    version: int | None = Field(
        default=None, ge=0, lt=1 << 31, description="Of the policy that was looked at: changed meanwhile, it stays"
    )


@router.get("/policy", responses=answers())
async def read_policy(call: Reader) -> PolicyOut:
    """Show what holds for every account. Takes `policy:read`."""
    async with call.office.database.read() as tx:
        return _policy_out(call.office.policies, await call.office.policies.stored(tx))


@router.patch("/policy", responses=answers(Cause.CONFLICT))
async def change_policy(call: Writer, wanted: ChangedPolicy) -> PolicyOut:
    """Change rules, at once and for every account; keys that exist stay as they are. Takes `policy:write`."""
    named = {name: getattr(wanted, name) for name in wanted.model_fields_set - {"version"}}
    policies = call.office.policies
    async with call.office.database.write() as tx:
        stored = await policies.change_by_service(tx, named, version=wanted.version, actor=call.actor(), now=call.now)
    return _policy_out(policies, stored)


def _policy_out(policies: Policies, stored: StoredPolicy) -> PolicyOut:
    now = policies.given.with_values(stored.values)
    return PolicyOut(
        **_rules_of(now),
        addresses_per_key=now.addresses_per_key,
        defaults=RulesOut(**_rules_of(policies.given)),
        decided=[name for name in RULES if name in stored.values],
        version=stored.version,
        changed_at=stored.changed_at,
        changed_by=stored.changed_by,
        is_altered=not stored.holds,
    )


def _rules_of(policy: Policy) -> dict[str, Any]:
    return {name: policy.value(name) for name in RULES}
