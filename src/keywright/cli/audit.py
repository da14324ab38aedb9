"""`keywright audit`: what happened, and whether the record of it is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import audit_checkpoints, options, terminal
from keywright.cli.commands import Group
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.app.services import Services

FOLLOW_SECONDS = 1.0
MOST_AT_ONCE = 10_000
DAY_MS = 24 * 60 * 60 * 1000
DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
COLUMNS = ("SEQ", "AT", "KIND", "ACTOR", "FACTOR", "ADDRESS", "AGENT", "REQUEST", "SESSION", "SUBJECT", "DETAIL")


@click.group("audit", cls=Group)
def group() -> None:
    """The audit log: every change of state, in a keyed hash chain, and signed checkpoints of it."""


for command in audit_checkpoints.COMMANDS:
    group.add_command(command)


@group.command("list")
@click.option("--account", "email", metavar="EMAIL", help="Only what concerns this account.")
@click.option("--kind", metavar="KIND", help="Only events of this kind, for instance key.issued.")
@click.option("--since", metavar="TIME", help="Only from this moment on: 2026-01-31 or 2026-01-31T12:00:00, in UTC.")
@click.option("--until", metavar="TIME", help="Only before this moment; a day alone is meant whole.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--follow", is_flag=True, help="Go on printing what comes, oldest first, until Ctrl-C.")
@options.data_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --follow one a line.")
async def list_(
    *,
    email: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    follow: bool,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """List the newest events, newest first: what, who, proved by what, from where, in which session and request."""
    from keywright.app.services import opened
    from keywright.audit.telling import as_dict

    _check_kind(kind)
    if follow and until is not None:
        raise Invalid("--follow goes on, so it takes no --until", field="until")
    wanted: dict[str, Any] = {
        "kind": kind,
        "since": _moment(since, "since"),
        "until": _moment(until, "until", whole=True),
    }
    async with opened(options.settings_of(data_dir=data_dir)) as services:
        async with services.database.read() as tx:
            wanted["account_id"] = (await services.identity.account(tx, email=email)).id if email else None
            rows = await services.audit.list(tx, **wanted, limit=limit)
            newest = await services.audit.list(tx, limit=1)
        if follow:
            await _follow(services, wanted, rows, upto=newest[0].seq if newest else 0, as_json=as_json)
            return
    if as_json:
        terminal.out_json({"events": [as_dict(row) for row in rows]})
        return
    terminal.out_table(COLUMNS, [_cells(row) for row in rows])


async def _follow(
    services: Services, wanted: Mapping[str, Any], found: Sequence[Any], *, upto: int, as_json: bool
) -> None:
    """Print what was found, oldest first, and what comes, until whoever reads has had enough."""
    from asyncio import sleep

    _print_lines(found, as_json=as_json)
    while terminal.is_read():
        async with services.database.read() as tx:
            newest = await services.audit.list(tx, limit=1)
            rows = await services.audit.list(tx, **wanted, after=upto, limit=MOST_AT_ONCE)
        _print_lines(rows, as_json=as_json)
        upto = max(upto, newest[0].seq if newest else 0)
        await sleep(FOLLOW_SECONDS)


def _print_lines(newest_first: Sequence[Any], *, as_json: bool) -> None:
    from keywright.audit.telling import as_dict

    for row in reversed(newest_first):
        if as_json:
            terminal.out(json.dumps({"schema": terminal.SCHEMA, **as_dict(row)}))
        else:
            terminal.out("\t".join(str(cell).translate(terminal.CONTROL) or "–" for cell in _cells(row)))


def _cells(row: Any) -> tuple[Any, ...]:
    from keywright.audit.telling import as_dict

    event = as_dict(row)
    names = ("kind", "actor", "factor", "address", "agent", "request_id", "session", "subject")
    return (event["seq"], terminal.moment(event["at"]), *(event[name] for name in names), row.detail)


@group.command("verify")
@click.option("--checkpoints", "folder", metavar="DIR", help="Folder of the checkpoints, for instance of their copies.")
@click.option("--no-checkpoints", is_flag=True, help="Look at the chain alone.")
@click.option(
    "--public-key", metavar="KEY", help="The key that signed them, as you noted it; else this database's own."
)
@options.data_dir
@options.as_json
async def verify(
    *, folder: str | None, no_checkpoints: bool, public_key: str | None, data_dir: str | None, as_json: bool
) -> None:
    """Walk the whole chain, and every checkpoint beside it; name the first event or checkpoint that does not hold."""
    from keywright.app.checkpoints import checkpoints_of
    from keywright.app.services import opened
    from keywright.audit.checkpoint import check_public_key

    copies = audit_checkpoints.folder_of(folder) if folder else None
    key = check_public_key(public_key) if public_key else ""
    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        if no_checkpoints:
            async with services.database.read() as tx:
                verified = await services.audit.verify(tx)
        else:
            kept = checkpoints_of(services, settings)
            verified = await kept.verify(folder=copies, public_key=key)
    if as_json:
        terminal.out_json(
            {
                "events": verified.count,
                "head": verified.head,
                "checkpoints": verified.checkpoints,
                "covered": verified.covered,
            }
        )
        return
    terminal.say(f"The chain holds: {verified.count} events, the newest {verified.head[:16]}…")
    if verified.checkpoints:
        said = audit_checkpoints.said_by(verified.checkpoints)
        terminal.say(f"{said} so too, the newest of {audit_checkpoints.events(1, verified.covered)}.")
    elif not no_checkpoints:
        terminal.say("There is no checkpoint yet: keywright audit checkpoint makes one, a running server by itself.")


def _check_kind(kind: str | None) -> None:
    import difflib

    from keywright.audit.events import Kind

    if kind is not None and kind not in set(Kind):
        near = difflib.get_close_matches(kind, list(Kind), n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/reference/events.md lists them all"
        raise Invalid(f"{kind} is no kind of event", hint=hint, field="kind")


def _moment(text: str | None, field: str, *, whole: bool = False) -> int | None:
    """Return a moment in milliseconds; what names no zone is UTC. `whole`: of a day alone its end."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        at = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(at.timestamp() * 1000) + (DAY_MS if whole and DAY.fullmatch(text) else 0)
    except (ValueError, OverflowError):
        raise Invalid(f"{text} is no time", hint="write it like 2026-01-31T12:00:00", field=field) from None
