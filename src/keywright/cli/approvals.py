"""`keywright approvals`: withdrawals that wait for an account's owner."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.cli.key_changes import account_of, account_option, actor_of
from keywright.errors import Conflict, Invalid

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.approvals.model import Approval
    from keywright.identity.model import Account


@click.group("approvals", cls=Group)
def group() -> None:
    """Withdrawals that wait for their owner: list, confirm, refuse."""


@group.command("list")
@account_option
@click.option("--all", "everything", is_flag=True, help="Those too that are over.")
@options.data_dir
@options.as_json
async def list_(*, email: str | None, everything: bool, data_dir: str | None, as_json: bool) -> None:
    """List the withdrawals that wait."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account = await account_of(services, email)
        now = services.clock()
        async with services.database.read() as tx:
            found = await services.approvals.waiting(tx, account.id, now=now)
            if everything:
                found += await services.approvals.history(tx, account.id, now=now)
            rest = await services.approvals.holds.rest_of(tx, account.id, now=now)
    if as_json:
        told = {"approvals": [_as_dict(one) for one in found], "withdrawals_rest_until": rest.until if rest else None}
        terminal.out_json(told)
        return
    if rest:
        terminal.say(f"No withdrawal goes out until {terminal.moment(rest.until)}: {rest.after} came before it.")
    terminal.out_table(
        (
            "APPROVAL",
            "STATE",
            "AMOUNT",
            "CURRENCY",
            "NETWORK",
            "ADDRESS",
            "MEMO",
            "FEE",
            "SUB-ACCOUNT",
            "KEY",
            "FROM",
            "EXPIRES",
            "NOTE",
        ),
        [
            (
                one.id,
                one.state,
                one.withdrawal.amount,
                one.withdrawal.to.currency,
                one.withdrawal.to.chain,
                one.withdrawal.to.address,
                one.withdrawal.to.memo,
                one.withdrawal.fee,
                one.sub_account,
                one.withdrawal.key_id,
                one.withdrawal.asked_from,
                terminal.moment(one.expires_at),
                "" if one.holds else "altered: refuse it",
            )
            for one in found
        ],
    )


@group.command("confirm")
@click.argument("approval_id")
@account_option
@options.data_dir
@options.as_json
async def confirm(approval_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Confirm a withdrawal. Shows all of it, then asks for the authenticator code."""
    from keywright.app.services import opened

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account, approval = await _found(services, email, approval_id)
        if approval.at(services.clock()).state.value != "waiting":
            raise Conflict("this is {state} already", state=approval.at(services.clock()).state.value)
        async with services.database.read() as tx:
            await services.approvals.holds.require_none(tx, account.id, now=services.clock())
        _show(approval)
        if sys.stdin.isatty() and not click.confirm("Confirm this withdrawal?", err=True):
            raise Invalid("nothing was confirmed", hint="`keywright approvals refuse` refuses it for good")
        code = terminal.ask_code(account.email)
        proof = await services.entrance.prove_at_terminal(account.id, code, now=services.clock())
        async with services.database.write() as tx:
            confirmed = await services.approvals.confirm(
                tx,
                account.id,
                approval.id,
                digest=approval.digest,
                proof=proof.made_for(approval.purpose),
                actor=actor_of(proof),
                now=proof.at,
            )
    _say(confirmed, "is confirmed; it is paid out once", as_json=as_json)


@group.command("refuse")
@click.argument("approval_id")
@account_option
@options.data_dir
@options.as_json
async def refuse(approval_id: str, *, email: str | None, data_dir: str | None, as_json: bool) -> None:
    """Refuse a withdrawal, for good. Asks for no code."""
    from keywright.app.services import opened
    from keywright.audit.events import Actor

    async with opened(options.settings_of(data_dir=data_dir)) as services:
        account, approval = await _found(services, email, approval_id)
        async with services.database.write() as tx:
            refused = await services.approvals.refuse(
                tx, account.id, approval.id, actor=Actor("operator", agent="cli"), now=services.clock()
            )
    _say(refused, "is refused", as_json=as_json)


async def _found(services: Services, email: str | None, approval_id: str) -> tuple[Account, Approval]:
    account = await account_of(services, email)
    async with services.database.read() as tx:
        return account, await services.approvals.one(tx, account.id, approval_id)


def _show(approval: Approval) -> None:
    withdrawal, to = approval.withdrawal, approval.withdrawal.to
    lines = {
        "withdraw": f"{withdrawal.amount} {to.currency}",
        "to": to.address,
        "network": to.chain,
        "memo": to.memo,
        "fee, on top": f"{withdrawal.fee} {to.currency}" if withdrawal.fee else "",
        "sub-account": approval.sub_account,
        "ordered by key": withdrawal.key_id,
        "from": withdrawal.asked_from,
        "remark": withdrawal.remark,
        "expires": terminal.moment(approval.expires_at),
    }
    for name, value in lines.items():
        if value:
            terminal.say(f"  {name:<15}{value.translate(terminal.CONTROL)}")


def _say(approval: Approval, done: str, *, as_json: bool) -> None:
    if as_json:
        terminal.out_json(_as_dict(approval))
    else:
        terminal.say(f"The withdrawal {approval.id} {done}.")


def _as_dict(approval: Approval) -> dict[str, Any]:
    withdrawal, to = approval.withdrawal, approval.withdrawal.to
    return {
        "id": approval.id,
        "state": approval.state.value,
        "amount": withdrawal.amount,
        "fee": withdrawal.fee,
        "currency": to.currency,
        "chain": to.chain,
        "address": to.address,
        "memo": to.memo,
        "sub_account": approval.sub_account,
        "key": withdrawal.key_id,
        "from": withdrawal.asked_from,
        "remark": withdrawal.remark,
        "asked_by": approval.asked_by,
        "reference": approval.reference,
        "digest": approval.digest.hex(),
        "created_at": approval.created_at,
        "expires_at": approval.expires_at,
        "decided_at": approval.decided_at,
        "consumed_at": approval.consumed_at,
        "holds": approval.holds,
    }
