"""Audit events: stable strings, and who did it from where. Listed in docs/reference/events.md, which a test compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What happened, in the past tense. Never rename one: people's alerts match on them."""

    ACCOUNT_CREATED = "account.created"
    """An account was made; `detail` holds its e-mail address."""
    ACCOUNT_FROZEN = "account.frozen"
    """Every key of an account is refused from now on."""
    ACCOUNT_UNFROZEN = "account.unfrozen"
    """A freeze was lifted, with the account's second factor."""
    AUTHENTICATOR_SET = "account.authenticator_set"
    """A second factor was enrolled or replaced; `detail` says which. Replacing one ends the account's other sessions."""
    RECOVERY_CODES_MADE = "account.recovery_codes_made"
    """New recovery codes were made; all older ones are dead. `detail` holds how many."""
    RECOVERY_CODE_USED = "account.recovery_code_used"
    """A recovery code served as second factor; `detail` holds how many are left."""
    PASSKEY_ADDED = "account.passkey_added"
    """A passkey was added, which serves as second factor from now on; `detail` holds its name."""
    PASSKEY_REMOVED = "account.passkey_removed"
    """A passkey was removed; `detail` holds its name. It is never taken again, whoever puts its row back."""
    PASSKEY_COUNTER_FELL = "account.passkey_counter_fell"
    """A passkey signed rightly, but its counter did not rise: there may be a copy of it. Refused, no change."""
    CODE_REUSED = "account.code_reused"
    """A right code was given a second time and refused: someone may have looked on. No change."""
    FACTOR_LIMITED = "account.factor_limited"
    """Who knows the account's password gave so many wrong codes that no further one is looked at for a while. No change."""
    SUB_ACCOUNT_CREATED = "sub_account.created"
    """A sub-account was made; `detail` holds its name and memo."""
    SUB_ACCOUNT_DESCRIBED = "sub_account.described"
    """A sub-account's memo was changed; `detail` holds it."""
    SUB_ACCOUNT_FROZEN = "sub_account.frozen"
    """Every key of a sub-account is refused from now on."""
    SUB_ACCOUNT_UNFROZEN = "sub_account.unfrozen"
    """A sub-account's freeze was lifted, with the account's second factor."""
    PASSWORD_CHANGED = "account.password_changed"
    """An account's password was changed, at the console or by the local owner; its other sessions ended."""
    TRADING_PASSWORD_SET = "account.trading_password_set"
    """An account was given a trading password; `detail` says whether it replaced one."""
    EMAIL_VERIFIED = "account.email_verified"
    """A code showed that the e-mail address is its owner's."""
    PHONE_SET = "account.phone_set"
    """A code showed that a phone is the account's owner's; `detail` holds a part of its number, and whether it replaced one."""
    PHONE_REMOVED = "account.phone_removed"
    """The account's phone was forgotten; codes go to its e-mail address. `detail` holds a part of the number."""
    CODES_SENT_TO = "account.codes_sent_to"
    """Where codes go that confirm something: `detail` holds a part of the phone's number, or `e-mail`."""
    PHRASE_SET = "account.phrase_set"
    """The anti-phishing phrase was chosen, changed or given up; `detail` says whether there is one now."""
    LANGUAGE_SET = "account.language_set"
    """The account's language was chosen; `detail` holds it."""
    IDENTITY_SUBMITTED = "identity.submitted"
    """An account's owner said who they are. The subject is the identity, `idn_…`; what was said is not in the log."""
    IDENTITY_APPROVED = "identity.approved"
    """An identity was approved, by an operator, by an exchange's assertion, or by the sandbox on the spot."""
    IDENTITY_REFUSED = "identity.refused"
    """An identity was refused, or its approval taken back."""
    OPERATOR_LINK_MADE = "operator.link_made"
    """A one-time operator link was made."""
    OPERATOR_CLAIMED = "operator.claimed"
    """An account became an operator's by the one-time link."""
    TOKEN_CREATED = "token.created"
    """A service token was made; `detail` holds its name, scopes, addresses and expiry."""
    TOKEN_DISABLED = "token.disabled"
    """A service token was switched off, for good; `detail` holds its name."""
    TOKEN_REFUSED = "token.refused"
    """A service token was shown from an address it is not bound to: someone else may have it. Once an hour; no change."""
    ACCOUNT_LINKED = "account.linked"
    """An account belongs to someone who signs in elsewhere: it was made for the name that the exchange knows them by."""
    SESSION_OPENED = "session.opened"
    """Someone signed in completely; `detail` holds whether this device was known."""
    SESSION_STEPPED_UP = "session.stepped_up"
    """A session proved the second factor again: for ten minutes it may do what is sensitive."""
    SESSION_ENDED = "session.ended"
    """A session was ended by its account; `detail` holds why."""
    ADDRESS_ADDED = "withdrawal_address.added"
    """An address was put on the account's list of withdrawal addresses; `detail` holds it and from when on it may be
    withdrawn to."""
    ADDRESS_LABELLED = "withdrawal_address.labelled"
    """A withdrawal address was given another name; `detail` holds it."""
    ADDRESS_EXEMPTED = "withdrawal_address.exempted"
    """Withdrawals to an address take no confirmation up to an amount a day; `detail` holds it, `null` where this ended."""
    ADDRESS_REMOVED = "withdrawal_address.removed"
    """An address was taken off the list."""
    WHITELIST_ON = "whitelist.switched_on"
    """Every withdrawal goes to listed addresses only, however it is ordered."""
    WHITELIST_OFF = "whitelist.switched_off"
    """That is to end; `detail` holds when."""
    APPROVAL_ASKED = "approval.asked"
    """A withdrawal waits for its owner; `detail` holds what is to be confirmed, who asked and until when."""
    APPROVAL_CONFIRMED = "approval.confirmed"
    """The owner confirmed it with a proof made for nothing else; or an exemption did, which `detail` then says."""
    APPROVAL_REFUSED = "approval.refused"
    """The owner refused it, or whoever asked took it back, which `detail` then says."""
    APPROVAL_EXPIRED = "approval.expired"
    """Nobody confirmed it in time, or nobody carried it out in time."""
    APPROVAL_CONSUMED = "approval.consumed"
    """What was confirmed is carried out: this once."""
    KEY_ISSUED = "key.issued"
    """A key was made; `detail` holds its name, permissions, environment, addresses and expiry, whether it waits for
    its owner to say that the secret arrived, and the key whose successor it is."""
    KEY_ACKNOWLEDGED = "key.acknowledged"
    """The owner of a new key said that its secret arrived: it may be used from now on."""
    KEY_NEVER_SHOWN = "key.never_shown"
    """Nobody said within ten minutes that a new key's secret had arrived, so it was removed; `detail` holds its name."""
    KEY_DISCARDED = "key.discarded"
    """The owner removed a new key whose secret had not arrived; `detail` holds its name."""
    KEY_ROTATED = "key.rotated"
    """A key was given a successor; `detail` holds its id, and until when both work."""
    KEY_KEPT = "key.kept"
    """A key's successor was removed, so the key is not replaced; it is on or off as it was."""
    KEY_RENAMED = "key.renamed"
    """A key's name or memo was changed; `detail` holds the name."""
    KEY_ADDRESSES_CHANGED = "key.addresses_changed"
    """A key was bound to other addresses; `detail` holds them all. Its expiry may have followed."""
    KEY_DISABLED = "key.disabled"
    """A key was switched off; `detail` says why where nobody asked for it: `idle` or `overlap`."""
    KEY_ENABLED = "key.enabled"
    """A disabled key was switched on again, with the account's second factor."""
    KEY_DELETED = "key.deleted"
    """A key was deleted and its secret destroyed; `detail` holds its name."""
    KEY_PASSPHRASE_CHANGED = "key.passphrase_changed"
    """A key was given a new passphrase; the old one is refused from now on."""
    KEY_EXPIRED = "key.expired"
    """A key's time ran out, and it was marked so that a clock set back can't revive it."""
    KEY_PASSPHRASE_GUESSED = "key.passphrase_guessed"
    """Who holds a key's secret gave so many wrong passphrases that the key waits; noticed by the gateway, no change."""
    PERMISSION_FROZEN = "permission.frozen"
    """An operator froze a permission: no key can use it, at any gateway, until that is lifted. Its version is odd."""
    PERMISSION_UNFROZEN = "permission.unfrozen"
    """An operator lifted the freeze of a permission, with the second factor. Its version is even."""
    POLICY_CHANGED = "policy.changed"
    """Operators changed what holds for every account; `detail` holds each changed rule `before` and `after`, and which of
    them are back at the settings' `defaults`. Nothing is changed about keys that exist."""
    EGRESS_ADDED = "egress.added"
    """An address was put into the pool that requests to exchanges leave from; `detail` holds it."""
    EGRESS_SHARED = "egress.shared"
    """An address may serve several connections at once from now on."""
    EGRESS_UNSHARED = "egress.unshared"
    """An address serves one connection again; those it serves already keep it."""
    EGRESS_OBSERVED = "egress.observed"
    """An exchange saw another address than before come through one of the pool; `detail` holds it. Again the same: no event."""
    EGRESS_REMOVED = "egress.removed"
    """An address was taken out of the pool."""
    EGRESS_RESERVED = "egress.reserved"
    """An address is kept for an account that is about to make a key; `detail` holds for which exchange and until when."""
    EGRESS_RELEASED = "egress.released"
    """An account gave up the address that was kept for it; `detail` holds for which exchange."""
    CONNECTION_ADDED = "connection.added"
    """A key of an exchange is held from now on; `detail` holds the connection's name, exchange, masked key, fingerprint and
    egress address, and what was accepted though nobody can prove it."""
    CONNECTION_REFUSED = "connection.refused"
    """A key was not taken; `detail` holds the exchange and why, and nothing of the key. No change."""
    CONNECTION_CLAIMED = "connection.claimed"
    """Someone gave another connection, or another account, the key and secret of this one. Refused, no change."""
    CONNECTION_CHECKED = "connection.checked"
    """An exchange was asked again what a key may do; `detail` holds what speaks against it."""
    CONNECTION_DRIFTED = "connection.drifted"
    """A check found that a key may do more than before, or from elsewhere; `detail` holds what. It is used on."""
    CONNECTION_SUSPENDED = "connection.suspended"
    """A connection is used for nothing from now on; `detail` holds why."""
    CONNECTION_RESUMED = "connection.resumed"
    """A suspended connection is used again: its owner had it checked, and all was well."""
    CONNECTION_EDITED = "connection.edited"
    """A connection was given another name, or other bots; `detail` holds them."""
    CONNECTION_KEY_REPLACED = "connection.key_replaced"
    """A connection was given another key of the same exchange, and the one before was destroyed here; `detail` holds the new
    one's mask and fingerprint."""
    CONNECTION_OPENED = "connection.opened"
    """The secret of a held key was handed to a program; `detail` says for what."""
    CONNECTION_REMOVED = "connection.removed"
    """A connection was removed, and its key destroyed here; at the exchange it still is."""
    VAULT_MADE = "vault.made"
    """A personal vault was made; `detail` names its first protection and its kind."""
    VAULT_PROTECTED = "vault.protected"
    """A personal vault was given one more way to open it; `detail` names it and its kind."""
    VAULT_UNPROTECTED = "vault.unprotected"
    """A way to open a personal vault was removed; `detail` names it and its kind."""
    VAULT_PASSPHRASE_CHANGED = "vault.passphrase_changed"
    """A personal vault was given another passphrase; the old one opens only copies from before."""
    VAULT_ACCEPTED = "vault.accepted"
    """A personal vault that this machine did not remember, or remembered otherwise, was taken as it is."""
    VAULT_RESTORED = "vault.restored"
    """A personal vault was put back from a backup; `detail` says of when that is, and how many events it had."""
    CHECKPOINT_MADE = "audit.checkpoint_made"
    """A signed checkpoint of this log was made; its number is the version, `detail` holds how many events it speaks of
    and the SHA-256 of its file. One that is missing later shows by this."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, how they proved it, and from where."""

    id: str
    """An account id, a service token's id, `system` where time itself did it, `operator` for the local command line
    without a person, `gateway` for what it noticed itself, `notice-link` for whoever followed the link of a notice,
    `owner` for whoever opened a personal vault, or `sandbox` where that asked for an approval."""
    factor: str = ""
    """`totp`, `recovery`, `passkey`, `sandbox-demo`, `assertion` where an exchange vouched for its user; `password` where only that was asked for; or empty where nothing was."""
    address: str = ""
    agent: str = ""
    request_id: str = ""
    session: str = ""
    """Id of the console's session it was done in."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state. `detail` holds names, addresses and permissions; never a secret."""

    kind: Kind
    actor: Actor
    account_id: str
    subject: str
    subject_version: int = 0
    detail: Mapping[str, object] = field(default_factory=dict)


SYSTEM = Actor("system")

RESTS_WITHDRAWALS = frozenset(
    {Kind.PASSKEY_ADDED, Kind.PASSKEY_REMOVED, Kind.RECOVERY_CODE_USED, Kind.PASSWORD_CHANGED}
)
"""After these an account's withdrawals rest for a while: whoever did it may not be its owner."""

RESTS_WHERE_REPLACED = frozenset({Kind.AUTHENTICATOR_SET, Kind.TRADING_PASSWORD_SET})
"""And after these where there was one before: the first one is only added."""


def rests_withdrawals(kind: str, detail: Mapping[str, object]) -> bool:
    """Tell whether withdrawals rest after this event (identity.holds)."""
    return kind in RESTS_WITHDRAWALS or (kind in RESTS_WHERE_REPLACED and detail.get("replaced") is True)
