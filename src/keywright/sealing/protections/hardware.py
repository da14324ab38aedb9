"""A key in hardware, through age and its plugins (YubiKey, TPM, Secure Enclave): the outer key is sealed to a recipient of age's.

It takes a person: the plugin asks for a PIN or a touch at the terminal. The identity file says which key it is; of a plugin
it is no secret (the hardware has that), of age's own kind it is, and then it is a key file by another name.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keywright.errors import Invalid, Unopenable, Unusable
from keywright.sealing.age_program import MOST_OUT, Tell, find_age
from keywright.sealing.keyring import KEY_BYTES
from keywright.sealing.protections.wrapped import AGE, Surroundings
from keywright.secret import Secret

LARGEST_IDENTITY = 64 * 1024
ELSEWHERE = "--age-identity names the file where it lies now"
_RECIPIENT = re.compile(
    r"(?:age1(?:(?P<plugin>[a-z0-9+._-]+)1)?[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{6,}|ssh-(?:ed25519|rsa) \S+)"
)
_IDENTITY = re.compile(r"AGE-PLUGIN-(?P<plugin>[A-Z0-9+._-]+)-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]+")


@dataclass(frozen=True, slots=True)
class ByAge:
    """Protect by what `seal_to_hardware` sealed, and opened again."""

    parameters: Mapping[str, object] = field(repr=False)
    outer: Secret
    kind = AGE

    def make(self, _surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:  # noqa: ARG002
        """Return the identity's place with what was sealed, and the outer key."""
        return dict(self.parameters), self.outer


def seal_to_hardware(
    identity: Path, recipients: Sequence[str] = (), *, environ: Mapping[str, str], tell: Tell
) -> ByAge:
    """Return a protection by the key of this identity, which has opened it once by then: a key that can't is found out now.

    Sealed to `recipients`, or to the identity's own. Raises `Invalid` for what is none, `Unusable` where a program is missing,
    and `AgeRefused` where the key was not there, or its owner not willing.
    """
    identity = identity.expanduser().absolute()
    plugins = _plugins_of(identity)
    for recipient in recipients:
        if not (found := _RECIPIENT.fullmatch(recipient)):
            raise Invalid(
                "that is no recipient of age",
                hint="age1…, as `age-keygen` or the plugin of your hardware told it",
                field="age-recipient",
            )
        plugins |= {found["plugin"]} - {None}
    age = find_age(environ)
    for plugin in sorted(plugins):
        age.require_plugin(plugin)
    outer = Secret(os.urandom(KEY_BYTES))
    sealed = age.seal(outer, recipients, identity, tell=tell)
    if age.open(sealed, identity, tell=tell) != outer:
        raise Unusable("age gave back another key than it was given")
    kept: dict[str, object] = {"identity": str(identity), "recipients": list(recipients)}
    return ByAge({**kept, "sealed": b64encode(sealed).decode()}, outer)


def open_by_hardware(
    parameters: Mapping[str, Any], *, identity: Path | None = None, environ: Mapping[str, str], tell: Tell
) -> Secret:
    """Return the outer key, as the key of the identity opens it; `identity` where its file lies elsewhere now."""
    try:
        sealed = b64decode(parameters["sealed"], validate=True)
        kept = Path(str(parameters["identity"]))
    except (KeyError, TypeError, ValueError):
        raise Unopenable("the parameters of an age protection can't be read") from None
    if len(sealed) > MOST_OUT:
        raise Unopenable("the parameters of an age protection are larger than any that were made")
    path = identity.expanduser().absolute() if identity else kept
    plugins = _plugins_of(path)
    age = find_age(environ)
    for plugin in sorted(plugins):
        age.require_plugin(plugin)
    return age.open(sealed, path, tell=tell)


def _plugins_of(identity: Path) -> set[str]:
    """Return which plugins an identity file needs. Raises `Unusable` for one that can't be read, or that others could."""
    try:
        descriptor = os.open(identity, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            content = file.read(LARGEST_IDENTITY + 1) if stat.S_ISREG(status.st_mode) else b""
    except OSError as error:
        raise Unusable(f"the identity {identity} can't be read: {error.strerror}", hint=ELSEWHERE) from None
    if not content or len(content) > LARGEST_IDENTITY:
        raise Unusable(f"{identity} is no file of age identities", hint=ELSEWHERE)
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
        raise Unusable(f"others can change the identity {identity}", hint=f"chmod 600 {shlex.quote(str(identity))}")
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    named = [_IDENTITY.fullmatch(line) for line in said]
    if None in named and status.st_mode & 0o077:
        raise Unusable(
            f"others can read {identity}, whose identity is a secret itself",
            hint=f"chmod 600 {shlex.quote(str(identity))}",
        )
    return {found["plugin"].lower() for found in named if found}
