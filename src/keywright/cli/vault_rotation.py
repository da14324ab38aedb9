"""`keywright vault rotate`: another key takes over a connection, step by step, wherever the last call ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import held_shown, options, terminal
from keywright.cli.held_keys import (
    Owner,
    accept_option,
    account_option,
    ask_key,
    file_option,
    given_key,
    owner_of,
    stdin_option,
)
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.vault.model import Connection, HeldKey, Pasted


@click.command("rotate")
@click.argument("name")
@click.option("--later", is_flag=True, help="Keep the new key ready, and don't switch to it yet.")
@click.option(
    "--finish", "finishes", is_flag=True, help="Destroy the key before here: the new one serves, and all is well."
)
@click.option(
    "--roll-back", "rolls_back", is_flag=True, help="Let the key before serve again, and destroy the new one here."
)
@click.option(
    "--leave-there",
    is_flag=True,
    help="With --roll-back: don't have the new key deleted at the exchange; says what may be left there.",
)
@click.option("--yes", is_flag=True, help="With --finish: end the old key though a program that has it may still run.")
@click.option("--status", "only_tells", is_flag=True, help="Say how far it is, and change nothing.")
@accept_option
@stdin_option
@file_option
@account_option
@options.data_dir
@options.as_json
async def rotate(
    name: str,
    *,
    later: bool,
    finishes: bool,
    rolls_back: bool,
    leave_there: bool,
    yes: bool,
    only_tells: bool,
    accept: tuple[str, ...],
    from_stdin: bool,
    from_file: Path | None,
    email: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Let another key of the same exchange take over a connection; no request fails meanwhile.

    Takes the new key, has it looked at as any, and switches to it. The key before is kept to go back to, until --finish.
    Where a master connection is named (`vault edit --master`), the exchange makes the new key and deletes the old one itself.
    Called again, it goes on where it was.
    """
    if leave_there and not rolls_back:
        raise Invalid("--leave-there goes with --roll-back")
    if finishes + rolls_back + only_tells + later > 1:
        raise Invalid("--later, --finish, --roll-back and --status exclude each other")
    given = given_key(from_stdin=from_stdin, path=from_file, accept=accept)
    if given is not None and (finishes or rolls_back or only_tells):
        raise Invalid("a new key is given at the beginning only", hint="leave --stdin and --from-file out")
    async with owner_of(email, data_dir) as owner:
        async with owner.services.database.read() as tx:
            found = await owner.services.vault.connection(tx, owner.id, name)
        said: dict[str, Any] = {}
        if only_tells:
            pass
        elif finishes:
            found, said = await _finish(owner, found, yes=yes)
        elif rolls_back:
            found, said = await _roll_back(owner, found, leave=leave_there)
        else:
            found = await _go_on(owner, found, given, accept=accept, later=later)
        async with owner.services.database.read() as tx:
            keys = await owner.services.vault.rotation_keys(tx, found)
            started = await owner.services.vault.still_started(tx, found)
    if started is not None:
        terminal.say(f"A program was started with the old key at {terminal.moment(started)}, and not anew since.")
    _tell(found, keys, said, as_json=as_json)


async def _go_on(
    owner: Owner, found: Connection, given: Pasted | None, *, accept: tuple[str, ...], later: bool
) -> Connection:
    """Take the next step or two: the new key, if there is none yet, and the switch to it."""
    from keywright.vault.rotation import Step
    from keywright.vault.venues.known import VENUES

    vault, exchange = owner.services.vault, found.record.exchange
    proof = actor = None
    rotation = found.record.rotation
    if given is None and (rotation is None or not rotation.is_guided) and _by_the_exchange(found):
        if rotation is None or rotation.step in (Step.MAKING, Step.MADE):
            proof, actor = await owner.prove()
            found = await vault.renew(owner.id, found.id, proof=proof, actor=actor, now=owner.services.clock())
        elif rotation.step is Step.UNDOING:
            found, _ = await _roll_back(owner, found, leave=False)
        elif rotation.step is Step.ENDING:
            found, _ = await _finish(owner, found, yes=False)
    elif rotation is None:
        at = held_shown.address_note(found.egress, now=owner.services.clock())
        terminal.say(f"Make the new key at {exchange.title}: {VENUES[exchange].key_page}")
        terminal.say(f"  with the boxes of the one before, and under “{VENUES[exchange].filter_name}”: {at}")
        pasted = given or ask_key(exchange, accept=accept)
        proof, actor = await owner.prove()
        with held_shown.giving_a_key():
            found = await vault.begin_rotation(
                owner.id, found.id, pasted, proof=proof, actor=actor, now=owner.services.clock()
            )
    elif given is not None:
        raise Invalid("a new key is there already", hint="leave --stdin and --from-file out, or --roll-back first")
    if later or found.record.rotation is None or found.record.rotation.step is not Step.ADDED:
        return found
    if actor is None:
        proof, actor = await owner.prove()
    return await vault.switch(owner.id, found.id, proof=proof, actor=actor, now=owner.services.clock())


def _by_the_exchange(found: Connection) -> bool:
    """Tell whether the exchange makes the new key, or has begun to."""
    rotation = found.record.rotation
    return bool(found.record.terms.master_id) if rotation is None else not rotation.is_guided


async def _finish(owner: Owner, found: Connection, *, yes: bool) -> tuple[Connection, dict[str, Any]]:
    proof, actor = await owner.prove()
    done = await owner.services.vault.finish(
        owner.id, found.id, despite_started=yes, proof=proof, actor=actor, now=owner.services.clock()
    )
    return done.connection, {"old_key": done.old_key, "is_deleted_there": done.is_deleted}


async def _roll_back(owner: Owner, found: Connection, *, leave: bool) -> tuple[Connection, dict[str, Any]]:
    rotation = found.record.rotation
    proof, actor = await owner.prove()
    clock, vault = owner.services.clock, owner.services.vault
    back = await vault.roll_back(owner.id, found.id, leave=leave, proof=proof, actor=actor, now=clock())
    if rotation is None or rotation.is_guided:
        return back, {}
    return back, {"left_there": rotation.remark if leave else None}


def _tell(found: Connection, keys: tuple[HeldKey, HeldKey] | None, said: dict[str, Any], *, as_json: bool) -> None:
    from keywright.vault.venues.known import VENUES

    rotation, page = found.record.rotation, VENUES[found.record.exchange].key_page
    step = rotation.step.value if rotation else "none"
    if as_json:
        terminal.out_json(
            {
                "name": found.name,
                "step": step,
                "serving": found.key.masked,
                "other": keys[1].masked if keys else None,
                "due_at": rotation.due_at if rotation else None,
                "remark": (rotation.remark or None) if rotation else None,
                **said,
            }
        )
        return
    terminal.out(f"{found.name}: {found.key.masked} serves")
    if "left_there" in said:
        where = f"{found.record.exchange.title} ({page})"
        left_there = f"may be left at {where} with the remark {said['left_there']}: delete it there"
        terminal.say(
            f"The new key {left_there if said['left_there'] else f'is deleted at {where}, and destroyed here'}."
        )
    if "old_key" in said:
        left = {
            True: f"{found.record.exchange.title} does not know it any more.",
            False: f"It still works at {found.record.exchange.title}: delete it there, {page}",
            None: f"Make sure that it is deleted at {found.record.exchange.title}: {page}",
        }
        terminal.say(f"The key before, {said['old_key']}, is destroyed here. {left[said['is_deleted_there']]}")
    if rotation is None or keys is None:
        return
    again = f"`keywright vault rotate {found.name}`"
    if step in ("making", "made"):
        terminal.say(
            f"{found.record.exchange.title} is making the new key (remark {rotation.remark}); {again} goes on."
        )
    elif step == "undoing":
        terminal.say(f"The new key is to be deleted at {found.record.exchange.title} yet: {again} goes on.")
    elif step == "ending":
        terminal.say(f"{keys[1].masked} is to be deleted at {found.record.exchange.title} yet: {again} goes on.")
    elif step == "added":
        terminal.say(f"{keys[1].masked} is ready. {again} switches to it.")
    else:
        terminal.say(f"{keys[1].masked} is kept to go back to: `keywright vault rotate {found.name} --roll-back`")
        by = "--finish deletes it there" if not rotation.is_guided else f"delete it at {page}, then --finish"
        terminal.say(f"When all goes well, by {terminal.moment(rotation.due_at)}: {by}")
