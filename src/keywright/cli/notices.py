"""`keywright notices`: what accounts were told, and whether mail arrives."""

from __future__ import annotations

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.errors import Busy


@click.group("notices", cls=Group)
def group() -> None:
    """What owners are told of."""


@group.command("list")
@click.argument("email")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@options.data_dir
@options.as_json
async def list_(email: str, *, limit: int, data_dir: str | None, as_json: bool) -> None:
    """List what an account was told, newest first, and whether the message about it went out."""
    from gettext import NullTranslations

    from keywright.app.services import opened
    from keywright.notices.saying import say

    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        account = await services.identity.account(tx, email=email)
        found = await services.notices.of(tx, account.id, limit=limit)
        outcomes = await services.notices.outcomes(tx, account.id, found)
    english = NullTranslations()
    if as_json:
        rows = [
            {
                "id": one.id,
                "at": one.at,
                "kind": one.kind,
                "subject": one.subject,
                "detail": dict(one.detail),
                "title": say(one, english).title,
                "read_at": one.read_at,
                "message": outcomes.get(one.id, ""),
            }
            for one in found
        ]
        terminal.out_json({"account_id": account.id, "notices": rows})
        return
    terminal.out_table(
        ("AT", "TITLE", "MESSAGE", "READ", "KIND"),
        [
            (
                terminal.moment(one.at),
                say(one, english).title,
                outcomes.get(one.id, ""),
                terminal.moment(one.read_at),
                one.kind,
            )
            for one in found
        ],
    )


@group.command("send-test")
@click.argument("email")
@click.option("--phone", default="", help="Also text to this number, through the gateways that are set.")
@options.data_dir
async def send_test(email: str, *, phone: str, data_dir: str | None) -> None:
    """Send a message to an address at once, by the mail server and the chats that are set, and say what came of it."""
    from keywright.app.mailing import send_test as send, way_of
    from keywright.identity.rules import email_address
    from keywright.notices.courier import Undelivered

    settings = options.settings_of(data_dir=data_dir)
    address = email_address(email)
    try:
        await send(settings, recipient=address, phone=phone)
    except Undelivered as problem:
        raise Busy(f"the message did not go out: {problem.reason}", hint=f"notices go {way_of(settings)}") from None
    terminal.say(f"A test message to {address} went out {way_of(settings)}{', and one by text' if phone else ''}.")
