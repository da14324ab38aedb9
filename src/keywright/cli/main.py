"""The `keywright` command: its parser, and the only place that exits.

Exit codes: 0 done · 1 failed · 2 called wrongly or bad input · 4 second factor needed or vault locked · 5 not found · 6 refused by a rule ·
7 busy, may work later · 10 to 13 a held key was refused · 14 something to mend · 15 a scan found something · 130 interrupted.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import click

from keywright import __version__
from keywright.cli import inherited, terminal
from keywright.cli.commands import Commands, Group
from keywright.clock import wall_clock_ms
from keywright.errors import KeywrightError, Unusable

COMMANDS = Commands(
    {
        "accounts": "accounts:group",
        "adopt": "adopt:command",
        "approvals": "approvals:group",
        "audit": "audit:group",
        "database": "database:group",
        "demo": "demo:command",
        "exec": "exec:command",
        "explain": "explain:command",
        "keys": "keys:group",
        "notices": "notices:group",
        "operator": "operator:group",
        "posture": "posture:command",
        "scan": "scan:command",
        "serve": "serve:command",
        "settings": "settings:command",
        "sub-accounts": "sub_accounts:group",
        "vault": "vault:group",
    }
)


def _say_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    from keywright import is_native

    way = "with the compiled part of the protocol" if is_native() else "all in Python"
    terminal.out(f"keywright {__version__}, {way}")
    context.exit()


@click.group(
    cls=Group,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 called wrongly, 4 second factor needed or vault locked, 5 not found, 6 refused by a rule, "
    "7 busy, 10 to 13 a held key was refused, 14 something to mend, 15 a scan found something, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Issue exchange-style API keys and enforce them at a gateway."""


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Errors of ours become a sentence and a hint; others a traceback
    without values only where KEYWRIGHT_DEBUG is set."""
    inherited.umask = os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold every secret in memory
    try:
        result = cli.main(arguments, prog_name="keywright", standalone_mode=False, obj=wall_clock_ms)
        if isinstance(result, Coroutine):
            _complete(result)
        sys.stdout.flush()  # here, where what goes wrong with it can still be said
        return result if isinstance(result, int) else 0
    except BrokenPipeError:  # `… | head`: whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeywrightError as problem:
        terminal.error(problem)
        return problem.exit_code
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        terminal.say("keywright: interrupted")
        return 130
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "keywright":
            raise
        terminal.error(Unusable(f"{missing.name} is not installed", hint="pip install 'keywright[server]'"))
        return Unusable.exit_code
    except Exception as unforeseen:
        if os.environ.get("KEYWRIGHT_DEBUG"):
            raise
        terminal.say(f"keywright: an error nobody foresaw: {type(unforeseen).__name__}")
        terminal.say("  hint: KEYWRIGHT_DEBUG=1 shows where; please report it")
        return 1


def _complete(work: Coroutine[Any, Any, Any]) -> None:
    """Run a command's coroutine: the one place where a loop is started."""
    if sys.platform != "win32":
        import uvloop

        uvloop.run(work)
    else:
        import asyncio

        asyncio.run(work)
