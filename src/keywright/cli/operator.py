"""`keywright operator`: who may see every account in the console, and what operators decide for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keywright.cli import operator_policy, operator_tokens, options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import account_of, actor_of, ask_proof

if TYPE_CHECKING:
    from keywright.issuing.model import Permission


@click.group("operator", cls=Group)
def group() -> None:
    """Operators of this installation, who see every account in the console, and what they decide."""


group.add_command(operator_policy.group)
group.add_command(operator_tokens.group)


@group.command("link")
@options.data_dir
@options.as_json
async def link(*, data_dir: str | None, as_json: bool) -> None:
    """Make a one-time link: whoever opens it and is signed in becomes an operator. An older unused link is void."""
    from keywright.app.folders import folders_of
    from keywright.app.running import running_server
    from keywright.app.services import opened

    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services, services.database.write() as tx:
        code = await services.entrance.operators.new_code(tx, now=services.clock())
    # After a #: what stands there never leaves the browser, so it is in no log and no Referer (case LEAK-08).
    path = f"/operator#{code.reveal_text()}"
    running = running_server(folders_of(settings))
    address = running.console_url.rstrip("/") + path if running else None
    if as_json:
        terminal.out_json({"link": address, "path": path})
        return
    terminal.say("Who opens this link and signs in becomes an operator. It serves for a day, and once:")
    terminal.out(address or path)
    if address is None:
        terminal.say("No server of this folder is running: put the address of its console before it.")


@group.command("freeze-permission")
@click.argument("permission")
@options.data_dir
@options.as_json
async def freeze_permission(permission: str, *, data_dir: str | None, as_json: bool) -> None:
    """Refuse every call that takes this permission, with every key, at once. Asks for no code."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.write() as tx:
        await services.issuing.freeze_permission(
            tx, permission, actor=Actor("operator", agent="cli"), now=services.clock()
        )
        frozen = await services.issuing.frozen_permissions(tx)
    _show_frozen(frozen, as_json=as_json)


@group.command("unfreeze-permission")
@click.argument("permission")
@click.option("--account", "email", metavar="EMAIL", help="The operator's; may be left out when there is one account.")
@options.data_dir
@options.as_json
async def unfreeze_permission(permission: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Lift such a freeze. Asks for the authenticator code of an operator's account."""
    from keywright.app.services import opened
    from keywright.issuing import rules

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        rules.permission(permission)
        account = await account_of(services, email)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            await services.issuing.unfreeze_permission(tx, permission, proof=proof, actor=actor_of(proof), now=proof.at)
            frozen = await services.issuing.frozen_permissions(tx)
    _show_frozen(frozen, as_json=as_json)


def _show_frozen(frozen: frozenset[Permission], *, as_json: bool) -> None:
    words = sorted(frozen)
    if as_json:
        terminal.out_json({"frozen_permissions": words})
    else:
        terminal.say(f"Frozen for every key: {', '.join(words) or 'nothing'}.")
