"""The transit engine of HashiCorp Vault or OpenBao: it wraps the outer key under a key that never leaves it. For servers.

Whoever may decrypt with that key there opens this vault, and every opening stands in that server's own audit log. Where it is
and who asks is said as its own tools say it: VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT (or BAO_…).
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from keywright.errors import Busy, Unopenable, Unusable
from keywright.sealing.keyring import KEY_BYTES
from keywright.sealing.protections.wrapped import Surroundings
from keywright.secret import Secret

PATIENCE_S = 10
KEY, MOUNT = "keywright", "transit"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ByTransit:
    """Protect by this key of that engine."""

    key: str = KEY
    mount: str = MOUNT
    kind = "transit"

    @classmethod
    def named(cls, text: str) -> ByTransit:
        """Return it by `MOUNT/KEY`, or the key's name alone."""
        mount, _, key = text.rpartition("/")
        return cls(key or KEY, mount or MOUNT)

    def make(self, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:  # noqa: ARG002
        """Return the engine's name and what it made of a fresh outer key. Raises `Unusable` where it can't be asked."""
        outer = Secret(os.urandom(KEY_BYTES))
        plain = b64encode(outer.reveal()).decode()
        made = _ask(surroundings, "encrypt_data", name=self.key, plaintext=plain, mount_point=self.mount)
        parameters: dict[str, object] = {"key": self.key, "mount": self.mount, "ciphertext": made.get("ciphertext")}
        if find(parameters, surroundings) != outer:
            raise Unusable("the transit engine gave back another key than it was given")
        return parameters, outer


def find(parameters: Mapping[str, Any], surroundings: Surroundings) -> Secret:
    """Return the outer key, as the engine opens it. Raises `Unusable` and `Busy` saying why it does not."""
    try:
        named = {"name": str(parameters["key"]), "mount_point": str(parameters["mount"])}
        ciphertext = str(parameters["ciphertext"])
    except KeyError:
        raise Unopenable("the parameters of a transit key can't be read") from None
    found = _ask(surroundings, "decrypt_data", ciphertext=ciphertext, **named)
    try:
        return Secret(b64decode(str(found.get("plaintext")), validate=True))
    except (ValueError, binascii.Error):
        raise Unopenable("the transit engine answered no key") from None


def _ask(surroundings: Surroundings, verb: str, **arguments: str) -> Mapping[str, Any]:
    """Return what the engine answers; its ways to fail become ours, without a word that could hold the token."""
    hvac, requests = _hvac()
    address, token = _named(surroundings, "ADDR"), _named(surroundings, "TOKEN")
    where = urlsplit(address)
    engine = where.netloc.rpartition("@")[2]  # what stands before it may be a password
    if where.scheme not in {"https", "http"} or (where.scheme == "http" and where.hostname not in LOOPBACK):
        raise Unusable(
            "where the transit engine is is not said, or it is not https",
            hint="set VAULT_ADDR (or BAO_ADDR) to its https address, and VAULT_TOKEN to a token that may use the key",
        )
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc of the surroundings between us and the key
    client = hvac.Client(
        url=address,
        token=token or None,
        namespace=_named(surroundings, "NAMESPACE") or None,
        verify=_named(surroundings, "CACERT") or True,
        timeout=PATIENCE_S,
        allow_redirects=False,  # to wherever: the token would go along
        session=session,
    )
    try:
        answer = getattr(client.secrets.transit, verb)(**arguments)
        data = answer["data"]
    except (requests.RequestException, hvac.exceptions.VaultDown):
        raise Busy(f"the transit engine at {engine} can't be reached, or is sealed", hint="try again") from None
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized):
        raise Unusable(
            f"the transit engine at {engine} refuses this token",
            hint=f"its policy needs update on {arguments['mount_point']}/encrypt/{arguments['name']} and …/decrypt/…",
        ) from None
    except (hvac.exceptions.VaultError, KeyError, TypeError, ValueError):
        raise Unusable(
            f"the transit engine at {engine} does not do it",
            hint=f"is there a key {arguments['name']} at {arguments['mount_point']}, and is it the one of then?",
        ) from None
    finally:
        session.close()
    if not isinstance(data, Mapping):
        raise Unusable(f"what answers at {engine} is no transit engine")
    return data


def _named(surroundings: Surroundings, name: str) -> str:
    environ = surroundings.environ
    return environ.get(f"VAULT_{name}") or environ.get(f"BAO_{name}") or ""


def _hvac() -> tuple[ModuleType, ModuleType]:
    try:
        import hvac  # noqa: PLC0415  an extra
        import requests  # noqa: PLC0415  comes with it
    except ModuleNotFoundError:
        raise Unusable("the package hvac is not installed", hint="pip install 'keywright[transit]'") from None
    return hvac, requests
