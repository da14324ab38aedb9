"""Wires the console: what it calls, where it stands, what it shows of the sandbox."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from urllib.parse import urlsplit

from keywright.app.checkpoints import checkpoints_of
from keywright.app.purses import SandboxPurses
from keywright.app.running import Running
from keywright.app.services import Services
from keywright.app.standing_of_keys import posture_of
from keywright.sandbox.markets import CURRENCIES, STARTER
from keywright.settings import Settings
from keywright.web.app import Console
from keywright.web.assets import Assets
from keywright.web.chain_checks import ChainChecks
from keywright.web.rendering import Pages
from keywright.web.security import CSRF_LABEL
from keywright.web.site import Place, Site
from keywright.web.texts import Texts

SHOWN = ("USDT", "BTC", "ETH")
"""The play money that is worth a word, in this order."""


def console(
    services: Services, settings: Settings, running: Running, *, origins: tuple[str, ...], jwks: bytes, texts: Texts
) -> Console:
    """Return the console of one server."""
    place = Place(
        origins=origins,
        mode=running.mode,
        spot_url=running.spot_url,
        futures_url=running.futures_url,
        header_prefix=settings.header_prefix,
        captcha=settings.captcha,
        trusted_proxies=settings.trusted_proxies,
        play_money=play_money() if settings.is_sandbox else (),
        usage_days=settings.usage_days,
        payout_networks=payout_networks() if settings.is_sandbox else (),
        has_development_pages=settings.development_pages,
    )
    assets = Assets()
    site = Site(
        place=place,
        database=services.database,
        identity=services.identity,
        issuing=services.issuing,
        entrance=services.entrance,
        captcha=services.captcha,
        sub_accounts=services.sub_accounts,
        passkeys=services.passkeys,
        whitelist=services.whitelist,
        approvals=services.approvals,
        notices=services.notices,
        own=services.own,
        login=services.login,
        policies=services.policies,
        tokens=services.tokens,
        audit=services.audit,
        chain=ChainChecks(checkpoints_of(services, settings).verify),
        vault=services.vault,
        standing=partial(posture_of, services),
        csrf_key=services.keyring.derive(CSRF_LABEL),
        clock=services.clock,
        jwks=jwks,
        texts=texts,
        assets=assets,
        pages=Pages(assets, texts),
        purses=SandboxPurses(services.database) if settings.is_sandbox else None,
    )
    return Console(site)


def origins_of(settings: Settings, listening: str) -> tuple[str, ...]:
    """Return the console's official origins, the one to show first. On loopback people write its names as they like."""
    if settings.public_url:
        return (settings.public_url.rstrip("/").lower(),)
    port = urlsplit(listening).port
    names = (f"http://{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]"))
    return tuple(dict.fromkeys((*names, listening)))


def play_money() -> tuple[tuple[str, Decimal], ...]:
    """Return what every new account finds in the sandbox, currency by currency."""
    none = Decimal(0)
    return tuple((currency, sum((book.get(currency, none) for book in STARTER.values()), none)) for currency in SHOWN)


def payout_networks() -> tuple[tuple[str, str], ...]:
    """Return where the sandbox's currencies can be withdrawn to, each with what it is called."""
    pairs = ((currency, chain) for currency in CURRENCIES.values() for chain in currency.chains)
    return tuple((f"{currency.code}/{chain.id}", f"{currency.code} · {chain.name}") for currency, chain in pairs)
