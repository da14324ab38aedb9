"""`keywright sub-accounts`: parts of an account with keys and balances of their own, for who holds its second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import account_of, account_option, actor_of, ask_proof

if TYPE_CHECKING:
    from keywright.identity.model import SubAccount


@click.group("sub-accounts", cls=Group)
def group() -> None:
    """Sub-accounts: make, list, freeze, unfreeze. Their keys: `keywright keys list --sub-account NAME`."""


@group.command("create")
@click.argument("name")
@account_option
@click.option("--memo", default="", metavar="TEXT", help="What it is for.")
@options.data_dir
@options.as_json
async def create(name: str, *, email: str | None, memo: str, data_dir: str | None, as_json: bool) -> None:
    """Make a sub-account. Asks for the account's authenticator code."""
    from keywright.app.services import opened
    from keywright.identity.sub_accounts import sub_account_name

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        sub_account_name(name)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            made = await services.sub_accounts.create(
                tx, account.id, name, memo, proof=proof, actor=actor_of(proof), now=proof.at
            )
    if as_json:
        terminal.out_json(_as_dict(made))
    else:
        terminal.say(f"Sub-account {made.name} is made. Its first key: keywright keys create --sub-account {made.name}")


@group.command("list")
@account_option
@options.data_dir
@options.as_json
async def list_(*, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """List an account's sub-accounts."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            found = await services.sub_accounts.all(tx, account.id)
    if as_json:
        terminal.out_json({"sub_accounts": [_as_dict(sub) for sub in found]})
        return
    terminal.out_table(
        ("NAME", "UID", "MEMO", "CREATED", "FROZEN"),
        [
            (sub.name, sub.uid, sub.memo, terminal.moment(sub.created_at), terminal.moment(sub.frozen_at))
            for sub in found
        ],
    )


@group.command("freeze")
@click.argument("name")
@account_option
@options.data_dir
async def freeze(name: str, *, email: str | None, data_dir: str | None) -> None:
    """Refuse every request with any key of a sub-account, at once. Asks for no code."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.write() as tx:
            actor = Actor("operator", agent="cli")
            await services.sub_accounts.freeze(tx, account.id, name, actor=actor, now=services.clock())
    terminal.say(f"{name} is frozen: its keys are refused from now on.")


@group.command("unfreeze")
@click.argument("name")
@account_option
@options.data_dir
async def unfreeze(name: str, *, email: str | None, data_dir: str | None) -> None:
    """Lift a sub-account's freeze. Asks for the account's authenticator code."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        async with services.database.read() as tx:
            await services.sub_accounts.find(tx, account.id, name)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            await services.sub_accounts.unfreeze(tx, account.id, name, proof=proof, actor=actor_of(proof), now=proof.at)
    terminal.say(f"{name} is no longer frozen.")


def _as_dict(sub: SubAccount) -> dict[str, Any]:
    return {
        "id": sub.id,
        "uid": sub.uid,
        "name": sub.name,
        "memo": sub.memo,
        "created_at": sub.created_at,
        "frozen_at": sub.frozen_at,
    }
