"""What the `keys` commands share: whose keys, how a key is shown, and the way of a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.identity.model import Account, FactorProof
    from keywright.issuing.model import ApiKey

account_option = click.option(
    "--account", "email", metavar="EMAIL", help="Whose keys; may be left out when there is one account."
)


Work = Callable[["Services", "Account", Any, int, str], Awaitable["ApiKey"]]


async def change(
    email: str | None, data_dir: str | None, work: Work, *, as_json: bool, done: str, prove: str = ""
) -> None:
    """Do one change and say so. `prove` names a key whose change takes the code: asked for once the key is found."""
    from keywright.app.services import opened
    from keywright.issuing.model import Owner

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        code = ""
        if prove:
            async with services.database.read() as tx:
                await services.issuing.key(tx, Owner(account.id), prove)
            code = terminal.ask_code(account.email)
        async with services.database.write() as tx:
            now = services.clock()
            key = await work(services, account, tx, now, code)
    if as_json:
        terminal.out_json(as_dict(key, now=now))
    else:
        terminal.say(f"Key {key.id} ({key.name.translate(terminal.CONTROL)}) {done}.")


async def change_with_proof(
    verb: str, key_id: str, email: str | None, data_dir: str | None, *, as_json: bool, done: str
) -> None:
    """Enable or delete a key, with the account's code."""

    async def work(services: Services, account: Account, tx: Any, now: int, code: str) -> ApiKey:
        from keywright.issuing.model import Owner

        proof = await services.identity.prove_second_factor(tx, account.id, code, now=now)
        change = services.issuing.enable if verb == "enable" else services.issuing.delete
        return await change(tx, Owner(account.id), key_id, proof=proof, actor=actor_of(proof), now=now)

    await change(email, data_dir, work, as_json=as_json, done=done, prove=key_id)


async def account_of(services: Services, email: str | None) -> Account:
    """Return the account that is named, or the only one there is; raises `Invalid` and `NotFound`."""
    async with services.database.read() as tx:
        if email:
            return await services.identity.account(tx, email=email)
        accounts = await services.identity.accounts(tx)
    if len(accounts) != 1:
        hint = "name one with --account" if accounts else "make one: keywright accounts create EMAIL"
        raise Invalid(f"there are {len(accounts)} accounts here", hint=hint)
    return accounts[0]


def actor_of(proof: FactorProof) -> Any:
    """Return who acts: whoever proved the second factor."""
    from keywright.audit.events import Actor

    return Actor(proof.account_id, factor=proof.factor, agent="cli")


def as_dict(key: ApiKey, *, now: int) -> dict[str, Any]:
    """Return a key as `--json` shows it."""
    return {
        "id": key.id,
        "name": key.name,
        "memo": key.memo,
        "status": key.status_at(now).value,
        "permissions": sorted(key.grant.permissions),
        "environment": key.grant.environment.value,
        "addresses": list(key.grant.addresses),
        "created_at": key.created_at,
        "expires_at": key.grant.expires_at,
        "last_used_at": key.last_used_at,
        "last_used_from": key.last_used_from,
        "version": key.grant.version,
    }
