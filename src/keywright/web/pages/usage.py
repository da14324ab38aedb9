"""A key's usage: what was asked with it, what was refused and what to do about that; and the same as a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from keywright.errors import Invalid
from keywright.gateway import records
from keywright.gateway.address import parse_address
from keywright.gateway.advice import advice
from keywright.gateway.buckets import SPANS, Span, filled
from keywright.gateway.export import as_dict, csv_head, csv_lines, exact
from keywright.gateway.usage_model import ALLOWED, REFUSED, Count, Leaf, Record, Wanted
from keywright.issuing.model import ApiKey
from keywright.protocol.refusal import Reason
from keywright.web.download import as_file
from keywright.web.model import Bar, Form, RecordView, UsageView
from keywright.web.onward import HOME
from keywright.web.pages.key_pages import view_of
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

LEAF = 50
"""Records a page: with chart and style sheet it stays far below what a slow telephone loads in a second."""

MOST_AT_ONCE = 300
"""Records that following brings at a time; more than a key may ask within two seconds."""

MOST_EXPORTED = 100_000
USUAL_SPAN = "24h"
METHODS = ("GET", "POST", "PUT", "DELETE")
VERDICTS = {ALLOWED, REFUSED, *(reason.value for reason in Reason)}
FILTERS = ("span", "verdict", "method", "address")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter that was understood."""

    span: Span
    wanted: Wanted
    values: dict[str, str]
    """As a form shows it."""

    @property
    def query(self) -> str:
        """Return it as a query string."""
        return urlencode({name: value for name, value in self.values.items() if value})


async def usage(visit: Visit) -> Response:
    """Show the key's requests as the filter in the address says."""
    try:
        asked, problem, form = _asked(visit), None, None
    except Invalid as wrong:
        typed = {name: _text(visit, name)[:64] for name in FILTERS}
        problem, form = wrong, Form(typed, {wrong.field: wrong.message}, {wrong.field: wrong.hint})
        asked = _understood(visit, {})
        typed["span"] = typed["span"] if typed["span"] in SPANS else USUAL_SPAN
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
        newest = await records.newest(tx, visit.owner, key.id)  # before the leaf: what comes meanwhile is followed
        found = await records.figures(tx, visit.owner, key.id, asked.wanted, asked.span)
        leaf = Leaf((), has_newer=False, has_older=False)
        if problem is None:
            before, after = _number(visit, "before"), _number(visit, "after")
            leaf = await records.leaf(tx, visit.owner, key.id, asked.wanted, before=before, after=after, limit=LEAF)
    total, shown = found.total, leaf.records
    bars = filled(found.by_bucket, asked.span, now=visit.now)
    return visit.page(
        "usage.html",
        status=status_of(problem) if problem else 200,
        key=view_of(key, now=visit.now),
        form=form or Form(asked.values),
        usage=UsageView(
            since=asked.wanted.since or (bars[0].at if bars else 0),
            requests=total.requests,
            refused=total.refused,
            addresses=found.addresses,
            bars=tuple(Bar(bar.at, bar.until, bar.count.allowed, bar.count.refused) for bar in bars),
            records=_views(visit, key, shown),
            newer=shown[0].id if shown and leaf.has_newer else 0,
            older=shown[-1].id if shown and leaf.has_older else 0,
            newest=max([newest, *(one.id for one in shown)]),
            verdicts=_reasons(found.by_verdict, asked.wanted.verdict),
            methods=tuple(sorted({*METHODS, *found.methods})),
            query=asked.query,
        ),
        most_exported=MOST_EXPORTED,
        usage_days=visit.site.place.usage_days,
    )


async def newer(visit: Visit) -> Response:
    """Return the requests that came since, as rows, for a page that follows; and what to go on from."""
    asked, after = _asked(visit), _number(visit, "after")
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
        found, upto = await records.since(tx, visit.owner, key.id, asked.wanted, after=after, limit=MOST_AT_ONCE)
    response = visit.fragment("usage.html", "rows", records=_views(visit, key, found), is_new=True)
    response.headers["hx-trigger"] = json.dumps({"followed": {"upto": upto, "said": _said(visit, found)}})
    return response


async def export_csv(visit: Visit) -> Response:
    """Send what the filter shows as CSV, piece by piece."""
    key, asked = await _exported(visit)

    async def lines() -> AsyncIterator[str]:
        yield csv_head()
        async for piece in _pieces(visit, key, asked):
            yield csv_lines(piece, key_name=key.name)

    return _file(lines(), visit, key, "text/csv; charset=utf-8", "csv")


async def export_json(visit: Visit) -> Response:
    """Send what the filter shows as one JSON object, piece by piece; its end says whether something was left out."""
    key, asked = await _exported(visit)

    async def parts() -> AsyncIterator[str]:
        head = {
            "schema": 1,
            "key": view_of(key, now=visit.now).masked,
            "name": key.name,
            "exported_at": visit.now,
            "filter": asked.values,
        }
        yield json.dumps(head)[:-1] + ', "records": ['
        sent = 0
        async for piece in _pieces(visit, key, asked):
            text = ",\n".join(json.dumps(as_dict(record)) for record in piece)
            yield (",\n" if sent else "\n") + text
            sent += len(piece)
        yield f'\n], "count": {sent}, "most": {MOST_EXPORTED}}}\n'

    return _file(parts(), visit, key, "application/json", "json")


def _asked(visit: Visit) -> Asked:
    """Return the filter in the address. Raises `Invalid` for what is none."""
    return _understood(visit, {name: _text(visit, name) for name in FILTERS})


def _understood(visit: Visit, given: dict[str, str]) -> Asked:
    span = SPANS.get(given.get("span") or USUAL_SPAN)
    if span is None:
        raise Invalid("there is no such span", hint="choose one of the list", field="span")
    verdict, method = given.get("verdict", ""), given.get("method", "").upper()
    if verdict and verdict not in VERDICTS:
        raise Invalid("there is no such verdict", hint="choose one of the list", field="verdict")
    if method and not (method.isascii() and method.isalpha() and len(method) <= 16):
        raise Invalid("there is no such method", hint="choose one of the list", field="method")
    address = given.get("address", "")
    parsed = parse_address(address) if address else None
    if address and parsed is None:
        raise Invalid(
            "that is not an address", hint="give one whole address: 203.0.113.7, 2001:db8::1", field="address"
        )
    values = {
        "span": span.name,
        "verdict": verdict,
        "method": method,
        "address": parsed.text if parsed else "",
    }
    wanted = Wanted(span.begins(visit.now), verdict, method, values["address"], span.unit_ms)
    return Asked(span, wanted, values)


async def _exported(visit: Visit) -> tuple[ApiKey, Asked]:
    asked = _asked(visit)
    async with visit.site.database.read() as tx:
        return await visit.site.issuing.key(tx, visit.owner, _id(visit)), asked


def _pieces(visit: Visit, key: ApiKey, asked: Asked) -> AsyncIterator[tuple[Record, ...]]:
    return records.pieces(visit.site.database, visit.owner, key.id, asked.wanted, most=MOST_EXPORTED)


def _file(content: AsyncIterator[str], visit: Visit, key: ApiKey, media_type: str, ending: str) -> Response:
    # Of our own making, whatever the key is called: nothing to be quoted, no path, no second ending.
    name = f"keywright-usage-{key.id[:8]}-{exact(visit.now)[:10]}.{ending}"
    return as_file(content, name=name, media_type=media_type)


def _views(visit: Visit, key: ApiKey, found: tuple[Record, ...] | list[Record]) -> tuple[RecordView, ...]:
    place = visit.site.place
    base_url = place.futures_url if key.grant.environment.value == "futures" else place.spot_url
    return tuple(
        RecordView(
            id=one.id,
            at=one.at,
            address=one.address,
            method=one.method,
            path=one.path,
            verdict=one.verdict,
            hint=advice(one.verdict, address=one.address, base_url=base_url, prefix=place.header_prefix),
            status=one.status,
            latency_ms=one.latency_us / 1000,
        )
        for one in found
    )


def _said(visit: Visit, found: list[Record]) -> str:
    """Return what a reader hears of new requests; nothing where there are none."""
    count = Count(len(found), sum(one.verdict != ALLOWED for one in found))
    if not count.requests:
        return ""
    texts = visit.texts
    said = texts.ngettext("%(num)s new request.", "%(num)s new requests.", count.requests) % {"num": count.requests}
    if count.refused:
        said += " " + texts.ngettext("%(num)s refused.", "%(num)s refused.", count.refused) % {"num": count.refused}
    return said


def _reasons(by_verdict: dict[str, int], chosen: str) -> tuple[tuple[str, int], ...]:
    """Return the reasons that occurred, most frequent first, and the one that is asked for."""
    occurred = {verdict: count for verdict, count in by_verdict.items() if verdict not in {ALLOWED, ""}}
    if chosen not in {"", ALLOWED, REFUSED}:
        occurred.setdefault(chosen, 0)
    return tuple(sorted(occurred.items(), key=lambda item: (-item[1], item[0])))


def _text(visit: Visit, name: str) -> str:
    return visit.request.query_params.get(name, "").strip()


def _number(visit: Visit, name: str) -> int:
    text = _text(visit, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _id(visit: Visit) -> str:
    key_id: str = visit.request.path_params["key_id"]
    return key_id


PAGES = (
    At(HOME + "/{key_id:key}/usage", usage),
    At(HOME + "/{key_id:key}/usage/newer", newer),
    At(HOME + "/{key_id:key}/usage/export.csv", export_csv),
    At(HOME + "/{key_id:key}/usage/export.json", export_json),
)
