"""`keywright audit`: what happened, and whether the record of it is whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from keywright.cli import audit_checkpoints, options, terminal
from keywright.errors import Invalid


@click.group("audit")
def group() -> None:
    """The audit log: every change of state, in a keyed hash chain, and signed checkpoints of it."""


for command in audit_checkpoints.COMMANDS:
    group.add_command(command)


@group.command("list")
@click.option("--account", "email", metavar="EMAIL", help="Only what concerns this account.")
@click.option("--kind", metavar="KIND", help="Only events of this kind, for instance key.issued.")
@click.option("--since", metavar="TIME", help="Only from this moment on: 2026-01-31 or 2026-01-31T12:00:00, in UTC.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@options.data_dir
@options.as_json
async def list_(
    *, email: str | None, kind: str | None, since: str | None, limit: int, data_dir: str | None, as_json: bool
) -> None:
    """List the newest events, newest first: what, who, proved by what, from where, in which session and request."""
    from keywright.app.services import opened

    _check_kind(kind)
    moment = _moment(since)
    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        account_id = (await services.identity.account(tx, email=email)).id if email else None
        rows = await services.audit.list(tx, account_id=account_id, kind=kind, since=moment, limit=limit)
    events = [_event(row) for row in rows]
    if as_json:
        terminal.out_json({"events": events})
        return
    names = ("kind", "actor", "factor", "address", "agent", "request_id", "session", "subject")
    terminal.out_table(
        ("SEQ", "AT", "KIND", "ACTOR", "FACTOR", "ADDRESS", "AGENT", "REQUEST", "SESSION", "SUBJECT", "DETAIL"),
        [
            (event["seq"], terminal.moment(event["at"]), *(event[name] for name in names), row.detail)
            for event, row in zip(events, rows, strict=True)
        ],
    )


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


def _moment(text: str | None) -> int | None:
    """Return a moment in milliseconds; what names no zone is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        at = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid(f"{text} is no time", hint="write it like 2026-01-31T12:00:00", field="since") from None


def _event(row: Any) -> dict[str, Any]:
    """Return an event as `--json` shows it. What can't be read was altered: it is shown as it stands."""
    return {
        **dict.fromkeys(("factor", "address", "agent", "request_id", "session"), ""),
        **_read(row.origin, "origin"),
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "actor": row.actor,
        "account_id": row.account_id,
        "subject": row.subject,
        "version": row.subject_version,
        "detail": _read(row.detail, "unreadable"),
        "mac": row.mac.hex(),
    }


def _read(text: str, otherwise: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {otherwise: text}
