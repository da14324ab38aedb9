"""A systemd credential: `LoadCredentialEncrypted=keywright-vault` in the unit; systemd opens it by the TPM or the host's key
and gives it to this service alone, in memory. For servers.
"""

from __future__ import annotations

import binascii
import os
import stat
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keywright.errors import Unusable
from keywright.sealing.keyring import KEY_BYTES
from keywright.sealing.protections.wrapped import Surroundings
from keywright.secret import Secret

NAME = "keywright-vault"
HOW = f"`openssl rand -base64 32 | systemd-creds encrypt --name={NAME} - FILE`, and LoadCredentialEncrypted={NAME}:FILE"


@dataclass(frozen=True, slots=True)
class BySystemd:
    """Protect by the credential of this name."""

    name: str = NAME
    kind = "systemd"

    def make(self, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:  # noqa: ARG002
        """Return its name, and the key that systemd gave."""
        parameters: dict[str, object] = {"name": self.name}
        return parameters, find(parameters, surroundings)


def find(parameters: Mapping[str, Any], surroundings: Surroundings) -> Secret:
    """Return the key in the credential. Raises `Unusable` outside its unit, and for one that holds no key."""
    folder, name = surroundings.environ.get("CREDENTIALS_DIRECTORY", ""), str(parameters.get("name", NAME))
    if not folder:
        raise Unusable(
            f"its systemd credential {name} is not here: CREDENTIALS_DIRECTORY is not set",
            hint=f"run it in the unit that loads the credential: {HOW}",
        )
    path = Path(folder) / Path(name).name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unusable(f"the systemd credential {path} can't be read: {error.strerror}", hint=HOW) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        # systemd leaves it to root, with an entry for the service's user in its access list: no owner to insist on.
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o027:
            raise Unusable(f"the systemd credential {path} is not one that systemd gave: others can reach it", hint=HOW)
        content = file.read(1024)
    try:
        key = content if len(content) == KEY_BYTES else b64decode(content.strip(), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise Unusable(f"the systemd credential {path} holds no key of {KEY_BYTES} bytes", hint=HOW)
    return Secret(key)
