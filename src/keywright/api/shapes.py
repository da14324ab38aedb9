"""What is sent to the management API and what it answers. Strict: an unknown field, a number as text, is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from keywright.api.problems import MEDIA_TYPE, STATUSES, TITLES, Cause
from keywright.identity.model import Account
from keywright.issuing.model import ApiKey, Permission
from keywright.issuing.rules import OVERLAP_MOST_HOURS

TEXT = r"^[^\x00-\x1f\x7f]*$"
"""What free text may be: on one line. A NUL is nothing that PostgreSQL could keep or look for."""
MOST_LISTED = 200

ADDRESSES: Any = Field(default=[], max_length=100, description="IPv4 or IPv6 addresses and CIDR blocks; empty: any")
SECRET: Any = Field(max_length=256, json_schema_extra={"format": "password", "writeOnly": True})
Word = Annotated[str, Field(max_length=64, pattern=TEXT)]


class Sent(BaseModel):
    """What a call may hold: these fields and no others, of these types and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Asked(BaseModel):
    """What a query may hold: these names and no others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answered(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid")


class ProblemOut(Answered):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reason: Cause
    """Stable: choose what to do by it."""
    request_id: str
    hint: str = ""
    """What to do about it."""
    field: str = ""
    """Which part of what was sent is to blame, where one is."""


def answers(*reasons: Cause) -> dict[int | str, dict[str, Any]]:
    """Return what a route may answer beside its own, for its OpenAPI document: these, and what every route may."""
    found: dict[int | str, dict[str, Any]] = {}
    for reason in (*EVERYWHERE, *reasons):
        status = STATUSES.get(reason, 403)
        reasons_here = found.setdefault(
            int(status),
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
            },
        )
        title = next((text for known, text in TITLES.items() if known == status), "")
        already = [one for one in reasons_here["description"].partition(": ")[2].split(", ") if one]
        reasons_here["description"] = f"{title}: {', '.join(dict.fromkeys([*already, reason.value]))}"
    return found


EVERYWHERE = (
    Cause.MALFORMED,
    Cause.TOKEN_MISSING,
    Cause.TOKEN_UNKNOWN,
    Cause.TOKEN_DISABLED,
    Cause.TOKEN_EXPIRED,
    Cause.ADDRESS_NOT_ALLOWED,
    Cause.SCOPE_MISSING,
    Cause.NOT_FOUND,
    Cause.BODY_TOO_LARGE,
    Cause.BODY_TOO_LATE,
    Cause.NOT_JSON,
    Cause.INVALID,
    Cause.BUSY,
)

PERSON = (
    Cause.ASSERTION_MISSING,
    Cause.ASSERTION_INVALID,
    Cause.ASSERTION_USED,
    Cause.ASSERTION_OF_ANOTHER,
    Cause.ASSERTION_OF_ANOTHER_REQUEST,
    Cause.FACTOR_STALE,
    Cause.LOGIN_NOT_SET_UP,
    Cause.CONFLICT,
)
"""What a route that takes a person may answer besides."""


class NewAccount(Sent):
    """An account for someone who signs in at the exchange."""

    external_id: str = Field(pattern=r"^[!-~]{1,128}$", description="The exchange's name for its user")
    email: str = Field(default="", max_length=254, description="Where notices go; empty, or another account's: nowhere")


class AccountOut(Answered):
    """An account. There is nothing secret in it."""

    id: str
    uid: int
    external_id: str | None
    """The exchange's name for its user; null for who signs in here."""
    email: str
    created_at: int
    frozen_at: int | None
    has_second_factor: bool
    withdrawals_rest_until: int | None = None
    """After a change of second factor or password none goes out before; told where one account is read."""


class AccountsOut(Answered):
    """A page of accounts, oldest first."""

    accounts: list[AccountOut]
    next: str | None
    """What to give as `after` for the next page; null: there is none."""


def account_out(account: Account) -> AccountOut:
    """Return an account as it is answered."""
    return AccountOut(
        id=account.id,
        uid=account.uid,
        external_id=account.external_id or None,
        email=account.email,
        created_at=account.created_at,
        frozen_at=account.frozen_at,
        has_second_factor=account.has_factor,
    )


class WantedKey(Sent):
    """A key to be made."""

    name: str = Field(max_length=64)
    memo: str = Field(default="", max_length=128)
    passphrase: str = SECRET
    permissions: list[Word] = Field(default=["read"], max_length=8)
    environment: Literal["spot", "futures"] = "spot"
    addresses: list[Word] = ADDRESSES


class Renamed(Sent):
    """Another name, another memo, or both."""

    name: str | None = Field(default=None, max_length=64)
    memo: str | None = Field(default=None, max_length=128)


class Rotated(Sent):
    """A key's successor: its passphrase, and for how long both work."""

    passphrase: str = SECRET
    overlap_hours: int = Field(default=OVERLAP_MOST_HOURS, ge=0, le=OVERLAP_MOST_HOURS)


class Bound(Sent):
    """The addresses a key is bound to from now on."""

    addresses: list[Word] = Field(max_length=100)


class Passphrases(Sent):
    """A key's present passphrase, and the new one."""

    current: str = SECRET
    new: str = SECRET


class KeyOut(Answered):
    """A key. Its secret and its passphrase can't be seen."""

    id: str
    account_id: str
    sub_account: str
    name: str
    memo: str
    status: str
    """`pending`, `active`, `disabled`, `expired` or `deleted`."""
    permissions: list[str]
    environment: str
    addresses: list[str]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    last_used_from: str
    predecessor_id: str | None
    """The key whose successor this is."""
    overlap_until: int | None
    """Of a key with a successor: from then on only that one is taken."""
    version: int
    is_altered: bool
    """Whether its record was changed outside Keywright: then it is refused."""


class KeysOut(Answered):
    """Every key of an account, or of one of its sub-accounts."""

    keys: list[KeyOut]


class MadeOut(Answered):
    """A key that was made. Its secret is shown this once."""

    key: KeyOut
    secret: str | None
    """Null where the same Idempotency-Key made it before: what was lost can't be shown again."""


def key_out(key: ApiKey, *, now: int) -> KeyOut:
    """Return a key as it is answered."""
    return KeyOut(
        id=key.id,
        account_id=key.grant.account_id,
        sub_account=key.grant.sub_account,
        name=key.name,
        memo=key.memo,
        status=key.status_at(now).value,
        permissions=[one.value for one in Permission if one in key.grant.permissions],
        environment=key.grant.environment.value,
        addresses=list(key.grant.addresses),
        created_at=key.created_at,
        expires_at=key.grant.expires_at,
        last_used_at=key.last_used_at,
        last_used_from=key.last_used_from,
        predecessor_id=key.grant.predecessor_id or None,
        overlap_until=key.grant.overlap_until,
        version=key.grant.version,
        is_altered=not key.holds,
    )
