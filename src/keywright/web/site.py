"""What the console is made of: the services it calls and what it knows of where it stands. Handed down, never looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Protocol
from urllib.parse import urlsplit

from keywright.approvals.service import Approvals
from keywright.audit.log import AuditLog
from keywright.gateway.address import compile_networks
from keywright.identity.captcha import Captcha
from keywright.identity.entrance import Entrance
from keywright.identity.login import Login
from keywright.identity.model import Account, RelyingParty
from keywright.identity.particulars import Particulars
from keywright.identity.passkey_entrance import PasskeyEntrance
from keywright.identity.policies import Policies
from keywright.identity.prerequisites import Profile
from keywright.identity.service import IdentityService
from keywright.identity.sub_accounts import SubAccounts
from keywright.identity.tokens import Tokens
from keywright.identity.whitelist import Whitelist
from keywright.issuing.service import IssuingService
from keywright.notices.service import Notices
from keywright.posture.model import Report
from keywright.secret import Secret
from keywright.storage.transaction import Database
from keywright.vault.service import Vault
from keywright.web.assets import Assets
from keywright.web.chain_checks import ChainChecks
from keywright.web.rendering import Pages
from keywright.web.texts import Texts
from keywright.web.turns import Turns


@dataclass(frozen=True)
class Place:
    """Where the console stands."""

    origins: tuple[str, ...]
    """Its official origins, the one to show first: `https://keys.example.org`, or those of a loopback port."""
    mode: str
    """`sandbox` or `service`: what stands behind the gateways."""
    spot_url: str
    futures_url: str
    header_prefix: str = "KC-API-"
    captcha: str = "off"
    """Whether making a key or an account takes a captcha (K5): `on`, `off`, or `auto`, see `asks_captcha`."""
    trusted_proxies: tuple[str, ...] = ()
    play_money: tuple[tuple[str, Decimal], ...] = ()
    """What every new account finds in the sandbox: currencies and amounts."""
    usage_days: int = 90
    """How long usage records are kept."""
    payout_networks: tuple[tuple[str, str], ...] = ()
    """Where withdrawals can go, `USDT/trx` with what it is called; empty: not known, so people type it."""
    has_development_pages: bool = False

    @property
    def origin(self) -> str:
        """The official origin as it is shown (K3)."""
        return self.origins[0]

    @property
    def is_https(self) -> bool:
        """Tell whether browsers come by TLS; if not, this is loopback."""
        return self.origin.startswith("https://")

    @property
    def is_sandbox(self) -> bool:
        """Tell whether all money here is play money."""
        return self.mode == "sandbox"

    def asks_captcha(self, profile: Profile) -> bool:
        """Tell whether making a key or an account takes a captcha; `auto`: not where someone runs the sandbox for themselves."""
        is_for_oneself = self.is_sandbox and profile is Profile.PERSONAL
        return self.captcha == "on" or (self.captcha == "auto" and not is_for_oneself)

    @cached_property
    def hosts(self) -> frozenset[bytes]:
        """What a browser that came by an official origin names as host."""
        return frozenset(urlsplit(origin).netloc.encode() for origin in self.origins)

    @cached_property
    def relying_party(self) -> RelyingParty | None:
        """Who passkeys are made for; `None` where browsers make none: at an address that is no name, or without TLS."""
        host = urlsplit(self.origin).hostname or ""
        is_name = re.search(r"[a-z]", host) is not None and ":" not in host
        if not is_name or not (self.is_https or host == "localhost"):
            return None
        return RelyingParty(host, tuple(one for one in self.origins if urlsplit(one).hostname == host))

    @cached_property
    def networks(self) -> tuple[tuple[int, int, int], ...]:
        """The proxies whose word on the client's address counts."""
        return compile_networks(self.trusted_proxies)


class Standing(Protocol):
    """How keys stand: of some accounts, their sub-accounts and their connections."""

    async def __call__(self, accounts: Sequence[Account], *, now: int) -> Report:
        """Return the report on the keys of these accounts."""
        ...


class Purses(Protocol):
    """The sandbox's money, for who moves it between an account and its sub-accounts."""

    async def available(self, account_id: str, sub_account: str, *, now: int) -> Mapping[str, str]:
        """Return what can be moved out of a main account by currency, as plain decimal text."""
        ...

    async def move(self, account_id: str, *, source: str, target: str, currency: str, amount: str, now: int) -> None:
        """Move money between main accounts, of a sub-account where its name is given; raises `Invalid`."""
        ...


@dataclass(frozen=True)
class Site:
    """Everything a page may use."""

    place: Place
    database: Database
    identity: IdentityService
    issuing: IssuingService
    entrance: Entrance
    captcha: Captcha
    sub_accounts: SubAccounts
    passkeys: PasskeyEntrance
    whitelist: Whitelist
    approvals: Approvals
    notices: Notices
    own: Particulars
    login: Login
    policies: Policies
    tokens: Tokens
    audit: AuditLog
    chain: ChainChecks
    vault: Vault
    standing: Standing
    csrf_key: Secret
    clock: Callable[[], int]
    jwks: bytes
    texts: Texts
    assets: Assets
    pages: Pages
    purses: Purses | None = None
    """Where the sandbox stands behind the gateways; an exchange's own money is moved at the exchange."""
    measuring: Turns = field(default_factory=lambda: Turns(at_once=1, waiting=16))
    """For passwords that are measured while they are typed: strangers may ask, and each takes a core for 10 to 60 ms."""
    encrypting: Turns = field(default_factory=lambda: Turns(at_once=1, waiting=4))
    """For files encrypted under a password: each takes 128 MiB for half a second."""
