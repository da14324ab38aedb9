"""`keywright serve`: the server, until Ctrl-C."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import options, snippets, terminal
from keywright.settings import Settings

if TYPE_CHECKING:
    from keywright.app.demo import Demo
    from keywright.app.running import Running
    from keywright.secret import Secret


@click.command("serve")
@options.data_dir
@click.option("--host", metavar="H", help="Address to listen at (127.0.0.1).")
@click.option("--console-port", type=int, metavar="P", help="Port of the console (8400; 0 picks a free one).")
@click.option("--gateway-port", type=int, metavar="P", help="Port of the spot gateway (8401).")
@click.option("--futures-port", type=int, metavar="P", help="Port of the futures gateway (8402).")
@click.option("--upstream", metavar="URL", help="The service behind the gateway; without it, the sandbox.")
@click.option("--public-url", metavar="URL", help="https:// address people use; needed to listen beyond loopback.")
def command(**given: Any) -> Coroutine[Any, Any, None]:
    """Run the gateways, and the sandbox behind them unless --upstream names a service."""
    from keywright.app.server import serve

    settings = options.settings_of(**given)
    return serve(settings, announce=lambda *told: _announce(settings, *told))


def _announce(settings: Settings, running: Running, values: Demo | None, operator_code: Secret | None) -> None:
    from keywright.app.mailing import way_of

    terminal.out(f"Keywright is running ({running.mode}). Ctrl-C stops it.")
    terminal.out(f"  spot     {running.spot_url}")
    terminal.out(f"  futures  {running.futures_url}")
    terminal.out(f"  console  {running.console_url}")
    terminal.out(f"  notices  go {way_of(settings)}")
    if operator_code is not None:
        terminal.out(f"  operator {running.console_url}/operator#{operator_code.reveal_text()}")
        terminal.out("           makes the account that opens it an operator's; once, within a day")
    if values is not None:
        terminal.out(snippets.first_start(running, values, prefix=settings.header_prefix))
        return
    here = f" --data-dir {shlex.quote(settings.data_dir)}" if settings.data_dir else ""
    called = sys.argv[0]
    ours = f"{shlex.quote(sys.executable)} -m keywright" if called.endswith("__main__.py") else shlex.quote(called)
    if running.mode == "sandbox":
        terminal.out(f"  a key to trade with: {ours} demo{here}")
    else:
        terminal.out(f"  upstream {settings.upstream}")
        terminal.out(f"  a key: {ours} accounts create EMAIL{here}, then {ours} keys create NAME{here}")
