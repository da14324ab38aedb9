"""PERM: permissions and environments.

PERM-10 is in test_web_factors.py, PERM-12 in test_operator_rows.py, PERM-13 to 18 beside withdrawals; PERM-06 to 08 and 11 are
left to others.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from keywright.errors import Unusable
from keywright.gateway.routes import RouteTable, kucoin_routes
from keywright.protocol.message import Header
from tests.support.door import Bot, Door, Shot

HERE = ("127.0.0.1/32",)
ALL = ("trade", "transfer", "withdraw")
BODY = b'{"clientOid":"c"}'
TABLE = list(
    csv.DictReader(resources.files("keywright.gateway").joinpath("kucoin_routes.csv").read_text("utf-8").splitlines())
)

# From the specification, by hand: what moves money out, and what only clients of both environments call.
WITHDRAW = {
    ("spot", "POST", "/api/v1/withdrawals"),
    ("spot", "POST", "/api/v3/withdrawals"),
    ("spot", "DELETE", "/api/v1/withdrawals/{withdrawalId}"),
}
TRANSFER = {
    ("spot", "POST", "/api/v2/accounts/inner-transfer"),
    ("spot", "POST", "/api/v2/accounts/sub-transfer"),
    ("spot", "POST", "/api/v3/accounts/universal-transfer"),
    ("futures", "POST", "/api/v1/transfer-in"),
    ("futures", "POST", "/api/v2/transfer-out"),
    ("futures", "POST", "/api/v3/transfer-out"),
}
EITHER_ENVIRONMENT = {
    "/api/ua/v1/account/mode",
    "/api/v1/hf/accounts/opened",
    "/api/v1/user/api-key",
}


def filled(path: str) -> str:
    """Return a route's path with something in each of its braces that is the name of no other route."""
    return "/".join("5f3113a1c9b6" if segment.startswith("{") else segment for segment in path.split("/"))


async def bots_of(door: Door, environment: str) -> dict[frozenset[str], Bot]:
    """Return a key for read alone, for each other permission, and for all of them."""
    terms: dict[str, Any] = {"environment": environment, "addresses": HERE}
    return {
        frozenset({"read", *permissions}): await door.bot(*permissions, **terms)
        for permissions in ((), ("trade",), ("transfer",), ("withdraw",), ALL)
    }


@pytest.mark.parametrize("gateway", ["spot", "futures"])
async def test_perm_01_every_route_takes_exactly_the_permission_it_declares(door: Door, gateway: str) -> None:
    bots = await bots_of(door, gateway)
    port = door.port if gateway == "spot" else door.futures_port
    for row in TABLE:
        if row["gateway"] != gateway or row["permission"] == "public":
            continue
        calls = int(row["answered_by"] == "upstream")
        for permissions, bot in bots.items():
            shot = bot.signed(row["method"], filled(row["path"]), BODY if row["body"] == "yes" else b"")
            if row["permission"] in permissions:
                await door.allows(shot, to=port, calls=calls)
            else:
                hint = await door.refuses(shot, "permission_missing", to=port)
                assert f"'{row['permission']}'" in hint
        if calls:
            identity = door.echo.calls[-1][1]
            assert identity.permissions == {"read", *ALL}
            assert identity.environment == gateway


@pytest.mark.parametrize("gateway", ["spot", "futures"])
async def test_perm_01_public_routes_take_no_key_and_ignore_one(door: Door, gateway: str) -> None:
    port = door.port if gateway == "spot" else door.futures_port
    for row in TABLE:
        if row["gateway"] != gateway or row["permission"] != "public":
            continue
        calls = int(row["answered_by"] == "upstream")
        plain = Shot(row["method"].encode(), filled(row["path"]).encode(), ())
        await door.allows(plain, to=port, calls=calls)
        stray: tuple[Header, ...] = ((b"kc-api-key", b"x"), (b"kc-api-key", b"y"), (b"kc-api-timestamp", b"soon"))
        await door.allows(plain.plus(*stray), to=port, calls=calls)
        if calls:
            identity = door.echo.calls[-1][1]
            assert (identity.account_id, identity.key_id, identity.permissions) == ("", "", frozenset())


async def test_perm_01_a_route_that_is_not_listed_is_refused_whatever_the_key_may_do(door: Door) -> None:
    bot = await door.bot(*ALL, addresses=HERE)
    listed = {(row["method"], row["path"]) for row in TABLE if row["gateway"] == "spot"}
    for method, path in (
        *(
            ("GET", "/api/v1/unheard-of"),
            ("POST", "/api/v9/hf/orders"),
            ("GET", "/api/v1"),
            ("GET", "/api"),
            ("GET", "/"),
        ),
        *(("GET", "/api/v1/accounts/a/b"), ("DELETE", "/api/v1/accounts/a"), ("POST", "/api/v1/accounts")),
        *(("GET", "/metrics"), ("GET", "/health"), ("GET", "/.well-known/jwks.json"), ("GET", "/admin")),
        *(("POST", "/api/v3/hf/margin/lend"), ("POST", "/api/v1/earn/orders"), ("POST", "/api/v3/margin/borrow")),
    ):
        assert (method, path) not in listed
        await door.refuses(bot.signed(method, path), "route_unknown")


async def test_perm_01_keys_of_sub_accounts_are_no_business_of_an_api_key(door: Door) -> None:
    """K16: no request signed with a key makes or changes keys. Nor does one make sub-accounts."""
    bots = await bots_of(door, "spot")
    for method, path in (
        *(("GET", "/api/v1/sub/api-key"), ("POST", "/api/v1/sub/api-key"), ("DELETE", "/api/v1/sub/api-key")),
        *(
            ("POST", "/api/v1/sub/api-key/update"),
            ("GET", "/api/v1/sub/api-key/update"),
            ("PUT", "/api/v1/sub/api-key"),
        ),
        *(("POST", "/api/v2/sub/user/created"), ("POST", "/api/v1/sub/user"), ("POST", "/api/v1/user/api-key")),
        *(
            ("DELETE", "/api/v1/user/api-key"),
            ("PUT", "/api/v1/user/api-key"),
            ("POST", "/api/v3/sub/user/margin/enable"),
        ),
        *(("POST", "/api/v3/sub/user/futures/enable"), ("GET", "/api/v1/broker/nd/account/apikey")),
        *(("POST", "/api/v1/broker/nd/account/apikey"), ("DELETE", "/api/v1/broker/nd/account/apikey")),
    ):
        for bot in bots.values():
            await door.refuses(bot.signed(method, path, BODY if method in {"POST", "PUT"} else b""), "route_unknown")


def test_perm_01_the_table_says_what_the_specification_says() -> None:
    def named(row: dict[str, str]) -> tuple[str, str, str]:
        return row["gateway"], row["method"], row["path"]

    assert {named(row) for row in TABLE if row["permission"] == "withdraw"} == WITHDRAW
    assert {named(row) for row in TABLE if row["permission"] == "transfer"} == TRANSFER
    assert {row["path"] for row in TABLE if row["environment"] == "any"} == EITHER_ENVIRONMENT
    for row in TABLE:
        if row["method"] != "GET" and row["permission"] in {"public", "read"}:
            assert row["path"] in {"/api/v1/bullet-private", "/api/v1/bullet-public"}
        if row["method"] == "DELETE" and row["body"] == "yes":
            assert named(row) == ("futures", "DELETE", "/api/v1/orders/multi-cancel")
        assert "api-key" not in row["path"] or (row["method"], row["path"]) == ("GET", "/api/v1/user/api-key")


async def test_perm_02_a_trading_key_moves_no_money(door: Door) -> None:
    for gateway, method, path in sorted(WITHDRAW | TRANSFER):
        bot, port = (door.kt, door.port) if gateway == "spot" else (door.kf, door.futures_port)
        shot = bot.signed(method, filled(path), BODY if method == "POST" else b"")
        await door.refuses(shot, "permission_missing", to=port)
    await door.refuses(door.kx.signed("POST", "/api/v3/withdrawals", BODY), "permission_missing")
    await door.refuses(door.kw.signed("POST", "/api/v3/accounts/universal-transfer", BODY), "permission_missing")


async def test_perm_03_another_method_on_a_path_is_another_route(door: Door) -> None:
    """404: the table decides by method and path together, so there is nothing to say the method is wrong for."""
    bot = await door.bot(*ALL, addresses=HERE)
    for method, path in (
        *(("POST", "/api/v1/accounts"), ("PUT", "/api/v1/accounts"), ("PATCH", "/api/v1/hf/orders")),
        *(
            ("GET", "/api/v3/accounts/universal-transfer"),
            ("GET", "/api/v1/stop-order/cancel/x"),
            ("HEAD", "/api/v1/orders"),
        ),
    ):
        await door.refuses(bot.signed(method, path), "route_unknown")
    await door.refuses(door.kr.signed("GET", "/api/v1/hf/orders/active/symbols"), "permission_missing")


@pytest.mark.parametrize("permission", ["", "admin", "READ", "read,trade", " read", "*"])
def test_perm_04_a_route_nobody_decided_about_does_not_start(permission: str) -> None:
    routes = kucoin_routes("spot").routes
    undecided = replace(routes[0], path="/api/v1/new", permission=permission)
    with pytest.raises(Unusable, match="/api/v1/new"):
        RouteTable([*routes, undecided])


def test_perm_04_a_route_decided_twice_does_not_start() -> None:
    routes = kucoin_routes("spot").routes
    with pytest.raises(Unusable, match="twice"):
        RouteTable([*routes, replace(routes[1], permission="public")])


async def test_perm_09_a_key_works_in_its_own_environment_only(door: Door) -> None:
    for bot, port, other in ((door.kt, door.futures_port, door.port), (door.kf, door.port, door.futures_port)):
        await door.allows(bot.signed("GET", "/api/v1/fills"), to=other)
        shot = bot.signed("GET", "/api/v1/fills")
        hint = await door.refuses(shot, "key_other_environment", to=port)
        assert f"http://127.0.0.1:{other}" in hint
        write = bot.signed("POST", "/api/v1/orders", BODY)
        await door.refuses(write, "key_other_environment", to=port)
        await door.allows(write, to=other)


async def test_perm_09_the_environment_is_told_only_to_who_holds_the_secret(door: Door) -> None:
    for bot, port in ((door.kt, door.futures_port), (door.kf, door.port)):
        forged = bot.signed("GET", "/api/v1/fills").but(sign=door.kb.mac(b"x"))
        hint = await door.refuses(forged, "signature_mismatch", to=port)
        assert "environment" not in hint
        assert "http://" not in hint


async def test_perm_09_what_clients_of_either_environment_load_through_is_open_to_both(door: Door) -> None:
    reply = await door.allows(door.kf.signed("GET", "/api/v1/user/api-key"), calls=0)
    assert reply.json()["data"]["permission"] == "General,Futures"
    await door.allows(door.kt.signed("GET", "/api/v1/user/api-key"), to=door.futures_port, calls=0)
    for path in sorted(EITHER_ENVIRONMENT - {"/api/v1/user/api-key"}):
        await door.allows(door.kf.signed("GET", path))
        assert door.echo.calls[-1][1].environment == "spot"


async def test_perm_09_an_account_never_sees_another(door: Door) -> None:
    await door.allows(door.kb.signed("GET", "/api/v1/accounts"))
    await door.allows(door.kr.signed("GET", "/api/v1/accounts"))
    (_, bob), (_, ada) = door.echo.calls
    assert (bob.account_id, bob.key_id) == (door.kb.person.account.id, door.kb.id)
    assert (ada.account_id, ada.key_id) == (door.kr.person.account.id, door.kr.id)
    reply = await door.allows(door.kb.signed("GET", "/api/v1/user/api-key"), calls=0)
    assert reply.json()["data"]["apiKey"] == door.kb.id
