"""`keywright keys usage`: what a key was used for, as a list, as a file, or followed while it happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.key_changes import account_of, account_option
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.gateway.usage_model import Record, Wanted
    from keywright.issuing.model import Owner

FOLLOW_SECONDS = 1.0
MOST_AT_ONCE = 10_000
UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
COLUMNS = ("AT", "ADDRESS", "METHOD", "PATH", "VERDICT", "STATUS", "LATENCY")


@click.command("usage")
@click.argument("key_id")
@account_option
@click.option("--since", default="24h", show_default=True, metavar="SPAN", help="How far back: 30m, 24h, 7d, or all.")
@click.option("--verdict", default="", metavar="V", help="allowed, refused, or one reason, for instance replayed.")
@click.option("--address", default="", metavar="A", help="Only requests from this address.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("--follow", is_flag=True, help="Go on printing what comes, oldest first, until Ctrl-C.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, safe for spreadsheets.")
@options.data_dir
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --follow one a line.")
async def command(
    key_id: str,
    *,
    email: str | None,
    since: str,
    verdict: str,
    address: str,
    limit: int,
    follow: bool,
    as_csv: bool,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Show the requests of a key, newest first, and why some were refused."""
    from keywright.app.services import opened
    from keywright.gateway import records

    if as_csv and (as_json or follow):
        raise Invalid("--csv goes with neither --json nor --follow")
    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        account = await account_of(services, email)
        wanted = _wanted(since, verdict, address, now=services.clock())
        async with services.database.read() as tx:
            owner = await services.issuing.owner_of(tx, account.id, key_id)
            key = await services.issuing.key(tx, owner, key_id)
            upto = await records.newest(tx, owner, key.id)
        found = [
            one async for piece in records.pieces(services.database, owner, key.id, wanted, most=limit) for one in piece
        ]
        if as_csv:
            _print_csv(found, key.name)
        elif follow:
            await _follow(services, owner, key.id, wanted, found, upto=upto, as_json=as_json)
        elif as_json:
            from keywright.gateway.export import as_dict

            terminal.out_json({"key_id": key.id, "records": [as_dict(one) for one in found]})
        else:
            terminal.out_table(COLUMNS, [_row(one) for one in found])
            _advise(found, prefix=settings.header_prefix)


def _wanted(since: str, verdict: str, address: str, *, now: int) -> Wanted:
    from keywright.gateway.address import parse_address
    from keywright.gateway.usage_model import ALLOWED, REFUSED, Wanted
    from keywright.protocol.refusal import Reason

    reasons = {reason.value for reason in Reason}
    if verdict and verdict not in {ALLOWED, REFUSED, *reasons}:
        raise Invalid(
            f"there is no verdict '{verdict[:40]}'", hint="allowed, refused, or a reason of docs/reference/refusals.md"
        )
    parsed = parse_address(address) if address else None
    if address and parsed is None:
        raise Invalid(f"'{address[:60]}' is not an address", hint="give one whole address: 203.0.113.7, 2001:db8::1")
    return Wanted(_since(since, now=now), verdict, "", parsed.text if parsed else "")


def _since(span: str, *, now: int) -> int:
    if span == "all":
        return 0
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", span)
    if match is None:
        raise Invalid(f"'{span[:40]}' is not a span of time", hint="give 30m, 24h, 7d, or all")
    return max(0, now - int(match[1]) * UNITS_MS[match[2]])


async def _follow(
    services: Services,
    owner: Owner,
    key_id: str,
    wanted: Wanted,
    found: Iterable[Record],
    *,
    upto: int,
    as_json: bool,
) -> None:
    """Print what was found, oldest first, and what comes, until whoever reads has had enough."""
    from asyncio import sleep

    from keywright.gateway import records

    # What was written since `upto` was read comes below, and once.
    _print_lines([one for one in found if one.id <= upto], as_json=as_json)
    while terminal.is_read():
        async with services.database.read() as tx:
            new, upto = await records.since(tx, owner, key_id, wanted, after=upto, limit=MOST_AT_ONCE)
        _print_lines(new, as_json=as_json)
        await sleep(FOLLOW_SECONDS)


def _print_lines(newest_first: Iterable[Record], *, as_json: bool) -> None:
    from keywright.gateway.export import as_dict

    for one in reversed(list(newest_first)):
        if as_json:
            terminal.out(json.dumps({"schema": terminal.SCHEMA, **as_dict(one)}, ensure_ascii=False))
        else:
            terminal.out("\t".join(str(cell).translate(terminal.CONTROL) for cell in _row(one)))


def _print_csv(found: Iterable[Record], key_name: str) -> None:
    from keywright.gateway.export import csv_head, csv_lines

    click.echo(csv_head() + csv_lines(found, key_name=key_name), nl=False)


def _advise(found: Iterable[Record], *, prefix: str) -> None:
    """Say what to do about each refusal that was listed, once."""
    from keywright.gateway.advice import advice

    for verdict, one in {one.verdict: one for one in found if one.verdict != "allowed"}.items():
        said = advice(verdict, address=one.address, prefix=prefix)
        terminal.say(f"{verdict or 'broken off'}: {said}".translate(terminal.CONTROL))


def _row(one: Record) -> tuple[Any, ...]:
    from keywright.gateway.export import exact

    latency = f"{one.latency_us / 1000:.1f} ms"
    return (exact(one.at), one.address, one.method, one.path or "–", one.verdict or "–", one.status, latency)
