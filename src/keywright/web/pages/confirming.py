"""What making a key, or its successor, takes beside the second factor: trading password, and a code sent by e-mail (K5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from keywright.errors import Invalid
from keywright.identity import prerequisites
from keywright.identity.model import FactorProof, TradingProof
from keywright.identity.phones import Way
from keywright.issuing.addresses import plain_address
from keywright.issuing.model import ApiKey, Permission
from keywright.storage.transaction import Tx
from keywright.web.model import Form
from keywright.web.visit import Visit

PURPOSE = "key.create"
"""What the code is for: it confirms this one key and nothing else."""

ADDRESSES = "key.addresses"
"""Or other addresses of one key."""


def successor_of(key: ApiKey) -> dict[str, str]:
    """Return what a code confirms that is sent for a rotation: the successor of this key, and no other key."""
    return {
        "successor_of": key.id,
        **wished(key.name, key.grant.permissions, key.grant.environment, key.grant.addresses),
    }


def wished(name: str, permissions: Iterable[str], environment: str, addresses: Iterable[str]) -> dict[str, str]:
    """Return what a code confirms of any key: all that it will be able to do."""
    return {
        "name": name,
        "permissions": " ".join(sorted(permissions)),
        "environment": str(environment),
        "addresses": " ".join(sorted(addresses)),
    }


def rebound(key: ApiKey, addresses: Iterable[str]) -> dict[str, str]:
    """Return what a code confirms that is sent for other addresses of a key: these, for this key."""
    return {"addresses_of": key.id, **wished(key.name, key.grant.permissions, key.grant.environment, addresses)}


async def asked(visit: Visit, wish: dict[str, str]) -> dict[str, Any]:
    """Return what a page must know that asks for both: which of them, and whether a code for this wish waits."""
    return {
        "needs_trading_password": takes_trading_password(visit),
        "needs_mailed_code": takes_code(visit),
        "codes_go_to": (await _way(visit)).shown,
        "is_sent": await code_waits(visit, wish),
    }


def takes_trading_password(visit: Visit) -> bool:
    """Tell whether the page must ask for the trading password of who is signed in."""
    return prerequisites.takes_trading_password(visit.policy.profile, factor=_factor(visit))


def takes_code(visit: Visit) -> bool:
    """Tell whether the page must ask for a code that is sent by e-mail."""
    return prerequisites.takes_mailed_code(visit.policy.profile, factor=_factor(visit))


def check_typed(visit: Visit) -> None:
    """Do nothing if both are there, right or wrong. Raises `Invalid`: what is only missing uses nothing else up."""
    if takes_trading_password(visit) and not visit.text("trading_password"):
        raise Invalid("this takes your trading password", hint="type it in", field="trading_password")
    if takes_code(visit) and not visit.text("mailed_code"):
        raise Invalid(
            "this takes the code that is sent to you", hint="let it be sent, then type it in", field="mailed_code"
        )


async def trading_proof(visit: Visit, proof: FactorProof) -> TradingProof | None:
    """Return the proof that the trading password is right; `None` where none is asked for. Raises `NotProven`, `Limited`."""
    if not takes_trading_password(visit):
        return None
    return await visit.site.own.trading.prove_trading_password(
        visit.own_account.id, visit.secret("trading_password"), proof=proof, now=visit.now
    )


async def count_try(visit: Visit, purpose: str = PURPOSE) -> None:
    """Count a try at the code, where one is asked for. Raises `NotProven` when none waits, and `Limited`."""
    if takes_code(visit):
        await visit.site.own.codes.count_try(visit.own_account.id, purpose, now=visit.now)


async def burn_code(tx: Tx, visit: Visit, wish: dict[str, str]) -> None:
    """Use the code up in the transaction that makes the key, where one is asked for. Raises `NotProven`."""
    if takes_code(visit):
        purpose, context = _purpose(wish), _digest(visit, wish)
        typed = visit.secret("mailed_code")
        await visit.site.own.codes.burn(tx, visit.own_account.id, purpose, typed, context=context, now=visit.now)


async def send_code(visit: Visit, wish: dict[str, str]) -> None:
    """Send a code that confirms this wish and no other, by mail or to the phone; the one before is worthless. Raises
    `Limited`."""
    account = visit.own_account
    async with visit.site.database.write() as tx:
        way = await visit.site.own.phones.way(tx, account)
        await visit.site.own.phones.charge(tx, account.id, way, now=visit.now)
        purpose, context = _purpose(wish), _digest(visit, wish)
        code = await visit.site.own.codes.make(tx, account.id, purpose, context=context, now=visit.now)
        await visit.site.notices.post_code(
            tx,
            account.id,
            purpose,
            code,
            recipient=way.recipient,
            channel=way.channel,
            detail=_told(visit, wish),
            now=visit.now,
        )


async def sent(visit: Visit, form: Form, *, is_sent: bool) -> Response:
    """Return the part of a page that says where the code went, or what was wrong."""
    return visit.fragment("mailed_code.html", "sent", form=form, is_sent=is_sent, codes_go_to=(await _way(visit)).shown)


async def code_waits(visit: Visit, wish: dict[str, str]) -> bool:
    """Tell whether a code for this wish was sent that still waits for its answer."""
    if not takes_code(visit):
        return False
    async with visit.site.database.read() as tx:
        return await visit.site.own.codes.waits(
            tx, visit.own_account.id, _purpose(wish), context=_digest(visit, wish), now=visit.now
        )


async def _way(visit: Visit) -> Way:
    async with visit.site.database.read() as tx:
        return await visit.site.own.phones.way(tx, visit.own_account)


def _purpose(wish: dict[str, str]) -> str:
    return ADDRESSES if "addresses_of" in wish else PURPOSE


def _digest(visit: Visit, wish: dict[str, str]) -> str:
    """Return what stands for a wish: a code for one key confirms no other, of this account or of a sub-account."""
    covered = json.dumps([visit.sub_account, sorted(wish.items())])
    return hashlib.sha256(covered.encode()).hexdigest()


def _told(visit: Visit, wish: dict[str, str]) -> dict[str, object]:
    """Return what the message says of the wish: which key, whose, and what it may do."""
    return {
        "name": wish["name"],
        "permissions": [one.value for one in Permission if one.value in wish["permissions"].split()],
        "environment": wish["environment"],
        "addresses": [plain_address(one) for one in wish["addresses"].split()],
        "sub_account": visit.sub_account,
        "replaces": wish.get("successor_of", ""),
    }


def _factor(visit: Visit) -> str:
    session = visit.own_session
    return session.factor if visit.needs_code else session.step_up_factor
