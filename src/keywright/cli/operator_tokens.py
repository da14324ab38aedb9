"""`keywright operator token`: service tokens for the management API, from this installation's own command line."""

from __future__ import annotations

import sys

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.errors import Invalid

DAY_MS = 24 * 60 * 60 * 1000


@click.group("token", cls=Group)
def group() -> None:
    """Service tokens, which programs show at the management API."""


@group.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do; once for each.")
@click.option("--address", "addresses", multiple=True, metavar="CIDR", help="Where it may be used from; once for each.")
@click.option("--any-address", is_flag=True, help="It may be used from anywhere.")
@click.option("--days", type=click.IntRange(1, 3_650), help="Days until it expires; without: it doesn't.")
@options.data_dir
@options.as_json
async def create(
    name: str,
    *,
    scopes: tuple[str, ...],
    addresses: tuple[str, ...],
    any_address: bool,
    days: int | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Make a service token; it is shown once. On a terminal it asks for what is not given."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor
    from keywright.identity.token_model import Scope
    from keywright.identity.tokens import LOCAL, checked_name, checked_scopes
    from keywright.issuing.addresses import parse_allowlist

    checked_name(name)
    known = ", ".join(scope.value for scope in Scope)
    wanted = checked_scopes(scopes or _asked(f"Scopes ({known})", "scopes", f"--scope takes one of {known}"))
    if not addresses and not any_address:
        addresses = _asked(
            "Addresses it may be used from", "addresses", "give --address, or --any-address if it must be"
        )
    bound = parse_allowlist(addresses, most=20)
    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        now = services.clock()
        async with services.database.write() as tx:
            made = await services.tokens.create(
                tx,
                name,
                scopes=wanted,
                addresses=bound,
                expires_at=now + days * DAY_MS if days else None,
                proof=None,
                actor=Actor(LOCAL, agent="cli"),
                now=now,
            )
    token = made.token
    if as_json:
        shown = {"id": token.id, "name": token.name, "scopes": sorted(token.scopes), "addresses": list(token.addresses)}
        terminal.out_json({**shown, "expires_at": token.expires_at, "token": made.secret.reveal_text()})
        return
    terminal.say(f"Service token {token.id} is made. Keep it now; it is not shown again:")
    terminal.out(made.secret.reveal_text())


@group.command("list")
@options.data_dir
@options.as_json
async def list_(*, data_dir: str | None, as_json: bool) -> None:
    """List every service token. What opens with one can't be shown."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        now = services.clock()
        async with services.database.read() as tx:
            tokens = await services.tokens.every(tx)
    if as_json:
        rows = [
            {
                "id": token.id,
                "name": token.name,
                "status": token.status_at(now),
                "is_altered": not token.holds,
                "scopes": sorted(token.scopes),
                "addresses": list(token.addresses),
                "created_at": token.created_at,
                "created_by": token.created_by,
                "expires_at": token.expires_at,
                "last_used_at": token.last_used_at,
                "last_used_from": token.last_used_from,
            }
            for token in tokens
        ]
        terminal.out_json({"tokens": rows})
        return
    terminal.out_table(
        ("NAME", "STATUS", "SCOPES", "ADDRESSES", "EXPIRES", "LAST USED", "FROM", "ID"),
        [
            (
                token.name,
                token.status_at(now) if token.holds else "altered",
                token.scopes,
                token.addresses or "any",
                terminal.moment(token.expires_at),
                terminal.moment(token.last_used_at),
                token.last_used_from,
                token.id,
            )
            for token in tokens
        ],
    )


@group.command("disable")
@click.argument("token_id")
@options.data_dir
async def disable(token_id: str, *, data_dir: str | None) -> None:
    """Switch a service token off for good: its next call is refused."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor
    from keywright.identity.tokens import LOCAL

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.write() as tx:
        token = await services.tokens.disable(tx, token_id, actor=Actor(LOCAL, agent="cli"), now=services.clock())
    terminal.say(f"Service token {token.id} ({token.name.translate(terminal.CONTROL)}) is disabled.")


def _asked(prompt: str, field: str, hint: str) -> tuple[str, ...]:
    """Return what was typed, in pieces; raises `Invalid` where there is no terminal to ask at."""
    if not sys.stdin.isatty():
        raise Invalid(f"a service token's {field} are to be given", hint=hint, field=field)
    typed: str = click.prompt(prompt, err=True)
    return tuple(part for part in typed.replace(",", " ").split() if part)
