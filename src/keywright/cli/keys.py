"""`keywright keys`: an account's API keys, for who holds its second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import (
    account_of,
    account_option,
    actor_of,
    as_dict,
    ask_proof,
    ask_trading_proof,
    change,
    change_with_proof,
    note_of,
    show as show_changed,
    sub_account_option,
)
from keywright.cli.key_rotation import command as rotate
from keywright.cli.key_usage import command as usage
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.cli.key_changes import Proofs
    from keywright.identity.model import Account
    from keywright.issuing.model import ApiKey


@click.group("keys", cls=Group)
def group() -> None:
    """API keys: make, list, change, rotate, switch off and on, delete; and what they are used for."""


group.add_command(usage)
group.add_command(rotate)


@group.command("create")
@click.argument("name")
@account_option
@sub_account_option
@click.option("--memo", default="", metavar="TEXT", help="A note, for instance where the bot runs.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    metavar="P",
    help="read, trade, transfer or withdraw; may be repeated. read is always there.",
)
@click.option("--environment", default="spot", show_default=True, metavar="E", help="spot or futures.")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="A",
    help="Address or CIDR block the key is bound to; may be repeated.",
)
@options.data_dir
@options.as_json
async def create(
    name: str,
    *,
    email: str | None,
    sub_account: str,
    memo: str,
    permissions: tuple[str, ...],
    environment: str,
    addresses: tuple[str, ...],
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Make a key. Asks for a passphrase and the authenticator code; shows the secret once."""
    from keywright.app.services import opened
    from keywright.issuing.model import NewKey, Owner

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        owner = Owner(account.id, sub_account)
        services.issuing.check_wish(name, memo, permissions, environment, addresses)
        typed = terminal.ask_secret("Passphrase", confirm=True)
        async with services.database.read() as tx:
            passphrase = await services.issuing.vet_passphrase(tx, owner, typed, about=(name, memo))
        proof = await ask_proof(services, account)
        trading = await ask_trading_proof(services, account, proof)
        new_key = NewKey(name, passphrase, frozenset(permissions), environment, addresses, memo, trading=trading)
        now = proof.at
        async with services.database.write() as tx:
            issued = await services.issuing.issue(tx, owner, new_key, proof=proof, actor=actor_of(proof), now=now)
    if as_json:
        terminal.out_json({**as_dict(issued.key, now=now), "secret": issued.secret.reveal_text()})
        return
    terminal.say(f"Key {issued.key.id} is made. Its secret is shown this once; nobody can show it again:")
    terminal.out(f"KUCOIN_API_KEY={issued.key.id}\nKUCOIN_SECRET_KEY={issued.secret.reveal_text()}")
    if issued.key.grant.expires_at is not None:
        terminal.say(
            f"It may trade from any address, so it expires on {terminal.moment(issued.key.grant.expires_at)}. "
            "Bound to an address it need not."
        )


@group.command("list")
@account_option
@sub_account_option
@options.data_dir
@options.as_json
async def list_(*, email: str | None, sub_account: str, data_dir: str | None, as_json: bool) -> None:
    """List an account's keys. Secrets and passphrases can't be shown."""
    from keywright.app.services import opened
    from keywright.issuing.model import Owner

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            if sub_account:
                await services.sub_accounts.find(tx, account.id, sub_account)
            keys = await services.issuing.keys(tx, Owner(account.id, sub_account))
        now = services.clock()
    if as_json:
        terminal.out_json({"keys": [as_dict(key, now=now) for key in keys]})
        return
    if account.frozen_at is not None:
        terminal.say(f"{account.email} is frozen: all its keys are refused (keywright accounts unfreeze lifts it).")
    terminal.out_table(
        (
            "KEY",
            "NAME",
            "MEMO",
            "STATUS",
            "PERMISSIONS",
            "ENVIRONMENT",
            "ADDRESSES",
            "EXPIRES",
            "LAST USED",
            "FROM",
            "NOTE",
        ),
        [
            (
                key.id,
                key.name,
                key.memo,
                key.status_at(now),
                key.grant.permissions,
                key.grant.environment,
                key.grant.addresses,
                terminal.moment(key.grant.expires_at),
                terminal.moment(key.last_used_at),
                key.last_used_from,
                note_of(key, keys, now=now),
            )
            for key in keys
        ],
    )


@group.command("show")
@click.argument("key_id")
@account_option
@options.data_dir
@options.as_json
async def show(key_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Show one key."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            owner = await services.issuing.owner_of(tx, account.id, key_id)
            key = await services.issuing.key(tx, owner, key_id)
        values = as_dict(key, now=services.clock())
    if as_json:
        terminal.out_json(values)
        return
    terminal.out_table(
        ("FIELD", "VALUE"),
        [
            (word, terminal.moment(value) if word.endswith(("_at", "_until")) else value)
            for word, value in values.items()
        ],
    )


@group.command("disable")
@click.argument("key_id")
@account_option
@options.data_dir
@options.as_json
async def disable(key_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Switch a key off, at once. Asks for no code."""
    from keywright.audit.events import Actor

    async def work(services: Services, account: Account, tx: Any, now: int, _proofs: Proofs | None) -> ApiKey:
        actor = Actor("operator", agent="cli")
        owner = await services.issuing.owner_of(tx, account.id, key_id)
        return await services.issuing.disable(tx, owner, key_id, actor=actor, now=now)

    await change(email, data_dir, work, as_json=as_json, done="is disabled: its very next request is refused")


@group.command("enable")
@click.argument("key_id")
@account_option
@options.data_dir
@options.as_json
async def enable(key_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Switch a disabled key on again. Asks for the authenticator code."""
    await change_with_proof("enable", key_id, email, data_dir, as_json=as_json, done="works again")


@group.command("delete")
@click.argument("key_id")
@account_option
@options.data_dir
@options.as_json
async def delete(key_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Delete a disabled key, for good. Asks for the authenticator code."""
    await change_with_proof(
        "delete", key_id, email, data_dir, as_json=as_json, done="is deleted and can't be brought back"
    )


@group.command("edit")
@click.argument("key_id")
@account_option
@click.option("--name", metavar="TEXT", help="A new name.")
@click.option("--memo", metavar="TEXT", help="A new note.")
@click.option(
    "--address", "addresses", multiple=True, metavar="A", help="The new address list; may be repeated. Takes the code."
)
@click.option("--any-address", is_flag=True, help="Take the key's address list away. Takes the code.")
@options.data_dir
@options.as_json
async def edit(
    key_id: str,
    *,
    email: str | None,
    name: str | None,
    memo: str | None,
    addresses: tuple[str, ...],
    any_address: bool,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Change a key's name, memo or addresses. Permissions and environment never change: make a new key for others."""
    if any_address and addresses:
        raise Invalid("--address and --any-address exclude each other")
    rebind = bool(addresses) or any_address
    if not rebind and name is None and memo is None:
        raise Invalid("nothing to change was given", hint="give --name, --memo, --address or --any-address")

    async def work(services: Services, account: Account, tx: Any, now: int, proofs: Proofs | None) -> ApiKey:
        from keywright.audit.events import Actor

        owner = await services.issuing.owner_of(tx, account.id, key_id)
        if proofs is not None:
            await services.issuing.change_addresses(tx, owner, key_id, addresses, now=now, **proofs.given)
        if name is not None or memo is not None:
            actor = Actor("operator", agent="cli")
            await services.issuing.rename(tx, owner, key_id, name=name, memo=memo, actor=actor, now=now)
        return await services.issuing.key(tx, owner, key_id)

    await change(
        email, data_dir, work, as_json=as_json, done="is changed", prove=key_id if rebind else "", trading=rebind
    )


@group.command("passphrase")
@click.argument("key_id")
@account_option
@options.data_dir
@options.as_json
async def passphrase(key_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Give a key a new passphrase. Asks for the current one, the new one and the authenticator code, in this order."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            owner = await services.issuing.owner_of(tx, account.id, key_id)
            key = await services.issuing.key(tx, owner, key_id)
        current = terminal.ask_secret("Current passphrase")
        typed = terminal.ask_secret("New passphrase", confirm=True)
        async with services.database.read() as tx:
            new = await services.issuing.vet_passphrase(tx, owner, typed, about=(key.name, key.memo))
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            key = await services.issuing.change_passphrase(
                tx, owner, key_id, current=current, new=new, proof=proof, actor=actor_of(proof), now=proof.at
            )
    show_changed(key, now=proof.at, as_json=as_json, done="has its new passphrase: the old one is refused")
