"""`keywright vault passphrase`, `protect`, `unprotect` and `accept`: who may open the vault, and whether it is the one it was."""

from __future__ import annotations

from pathlib import Path

import click

from keywright.cli import options, terminal
from keywright.cli.vault_options import (
    KINDS,
    How,
    by_person,
    how,
    key_by_person,
    new_protection,
    new_secret_of,
    secret_of,
    stdin,
)
from keywright.errors import Locked
from keywright.sealing.protections.wrapped import PASSPHRASE


@click.command("passphrase")
@stdin
@options.data_dir
async def passphrase(*, from_stdin: bool, data_dir: str | None) -> None:
    """Change the passphrase. Asks for the current one, then for the new one.

    What it protects is not written anew, and copies made before still open with the old one.
    """
    from keywright.app import personal_vault, vault_opening
    from keywright.app.protecting import change_passphrase
    from keywright.sealing.protections.passphrase import ByPassphrase

    settings = options.settings_of(data_dir=data_dir)
    closed = await vault_opening.look_at_vault(settings)
    personal_vault.who_opens(closed, PASSPHRASE)
    current, key = personal_vault.try_current(closed, secret_of("Current passphrase", from_stdin=from_stdin))
    new = new_secret_of("New passphrase", from_stdin=from_stdin)
    async with personal_vault.open_personal_vault(settings, key=key) as services, services.database.write() as tx:
        await change_passphrase(
            tx,
            current,
            ByPassphrase(new),
            wrapping_key=key,
            surroundings=closed.surroundings(),
            audit=services.audit,
            now=services.clock(),
        )
    terminal.say(
        "The vault has its new passphrase. Copies and backups of the file from before still open with the old one."
    )


@click.command("protect")
@click.argument("kind", type=click.Choice(KINDS))
@how
@stdin
@options.data_dir
async def protect(kind: str, how: How, *, from_stdin: bool, data_dir: str | None) -> None:
    """Add a way to open the vault, beside those it has. The vault must be open."""
    from keywright.app import personal_vault, vault_opening
    from keywright.app.protecting import add_protection, make_protection

    settings = options.settings_of(data_dir=data_dir)
    closed = await vault_opening.look_at_vault(settings)
    key = vault_opening.find_wrapping_key(closed)
    new = new_protection(kind, how, from_stdin=from_stdin)
    async with personal_vault.open_personal_vault(settings, key=key) as services:
        now = services.clock()
        made = make_protection(new, wrapping_key=key, surroundings=closed.surroundings(), now=now)
        async with services.database.write() as tx:
            await add_protection(tx, made, audit=services.audit, now=now)
    terminal.say(f"The vault opens by {made.kind}, too.")


@click.command("unprotect")
@click.argument("protection_id", metavar="ID")
@options.data_dir
async def unprotect(protection_id: str, *, data_dir: str | None) -> None:
    """Remove a way to open the vault; `vault status` lists them. The vault must be open, and one way stays."""
    from keywright.app.personal_vault import open_personal_vault
    from keywright.app.protecting import forget_outside, remove_protection

    settings = options.settings_of(data_dir=data_dir)
    async with open_personal_vault(settings) as services:
        async with services.database.write() as tx:
            removed = await remove_protection(tx, protection_id, audit=services.audit, now=services.clock())
        left = forget_outside(removed)
    terminal.say(f"The vault no longer opens by {removed.kind}. Copies from before still do.")
    if left:
        terminal.say(f"But {left}")


@click.command("accept")
@by_person
@stdin
@options.data_dir
async def accept(kind: str | None, age_identity: Path | None, *, from_stdin: bool, data_dir: str | None) -> None:
    """Go on with a vault that this machine does not remember, or that is older than it was.

    For who moved it here or put an older copy back on purpose. If you did not, somebody else did: ask yourself who, first.
    """
    from keywright.app import personal_vault, vault_opening

    settings = options.settings_of(data_dir=data_dir)
    closed = await vault_opening.look_at_vault(settings)
    try:
        key = vault_opening.find_wrapping_key(closed)
    except Locked:
        key = key_by_person(closed, kind, age_identity, from_stdin=from_stdin)
    async with (
        personal_vault.open_personal_vault(settings, key=key, accept=True) as services,
        services.database.read() as tx,
    ):
        events = (await services.audit.place(tx)).count
        (newest, *_) = await services.audit.list(tx, limit=2)
    terminal.say(f"The vault is taken as it is: {events} events, the newest of {terminal.moment(newest.at)}.")
