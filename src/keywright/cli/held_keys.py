"""What the commands about held keys share: whose vault it is, and how a key is asked for."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import options, terminal
from keywright.cli.key_changes import account_of, actor_of, ask_proof
from keywright.errors import Invalid, Unusable
from keywright.secret import Secret

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.app.vault_services import VaultServices
    from keywright.audit.events import Actor
    from keywright.identity.model import Account, FactorProof
    from keywright.vault.evidence import Exchange
    from keywright.vault.model import Pasted

MOST_BYTES = 64 * 1024

account_option = click.option(
    "--account",
    "email",
    metavar="EMAIL",
    help="An account of this installation's server, in place of the personal vault.",
)
stdin_option = click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help='Read {"key": …, "secret": …, "passphrase": …} from standard input; an account\'s code on the line after it.',
)
file_option = click.option(
    "--from-file",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Read the same from a file that nobody else can read.",
)
accept_option = click.option(
    "--accept",
    multiple=True,
    metavar="WHAT",
    help="Accept, on the record, what a refusal says can be accepted. Repeatable.",
)


@dataclass(frozen=True)
class Owner:
    """Whoever a command acts for, and the services over where the keys are."""

    services: VaultServices
    account: Account | None = None
    """`None`: whoever opened the personal vault."""
    server: Services | None = None
    """Everything that its server has, for an account."""

    @property
    def id(self) -> str:
        """The account's id, as the vault knows it."""
        from keywright.vault.model import PERSONAL

        return self.account.id if self.account else PERSONAL

    @property
    def actor(self) -> Actor:
        """Who acts, where nobody proves anything."""
        from keywright.audit.events import Actor

        return Actor("operator" if self.account else "owner", agent="cli")

    async def prove(self) -> tuple[FactorProof | None, Actor]:
        """Return the account's second factor, asked for, and who acts by it; in a personal vault opening it was the proof."""
        if self.account is None or self.server is None:
            return None, self.actor
        proof = await ask_proof(self.server, self.account)
        return proof, actor_of(proof)


@asynccontextmanager
async def owner_of(email: str | None, data_dir: str | None) -> AsyncIterator[Owner]:
    """Open the personal vault, or the server's database for one of its accounts."""
    settings = options.settings_of(data_dir=data_dir)
    if email is None:
        from keywright.app.vault_services import open_vault_services

        async with open_vault_services(settings) as services:
            yield Owner(services)
        return
    from keywright.app.services import opened

    async with opened(settings) as server:
        yield Owner(server, await account_of(server, email), server)


def given_key(*, from_stdin: bool, path: Path | None, accept: tuple[str, ...]) -> Pasted | None:
    """Return a key that is given as JSON, or `None` where it is to be asked for. Raises `Invalid` and `Unusable`."""
    from keywright.vault.model import Pasted

    if from_stdin and path is not None:
        raise Invalid("--stdin and --from-file are two ways to give one key", hint="use one of them")
    if not from_stdin and path is None:
        return None
    parts = _parts(_read_object() if path is None else _read_private(path))
    return Pasted(parts["key"], Secret(parts["secret"]), _or_none(parts.get("passphrase", "")), frozenset(accept))


def ask_key(exchange: Exchange, *, accept: tuple[str, ...]) -> Pasted:
    """Return a key as its owner types or pastes it, without echo. Raises `Invalid`."""
    from keywright.vault.model import Pasted

    key = terminal.ask_secret(f"API key of {exchange.title}").reveal().decode("utf-8", "replace")
    takes_pem = exchange.value == "binance"
    secret = terminal.ask_secret("Secret, or @ and the path of a private key in PEM" if takes_pem else "Secret")
    if takes_pem and secret.reveal().startswith(b"@"):
        secret = Secret(_read_private(Path(secret.reveal_text()[1:].strip()).expanduser()))
    passphrase = terminal.ask_secret("Passphrase") if exchange.has_passphrase else None
    return Pasted(key, secret, passphrase, frozenset(accept))


def _or_none(text: str) -> Secret | None:
    return Secret(text) if text else None


def _parts(text: str) -> dict[str, str]:
    """Return the parts of a key given as JSON. Raises `Invalid`, showing none of it."""
    hint = 'give one JSON object: {"key": "…", "secret": "…", "passphrase": "…"}'
    try:
        parts = json.loads(text)
    except ValueError:
        raise Invalid("that is no JSON", hint=hint) from None
    if not isinstance(parts, dict) or not all(isinstance(value, str) for value in parts.values()):
        raise Invalid("that is no object of texts", hint=hint)
    if not {"key", "secret"} <= parts.keys() <= {"key", "secret", "passphrase"}:
        raise Invalid("its names are not those of a key", hint=hint)
    return parts


def _read_object() -> str:
    """Return the JSON object that standard input begins with. What comes after its last line is left for a code."""
    text = b""
    while len(text) < MOST_BYTES and (line := terminal.line_of_input()):
        text += line
        if line.rstrip().endswith(b"}") and _is_whole(text):
            break
    return text.decode("utf-8", "replace")


def _is_whole(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read_private(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unusable(f"{path} is not a plain file")
        if status.st_mode & 0o077:
            raise Unusable(
                f"others can read {path} (mode {stat.S_IMODE(status.st_mode):04o})",
                hint=f"chmod 600 {shlex.quote(str(path))}; if others may have read it, make a new key",
            )
        return file.read(MOST_BYTES)
