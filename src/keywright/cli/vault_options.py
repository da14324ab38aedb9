"""What the commands of the vault share: its options, and how a passphrase or a protection is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keywright.cli import terminal
from keywright.errors import Invalid
from keywright.sealing.protections.wrapped import NewProtection
from keywright.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])

KINDS = ("passphrase", "key-file", "keyring", "systemd", "transit")
BY = (
    "passphrase: typed once a session; key-file, keyring of the desktop, systemd credential, transit key of HashiCorp Vault "
    "or OpenBao: opens by itself."
)

stdin = click.option("--stdin", "from_stdin", is_flag=True, help="Read passphrases from standard input, one a line.")


def how(command: F) -> F:
    """Add the options that say how one kind of protection is had."""
    key_file = click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Where the key file lies, or is to be written.",
    )
    transit_key = click.option(
        "--transit-key", metavar="MOUNT/KEY", help="Which key of the transit engine.  [default: transit/keywright]"
    )
    return key_file(transit_key(command))


def secret_of(prompt: str, *, from_stdin: bool, confirm: bool = False) -> Secret:
    """Return a passphrase: typed without echo, or the next line of standard input."""
    return terminal.read_secret(prompt) if from_stdin else terminal.ask_secret(prompt, confirm=confirm)


def new_protection(kind: str, *, path: Path | None, transit_key: str | None, from_stdin: bool) -> NewProtection:
    """Return what was asked for; a passphrase is asked for here."""
    from keywright.sealing.protections.key_file import ByKeyFile
    from keywright.sealing.protections.os_keyring import ByKeyring
    from keywright.sealing.protections.passphrase import ByPassphrase
    from keywright.sealing.protections.systemd import BySystemd
    from keywright.sealing.protections.transit import ByTransit

    if path is not None and kind != "key-file":
        raise Invalid("--key-file is for the kind key-file")
    if transit_key is not None and kind != "transit":
        raise Invalid("--transit-key is for the kind transit")
    if kind == "passphrase":
        return ByPassphrase(secret_of("New passphrase of the vault", from_stdin=from_stdin, confirm=True))
    ways: dict[str, NewProtection] = {
        "key-file": ByKeyFile(path),
        "keyring": ByKeyring(),
        "systemd": BySystemd(),
        "transit": ByTransit.named(transit_key or ""),
    }
    return ways[kind]
