"""What happened: the audit log, and the requests made with a key."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from keywright.api.accounts import AccountId
from keywright.api.call import Call, may
from keywright.api.keys import KeyId
from keywright.api.problems import Cause, Problem
from keywright.api.shapes import MOST_LISTED, TEXT, Answered, Asked, answers
from keywright.audit.events import Kind
from keywright.gateway import records
from keywright.gateway.usage_model import Record, Wanted
from keywright.identity.token_model import Scope
from keywright.issuing.model import Owner

router = APIRouter(tags=["records"])

Auditor = Annotated[Call, Depends(may(Scope.AUDIT_READ))]
UsageReader = Annotated[Call, Depends(may(Scope.USAGE_READ))]


class WhichEvents(Asked):
    """Which events, and from where on."""

    account_id: str = Field(default="", pattern=r"^(acc_[0-9a-f]{24})?$")
    kind: str = Field(default="", max_length=64, pattern=TEXT, description="For instance key.issued")
    since: int = Field(default=0, ge=0, lt=1 << 53, description="Only from this moment on, in milliseconds")
    until: int = Field(default=0, ge=0, lt=1 << 53, description="Only before this moment, in milliseconds")
    before: int = Field(default=0, ge=0, lt=1 << 53, description="`next` of the page before: only events below it")
    limit: int = Field(default=100, ge=1, le=MOST_LISTED)


class EventOut(Answered):
    """One event of the audit log. None holds a secret."""

    seq: int
    at: int
    kind: str
    actor: str
    origin: dict[str, Any]
    account_id: str
    subject: str
    version: int
    detail: dict[str, Any]


class EventsOut(Answered):
    """A page of events, newest first."""

    events: list[EventOut]
    next: int | None
    """What to give as `before` for the next page; null: there is none."""


@router.get("/audit", responses=answers())
async def list_events(call: Auditor, which: Annotated[WhichEvents, Query()]) -> EventsOut:
    """List events of the audit log, newest first. Takes `audit:read`."""
    if which.kind and which.kind not in set(Kind):
        raise Problem(Cause.INVALID, "there is no such kind of event", hint="docs/reference/events.md", field="kind")
    async with call.office.database.read() as tx:
        rows = await call.office.audit.list(
            tx,
            account_id=which.account_id or None,
            kind=which.kind or None,
            since=which.since or None,
            until=which.until or None,
            before=which.before or None,
            limit=which.limit + 1,
        )
    shown = rows[: which.limit]
    events = [
        EventOut(
            seq=row.seq,
            at=row.at,
            kind=row.kind,
            actor=row.actor,
            origin=_read(row.origin),
            account_id=row.account_id,
            subject=row.subject,
            version=row.subject_version,
            detail=_read(row.detail),
        )
        for row in shown
    ]
    return EventsOut(events=events, next=shown[-1].seq if len(rows) > which.limit else None)


class WhichRecords(Asked):
    """Which of a key's requests, and from where on."""

    sub_account: str = Field(default="", max_length=64, pattern=TEXT)
    verdict: str = Field(default="", max_length=64, pattern=TEXT, description="`allowed`, `refused`, or one reason")
    before: int = Field(default=0, ge=0, lt=1 << 53, description="`next` of the page before")
    limit: int = Field(default=100, ge=1, le=MOST_LISTED)


class RecordOut(Answered):
    """One request that was made with a key."""

    id: int
    at: int
    request_id: str
    environment: str
    address: str
    agent: str
    method: str
    path: str
    verdict: str
    status: int
    latency_us: int


class RecordsOut(Answered):
    """A page of requests, newest first."""

    records: list[RecordOut]
    next: int | None
    """What to give as `before` for the next page; null: there is none."""


@router.get("/accounts/{account_id}/keys/{key_id}/usage", responses=answers())
async def list_usage(
    call: UsageReader, account_id: AccountId, key_id: KeyId, which: Annotated[WhichRecords, Query()]
) -> RecordsOut:
    """List the requests made with a key, newest first. Takes `usage:read`."""
    owner, wanted = Owner(account_id, which.sub_account), Wanted(verdict=which.verdict)
    async with call.office.database.read() as tx:
        await call.office.issuing.key(tx, owner, key_id)
        leaf = await records.leaf(tx, owner, key_id, wanted, before=which.before, limit=which.limit)
    return RecordsOut(
        records=[_record_out(one) for one in leaf.records], next=leaf.records[-1].id if leaf.has_older else None
    )


def _record_out(record: Record) -> RecordOut:
    return RecordOut(**{name: getattr(record, name) for name in RecordOut.model_fields})


def _read(text: str) -> dict[str, Any]:
    """Return what an event says; what can't be read was altered, and is shown as it stands."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"unreadable": text}
