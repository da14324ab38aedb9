"""What a command asks the agent to have handed out, and what it gets, as they travel between the two.

Both are of one program: with another version's words the agent does nothing, and the command does it by itself. Loads next to
nothing: it is what `keywright exec` waits for.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keywright
from keywright.app.folders import Folders
from keywright.app.vault_place import STEM, VaultPlace
from keywright.errors import Invalid
from keywright.secret import Secret
from keywright.vault.evidence import Credentials, Exchange, KeyKind

HAND_OUT = "hand out"
LONGEST_LINE = 16_384
"""Bytes of a request: three folders, of up to 4,096 each, among them."""

LONGEST_WORD = 256
"""Characters of a connection's name and of a purpose that are worth asking about: ours are shorter."""


def _program() -> str:
    file = Path(keywright.__file__)
    status = file.stat()
    return f"{keywright.__version__} {file.parent} {status.st_ino} {status.st_mtime_ns}"


PROGRAM = _program()
"""Which Keywright this process runs, as it was installed when it began: after an upgrade an old agent is another's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection of a vault, and for what."""

    data: Path
    config: Path
    state: Path
    file: tuple[int, int]
    """Device and number of the vault's file: the same path leads elsewhere in another container."""
    name: str
    purpose: str

    def place(self, runtime: Path) -> VaultPlace:
        """Return where the vault is; the socket's folder is the agent's own."""
        return VaultPlace(Folders(self.data, self.config, STEM), self.state, runtime)

    def is_there(self, place: VaultPlace) -> bool:
        """Tell whether the vault's file is the one that was meant."""
        return identity_of(place) == self.file

    def written(self) -> dict[str, object]:
        """Return it as a request; `read` is the way back."""
        return {
            "do": HAND_OUT,
            "program": PROGRAM,
            "data": str(self.data),
            "config": str(self.config),
            "state": str(self.state),
            "file": list(self.file),
            "name": self.name,
            "purpose": self.purpose,
        }

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Wanted:
        """Return what was asked for. Raises `Invalid` for what no command of this program asks."""
        try:
            data, config, state = (Path(asked[name]) for name in ("data", "config", "state"))
            device, number = asked["file"]
            name, purpose = asked["name"], asked["purpose"]
            is_ours = asked["program"] == PROGRAM and all(folder.is_absolute() for folder in (data, config, state))
            is_short = all(isinstance(word, str) and 0 < len(word) <= LONGEST_WORD for word in (name, purpose))
            if not is_ours or not is_short:
                raise ValueError
            return cls(data, config, state, (int(device), int(number)), name, purpose)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Invalid("nothing that a command of this version asks for") from None


def identity_of(place: VaultPlace) -> tuple[int, int] | None:
    """Return which file the vault's is; `None` where there is none to be seen."""
    try:
        status = os.lstat(place.folders.database)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def written(credentials: Credentials) -> bytes:
    """Return credentials as one line; `read_credentials` is the way back."""
    passphrase = credentials.passphrase
    fields = {
        "exchange": credentials.exchange.value,
        "kind": credentials.kind.value,
        "key": credentials.key,
        "secret": b64encode(credentials.secret.reveal()).decode(),
        "passphrase": None if passphrase is None else b64encode(passphrase.reveal()).decode(),
    }
    return json.dumps({"credentials": fields}).encode() + b"\n"


def read_credentials(answer: Mapping[str, Any]) -> Credentials | None:
    """Return the credentials in an answer; `None` where it holds none."""
    try:
        fields = answer["credentials"]
        secret, passphrase = Secret(b64decode(fields["secret"], validate=True)), fields["passphrase"]
        return Credentials(
            Exchange(fields["exchange"]),
            str(fields["key"]),
            secret,
            None if passphrase is None else Secret(b64decode(passphrase, validate=True)),
            KeyKind(fields["kind"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
