"""`keywright vault edit`: what a connection is called, what uses it, how its key is rotated, and another key for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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
from keywright.cli.vault_connections import bot_option
from keywright.errors import Invalid

DAY_MS = 86_400_000


@click.command("edit")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Call it otherwise.")
@bot_option
@click.option("--no-bots", is_flag=True, help="Say that nothing uses it.")
@click.option("--master", metavar="NAME", help="Rotate it through this master connection from now on.")
@click.option("--no-master", is_flag=True, help="Rotate it by hand again.")
@click.option(
    "--by-itself/--not-by-itself",
    default=None,
    help="Whether a running server rotates it, unasked, from a week before it is due. Takes a master.",
)
@click.option("--ends", metavar="DATE", help="When the key ends at its exchange, as 2027-03-31; never: it does not.")
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
    master: str | None,
    no_master: bool,
    by_itself: bool | None,
    ends: str | None,
    replaces_key: bool,
    accept: tuple[str, ...],
    from_stdin: bool,
    from_file: Path | None,
    email: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Change a connection's name or bots, how its key is rotated, or give it another key, which is looked at as a new one is."""
    replaces_key = replaces_key or from_stdin or from_file is not None
    says = new_name is not None or bots or no_bots or ends is not None
    changes_terms = master is not None or no_master or by_itself is not None
    if not says and not replaces_key and not changes_terms:
        raise Invalid("nothing was to be changed", hint="give --name, --bot, --no-bots, --master, --ends or --key")
    if no_master and (master is not None or by_itself):
        raise Invalid("--no-master excludes --master and --by-itself", hint="give one of them")
    ends_at = None if ends is None else day_of(ends)
    given = given_key(from_stdin=from_stdin, path=from_file, accept=accept)
    async with owner_of(email, data_dir) as owner:
        vault, now = owner.services.vault, owner.services.clock()
        if ends_at and ends_at <= now - DAY_MS:
            raise Invalid("that day is past", hint="write the day on which the exchange ends the key", field="ends")
        async with owner.services.database.read() as tx:
            found = await vault.connection(tx, owner.id, name)
        if replaces_key:
            terminal.say(
                f"Its requests leave from {held_shown.address_note(found.egress, now=now)}: put that on the new key's list."
            )
            pasted = given or ask_key(found.record.exchange, accept=accept)
            proof, actor = await owner.prove()
            now = owner.services.clock()
            with held_shown.giving_a_key():
                found = await vault.replace_key(owner.id, found.id, pasted, proof=proof, actor=actor, now=now)
        if changes_terms:
            proof, actor = await owner.prove()
            terms, now = found.record.terms, owner.services.clock()
            wanted = "" if no_master else master or terms.master_id
            if by_itself and not wanted:
                raise Invalid("what is rotated by itself takes a master connection", hint="name one: --master")
            itself = terms.by_itself if by_itself is None else by_itself
            found = await vault.name_master(
                *(owner.id, found.id, wanted), by_itself=itself, proof=proof, actor=actor, now=now
            )
        if says:
            async with owner.services.database.write() as tx:
                found = await vault.edit(
                    *(tx, owner.id, found.id),
                    name=new_name,
                    bots=bots if bots or no_bots else None,
                    ends_at=ends_at,
                    actor=owner.actor,
                    now=now,
                )
    held_shown.show_done(found, now=now, as_json=as_json, done="is changed")


def day_of(text: str) -> int:
    """Return the beginning of a day, UTC, in milliseconds; 0 for `never`. Raises `Invalid`."""
    if text == "never":
        return 0
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("that is no day", hint="write it as 2027-03-31, or never", field="ends") from None
    return int(day.timestamp() * 1_000)
