"""`keywright vault add`, `list`, `show`, `check`, `edit` and `remove`: keys of other exchanges, held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import held_shown, options, terminal
from keywright.cli.held_keys import (
    accept_option,
    account_option,
    ask_key,
    file_option,
    given_key,
    owner_of,
    stdin_option,
)
from keywright.errors import Invalid, KeywrightError

if TYPE_CHECKING:
    from keywright.vault.model import Connection, Reservation
    from keywright.vault.seam import Checked

bot_option = click.option(
    "--bot", "bots", multiple=True, metavar="NAME", help="What uses the key. Repeatable; one is right."
)


@click.command("add")
@click.argument("name")
@click.option("--exchange", required=True, metavar="EXCHANGE", help="kucoin, binance or bitfinex.")
@bot_option
@accept_option
@stdin_option
@file_option
@account_option
@options.data_dir
@options.as_json
async def add(
    name: str,
    *,
    exchange: str,
    bots: tuple[str, ...],
    accept: tuple[str, ...],
    from_stdin: bool,
    from_file: Path | None,
    email: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Hold a key of an exchange: reserves an address, says how to make the key, asks for it, and has it looked at.

    Ends with 10 for a key that can move money out, 11 for one that is not bound to addresses, 12 for one of which something
    can't be proven, 13 where a clock is wrong. Nothing of a refused key is kept.
    """
    from keywright.vault import rules
    from keywright.vault.model import NewConnection
    from keywright.vault.seam import KeyRefused

    wanted = rules.exchange(exchange)
    rules.name(name)
    rules.bots(bots)
    given = given_key(from_stdin=from_stdin, path=from_file, accept=accept)
    async with owner_of(email, data_dir) as owner:
        vault, now = owner.services.vault, owner.services.clock()
        reservation = await vault.reserve(owner.id, wanted.value, actor=owner.actor, now=now)
        _guide(reservation, now=now)
        pasted = given or ask_key(wanted, accept=accept)
        proof, actor = await owner.prove()
        now = owner.services.clock()
        try:
            made = await vault.connect(
                owner.id, NewConnection(name, wanted.value, pasted, bots), proof=proof, actor=actor, now=now
            )
        except KeyRefused as refused:
            raise held_shown.not_taken(refused) from None
    held_shown.show_done(made, now=now, as_json=as_json, done="is held")


@click.command("list")
@account_option
@options.data_dir
@options.as_json
async def list_(*, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """List connections."""
    async with owner_of(email, data_dir) as owner:
        now = owner.services.clock()
        async with owner.services.database.read() as tx:
            found = await owner.services.vault.connections(tx, owner.id)
    if as_json:
        terminal.out_json({"connections": [held_shown.as_dict(one, now=now) for one in found]})
        return
    columns = ("NAME", "EXCHANGE", "STATUS", "KEY", "FINGERPRINT", "ADDRESS", "CHECKED", "BOTS", "NOTE")
    terminal.out_table(columns, [held_shown.row(one, now=now) for one in found])


@click.command("show")
@click.argument("name")
@account_option
@options.data_dir
@options.as_json
async def show(name: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Show a connection: what its key may do and how that is known, its address, and what was accepted."""
    async with owner_of(email, data_dir) as owner:
        now = owner.services.clock()
        async with owner.services.database.read() as tx:
            found = await owner.services.vault.connection(tx, owner.id, name)
    if as_json:
        terminal.out_json(held_shown.as_dict(found, now=now))
    else:
        held_shown.show_all(found, now=now)


@click.command("check")
@click.argument("name", required=False)
@click.option("--all", "all_of_them", is_flag=True, help="Every connection, one after the other.")
@account_option
@options.data_dir
@options.as_json
async def check(name: str | None, *, all_of_them: bool, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Ask the exchange again what a key may do. Ends as `add` does; a suspended key that is well is used again.

    With --all it is as the daily check of a server: what was suspended for what its key could do stays so until it is checked
    by name.
    """
    from keywright.audit.events import SYSTEM

    if (name is None) != all_of_them:
        raise Invalid("name one connection, or give --all", hint="`keywright vault list` shows them")
    async with owner_of(email, data_dir) as owner:
        now = owner.services.clock()
        async with owner.services.database.read() as tx:
            if all_of_them:
                names = [one.id for one in await owner.services.vault.connections(tx, owner.id)]
            else:
                names = [(await owner.services.vault.connection(tx, owner.id, name or "")).id]
        checked: list[Checked] = []
        trouble: list[tuple[str, KeywrightError]] = []
        for wanted in names:
            try:
                actor = SYSTEM if all_of_them else owner.actor
                checked.append(await owner.services.vault.check(owner.id, wanted, actor=actor, now=now))
            except KeywrightError as problem:
                trouble.append((wanted, problem))
                if not all_of_them:
                    raise
    held_shown.report(checked, trouble, now=now, as_json=as_json)


@click.command("edit")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Call it otherwise.")
@bot_option
@click.option("--no-bots", is_flag=True, help="Say that nothing uses it.")
@click.option("--key", "replaces_key", is_flag=True, help="Give it another key of the same exchange; asks for it.")
@accept_option
@stdin_option
@file_option
@account_option
@options.data_dir
@options.as_json
async def edit(
    name: str,
    *,
    new_name: str | None,
    bots: tuple[str, ...],
    no_bots: bool,
    replaces_key: bool,
    accept: tuple[str, ...],
    from_stdin: bool,
    from_file: Path | None,
    email: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Change a connection's name or bots, or give it another key, which is looked at as a new one is."""
    from keywright.vault.seam import KeyRefused

    replaces_key = replaces_key or from_stdin or from_file is not None
    if new_name is None and not bots and not no_bots and not replaces_key:
        raise Invalid("nothing was to be changed", hint="give --name, --bot, --no-bots or --key")
    given = given_key(from_stdin=from_stdin, path=from_file, accept=accept)
    async with owner_of(email, data_dir) as owner:
        vault, now = owner.services.vault, owner.services.clock()
        async with owner.services.database.read() as tx:
            found = await vault.connection(tx, owner.id, name)
        if replaces_key:
            terminal.say(
                f"Its requests leave from {held_shown.address_note(found.egress, now=now)}: put that on the new key's list."
            )
            pasted = given or ask_key(found.record.exchange, accept=accept)
            proof, actor = await owner.prove()
            now = owner.services.clock()
            try:
                found = await vault.replace_key(owner.id, found.id, pasted, proof=proof, actor=actor, now=now)
            except KeyRefused as refused:
                raise held_shown.not_taken(refused) from None
        if new_name is not None or bots or no_bots:
            async with owner.services.database.write() as tx:
                found = await vault.edit(
                    *(tx, owner.id, found.id),
                    name=new_name,
                    bots=bots if bots or no_bots else None,
                    actor=owner.actor,
                    now=now,
                )
    held_shown.show_done(found, now=now, as_json=as_json, done="is changed")


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask whether that is meant.")
@account_option
@options.data_dir
@options.as_json
async def remove(name: str, *, yes: bool, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Destroy a held key. The key at the exchange stays: delete it there."""
    async with owner_of(email, data_dir) as owner:
        async with owner.services.database.read() as tx:
            found = await owner.services.vault.connection(tx, owner.id, name)
        _confirm(found, yes=yes)
        proof, actor = await owner.prove()
        now = owner.services.clock()
        async with owner.services.database.write() as tx:
            gone = await owner.services.vault.remove(tx, owner.id, found.id, proof=proof, actor=actor, now=now)
    if as_json:
        terminal.out_json({"id": gone.id, "name": gone.name, "removed_at": now})
        return
    from keywright.vault.venues.known import VENUES

    page = VENUES[gone.record.exchange].key_page
    terminal.say(f"{gone.name} is removed, and its key is destroyed here. Delete it at the exchange, too: {page}")


def _guide(reservation: Reservation, *, now: int) -> None:
    """Say how the key is to be made, with the address it is to be bound to."""
    from keywright.vault.evidence import Right
    from keywright.vault.venues.known import VENUES

    venue, egress = VENUES[reservation.exchange], reservation.egress
    tick = " and ".join(f"“{venue.boxes[right]}”" for right in (Right.READ, Right.TRADE))
    terminal.say(f"Make the key at {reservation.exchange.title}: {venue.key_page}")
    terminal.say(f"  tick {tick}, and nothing else; never “{venue.boxes[Right.WITHDRAW]}”")
    if egress.shown:
        terminal.say(f"  enter under “{venue.filter_name}”: {held_shown.address_note(egress, now=now)}")
    else:
        terminal.say(
            f"  “{venue.filter_name}”: the address of this machine, as others see it; no exchange could be asked"
        )


def _confirm(connection: Connection, *, yes: bool) -> None:
    if yes:
        return
    import sys

    if not sys.stdin.isatty():
        raise Invalid("whether that is meant can't be asked here", hint="give --yes")
    if not click.confirm(f"Destroy the key {connection.key.masked} of {connection.name}?", err=True):
        raise click.Abort
