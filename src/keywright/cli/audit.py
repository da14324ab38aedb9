"""`keywright audit`: what happened, and whether the record of it is whole."""

from __future__ import annotations

import json

import click

from keywright.cli import options, terminal


@click.group("audit")
def group() -> None:
    """The audit log: every change of state, in a keyed hash chain."""


@group.command("list")
@click.option("--account", "email", metavar="EMAIL", help="Only what concerns this account.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@options.data_dir
@options.as_json
async def list_(*, email: str | None, limit: int, data_dir: str | None, as_json: bool) -> None:
    """List the newest events, newest first."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        account_id = (await services.identity.account(tx, email=email)).id if email else None
        rows = await services.audit.list(tx, account_id=account_id, limit=limit)
    if as_json:
        events = [
            {
                "seq": row.seq,
                "at": row.at,
                "kind": row.kind,
                "actor": row.actor,
                "origin": json.loads(row.origin),
                "account_id": row.account_id,
                "subject": row.subject,
                "version": row.subject_version,
                "detail": json.loads(row.detail),
            }
            for row in rows
        ]
        terminal.out_json({"events": events})
        return
    terminal.out_table(
        ("SEQ", "AT", "KIND", "ACTOR", "SUBJECT", "DETAIL"),
        [(row.seq, terminal.moment(row.at), row.kind, row.actor, row.subject, row.detail) for row in rows],
    )


@group.command("verify")
@options.data_dir
@options.as_json
async def verify(*, data_dir: str | None, as_json: bool) -> None:
    """Walk the whole chain; name the first event that does not hold."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        verified = await services.audit.verify(tx)
    if as_json:
        terminal.out_json({"events": verified.count, "head": verified.head})
    else:
        terminal.say(f"The chain holds: {verified.count} events, the newest {verified.head[:16]}…")
