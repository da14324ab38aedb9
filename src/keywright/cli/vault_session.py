"""`keywright vault init`, `unlock`, `lock`, `status` and `agent`: the vault is made, and open or not."""

from __future__ import annotations

import os
from pathlib import Path

import click

from keywright.cli import options, terminal
from keywright.cli.vault_options import BY, KINDS, How, by_person, how, key_by_person, new_protection, stdin
from keywright.errors import Locked, Unusable
from keywright.sealing.protections.wrapped import AGE


@click.command("init")
@click.option("--by", "kind", type=click.Choice(KINDS), default="passphrase", show_default=True, help=BY)
@how
@stdin
@options.data_dir
@options.as_json
async def init(kind: str, how: How, *, from_stdin: bool, data_dir: str | None, as_json: bool) -> None:
    """Make the vault."""
    from keywright.app.personal_vault import make_personal_vault, require_no_vault
    from keywright.app.vault_place import vault_place_of

    settings = options.settings_of(data_dir=data_dir)
    place = vault_place_of(settings)
    require_no_vault(place)  # before anybody thinks of a passphrase, or a key is made in an engine
    new = new_protection(kind, how, from_stdin=from_stdin)
    vault = await make_personal_vault(settings, new)
    if as_json:
        terminal.out_json({"vault": vault, "path": place.name, "by": kind})
        return
    terminal.say(f"The vault is made: {place.name}")
    if kind == "passphrase":
        terminal.say("Nobody can open it without the passphrase. `keywright vault unlock` opens it for this session.")
    elif kind == "key-file":
        lies = how.key_file or place.folders.wrapping_key
        terminal.say(f"It opens by {lies}: keep a copy of that elsewhere, never beside the vault.")
    elif kind == AGE:
        terminal.say("It opens by that key alone, and is lost with it: `keywright vault unlock`, and then")
        terminal.say(
            "`keywright vault protect passphrase` gives it a second way; `keywright vault backup` makes a copy."
        )


@click.command("unlock")
@click.option(
    "--idle-minutes",
    type=click.IntRange(1, 10_080),
    default=60,
    show_default=True,
    help="Lock by itself after so many minutes without use.",
)
@by_person
@stdin
@options.data_dir
async def unlock(
    idle_minutes: int, kind: str | None, age_identity: Path | None, *, from_stdin: bool, data_dir: str | None
) -> None:
    """Open the vault for this session: a small process holds its key until it is locked, or not used for long.

    It locks when the machine sleeps, too.
    """
    from keywright.app import personal_vault, vault_opening
    from keywright.app.agent_calls import give_to_agent

    settings = options.settings_of(data_dir=data_dir)
    closed = await vault_opening.look_at_vault(settings)
    key = key_by_person(closed, kind, age_identity, from_stdin=from_stdin)
    async with personal_vault.open_personal_vault(settings, key=key):
        pass  # it opens, and is the one that was here
    give_to_agent(closed.place.runtime, closed.id, key, idle_ms=idle_minutes * 60_000)
    terminal.say(
        f"The vault is unlocked; it locks after {_minutes(idle_minutes * 60_000)} without use, and when the machine sleeps."
    )


@click.command("lock")
@options.data_dir
async def lock(*, data_dir: str | None) -> None:
    """Lock the vault now: the key is forgotten."""
    from keywright.app import agent_calls
    from keywright.app.vault_opening import look_at_vault
    from keywright.app.vault_place import vault_place_of

    settings = options.settings_of(data_dir=data_dir)
    forgotten = agent_calls.lock(vault_place_of(settings).runtime)
    terminal.say("The vault is locked." if forgotten else "Nothing was unlocked.")
    try:
        closed = await look_at_vault(settings)
    except Unusable:
        return
    if alone := sorted({one.kind for one in closed.protections if not one.asks}):
        terminal.say(
            f"It opens by itself wherever it finds its {', '.join(alone)}: only what takes a person can be locked."
        )


@click.command("status")
@options.data_dir
@options.as_json
async def status(*, data_dir: str | None, as_json: bool) -> None:
    """Tell whether the vault is open, and what protects it. Asks for nothing."""
    from keywright.app import agent_calls
    from keywright.app.vault_opening import find_wrapping_key, look_at_vault

    closed = await look_at_vault(options.settings_of(data_dir=data_dir))
    left_ms = agent_calls.left_ms(closed.place.runtime, closed.id)
    why = ""
    try:
        if left_ms is None:
            find_wrapping_key(closed)
    except Locked as locked:
        why = locked.message
    if as_json:
        protections = [{"id": one.id, "kind": one.kind, "created_at": one.created_at} for one in closed.protections]
        shown = {"vault": closed.id, "path": closed.place.name, "locked": bool(why), "locks_in_ms": left_ms}
        terminal.out_json({**shown, "protections": protections})
        return
    state = why or (
        "open: it opens by itself" if left_ms is None else f"open, and locks in {_minutes(left_ms)} if nobody uses it"
    )
    terminal.say(f"{closed.place.name}: {state}")
    rows = [(one.kind, terminal.moment(one.created_at), one.id) for one in closed.protections]
    terminal.out_table(("PROTECTED BY", "SINCE", "ID"), rows)


def _minutes(left_ms: int) -> str:
    """Return a time in whole minutes, rounded up: nobody is told that a vault that is open is open for no time."""
    minutes = -(-left_ms // 60_000)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


@click.command("agent")
@click.option("--stay", is_flag=True, help="Go on without any key, for who starts it with the machine.")
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
@click.option("--quiet", is_flag=True, hidden=True, help="Say when it listens, then nothing.")
@options.data_dir
async def agent(folder: Path | None, *, stay: bool, quiet: bool, data_dir: str | None) -> None:
    """Hold unlocked vaults' keys, in the foreground. `keywright vault unlock` starts one by itself where none runs.

    With --stay it makes `keywright exec` quick for vaults that open by themselves, too.
    """
    from keywright.app.agent import run_agent
    from keywright.app.vault_place import vault_place_of

    folder = folder or vault_place_of(options.settings_of(data_dir=data_dir)).runtime

    def ready() -> None:
        if not quiet:
            terminal.say(f"The agent listens in {folder}; Ctrl-C ends it, and locks.")
            return
        click.echo("ready")
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)

    await run_agent(folder, stay=stay, ready=ready)
