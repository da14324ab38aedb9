"""What the commands of the vault share: its options, and how a passphrase or a protection is asked for."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keywright.cli import terminal
from keywright.errors import Invalid
from keywright.sealing.protections.wrapped import AGE, ATTENDED, PASSPHRASE, NewProtection
from keywright.secret import Secret

if TYPE_CHECKING:
    from keywright.app.vault_opening import Closed

F = TypeVar("F", bound=Callable[..., Any])

KINDS = (PASSPHRASE, AGE, "key-file", "keyring", "systemd", "transit")
BY = (
    "passphrase: typed once a session; age: hardware through an age plugin, once a session; key-file, keyring of the "
    "desktop, systemd credential, transit key of HashiCorp Vault or OpenBao: opens by itself."
)

stdin = click.option("--stdin", "from_stdin", is_flag=True, help="Read passphrases from standard input, one a line.")
_identity = click.option(
    "--age-identity",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The identity file of the hardware's age plugin, or age's own.",
)


@dataclass(frozen=True, slots=True)
class How:
    """What was said of how one kind of protection is had."""

    key_file: Path | None
    transit_key: str | None
    age_identity: Path | None
    age_recipients: tuple[str, ...]


def how(command: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Add the options that say how one kind of protection is had; the command is given them as `how`."""

    @click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Where the key file lies, or is to be written.",
    )
    @click.option(
        "--transit-key", metavar="MOUNT/KEY", help="Which key of the transit engine.  [default: transit/keywright]"
    )
    @_identity
    @click.option(
        "--age-recipient",
        "age_recipients",
        multiple=True,
        metavar="RECIPIENT",
        help="Seal to this recipient of age, or to several.  [default: the identity's]",
    )
    @functools.wraps(command)
    async def with_how(
        *,
        key_file: Path | None,
        transit_key: str | None,
        age_identity: Path | None,
        age_recipients: tuple[str, ...],
        **others: Any,
    ) -> None:
        await command(how=How(key_file, transit_key, age_identity, age_recipients), **others)

    return with_how


def by_person(command: F) -> F:
    """Add the options that say by which protection a person opens the vault."""
    kind = click.option(
        "--by",
        "kind",
        type=click.Choice(sorted(ATTENDED)),
        help="By which protection.  [default: the first that takes a person]",
    )
    return kind(_identity(command))


def secret_of(prompt: str, *, from_stdin: bool) -> Secret:
    """Return a passphrase: typed without echo, or the next line of standard input."""
    return terminal.read_secret(prompt) if from_stdin else terminal.ask_secret(prompt)


def new_secret_of(prompt: str, *, from_stdin: bool) -> Secret:
    """Return a passphrase that may protect a vault. Whoever types it is told the rule first, and asked again until it is met."""
    from keywright.app.protecting import SHORTEST, WORDS, vet_new_passphrase

    if from_stdin:
        return vet_new_passphrase(terminal.read_secret(prompt))
    if terminal.is_typed():
        terminal.say(f"A passphrase has at least {SHORTEST} characters: {WORDS}.")
    return terminal.ask_secret(prompt, confirm=True, vet=vet_new_passphrase)


def key_by_person(closed: Closed, kind: str | None, identity: Path | None, *, from_stdin: bool) -> Secret:
    """Return the vault's wrapping key, by what the person types, or holds and touches. Raises `NotProven`, `Conflict`."""
    from keywright.app import personal_vault

    if personal_vault.who_opens(closed, kind or (AGE if identity else "")) == PASSPHRASE:
        return personal_vault.unlock(closed, secret_of("Passphrase of the vault", from_stdin=from_stdin))
    with terminal.interruptible():
        return personal_vault.unlock_by_hardware(closed, identity=identity, tell=terminal.tell)


def new_protection(kind: str, how: How, *, from_stdin: bool) -> NewProtection:
    """Return what was asked for; a passphrase is asked for here, and a key in hardware."""
    from keywright.sealing.protections.hardware import seal_to_hardware
    from keywright.sealing.protections.key_file import ByKeyFile
    from keywright.sealing.protections.os_keyring import ByKeyring
    from keywright.sealing.protections.passphrase import ByPassphrase
    from keywright.sealing.protections.systemd import BySystemd
    from keywright.sealing.protections.transit import ByTransit

    if how.key_file is not None and kind != "key-file":
        raise Invalid("--key-file is for the kind key-file")
    if how.transit_key is not None and kind != "transit":
        raise Invalid("--transit-key is for the kind transit")
    if (how.age_identity or how.age_recipients) and kind != AGE:
        raise Invalid("--age-identity and --age-recipient are for the kind age")
    if kind == PASSPHRASE:
        return ByPassphrase(new_secret_of("New passphrase of the vault", from_stdin=from_stdin))
    if kind == AGE:
        if how.age_identity is None:
            raise Invalid(
                "the kind age takes an identity file",
                hint="--age-identity PATH: what the plugin of your hardware wrote, for instance `age-plugin-yubikey --identity`",
            )
        with terminal.interruptible():
            return seal_to_hardware(how.age_identity, how.age_recipients, environ=os.environ, tell=terminal.tell)
    ways: dict[str, NewProtection] = {
        "key-file": ByKeyFile(how.key_file),
        "keyring": ByKeyring(),
        "systemd": BySystemd(),
        "transit": ByTransit.named(how.transit_key or ""),
    }
    return ways[kind]
