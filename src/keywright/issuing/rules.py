"""What may be issued, and until when. Pure: the time and the rows are handed in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from keywright.errors import Invalid, LimitReached
from keywright.identity.rules import STRENGTH_MIN, decoded, strength
from keywright.issuing.addresses import parse_allowlist
from keywright.issuing.model import Environment, Permission, Policy
from keywright.secret import Secret

DAY_MS = 24 * 60 * 60 * 1000
NAME_MAX, MEMO_MAX = 32, 64
PASSPHRASE_MIN, PASSPHRASE_MAX = 7, 32  # KuCoin's bounds: its clients and people's habits fit them
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters and those that turn the reading direction: a name must look like what it is."""


def name(text: str) -> str:
    """Return the name if a key may be called that; raises `Invalid`."""
    return _label(text, field="name", least=1, most=NAME_MAX)


def memo(text: str) -> str:
    """Return the memo if a key may carry it; raises `Invalid`."""
    return _label(text, field="memo", least=0, most=MEMO_MAX)


def permissions(wanted: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions, `read` always among them; raises `Invalid` for one that does not exist."""
    known = {permission.value for permission in Permission}
    for word in wanted:
        if word not in known:
            raise Invalid(
                f"there is no permission {word[:32]!r}",
                hint="choose from read, trade, transfer, withdraw",
                field="permissions",
            )
    return frozenset(Permission(word) for word in wanted) | {Permission.READ}


def environment(word: str) -> Environment:
    """Return the environment; raises `Invalid` for one that does not exist."""
    try:
        return Environment(word)
    except ValueError:
        raise Invalid(
            f"there is no environment {word[:32]!r}", hint="choose spot or futures", field="environment"
        ) from None


def passphrase(candidate: Secret, *, about: tuple[str, ...]) -> Secret:
    """Return the passphrase, byte for byte as given, if it may protect a key (K18).

    Raises `Invalid` saying what to change. `about` are words that someone guessing would try first.
    """
    text = decoded(candidate, field="passphrase")
    if not PASSPHRASE_MIN <= len(text) <= PASSPHRASE_MAX:
        raise _weak(f"a passphrase has {PASSPHRASE_MIN} to {PASSPHRASE_MAX} characters")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise _weak("a passphrase is made of letters, digits and signs of the ASCII keyboard, without spaces")
    kinds = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())
    if sum(any(kind(character) for character in text) for kind in kinds) < 3:
        raise _weak("a passphrase mixes at least three of lower case, upper case, digits and special characters")
    if strength(text, about=about) < STRENGTH_MIN:
        raise _weak("that passphrase is easily guessed", hint="make it longer; a password manager makes good ones")
    return candidate


def allowlist(entries: tuple[str, ...], granted: frozenset[Permission], *, policy: Policy) -> tuple[str, ...]:
    """Return the allowlist that a key with these permissions may have; raises `Invalid`."""
    parsed = parse_allowlist(entries, most=policy.addresses_per_key)
    outward = sorted(granted & {Permission.TRANSFER, Permission.WITHDRAW})
    if outward and not parsed:
        raise Invalid(
            f"a key that may {' and '.join(outward)} needs at least one address",
            hint="bind it to the address its program runs at",
            field="addresses",
        )
    return parsed


def expiry(granted: frozenset[Permission], bound_to: tuple[str, ...], *, created_at: int, policy: Policy) -> int | None:
    """Return when a key expires: keys that can trade or transfer from anywhere do, others need not (K19)."""
    if bound_to or not granted & {Permission.TRADE, Permission.TRANSFER}:
        return None
    return created_at + policy.lifetime_without_addresses_days * DAY_MS


def free_slot(taken: Iterable[int], *, policy: Policy) -> int:
    """Return the lowest free slot, 1 up to the limit; raises `LimitReached` when all are taken (K7)."""
    used = set(taken)
    for slot in range(1, policy.keys_per_account + 1):
        if slot not in used:
            return slot
    raise LimitReached(
        f"an account has at most {policy.keys_per_account} keys, and disabled ones count",
        hint="delete one that is not needed",
    )


def _label(text: str, *, field: str, least: int, most: int) -> str:
    label = text.strip()
    if not least <= len(label) <= most:
        raise Invalid(f"a key's {field} has {least} to {most} characters", field=field)
    if UNPRINTABLE.search(label):
        raise Invalid(f"a key's {field} holds no control characters", field=field)
    return label


def _weak(message: str, *, hint: str = "a password manager makes good ones") -> Invalid:
    return Invalid(message, hint=hint, field="passphrase")
