"""`keywright vault egress`: the addresses that requests to exchanges leave from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.errors import Invalid, KeywrightError, Unusable

if TYPE_CHECKING:
    from keywright.app.vault_services import VaultServices
    from keywright.audit.events import Actor
    from keywright.vault.model import EgressAddress

server_option = click.option(
    "--server",
    "of_server",
    is_flag=True,
    help="The pool of this installation's server, in place of the personal vault's.",
)


@click.group("egress", cls=Group)
def group() -> None:
    """Egress addresses: each connection has one of its own, and its requests leave from no other."""


@group.command("add")
@click.argument("address", required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input: a proxy's URL with a password.")
@click.option("--share", "shared", is_flag=True, help="Let several connections leave from it.")
@click.option(
    "--trial", is_flag=True, help="Try keys from it, which must not work from there; no connection leaves from it."
)
@server_option
@options.data_dir
@options.as_json
async def add(
    address: str | None,
    *,
    from_stdin: bool,
    shared: bool,
    trial: bool,
    of_server: bool,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Put an address into the pool: one of this machine's, `any` for the one the system chooses, or a proxy's URL.

    It is tried at once, and what KuCoin sees through it is kept. An address that is not this machine's is refused.
    """
    from keywright.vault import rules
    from keywright.vault.egress import check_egress
    from keywright.vault.pool import shown
    from keywright.vault.way_out import EgressGone

    if (address is None) != from_stdin:
        raise Invalid("give one address, or --stdin", hint="`keywright vault egress add 203.0.113.7`")
    if shared and trial:
        raise Invalid("--share and --trial exclude each other", hint="no connection leaves from where keys are tried")
    if address is not None and "@" in address:
        raise Invalid(
            "a password in an argument can be seen by everyone on this machine", hint="give the URL with --stdin"
        )
    place = rules.egress_place(address or terminal.ask_secret("Proxy's URL").reveal().decode("utf-8", "replace"))
    try:
        check_egress(rules.way_out(place.kind, place.place, place.user))
    except EgressGone:
        raise Unusable(
            f"{place.place} is no address of this machine",
            hint="give one that `ip address` shows: behind a router it is the inner one, and what the world sees is found out. "
            "`any` is the one the system chooses",
        ) from None
    async with _pool(data_dir, of_server=of_server) as (services, actor):
        async with services.database.write() as tx:
            egress = await services.vault.pool.add(
                tx, place, shared=shared, trial=trial, actor=actor, now=services.clock()
            )
        egress, trouble = await _seen(services, egress)
        now = services.clock()
    if as_json:
        terminal.out_json(_as_dict(egress, [], now=now))
        return
    terminal.say(f"{shown(egress)} is in the pool.")
    if trial:
        terminal.say("Keys are tried from it from now on: no connection leaves from there.")
    else:
        _say_seen(egress, trouble, now=now)


@group.command("list")
@server_option
@options.data_dir
@options.as_json
async def list_(*, of_server: bool, data_dir: str | None, as_json: bool) -> None:
    """List the pool: what is seen of each address, and what uses it."""
    from keywright.vault.pool import shown

    async with _pool(data_dir, of_server=of_server) as (services, _):
        now = services.clock()
        async with services.database.read() as tx:
            found = await services.vault.pool.all(tx)
            users: dict[str, list[str]] = {}
            for one in await services.vault.everyone(tx):
                users.setdefault(one.record.egress_id, []).append(one.name)
    if as_json:
        terminal.out_json({"egress": [_as_dict(one, users.get(one.id, []), now=now) for one in found]})
        return
    columns = ("ADDRESS", "SEEN AS", "SEEN", "SHARED", "USED BY", "NOTE")
    terminal.out_table(
        columns,
        [
            (
                shown(one),
                one.shown,
                terminal.moment(one.observed_at) if one.is_confirmed(now=now) else "unconfirmed",
                "yes" if one.shared_at else "no",
                users.get(one.id, []),
                _note(one, found),
            )
            for one in found
        ],
    )


@group.command("check")
@click.argument("address")
@server_option
@options.data_dir
@options.as_json
async def check(address: str, *, of_server: bool, data_dir: str | None, as_json: bool) -> None:
    """Ask KuCoin which address it sees through one of the pool."""
    async with _pool(data_dir, of_server=of_server) as (services, _):
        now = services.clock()
        egress = await services.vault.observe(address, now=now)
    if as_json:
        terminal.out_json(_as_dict(egress, [], now=now))
    else:
        _say_seen(egress, None, now=now)


@group.command("share")
@click.argument("address")
@click.option("--off", is_flag=True, help="Let it serve one connection again; those it serves keep it.")
@server_option
@options.data_dir
async def share(address: str, *, off: bool, of_server: bool, data_dir: str | None) -> None:
    """Let several connections leave from an address. One that is stolen then works from where the others do."""
    from keywright.vault.pool import shown

    async with _pool(data_dir, of_server=of_server) as (services, actor), services.database.write() as tx:
        egress = await services.vault.pool.share(tx, address, shared=not off, actor=actor, now=services.clock())
    terminal.say(f"{shown(egress)} serves {'one connection' if off else 'several connections'} from now on.")


@group.command("remove")
@click.argument("address")
@server_option
@options.data_dir
async def remove(address: str, *, of_server: bool, data_dir: str | None) -> None:
    """Take an address out of the pool. Refused while a connection uses it."""
    from keywright.vault.pool import shown

    async with _pool(data_dir, of_server=of_server) as (services, actor), services.database.write() as tx:
        egress = await services.vault.pool.remove(tx, address, actor=actor, now=services.clock())
    terminal.say(f"{shown(egress)} is out of the pool.")


@asynccontextmanager
async def _pool(data_dir: str | None, *, of_server: bool) -> AsyncIterator[tuple[VaultServices, Actor]]:
    from keywright.app.vault_services import open_vault_services
    from keywright.audit.events import Actor

    settings = options.settings_of(data_dir=data_dir)
    if of_server:
        from keywright.app.services import opened

        async with opened(settings) as services:
            yield services, Actor("operator", agent="cli")
        return
    async with open_vault_services(settings) as services:
        yield services, Actor("owner", agent="cli")


async def _seen(services: VaultServices, egress: EgressAddress) -> tuple[EgressAddress, KeywrightError | None]:
    """Return an address as it is seen from outside, or what kept anyone from seeing it."""
    try:
        return await services.vault.observe(egress.id, now=services.clock()), None
    except KeywrightError as problem:
        return egress, problem


def _say_seen(egress: EgressAddress, trouble: KeywrightError | None, *, now: int) -> None:
    if egress.is_confirmed(now=now):
        terminal.say(f"From outside it is seen as {egress.observed}: that belongs on the exchange's list.")
        return
    why = f": {trouble.message}" if trouble else ""
    terminal.say(f"What is seen of it from outside is unconfirmed{why}".translate(terminal.CONTROL))


def _note(egress: EgressAddress, pool: list[EgressAddress]) -> str:
    if not egress.holds:
        return "its record was altered outside Keywright: remove it"
    if egress.trial_at is not None:
        return "keys are tried from here, and must not work"
    if egress.observed and sum(one.observed == egress.observed for one in pool) > 1:
        return "another of the pool is seen as the same address"
    return ""


def _as_dict(egress: EgressAddress, users: list[str], *, now: int) -> dict[str, Any]:
    from keywright.vault.pool import shown

    return {
        "id": egress.id,
        "address": shown(egress),
        "kind": egress.kind.value,
        "seen_as": egress.shown,
        "is_confirmed": egress.is_confirmed(now=now),
        "observed_at": egress.observed_at,
        "is_shared": egress.shared_at is not None,
        "is_for_trials": egress.trial_at is not None,
        "is_altered": not egress.holds,
        "used_by": users,
    }
