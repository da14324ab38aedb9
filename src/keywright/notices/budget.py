"""How many messages a day go to an address that nobody proved to be theirs. Pure.

Two floods are to be kept apart. Whoever signs up with a stranger's address can't have that person's mailbox flooded: so
there is an end to it. And whoever holds a key, or a session, can't use up that end with trifles, so that the owner hears
nothing of what comes next: so each kind has an end of its own, and the grave ones share nothing with the others.
"""

from __future__ import annotations

from collections.abc import Mapping

A_KIND = 20
"""So many messages of one kind go out a day: a flood of one silences that one."""

GRAVE = 100
"""So many of the grave kinds together."""

OTHERS = 60
"""So many of all other kinds together."""

CAUSED_BY_KEYS = frozenset({"key.passphrase_guessed", "watch.dormant", "watch.new_address", "watch.two_places"})
"""Grave, though nobody's second factor is behind it. All of these together leave room in `GRAVE`: a test holds it."""

GRAVE_KINDS = CAUSED_BY_KEYS | {
    "account.authenticator_set",
    "account.code_reused",
    "account.codes_sent_to",
    "account.factor_limited",
    "account.frozen",
    "account.linked",
    "account.passkey_added",
    "account.passkey_counter_fell",
    "account.passkey_removed",
    "account.password_changed",
    "account.phone_removed",
    "account.phone_set",
    "account.phrase_set",
    "account.recovery_code_used",
    "account.recovery_codes_made",
    "account.trading_password_set",
    "account.unfrozen",
    "connection.added",
    "connection.claimed",
    "connection.drifted",
    "connection.key_replaced",
    "connection.removed",
    "connection.rotation_begun",
    "connection.suspended",
    "connection.terms_set",
    "key.addresses_changed",
    "key.enabled",
    "key.issued",
    "key.passphrase_changed",
    "key.rotated",
    "operator.claimed",
    "session.opened",
    "sub_account.frozen",
    "sub_account.unfrozen",
    "whitelist.switched_off",
    "withdrawal_address.added",
    "withdrawal_address.exempted",
}
"""Kinds that tell of someone taking over, or of a way for money to leave. Withdrawals are not among them: a key orders as
many as it likes, and none leaves without its owner, but to where they said so, of which they were told."""


def may_mail(kind: str, mailed: Mapping[str, int]) -> bool:
    """Tell whether a message of this kind may go out, when so many of each kind did within a day."""
    is_grave = kind in GRAVE_KINDS
    alike = sum(count for other, count in mailed.items() if (other in GRAVE_KINDS) == is_grave)
    return mailed.get(kind, 0) < A_KIND and alike < (GRAVE if is_grave else OTHERS)
