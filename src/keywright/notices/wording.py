"""What each kind of notice says, all of it: `about_accounts`, `about_keys`, `about_connections`, and here what is neither. A kind that is not
among them makes no notice.

Kinds are those of audit events, and a few that no single event makes: alerts of the gateway, deadlines, codes. Values
stand in braces and come from the event; `{name}` is the key's, else what the event calls its subject.
"""

from __future__ import annotations

from collections.abc import Mapping

from keywright.notices.about_accounts import ACCOUNTS
from keywright.notices.about_connections import CONNECTIONS
from keywright.notices.about_keys import KEYS
from keywright.notices.model import Wording, marked

OTHERS: Mapping[str, Wording] = {
    "code.email": Wording(
        marked("Confirm your e-mail address"),
        marked("Enter this code where you were asked for it. It serves once, for a few minutes."),
    ),
    "code.key.create": Wording(
        marked("Confirm the API key “{name}”"),
        marked(
            "Somebody who is signed in to your account asked for this key. It may: {permissions}. It will work for "
            "{environment}, from: {addresses}. Enter the code only if that is you, and only at the console’s own address. "
            "It serves once, for this key and no other, for 15 minutes."
        ),
        short=marked("confirms the API key “{name}”: {permissions}"),
    ),
    "code.key.addresses": Wording(
        marked("Confirm other addresses of the API key “{name}”"),
        marked(
            "Somebody who is signed in to your account asked for it. It may: {permissions}. It will work from: {addresses}. "
            "Enter the code only if that is you, and only at the console’s own address. It serves once, for 15 minutes."
        ),
        short=marked("confirms addresses of the API key “{name}”: {addresses}"),
    ),
    "code.phone": Wording(
        marked("Confirm your phone number"),
        marked("Enter this code where you were asked for it. It serves once, for 15 minutes."),
    ),
    "code.phone.choice": Wording(
        marked("Confirm that codes go to your phone"),
        marked(
            "Somebody who is signed in to your account wants codes like this one to be sent to the phone {number} instead. "
            "Enter the code only if that is you, and only at the console’s own address. It serves once, for 15 minutes."
        ),
    ),
    "code.other": Wording(
        marked("Your confirmation code"),
        marked(
            "Enter this code where you were asked for it, and only if you were just asked. It serves once, for a few "
            "minutes."
        ),
    ),
    "notices.test": Wording(
        marked("This is a test"),
        marked("If you can read this, notices arrive."),
    ),
}

WORDINGS: Mapping[str, Wording] = {**ACCOUNTS, **KEYS, **CONNECTIONS, **OTHERS}

NO_NEWS = frozenset(
    {
        "account.email_verified",
        "account.language_set",
        "approval.consumed",
        "audit.checkpoint_made",
        "connection.checked",
        "connection.edited",
        "connection.key_asked_for",
        "connection.key_made",
        "connection.opened",
        "connection.refused",
        "connection.rotation_ending",
        "connection.rotation_undoing",
        "egress.added",
        "egress.observed",
        "egress.released",
        "egress.removed",
        "egress.reserved",
        "egress.shared",
        "egress.unshared",
        "key.acknowledged",
        "key.renamed",
        "operator.link_made",
        "permission.frozen",
        "permission.unfrozen",
        "policy.changed",
        "session.ended",
        "session.stepped_up",
        "sub_account.described",
        "token.created",
        "token.disabled",
        "token.refused",
        "vault.accepted",
        "vault.made",
        "vault.passphrase_changed",
        "vault.protected",
        "vault.restored",
        "vault.unprotected",
        "withdrawal_address.labelled",
    }
)
"""Kinds of events that nobody is told of: their owner has just done them, or they are nobody's. A test in
tests/test_house.py wants every kind of event either here or above."""
