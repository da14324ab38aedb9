"""`keywright vault diagnose`: why an exchange refuses a key, from its own words and by questions that move nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import options, terminal
from keywright.cli.held_keys import account_option, owner_of
from keywright.errors import Invalid, NotFound, Unusable

if TYPE_CHECKING:
    from keywright.vault.diagnosis import Diagnosis
    from keywright.vault.evidence import Probe, Right
    from keywright.vault.wire_reply import Reply

MOST_BYTES = 64 * 1024


@click.command("diagnose")
@click.argument("name", required=False)
@click.option(
    "--said",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="What an exchange answered or a program logged; - reads standard input. Without NAME nobody is asked anything.",
)
@click.option(
    "--for",
    "wanted",
    metavar="RIGHT",
    help="What was tried: read, trade, margin, futures … Its box is named if it is off.",
)
@account_option
@options.data_dir
@options.as_json
async def diagnose(
    name: str | None, *, said: Path | None, wanted: str | None, email: str | None, data_dir: str | None, as_json: bool
) -> None:
    """Say which is to blame: key, passphrase, secret, clock, address, permission, environment; and what to do next.

    Ends with 0 where the exchange takes the key, 4 where key, passphrase, secret, nonce or environment is to blame, 6 for a
    permission or the account, 7 for the network or the exchange, 11 for the address, 13 for a clock.
    """
    from keywright.vault.client import EXIT_CODES
    from keywright.vault.diagnosis import recognise
    from keywright.vault.factors import Factor

    right = _right(wanted)
    text = None if said is None else _read(said)
    if name is None:
        if text is None:
            raise Invalid("name a connection, or give --said", hint="`keywright vault list` shows them")
        told, probe = recognise(text), None
        if told is None:
            raise NotFound(
                "nothing in this text is known here", hint="give the answer itself, or the line of the log that has it"
            )
    else:
        from keywright.vault.diagnosing import diagnose as look_into, open_case

        async with owner_of(email, data_dir) as owner:
            now = owner.services.clock()
            async with owner.services.database.write() as tx:
                case = await open_case(tx, owner.services.vault, owner.id, name, actor=owner.actor, now=now)
            refused = None if text is None else _reply(text)
            told, probe = await look_into(owner.services.ways, case, refused=refused, wanted=right)
    _show(told, probe, as_json=as_json)
    code = 0 if told.factor is Factor.NOTHING else EXIT_CODES.get(told.factor, 1)
    if code:
        raise click.exceptions.Exit(code)


def _show(told: Diagnosis, probe: Probe | None, *, as_json: bool) -> None:
    from keywright.vault.evidence import Right

    if as_json:
        terminal.out_json(
            {
                "to_blame": list(told.factors),
                "is_certain": told.is_certain,
                "message": told.message,
                "hint": told.hint,
                "exchange": told.exchange,
                "said": told.said,
                "tried": list(told.proved),
                "rights": []
                if probe is None
                else [one for one in Right if one is not Right.ADDRESS_FILTER and probe.may(one)],
            }
        )
        return
    lines = [f"{told.message[:1].upper()}{told.message[1:]}."]
    if not told.is_certain:
        lines.append(f"To blame, likeliest first: {', '.join(told.factors)}.")
    lines += [f"  {line}" for line in told.proved]
    if told.said:
        lines.append(f"{told.exchange[:1].upper()}{told.exchange[1:]} said: {told.said}")
    for line in lines:
        terminal.out(line.translate(terminal.CONTROL))
    terminal.say(f"  hint: {told.hint}".translate(terminal.CONTROL))


def _reply(text: str) -> Reply:
    """Return a text as the answer it was; how it is said does not depend on its status."""
    from keywright.vault.wire_reply import Reply

    return Reply(400, text.encode())


def _right(wanted: str | None) -> Right | None:
    from keywright.vault.evidence import Right

    if wanted is None:
        return None
    try:
        return Right(wanted.replace("-", "_"))
    except ValueError:
        names = ", ".join(one.replace("_", "-") for one in Right if one not in {Right.OTHER, Right.ADDRESS_FILTER})
        raise Invalid(f"there is no right {wanted[:40]!r}", hint=f"one of {names}") from None


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read(MOST_BYTES)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None
