"""DOS: what costs a server much for little is refused before it costs anything."""

from __future__ import annotations

import base64

import pytest

from keywright.errors import Invalid
from keywright.identity.captcha import Captcha
from keywright.identity.ceremony import Mismatch, read
from keywright.protocol import strict_json
from keywright.sealing.keyring import Keyring
from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd
from tests.support.world import World

DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 2_000 + b"]" * 2_000]
LONG_NUMBERS = [b'{"name":' + b"9" * 5_000 + b"}", b'{"size":1e' + b"9" * 5_000 + b"}"]
MANY = b"[" + b"1," * 999_999 + b"1]"


@pytest.mark.parametrize("body", [*DEEP, *LONG_NUMBERS, MANY], ids=lambda body: f"{body[:9].decode()} {len(body)}")
async def test_dos_05_the_management_api_refuses_a_body_that_is_only_there_to_be_read(
    world: World, clock: FakeClock, body: bytes
) -> None:
    back_end = await BackEnd.with_token(world.services, clock)
    answer = await back_end.send("POST", "/accounts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await back_end.send("GET", "/accounts")).json()["accounts"] == []


@pytest.mark.parametrize("body", [*DEEP, *LONG_NUMBERS], ids=lambda body: f"{body[:9].decode()} {len(body)}")
def test_dos_05_what_judges_orders_reads_neither_depth_nor_digits_without_end(body: bytes) -> None:
    with pytest.raises(Invalid):
        strict_json.loads(body)


@pytest.mark.parametrize("body", [*DEEP, *LONG_NUMBERS], ids=lambda body: f"{body[:9].decode()} {len(body)}")
def test_dos_05_neither_does_what_reads_a_passkey(body: bytes) -> None:
    with pytest.raises(Mismatch):
        read(body.decode())


@pytest.mark.parametrize("body", [b"[" * 3_000, b'{"a":' * 600, b'{"challenge":' + b"9" * 3_000])
def test_dos_05_neither_does_what_reads_a_captcha(keyring: Keyring, body: bytes) -> None:
    with pytest.raises(Invalid):
        Captcha(keyring=keyring)._verified(base64.b64encode(body).decode())
