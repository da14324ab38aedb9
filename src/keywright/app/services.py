"""The verbs of one installation, wired once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher

from keywright.app.addresses import address_of
from keywright.app.folders import folders_of
from keywright.app.installation import Installation, open_installation
from keywright.app.vault_services import VaultServices
from keywright.app.vaults import origins_of_exchanges, vault_over, ways_of
from keywright.approvals.service import Approvals
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.identity.assertions import Issuer
from keywright.identity.captcha import Captcha
from keywright.identity.entrance import Entrance
from keywright.identity.factors import Factors
from keywright.identity.holds import Holds
from keywright.identity.login import Login
from keywright.identity.operators import Operators
from keywright.identity.particulars import Particulars, particulars
from keywright.identity.passkey_entrance import PasskeyEntrance
from keywright.identity.passkeys import Passkeys
from keywright.identity.passwords import Passwords
from keywright.identity.policies import HOUR_MS, Policies
from keywright.identity.policy_model import Policy
from keywright.identity.prerequisites import Profile
from keywright.identity.service import IdentityService
from keywright.identity.sessions import Sessions
from keywright.identity.sub_accounts import SubAccounts
from keywright.identity.tokens import Tokens
from keywright.identity.whitelist import Whitelist
from keywright.issuing.service import IssuingService
from keywright.notices.service import Notices
from keywright.sealing.keyring import Keyring
from keywright.settings import Settings
from keywright.storage.transaction import Database, Tx
from keywright.vault.destinations import Origin
from keywright.vault.evidence import Exchange
from keywright.vault.seam import Asks


@dataclass(frozen=True, slots=True)
class Services(VaultServices):
    """What surfaces call."""

    notices: Notices
    identity: IdentityService
    issuing: IssuingService
    entrance: Entrance
    captcha: Captcha
    sub_accounts: SubAccounts
    own: Particulars
    """What people keep up to date about themselves, and the checklist."""
    whitelist: Whitelist
    approvals: Approvals
    passkeys: PasskeyEntrance
    tokens: Tokens
    login: Login
    policies: Policies


def wire(
    database: Database,
    keyring: Keyring,
    *,
    policy: Policy,
    clock: Clock,
    hasher: PasswordHasher | None = None,
    sandbox: bool = False,
    rest_hours: int = 0,
    issuer: Issuer | None = None,
    login_url: str = "",
    has_chat: bool = False,
    origins: Mapping[Exchange, Origin] | None = None,
    asks: Asks | None = None,
    personal: bool = False,
    has_sms: bool = False,
) -> Services:
    """Return the services over an open database. `policy` holds where operators decided nothing else."""
    audit = AuditLog(keyring.derive(LABEL))
    notices = Notices(keyring=keyring, has_chat=has_chat, rest_ms=rest_hours * HOUR_MS)
    audit.listen(notices.hear)
    passwords = Passwords(hasher)
    identity = IdentityService(keyring=keyring, audit=audit, passwords=passwords, sandbox=sandbox)
    operators = Operators(keyring=keyring, audit=audit)
    policies = Policies(keyring=keyring, audit=audit, given=policy, require_operator=operators.require)
    sub_accounts = SubAccounts(audit=audit, policies=policies)
    sessions = Sessions(keyring=keyring, audit=audit)
    own = particulars(
        database=database,
        keyring=keyring,
        audit=audit,
        identity=identity,
        sessions=sessions,
        passwords=passwords,
        policies=policies,
        sandbox=sandbox,
        post_code=notices.post_code,
        has_sms=has_sms,
    )
    issuing = IssuingService(keyring=keyring, audit=audit, identity=identity, standing=own.standing, policies=policies)
    entrance = Entrance(
        database=database,
        identity=identity,
        sessions=sessions,
        factors=Factors(keyring=keyring, audit=audit),
        operators=operators,
        audit=audit,
        keyring=keyring,
    )
    whitelist = Whitelist(keyring=keyring, audit=audit, policies=policies)
    approvals = Approvals(
        keyring=keyring,
        audit=audit,
        identity=identity,
        whitelist=whitelist,
        holds=Holds(audit=audit, hold_ms=rest_hours * HOUR_MS),
        may_withdraw=issuing.require_withdrawing,
    )
    ways = ways_of(database, keyring, origins=origins or {}, clock=clock)

    async def most_connections(tx: Tx) -> int:
        # There is no operator over a personal vault: its settings alone say how much it holds.
        return (policies.given if personal else await policies.current(tx)).connections_per_account

    return Services(
        database=database,
        keyring=keyring,
        audit=audit,
        notices=notices,
        identity=identity,
        issuing=issuing,
        entrance=entrance,
        captcha=Captcha(keyring=keyring),
        sub_accounts=sub_accounts,
        own=own,
        whitelist=whitelist,
        approvals=approvals,
        passkeys=PasskeyEntrance(entrance, Passkeys(keyring=keyring, audit=audit)),
        clock=clock,
        tokens=Tokens(keyring=keyring, audit=audit),
        login=Login(identity, audit, passwords, keyring, own.identities, whitelist, issuer, login_url),
        policies=policies,
        vault=vault_over(
            database, keyring, audit, None if personal else identity, ways=ways, asks=asks, most=most_connections
        ),
        ways=ways,
    )


def policy_of(settings: Settings) -> Policy:
    """Return the policy that the settings ask for."""
    return Policy(
        keys_per_account=settings.keys_per_account,
        key_lifetime_days=settings.key_lifetime_days,
        disable_idle_days=settings.disable_idle_days,
        sub_accounts_per_account=settings.sub_accounts_per_account,
        connections_per_account=settings.connections_per_account,
        sign_up="open" if settings.sign_up_is_open else "closed",
        whitelist_hold_hours=settings.hold_hours,
        profile=Profile(settings.profile),
    )


def services_of(
    installation: Installation,
    settings: Settings,
    *,
    clock: Clock = wall_clock_ms,
    issuer: Issuer | None = None,
    personal: bool = False,
) -> Services:
    """Return the services of an open installation; `issuer` is the exchange that vouches for people here, if one does.

    `personal` is for a vault without accounts: whoever opened it is the owner of everything in it.
    """
    return wire(
        installation.database,
        installation.keyring,
        policy=policy_of(settings),
        clock=clock,
        sandbox=settings.is_sandbox,
        rest_hours=settings.rest_hours,
        issuer=issuer,
        login_url=settings.login_url,
        has_chat=bool(settings.chat_urls_file),
        origins=origins_of_exchanges(settings),
        personal=personal,
        has_sms=bool(settings.sms_urls_file),
    )


@asynccontextmanager
async def opened(settings: Settings, *, make: bool = False, clock: Clock = wall_clock_ms) -> AsyncIterator[Services]:
    """Open the settings' installation and give its services; close it at the end.

    Raises `Unusable` when there is none, unless it may be made.
    """
    where = folders_of(settings)
    installation = await open_installation(where, address=address_of(settings), make=make, now=clock())
    try:
        yield services_of(installation, settings, clock=clock)
    finally:
        await installation.database.close()
