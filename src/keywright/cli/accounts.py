"""`keywright accounts`: accounts, for the operator of this installation."""

from __future__ import annotations

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import actor_of, ask_proof
from keywright.errors import Conflict


@click.group("accounts", cls=Group)
def group() -> None:
    """Accounts that own API keys."""


@group.command("create")
@click.argument("email")
@options.data_dir
@options.as_json
async def create(email: str, *, data_dir: str | None, as_json: bool) -> None:
    """Make an account. Asks for its password; shows its authenticator secret once."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor
    from keywright.identity.rules import email_address
    from keywright.identity.totp import provisioning_uri

    settings = options.settings_of(data_dir=data_dir)
    address = email_address(email)
    async with opened(settings, make=True) as services:
        async with services.database.read() as tx:
            if any(account.email == address for account in await services.identity.accounts(tx)):
                raise Conflict(
                    f"there is an account of {address} already", hint="`keywright accounts list` shows them all"
                )
        password = terminal.ask_secret("Password", confirm=True)
        password_hash = await services.identity.hash_password(email, password)
        async with services.database.write() as tx:
            enrolled = await services.identity.create_account(
                tx, email, password_hash=password_hash, actor=Actor("operator", agent="cli"), now=services.clock()
            )
    account = enrolled.account
    uri = provisioning_uri(enrolled.totp_secret, email=account.email, issuer="Keywright")
    if as_json:
        shown = {"id": account.id, "uid": account.uid, "email": account.email}
        terminal.out_json({**shown, "totp_secret": enrolled.totp_secret.reveal_text(), "totp_uri": uri.reveal_text()})
        return
    terminal.say(f"Account {account.email} is made. Put this into an authenticator now; it is not shown again:")
    terminal.out(uri.reveal_text())


@group.command("list")
@options.data_dir
@options.as_json
async def list_(*, data_dir: str | None, as_json: bool) -> None:
    """List every account."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        accounts = await services.identity.accounts(tx)
    if as_json:
        rows = [
            {"id": a.id, "uid": a.uid, "email": a.email, "created_at": a.created_at, "frozen_at": a.frozen_at}
            for a in accounts
        ]
        terminal.out_json({"accounts": rows})
        return
    terminal.out_table(
        ("EMAIL", "UID", "CREATED", "FROZEN", "ID"),
        [(a.email, a.uid, terminal.moment(a.created_at), terminal.moment(a.frozen_at), a.id) for a in accounts],
    )


@group.command("show")
@click.argument("email")
@options.data_dir
@options.as_json
async def show(email: str, *, data_dir: str | None, as_json: bool) -> None:
    """Show one account: what protects it, what it has, and its keys. Never a secret."""
    from keywright.app.services import opened
    from keywright.cli.account_shown import about, rows_of

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        now = services.clock()
        async with services.database.read() as tx:
            shown = await about(services, tx, email, now=now)
    if as_json:
        terminal.out_json(shown)
        return
    facts, keys = rows_of(shown)
    for name, value in facts:
        terminal.out(f"{name:<18}{value}" if terminal.is_terminal() else f"{name}\t{value}")
    if keys:
        terminal.out()
        terminal.out_table(
            ("NAME", "STATUS", "PERMISSIONS", "ENVIRONMENT", "ADDRESSES", "LAST USED", "SUB-ACCOUNT", "ID"), keys
        )


@group.command("set-password")
@click.argument("email")
@options.data_dir
async def set_password(email: str, *, data_dir: str | None) -> None:
    """Give an account another password, for instance when the old one is forgotten.

    Asks for the new password and the account's authenticator code. Every session of the account ends.
    """
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        async with services.database.read() as tx:
            account = await services.identity.account(tx, email=email)
        typed = terminal.ask_secret("New password", confirm=True)
        password_hash = await services.identity.hash_password(account.email, typed)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            ended = await services.own.password.set_at_terminal(
                tx, account.id, password_hash, proof=proof, actor=actor_of(proof), now=proof.at
            )
    terminal.say(f"{account.email} has its new password; {ended} session(s) ended.")


@group.command("freeze")
@click.argument("email")
@options.data_dir
async def freeze(email: str, *, data_dir: str | None) -> None:
    """Refuse every request with any key of an account, at once. Asks for no code."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.write() as tx:
        account = await services.identity.account(tx, email=email)
        await services.identity.freeze(tx, account.id, actor=Actor("operator", agent="cli"), now=services.clock())
    terminal.say(f"{account.email} is frozen: its keys are refused from now on.")


@group.command("unfreeze")
@click.argument("email")
@options.data_dir
async def unfreeze(email: str, *, data_dir: str | None) -> None:
    """Lift a freeze. Asks for the account's authenticator code."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        async with services.database.read() as tx:
            account = await services.identity.account(tx, email=email)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            await services.identity.unfreeze(tx, account.id, proof=proof, actor=actor_of(proof), now=proof.at)
    terminal.say(f"{account.email} is no longer frozen.")
