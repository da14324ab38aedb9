"""Which kinds of protection there are, and how each that asks nobody finds its outer key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from keywright.errors import Unusable
from keywright.sealing.protections import key_file, os_keyring, systemd, transit
from keywright.sealing.protections.wrapped import Protection, Surroundings
from keywright.secret import Secret

UNATTENDED: Mapping[str, Callable[[Mapping[str, Any], Surroundings], Secret]] = {
    key_file.ByKeyFile.kind: key_file.find,
    os_keyring.ByKeyring.kind: os_keyring.find,
    systemd.BySystemd.kind: systemd.find,
    transit.ByTransit.kind: transit.find,
}


def find_outer(protection: Protection, surroundings: Surroundings) -> Secret:
    """Return the outer key of a protection that asks nobody. Raises `Unusable` saying why it is not to be had."""
    find = UNATTENDED.get(protection.kind)
    if find is None:
        raise Unusable(f"this version of Keywright knows no protection of the kind {protection.kind}")
    return find(protection.read(), surroundings)
