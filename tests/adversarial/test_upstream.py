"""SIG-22: what a service behind the gateway is told, and by whom. A real service, over a real connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from aiohttp import web

from keywright.gateway.upstream import LABEL, Assertions, ServiceUpstream
from tests.support import raw
from tests.support.door import HOST, Door, Shot

ORDERS = "/api/v1/hf/orders"
ORDER = b'{ "symbol" : "BTC-USDT",\n"memo":"\xc3\xa9\\u00e9" }'
FACTS = ("account", "sub-account", "key-id", "permissions", "environment", "request-id", "assertion")


@dataclass
class Service:
    """A web service that keeps what it received, as it received it."""

    port: int = 0
    received: list[tuple[str, str, list[tuple[str, str]], bytes]] = field(default_factory=list)
    answer: web.Response | None = None

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
        self.received.append((request.method, request.raw_path, headers, await request.read()))
        return self.answer or web.json_response({"code": "200000", "data": None})


@asynccontextmanager
async def service_behind(door: Door) -> AsyncIterator[tuple[Service, Assertions]]:
    """Run a service and put it behind both gateways."""
    service = Service()
    server = web.Server(service.take)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.port = runner.addresses[0][1]
    assertions = Assertions(door.services.keyring.derive(LABEL))
    upstream = ServiceUpstream(f"http://127.0.0.1:{service.port}", assertions=assertions, clock=door.clock)
    door.forward = upstream.forward
    door.configure()
    try:
        yield service, assertions
    finally:
        await upstream.close()
        await runner.cleanup()


def opened(token: str, assertions: Assertions, door: Door) -> dict[str, Any]:
    """Return what an assertion says, verified by a library of others against the published key."""
    key = jwt.PyJWKSet.from_json(assertions.jwks().decode()).keys[0]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="upstream",
        issuer="keywright",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iat"] == door.clock() // 1000
    assert claims["exp"] == claims["iat"] + 30
    return claims


async def test_sig_22_what_a_client_says_of_itself_never_reaches_the_service(door: Door) -> None:
    async with service_behind(door) as (service, _):
        spoofed = [
            (spelling(f"x-keywright-{fact}").encode(), door.kb.person.account.id.encode())
            for fact in (*FACTS, "admin", "")
            for spelling in (
                str.lower,
                str.upper,
                str.title,
                lambda name: name.replace("-", "_"),
                lambda name: name.replace("-", "_").upper(),
                lambda name: name.replace("-", "_", 1),
            )
        ]
        for start in range(0, len(spoofed), 16):  # no more than sixty-four headers fit
            few = spoofed[start : start + 16]
            await door.allows(door.kr.signed("GET", "/api/v1/accounts").plus(*few, *few), calls=0)
        assert len(service.received) == -(-len(spoofed) // 16)
        for _, _, headers, _ in service.received:
            said = [
                (name, value) for name, value in headers if name.lower().replace("_", "-").startswith("x-keywright-")
            ]
            assert sorted(name for name, _ in said) == sorted(f"x-keywright-{fact}" for fact in FACTS)
            values = dict(said)
            assert values["x-keywright-account"] == door.kr.person.account.id
            assert values["x-keywright-key-id"] == door.kr.id
            assert values["x-keywright-permissions"] == "read"
            assert values["x-keywright-environment"] == "spot"
            assert values["x-keywright-sub-account"] == ""
            assert door.kb.person.account.id not in str(headers)


async def test_sig_22_on_a_public_route_nothing_is_said_of_anyone(door: Door) -> None:
    async with service_behind(door) as (service, assertions):
        shot = Shot(b"GET", b"/api/v1/timestamp", ((b"x-keywright-account", b"acc_evil"), (b"kc-api-key", b"k")))
        await door.allows(shot, calls=0)
        _, _, headers, _ = service.received[0]
        values = dict(headers)
        assert values["x-keywright-account"] == values["x-keywright-key-id"] == values["x-keywright-permissions"] == ""
        assert "acc_evil" not in str(headers)
        assert opened(values["x-keywright-assertion"], assertions, door)["sub"] == ""


async def test_sig_22_credentials_never_reach_the_service(door: Door) -> None:
    async with service_behind(door) as (service, _):
        shot = door.kr.signed("GET", "/api/v1/accounts")
        more = tuple((name.replace(b"-", b"_"), b"hidden") for name, _ in shot.headers)
        partner = (b"KC-API-PARTNER", b"ccxt"), (b"kc-api-partner-sign", b"s")
        await door.allows(shot.plus(*more, *partner), calls=0)
        _, _, headers, _ = service.received[0]
        assert not [name for name, _ in headers if name.lower().replace("_", "-").startswith("kc-api-")]
        for value in (shot.value("sign"), shot.value("passphrase"), b"hidden"):
            assert value.decode() not in str(headers)


@pytest.mark.parametrize(
    "target",
    [
        ORDERS,
        f"{ORDERS}?a=b%20c&a=b+c&d=%c3%A9&e=%2F&f=/?:@!$'()*,;&g&=h&",
        f"{ORDERS}?q=%2B%26%3D%25%23",
        f"{ORDERS}?a=%61&b=%7E~",
    ],
)
async def test_sig_22_target_and_body_arrive_byte_for_byte(door: Door, target: str) -> None:
    async with service_behind(door) as (service, _):
        for body in (ORDER, b""):
            await door.allows(door.kt.signed("POST", target, body), calls=0)
            method, received, headers, arrived = service.received[-1]
            assert (method, received, arrived) == ("POST", target, body)
            assert [value for name, value in headers if name.lower() == "content-length"] == [str(len(body))]


async def test_sig_22_the_assertion_covers_method_target_and_body(door: Door) -> None:
    async with service_behind(door) as (service, assertions):
        target = f"{ORDERS}?a=b%20c"
        reply = await door.allows(door.kt.signed("POST", target, ORDER), calls=0)
        values = dict(service.received[0][2])
        claims = opened(values["x-keywright-assertion"], assertions, door)
        assert claims == {
            "iss": "keywright",
            "aud": "upstream",
            "iat": claims["iat"],
            "exp": claims["exp"],
            "jti": values["x-keywright-request-id"],
            "sub": door.kt.person.account.id,
            "sub_account": "",
            "key_id": door.kt.id,
            "permissions": ["read", "trade"],
            "environment": "spot",
            "method": "POST",
            "target_sha256": hashlib.sha256(target.encode()).hexdigest(),
            "body_sha256": hashlib.sha256(ORDER).hexdigest(),
        }
        assert reply.header(b"x-keywright-request-id") == values["x-keywright-request-id"].encode()


async def test_sig_22_an_assertion_of_another_key_or_altered_does_not_verify(door: Door) -> None:
    async with service_behind(door) as (service, assertions):
        await door.allows(door.kt.signed("POST", ORDERS, ORDER), calls=0)
        token = dict(service.received[0][2])["x-keywright-assertion"]
        head, claims, signature = token.split(".")
        forged = jwt.encode({"iss": "keywright", "aud": "upstream", "sub": "acc_evil"}, "", algorithm="none")
        for other in (f"{head}.{claims[:-2]}.{signature}", f"{head}.{claims}.{signature[::-1]}", forged):
            with pytest.raises(jwt.InvalidTokenError):
                opened(other, assertions, door)
        another = Assertions(door.services.keyring.derive("another/v1"))
        with pytest.raises(jwt.InvalidSignatureError):
            opened(token, another, door)


async def test_sig_22_what_the_service_says_of_the_gateway_does_not_reach_the_client(door: Door) -> None:
    async with service_behind(door) as (service, _):
        service.answer = web.Response(
            status=200,
            body=json.dumps({"code": "200000"}).encode(),
            headers={
                "X-Keywright-Request-Id": "forged",
                "x-keywright-account": "acc_forged",
                "Connection": "keep-alive",
                "X-Own": "passes",
            },
        )
        reply = await door.allows(door.kr.signed("GET", "/api/v1/accounts"), calls=0)
        assert b"forged" not in reply.raw
        assert reply.header(b"x-own") == b"passes"


async def test_sig_22_refused_requests_never_reach_the_service(door: Door) -> None:
    async with service_behind(door) as (service, _):
        shot = door.kt.signed("POST", ORDERS, ORDER)
        await door.refuses(shot.but(body=ORDER + b" "), "signature_mismatch")
        await door.refuses(door.kr.signed("POST", ORDERS, ORDER), "permission_missing")
        await door.drops(raw.message(b"POST", shot.target, (HOST, *shot.headers, (b"content-length", b"+1")), ORDER))
        assert not service.received


async def test_sig_22_a_service_that_is_gone_is_said_so_and_nothing_is_sent_twice(door: Door) -> None:
    async with service_behind(door) as (service, _):
        shot = door.kt.signed("POST", ORDERS, ORDER)
        await door.allows(shot, calls=0)
        port = service.port
    await door.remember_with(door.state.__class__(door.services.database))  # type: ignore[call-arg]
    gone = ServiceUpstream(
        f"http://127.0.0.1:{port}",
        assertions=Assertions(door.services.keyring.derive(LABEL)),
        clock=door.clock,
    )
    door.forward = gone.forward
    door.configure()
    again = door.kt.signed("POST", ORDERS, ORDER, at=door.clock() + 1)
    await door.refuses(again, "upstream_unreachable")
    await door.refuses(again, "replayed")
    await gone.close()
