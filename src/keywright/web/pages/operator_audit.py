"""The audit log as operators read it: filtered, a page at a time, as a file; and whether its chain holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from keywright.audit.events import Kind
from keywright.audit.telling import as_dict
from keywright.errors import Invalid, KeywrightError, NotFound, Unusable
from keywright.gateway.export import exact
from keywright.identity.limits import DAY_MS
from keywright.storage.transaction import Tx
from keywright.web.audit_file import csv_head, csv_lines, fact, moment
from keywright.web.download import as_file
from keywright.web.model import Form
from keywright.web.operator_model import ChainView, EventView
from keywright.web.pages.operator_permissions import called
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

HOME = "/operator/audit"
LEAF = 50
PIECE = 1_000
MOST_EXPORTED = 100_000
FILTERS = ("kind", "account", "since", "until")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter that was understood."""

    wanted: Mapping[str, Any]
    """As the log takes it."""
    values: Mapping[str, str]
    """As a form shows it."""

    @property
    def query(self) -> str:
        """Return it as a query string."""
        return urlencode({name: value for name, value in self.values.items() if value})


async def audit(visit: Visit) -> Response:
    """Show the events that the filter in the address says, newest first."""
    problem: KeywrightError | None = None
    rows: Sequence[Any] = ()
    async with visit.site.database.read() as tx:
        try:
            asked = await _asked(visit, tx)
            form = Form(asked.values)
            rows = await visit.site.audit.list(tx, **asked.wanted, before=_before(visit), limit=LEAF + 1)
        except Invalid as wrong:
            problem, asked = wrong, Asked({}, {})
            typed = {name: _text(visit, name)[:128] for name in FILTERS}
            form = Form(typed, {wrong.field: wrong.message}, {wrong.field: wrong.hint})
        events = await _views(visit, tx, rows[:LEAF])
        chain = await _chain(visit, tx)
    return visit.page(
        "operator_audit.html",
        status=status_of(problem) if problem else 200,
        form=form,
        events=events,
        chain=chain,
        kinds=[kind.value for kind in Kind],
        query=asked.query,
        older=events[-1].seq if len(rows) > LEAF else 0,
        is_first=not _before(visit),
        most_exported=MOST_EXPORTED,
    )


async def check(visit: Visit) -> Response:
    """Walk the whole chain, and every checkpoint beside it; the page then says what was found."""
    await visit.site.chain.run(now=visit.now)
    return visit.to(HOME)


async def export_csv(visit: Visit) -> Response:
    """Send what the filter shows as CSV, piece by piece."""
    asked = await _exported(visit)

    async def lines() -> AsyncIterator[str]:
        yield csv_head()
        async for piece in _pieces(visit, asked):
            yield csv_lines(as_dict(row) for row in piece)

    return _file(lines(), visit, "text/csv; charset=utf-8", "csv")


async def export_ndjson(visit: Visit) -> Response:
    """Send what the filter shows, one JSON object a line, piece by piece."""
    asked = await _exported(visit)

    async def lines() -> AsyncIterator[str]:
        async for piece in _pieces(visit, asked):
            yield "".join(json.dumps({"schema": 1, **as_dict(row)}, default=str) + "\n" for row in piece)

    return _file(lines(), visit, "application/x-ndjson", "ndjson")


async def _asked(visit: Visit, tx: Tx) -> Asked:
    """Return the filter in the address. Raises `Invalid` for what is none."""
    given = {name: _text(visit, name) for name in FILTERS}
    if given["kind"] and given["kind"] not in set(Kind):
        raise Invalid("there is no such kind of event", hint="choose one of the list", field="kind")
    account_id = None
    if given["account"]:
        named = {"account_id" if given["account"].startswith("acc_") else "email": given["account"].lower()}
        try:
            account_id = (await visit.site.identity.account(tx, **named)).id
        except (NotFound, Invalid):
            raise Invalid(
                "there is no such account", hint="give its whole e-mail address or its id", field="account"
            ) from None
    until = _day(given["until"], "until")
    wanted = {
        "kind": given["kind"] or None,
        "account_id": account_id,
        "since": _day(given["since"], "since"),
        "until": until + DAY_MS if until is not None else None,
    }
    return Asked(wanted, given)


def _day(text: str, field: str) -> int | None:
    """Return when a day begins, in UTC; raises `Invalid`."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid("that is not a day", hint="write it like 2026-01-31", field=field) from None


async def _views(visit: Visit, tx: Tx, rows: Sequence[Any]) -> list[EventView]:
    names: dict[str, str] = {}
    found = []
    for event in map(as_dict, rows):
        event |= {"actor": str(event["actor"]), "account_id": str(event["account_id"])}
        for one in (event["actor"], event["account_id"]):
            if one not in names:
                names[one] = await called(visit, tx, one)
        actor, account = event["actor"], event["account_id"]
        found.append(
            EventView(
                seq=event["seq"],
                at=moment(event["at"]),
                kind=str(event["kind"]),
                actor=names[actor],
                actor_id=actor if names[actor] != actor else "",
                factor=str(event["factor"]),
                address=str(event["address"]),
                agent=str(event["agent"]),
                request_id=str(event["request_id"]),
                session=str(event["session"]),
                account=names[account] if names[account] != account else "",
                account_id=account,
                subject=str(event["subject"]),
                version=event["version"],
                facts=tuple((name, fact(name, value)) for name, value in event["detail"].items()),
            )
        )
    return found


async def _chain(visit: Visit, tx: Tx) -> ChainView:
    newest = await visit.site.audit.list(tx, limit=1)
    last, problem = visit.site.chain.last, ""
    try:
        noted = await visit.site.audit.newest_checkpoint(tx)
    except Unusable as broken:
        noted, problem = None, broken.message
    return ChainView(
        events=newest[0].seq if newest else 0,
        checkpoint=noted.number if noted else 0,
        checkpoint_at=noted.at if noted else 0,
        covered=noted.events if noted else 0,
        checked_at=last.at if last else None,
        checked=last.events if last else 0,
        agreeing=last.checkpoints if last else 0,
        problem=(last.problem if last else "") or problem,
    )


async def _exported(visit: Visit) -> Asked:
    async with visit.site.database.read() as tx:
        return await _asked(visit, tx)


async def _pieces(visit: Visit, asked: Asked) -> AsyncIterator[Sequence[Any]]:
    """Give the events that a file holds, newest first, each piece read by itself: a slow reader holds no transaction."""
    before, left = None, MOST_EXPORTED
    while left:
        async with visit.site.database.read() as tx:
            piece = await visit.site.audit.list(tx, **asked.wanted, before=before, limit=min(PIECE, left))
        if not piece:
            return
        yield piece
        before, left = piece[-1].seq, left - len(piece)


def _file(content: AsyncIterator[str], visit: Visit, media_type: str, ending: str) -> Response:
    name = f"keywright-audit-{exact(visit.now)[:10]}.{ending}"
    return as_file(content, name=name, media_type=media_type)


def _before(visit: Visit) -> int | None:
    text = _text(visit, "before")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and int(text) else None


def _text(visit: Visit, name: str) -> str:
    return visit.request.query_params.get(name, "").strip()


PAGES = (
    At(HOME, audit, needs=Needs.OPERATOR),
    At("/operator/audit/check", check, "POST", Needs.OPERATOR),
    At("/operator/audit/export.csv", export_csv, needs=Needs.OPERATOR),
    At("/operator/audit/export.ndjson", export_ndjson, needs=Needs.OPERATOR),
)
