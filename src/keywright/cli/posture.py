"""`keywright posture`: the state of every key, and what to mend first."""

from __future__ import annotations

from pathlib import Path

import click

from keywright.cli import options, terminal
from keywright.errors import Invalid

FOUND = 14
"""The exit code where something should be mended now or soon."""


@click.command("posture")
@click.option(
    "--account",
    "email",
    metavar="EMAIL",
    help="An account of this installation's server, in place of the personal vault.",
)
@click.option("--server", is_flag=True, help="Every account of this installation's server.")
@click.option(
    "--html",
    "html_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it as one HTML file, to hand over or print.",
)
@click.option("--language", metavar="CODE", default="en", help="Language of that file: en, de, fr.", show_default=True)
@options.data_dir
@options.as_json
async def command(
    *, email: str | None, server: bool, html_file: Path | None, language: str, data_dir: str | None, as_json: bool
) -> None:
    """Report on every key that is held or issued: what it may do and how that is known, and what to mend first.

    No secret is in it. Ends with 14 where something should be mended now or soon.
    """
    from keywright.app.personal_vault import open_personal_vault
    from keywright.app.services import opened
    from keywright.app.standing_of_keys import posture_of
    from keywright.cli.key_changes import account_of
    from keywright.posture.model import Kind, Weight
    from keywright.posture.report import plain
    from keywright.web.assets import Assets
    from keywright.web.posture_file import posture_file
    from keywright.web.rendering import Pages
    from keywright.web.texts import Texts

    if email is not None and server:
        raise Invalid("--account and --server exclude each other")
    texts = Texts.load()
    if language not in texts.locales:
        raise Invalid(f"there is no language {language}", hint=f"choose one of {', '.join(texts.locales)}")
    settings = options.settings_of(data_dir=data_dir)
    if email is None and not server:
        async with open_personal_vault(settings) as services:
            made = await posture_of(services, None, now=services.clock())
    else:
        async with opened(settings) as services:
            if email is not None:
                accounts = [await account_of(services, email)]
            else:
                async with services.database.read() as tx:
                    accounts = await services.identity.accounts(tx)
            made = await posture_of(services, accounts, now=services.clock())
    if html_file is not None:
        page = posture_file(Pages(Assets(), texts), made, whose=email or "", locale=language)
        terminal.write_file(html_file, page)
    if as_json:
        terminal.out_json(plain(made))
    else:
        for line in made.lines:
            subject = line.subject
            whose = "".join(f", {one}" for one in (subject.owner, subject.sub_account) if one)
            place = subject.place if subject.kind is Kind.CONNECTION else f"issued here, {subject.place}"
            head = f"{subject.name}  {subject.masked}  {place}, {subject.status}{whose}"
            terminal.out(head.translate(terminal.CONTROL))
            for concern in line.concerns:
                terminal.out(f"  {concern.weight.value:<5} {concern.said}".translate(terminal.CONTROL))
                terminal.out(f"        {concern.advice}".translate(terminal.CONTROL))
        counts = ", ".join(f"{made.count(weight)} {weight.value}" for weight in Weight)
        keys = "1 key" if len(made.lines) == 1 else f"{len(made.lines)} keys"
        terminal.say(f"{keys}; to mend: {counts}")
    if made.count(Weight.NOW) or made.count(Weight.SOON):
        raise click.exceptions.Exit(FOUND)
