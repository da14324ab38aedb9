"""The keyring of the desktop (Secret Service, KWallet, macOS Keychain, Windows): opened by signing in to the machine."""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keywright.errors import Unusable
from keywright.sealing.keyring import KEY_BYTES
from keywright.sealing.protections.wrapped import Surroundings
from keywright.secret import Secret

SERVICE = "keywright"
ELSE = "protect the vault by a passphrase or a key file: `keywright vault init --by passphrase`, or `--by key-file`"


NONE_OF_A_DESKTOP = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt.")
"""The last keeps its entries in files, plain or nearly so: worse than a key file, which says what it is."""


@dataclass(frozen=True, slots=True)
class ByKeyring:
    """Protect by an entry in the keyring of the desktop."""

    kind = "keyring"

    def make(self, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:
        """Return the entry's name, and its fresh key. Raises `Unusable` where there is no keyring, or it forgets."""
        parameters: dict[str, object] = {"entry": f"vault {surroundings.database_id} {protection_id}"}
        outer = Secret(os.urandom(KEY_BYTES))
        _ask("set_password", SERVICE, parameters["entry"], b64encode(outer.reveal()).decode())
        if find(parameters, surroundings) != outer:
            raise Unusable("the keyring of this desktop gave back another key than it was given", hint=ELSE)
        return parameters, outer


def find(parameters: Mapping[str, Any], _surroundings: Surroundings) -> Secret:
    """Return the key in the keyring. Raises `Unusable` where there is no keyring, it is locked, or has no such entry."""
    found = _ask("get_password", SERVICE, str(parameters.get("entry", "")))
    if found is None:
        raise Unusable(
            "the keyring of this desktop does not hold the vault's key",
            hint="is it the same user's, on the same machine?",
        )
    try:
        key = b64decode(str(found), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    return Secret(key)


def forget(parameters: Mapping[str, Any]) -> None:
    """Remove the entry from the keyring, where there is one."""
    _ask("delete_password", SERVICE, str(parameters.get("entry", "")))


def _ask(verb: str, *arguments: object) -> object:
    """Return what the keyring answers; its ways to fail become one error."""
    try:
        import keyring  # noqa: PLC0415  an extra
        from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise Unusable("the package keyring is not installed", hint="pip install 'keywright[vault]'") from None
    found = keyring.get_keyring()
    # Where several are installed the library chains them, and asks each in turn.
    chained = list(found.backends) if isinstance(found, ChainerBackend) else [found]
    backend = next((one for one in chained if not _name(one).startswith(NONE_OF_A_DESKTOP)), None)
    if backend is None:
        names = ", ".join(map(_name, chained)) or _name(found)
        raise Unusable(f"there is no keyring of a desktop here (found: {names})", hint=ELSE)
    try:
        return getattr(backend, verb)(*arguments)
    except (KeyringError, RuntimeError, OSError) as error:
        raise Unusable(
            f"the keyring of this desktop refused: {type(error).__name__}", hint="unlock it; or " + ELSE
        ) from None


def _name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__name__}"
