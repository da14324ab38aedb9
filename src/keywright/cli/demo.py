"""`keywright demo`: a key to trade with, beside a running sandbox."""

from __future__ import annotations

import json
from typing import Any

import click

from keywright.cli import options, snippets, terminal
from keywright.errors import Unusable


@click.command("demo")
@options.data_dir
@options.as_json
async def command(*, data_dir: str | None, as_json: bool) -> None:
    """Make a key for the sandbox's demo account and print everything needed to use it.

    Its values are kept nowhere: each call makes a new key. Older demo keys work on until the account has five.
    """
    from keywright.app.demo import demo
    from keywright.app.folders import folders_of
    from keywright.app.running import running_server
    from keywright.app.services import opened

    settings = options.settings_of(data_dir=data_dir)
    folders = folders_of(settings)
    running = running_server(folders)
    if running is None:
        raise Unusable(f"no server is running on {folders.data}", hint="start one: make run (or: keywright serve)")
    if running.mode != "sandbox" or not settings.is_sandbox:
        raise Unusable(
            "demo is for the sandbox only, and this server stands before a real service",
            hint="make a key with keywright accounts create and keywright keys create",
        )
    async with opened(settings) as services:
        values = await demo(services)
    shown: dict[str, Any] = {
        "console_url": running.console_url,
        "spot_url": running.spot_url,
        "futures_url": running.futures_url,
        "email": values.email,
        "password": values.password.reveal_text(),
        "totp_secret": values.totp_secret.reveal_text(),
        "api_key": values.api_key,
        "api_secret": values.api_secret.reveal_text(),
        "api_passphrase": values.api_passphrase.reveal_text(),
    }
    for key_id in values.replaced:
        terminal.say(f"keywright: the demo key {key_id} was deleted to make room")
    if as_json:
        terminal.out(json.dumps(shown))  # exactly these fields: scripts rely on them
        return
    terminal.out(snippets.exports(values))
    terminal.say(f"\n{snippets.sign_in(running, values)}\n{snippets.clients(running, prefix=settings.header_prefix)}")
