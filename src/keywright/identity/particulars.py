"""What people keep up to date about themselves, wired once: one object for all that a page about it calls."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.audit.log import AuditLog
from keywright.identity.codes import Codes
from keywright.identity.identities import Identities
from keywright.identity.mailbox import Mailbox, PostsCodes
from keywright.identity.own_password import OwnPassword
from keywright.identity.passwords import Passwords
from keywright.identity.phones import Phones
from keywright.identity.policies import Policies
from keywright.identity.preferences import Preferences
from keywright.identity.service import IdentityService
from keywright.identity.sessions import Sessions
from keywright.identity.standing import Standing
from keywright.identity.trading import TradingPasswords
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Database


@dataclass(frozen=True, slots=True)
class Particulars:
    """Prerequisites, passwords, codes and identity of every account."""

    standing: Standing
    codes: Codes
    password: OwnPassword
    trading: TradingPasswords
    identities: Identities
    mailbox: Mailbox
    preferences: Preferences
    phones: Phones


def particulars(
    *,
    database: Database,
    keyring: Keyring,
    audit: AuditLog,
    identity: IdentityService,
    sessions: Sessions,
    passwords: Passwords,
    policies: Policies,
    sandbox: bool,
    post_code: PostsCodes,
    has_sms: bool,
) -> Particulars:
    """Return them all, over one database."""
    identities = Identities(keyring=keyring, audit=audit, sandbox=sandbox)
    codes = Codes(database=database, keyring=keyring)
    own_password = OwnPassword(database=database, audit=audit, identity=identity, sessions=sessions)
    return Particulars(
        standing=Standing(policies=policies, identities=identities),
        codes=codes,
        password=own_password,
        trading=TradingPasswords(
            database=database, keyring=keyring, audit=audit, passwords=passwords, own_password=own_password
        ),
        identities=identities,
        mailbox=Mailbox(database=database, audit=audit, codes=codes, post_code=post_code),
        preferences=Preferences(database=database, keyring=keyring, audit=audit, own_password=own_password),
        phones=Phones(
            database=database, keyring=keyring, audit=audit, codes=codes, post_code=post_code, is_offered=has_sms
        ),
    )
