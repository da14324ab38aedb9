"""What may be issued, and until when. Pure: the time and the rows are handed in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from keywright.errors import Invalid, LimitReached
from keywright.identity.policy_model import Policy
from keywright.identity.rules import STRENGTH_MIN, decoded, strength
from keywright.issuing.addresses import parse_allowlist
from keywright.issuing.model import ApiKey, Environment, Permission
from keywright.secret import Secret

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
PENDING_MS = 10 * 60 * 1000
"""How long a new key waits for the word that its secret arrived."""

OVERLAP_MOST_HOURS = 7 * 24
"""How long a key and its successor may both work, and share a place (K7)."""

AT_ONCE_MS = PENDING_MS + 5 * 60 * 1000
"""The overlap of "at once" while the successor is pending: it ends with the word that the successor arrived. Longer than
anyone may take to say so, so that a successor that never arrives leaves no moment without a key."""

NAME_MAX, MEMO_MAX = 32, 64
PASSPHRASE_MIN, PASSPHRASE_MAX = 7, 32  # KuCoin's bounds: its clients and people's habits fit them
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that show nothing: a name made of them could not be told from another, or clicked."""

FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters by category that show nothing all the same."""


def name(text: str) -> str:
    """Return the name if a key may be called that; raises `Invalid`."""
    label = text.strip()
    if not 1 <= len(label) <= NAME_MAX:
        raise Invalid("a key's name has {least} to {most} characters", field="name", least=1, most=NAME_MAX)
    if any(unicodedata.category(one) in UNSEEN or one in FILLERS for one in label):
        raise Invalid("a key's name holds no invisible characters", field="name")
    return label


def memo(text: str) -> str:
    """Return the memo if a key may carry it; raises `Invalid`."""
    label = text.strip()
    if len(label) > MEMO_MAX:
        raise Invalid("a key's memo has {least} to {most} characters", field="memo", least=0, most=MEMO_MAX)
    if any(unicodedata.category(one) in UNSEEN or one in FILLERS for one in label):
        raise Invalid("a key's memo holds no invisible characters", field="memo")
    return label


def permissions(wanted: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions, `read` always among them; raises `Invalid` for one that does not exist."""
    return frozenset(permission(word) for word in wanted) | {Permission.READ}


def permission(word: str) -> Permission:
    """Return the permission; raises `Invalid` for one that does not exist."""
    try:
        return Permission(word)
    except ValueError:
        raise Invalid(
            "there is no permission {word}",
            hint="choose from read, trade, transfer, withdraw",
            field="permissions",
            word=repr(word[:32]),
        ) from None


def environment(word: str) -> Environment:
    """Return the environment; raises `Invalid` for one that does not exist."""
    try:
        return Environment(word)
    except ValueError:
        raise Invalid(
            "there is no environment {word}",
            hint="choose spot or futures",
            field="environment",
            word=repr(word[:32]),
        ) from None


def passphrase(candidate: Secret, *, about: tuple[str, ...]) -> Secret:
    """Return the passphrase, byte for byte as given, if it may protect a key (K18).

    Raises `Invalid` saying what to change. `about` are words that someone guessing would try first.
    """
    text = decoded(candidate, field="passphrase")
    if not PASSPHRASE_MIN <= len(text) <= PASSPHRASE_MAX:
        raise _weak("a passphrase has {least} to {most} characters", least=PASSPHRASE_MIN, most=PASSPHRASE_MAX)
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
    outward = granted & {Permission.TRANSFER, Permission.WITHDRAW}
    if outward and not parsed:
        raise Invalid(
            "a key that may transfer and withdraw needs at least one address"
            if len(outward) > 1
            else "a key that may transfer needs at least one address"
            if Permission.TRANSFER in outward
            else "a key that may withdraw needs at least one address",
            hint="bind it to the address its program runs at",
            field="addresses",
        )
    return parsed


def expiry(granted: frozenset[Permission], bound_to: tuple[str, ...], *, created_at: int, policy: Policy) -> int | None:
    """Return when a key expires: keys that can trade or transfer from anywhere do, others need not (K19)."""
    if bound_to or not granted & {Permission.TRADE, Permission.TRANSFER}:
        return None
    return created_at + policy.key_lifetime_days * DAY_MS


def overlap_hours(hours: int) -> int:
    """Return for how long a key and its successor may both work; raises `Invalid` for more than seven days (K7)."""
    if not 0 <= hours <= OVERLAP_MOST_HOURS:
        raise Invalid(
            "both keys work for {least} to {most} hours",
            hint="choose fewer hours; 0 ends the old key at once",
            field="overlap",
            least=0,
            most=OVERLAP_MOST_HOURS,
        )
    return hours


def overlap_until(hours: int, *, pending: bool, now: int) -> int:
    """Return when a key with a successor ends."""
    return now + (AT_ONCE_MS if pending and not hours else hours * HOUR_MS)


def ends_on_arrival(old: ApiKey, successor: ApiKey) -> bool:
    """Tell whether a key was to end at once, that is with the word that its successor arrived."""
    return old.grant.overlap_until == successor.created_at + AT_ONCE_MS


def free_slot(taken: Iterable[int], *, policy: Policy) -> int:
    """Return the lowest free slot, 1 up to the limit; raises `LimitReached` when all are taken (K7)."""
    used = set(taken)
    for slot in range(1, policy.keys_per_account + 1):
        if slot not in used:
            return slot
    raise LimitReached(
        "an account has at most {most} keys, and disabled ones count",
        hint="delete one that is not needed",
        most=policy.keys_per_account,
    )


def places_taken(keys: Iterable[ApiKey]) -> int:
    """Return how many places these keys, all of one owner, take: a key and its successor share one (K7)."""
    there = {key.id: key for key in keys}
    return sum(key.grant.predecessor_id not in there for key in there.values())


def _weak(message: str, *, hint: str = "a password manager makes good ones", **values: object) -> Invalid:
    return Invalid(message, hint=hint, field="passphrase", **values)
