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
@click.option(
    "--master",
    "is_master",
    is_flag=True,
    help="A key of a main account that rotates its sub-accounts' keys, and does nothing else.",
)
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
    is_master: bool,
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
    from keywright.vault.terms import Purpose

    wanted, purpose = rules.exchange(exchange), Purpose.MASTER if is_master else Purpose.BOTS
    name = rules.name(name)
    rules.master_without_bots(purpose, rules.bots(bots))
    given = given_key(from_stdin=from_stdin, path=from_file, accept=accept)
    async with owner_of(email, data_dir) as owner:
        vault, now = owner.services.vault, owner.services.clock()
        # With the name: before anybody goes and makes a key in vain.
        reservation = await vault.reserve(owner.id, wanted.value, name=name, actor=owner.actor, now=now)
        _guide(reservation, now=now, is_master=is_master)
        pasted = given or ask_key(wanted, accept=accept)
        proof, actor = await owner.prove()
        now = owner.services.clock()
        with held_shown.giving_a_key():
            made = await vault.connect(
                owner.id, NewConnection(name, wanted.value, pasted, bots, purpose), proof=proof, actor=actor, now=now
            )
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
    if not found:
        terminal.say("No key is held yet: `keywright vault add NAME --exchange kucoin` takes the first.")
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
            all_of_them = await owner.services.vault.connections(tx, owner.id)
    if as_json:
        terminal.out_json(held_shown.as_dict(found, now=now))
    else:
        master = next((one.name for one in all_of_them if one.id == found.record.terms.master_id), "")
        held_shown.show_all(found, master=master, now=now)


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
                found = list(await owner.services.vault.connections(tx, owner.id))
            else:
                found = [await owner.services.vault.connection(tx, owner.id, name or "")]
        proof, actor = None, SYSTEM if all_of_them else owner.actor
        if not all_of_them and found[0].is_stopped_by_owner:
            proof, actor = await owner.prove()
        checked: list[Checked] = []
        trouble: list[tuple[Connection, KeywrightError]] = []
        for one in found:
            try:
                checked.append(await owner.services.vault.check(owner.id, one.id, proof=proof, actor=actor, now=now))
            except KeywrightError as problem:
                trouble.append((one, problem))
                if not all_of_them:
                    raise
    held_shown.report(checked, trouble, now=now, as_json=as_json)


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
        terminal.require_consent(
            f"Destroy the key {found.key.masked} of {found.name}?".translate(terminal.CONTROL), yes=yes
        )
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


def _guide(reservation: Reservation, *, now: int, is_master: bool) -> None:
    """Say how the key is to be made, with the address it is to be bound to."""
    from keywright.vault.evidence import Right
    from keywright.vault.venues.known import VENUES

    venue, egress = VENUES[reservation.exchange], reservation.egress
    wanted = (Right.READ,) if is_master else (Right.READ, Right.TRADE)
    tick = " and ".join(f"“{venue.boxes[right]}”" for right in wanted)
    whose = ", as one of the main account" if is_master else ""
    terminal.say(f"Make the key at {reservation.exchange.title}{whose}: {venue.key_page}")
    terminal.say(f"  tick {tick}, and nothing else; never “{venue.boxes[Right.WITHDRAW]}”")
    if egress.shown:
        terminal.say(f"  enter under “{venue.filter_name}”: {held_shown.address_note(egress, now=now)}")
    else:
        terminal.say(
            f"  “{venue.filter_name}”: the address of this machine, as others see it; no exchange could be asked"
        )
