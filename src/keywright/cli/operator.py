"""`keywright operator`: who may see every account in the console."""

from __future__ import annotations

import click

from keywright.cli import options, terminal


@click.group("operator")
def group() -> None:
    """Operators of this installation, who see every account in the console."""


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
