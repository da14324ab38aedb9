"""What `keywright accounts show` tells of an account: what the console shows an operator, never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.cli import terminal
from keywright.cli.key_changes import as_dict

if TYPE_CHECKING:
    from keywright.app.services import Services
    from keywright.storage.transaction import Tx


async def about(services: Services, tx: Tx, email: str, *, now: int) -> dict[str, Any]:
    """Return the account as `--json` shows it. Raises `NotFound`."""
    from keywright.issuing.model import Owner

    account = await services.identity.account(tx, email=email)
    subs = await services.sub_accounts.all(tx, account.id)
    identity = await services.own.identities.of(tx, account.id)
    whitelist = await services.whitelist.switch(tx, account.id, now=now)
    keys = [
        key
        for name in ("", *(sub.name for sub in subs))
        for key in await services.issuing.keys(tx, Owner(account.id, name))
    ]
    return {
        "id": account.id,
        "uid": account.uid,
        "email": account.email,
        "external_id": account.external_id or None,
        "created_at": account.created_at,
        "frozen_at": account.frozen_at,
        "is_operator": await services.entrance.operators.is_operator(tx, account),
        "has_second_factor": account.has_factor,
        "has_trading_password": account.has_trading_password,
        "email_verified_at": account.email_verified_at,
        "identity": identity.state.value if identity is not None else None,
        "whitelist_is_on": whitelist.is_on,
        "sessions": len(await services.entrance.sessions.of(tx, account.id, now=now)),
        "sub_accounts": [{"name": sub.name, "uid": sub.uid, "frozen_at": sub.frozen_at} for sub in subs],
        "keys": [{**as_dict(key, now=now), "is_altered": not key.holds} for key in keys],
    }


def rows_of(shown: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Return the same for people: facts by name, and a row for each key."""
    facts = [
        ("Account", shown["email"]),
        ("Id", shown["id"]),
        ("Number", shown["uid"]),
        ("At the exchange", shown["external_id"]),
        ("Created", terminal.moment(shown["created_at"])),
        ("Frozen", terminal.moment(shown["frozen_at"]) if shown["frozen_at"] else "no"),
        ("Operator", _yes(shown["is_operator"])),
        ("Second factor", _yes(shown["has_second_factor"])),
        ("Trading password", _yes(shown["has_trading_password"])),
        ("E-mail verified", terminal.moment(shown["email_verified_at"])),
        ("Identity", shown["identity"] or "not submitted"),
        ("Whitelist", "on" if shown["whitelist_is_on"] else "off"),
        ("Sessions", shown["sessions"]),
        ("Sub-accounts", ", ".join(_sub(sub) for sub in shown["sub_accounts"])),
        ("Keys", len(shown["keys"])),
    ]
    keys = [
        (
            key["name"],
            "altered" if key["is_altered"] else key["status"],
            key["permissions"],
            key["environment"],
            key["addresses"] or "any",
            terminal.moment(key["last_used_at"]),
            key["sub_account"],
            key["id"],
        )
        for key in shown["keys"]
    ]
    return [
        (name, "–" if value in {None, ""} else str(value).translate(terminal.CONTROL)) for name, value in facts
    ], keys


def _sub(sub: dict[str, Any]) -> str:
    return f"{sub['name']} (frozen)" if sub["frozen_at"] else str(sub["name"])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
