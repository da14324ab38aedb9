"""`keywright operator policy`: what holds for every account, shown and changed while servers run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import account_of, actor_of, ask_proof
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.identity.policies import Policies
    from keywright.identity.policy_model import StoredPolicy

account_option = click.option(
    "--account", "email", metavar="EMAIL", help="The operator's; may be left out when there is one account."
)


@click.group("policy", cls=Group)
def group() -> None:
    """What holds for every account. Settings give the defaults; what operators decide goes before them, at once."""


@group.command("show")
@options.data_dir
@options.as_json
async def show(*, data_dir: str | None, as_json: bool) -> None:
    """Show every rule, what it says and who says so."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        async with services.database.read() as tx:
            stored = await services.policies.stored(tx)
        _show(services.policies, stored, as_json=as_json)


@group.command("set")
@click.argument("rules", metavar="RULE=VALUE...", nargs=-1, required=True)
@account_option
@options.data_dir
@options.as_json
async def set_(*, rules: tuple[str, ...], email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Let rules say something else, for instance keys_per_account=3. Asks for the code of an operator's account.

    It counts from now on, for running servers too. Keys that exist stay as they are.
    """
    wanted: dict[str, object] = {}
    for rule in rules:
        name, separator, value = rule.partition("=")
        if not separator:
            raise Invalid(f"{rule} says nothing", hint="write it like keys_per_account=3", field=name)
        wanted[name] = value
    await _change(wanted, email, data_dir, as_json=as_json)


@group.command("reset")
@click.argument("rules", metavar="[RULE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@account_option
@options.data_dir
@options.as_json
async def reset(
    *, rules: tuple[str, ...], everything: bool, email: str | None, data_dir: str | None, as_json: bool
) -> None:
    """Give rules back to the settings. Asks for the code of an operator's account."""
    from keywright.identity.policy_model import RULES

    if bool(rules) == everything:
        raise Invalid("name the rules that go back to the settings, or give --all")
    await _change(dict.fromkeys(RULES if everything else rules), email, data_dir, as_json=as_json)


async def _change(wanted: dict[str, object], email: str | None, data_dir: str | None, *, as_json: bool) -> None:
    from keywright.app.services import opened
    from keywright.identity.policy_model import rule_of

    for name, value in wanted.items():  # before a code is asked for
        rule = rule_of(name)
        try:
            value is None or rule.checked(value)
        except Invalid as wrong:
            raise Invalid(f"{name}: {wrong.message}", hint=wrong.hint, field=name) from None
    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        proof = await ask_proof(services, account)
        async with services.database.write() as tx:
            stored = await services.policies.change(tx, wanted, proof=proof, actor=actor_of(proof), now=proof.at)
        _show(services.policies, stored, as_json=as_json)


def _show(policies: Policies, stored: StoredPolicy, *, as_json: bool) -> None:
    from keywright.identity.policy_model import RULES

    holds = policies.given.with_values(stored.values)
    rules: list[dict[str, Any]] = [
        {
            "name": name,
            "value": holds.value(name),
            "default": policies.given.value(name),
            "origin": "operators" if name in stored.values else "settings",
        }
        for name in RULES
    ]
    if as_json:
        terminal.out_json(
            {
                "rules": rules,
                "version": stored.version,
                "changed_at": stored.changed_at,
                "changed_by": stored.changed_by,
                "is_altered": not stored.holds,
            }
        )
        return
    terminal.out_table(("RULE", "VALUE", "DEFAULT", "ORIGIN"), [tuple(rule.values()) for rule in rules])
    if not stored.holds:
        terminal.say("The policy was altered outside Keywright: no key is made until an operator sets it anew.")
    elif stored.version:
        terminal.say(f"Changed last {terminal.moment(stored.changed_at)} by {stored.changed_by}.")
