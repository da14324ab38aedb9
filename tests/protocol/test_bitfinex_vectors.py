"""The vectors of Bitfinex's wire, byte for byte (SIG-32)."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest

from keywright.protocol.bitfinex import LARGEST_NONCE
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.bitfinex_wire import DIALECT, KEY, mac, verdict
from tests.vectors import make_bitfinex

REQUESTS: list[dict[str, Any]] = json.loads(make_bitfinex.VECTORS.read_text(encoding="utf-8"))["requests"]
ALLOWED = [vector for vector in REQUESTS if vector["verdict"] == "allowed"]


def named(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def request_of(vector: dict[str, Any]) -> Request:
    asked = vector["request"]
    body = base64.b64decode(asked["body_base64"]) if "body_base64" in asked else asked["body"].encode()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in asked["headers"])
    return Request(asked["method"], asked["target"].encode(), headers, body, None)


def test_the_file_is_what_its_generator_writes() -> None:
    assert make_bitfinex.VECTORS.read_text(encoding="utf-8") == make_bitfinex.text()


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(REQUESTS) >= 80
    assert len({vector["id"] for vector in REQUESTS}) == len(REQUESTS)
    assert {vector["verdict"] for vector in REQUESTS} <= {"allowed", *(reason.value for reason in Reason)}


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_sig_32_the_signature_is_over_what_was_signed(vector: dict[str, Any]) -> None:
    assert mac(base64.b64decode(vector["signed_base64"]), Secret(vector["secret"])) == vector["signature"].encode()


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_sig_32_payload_and_verdict_are_as_stated(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    payload = None
    with suppress(Refused):
        payload = DIALECT.read(request).payload.decode()
    assert payload == vector["payload"]
    assert verdict(request, secret=Secret(vector["secret"]), last_nonce=vector["last_nonce"]) == vector["verdict"]


@pytest.mark.parametrize("vector", [v for v in ALLOWED if v["request"]["body"]], ids=named)
def test_what_is_allowed_is_what_we_sign(vector: dict[str, Any]) -> None:
    asked = vector["request"]
    stated = dict(asked["headers"])
    nonce = int(stated["bfx-nonce"])
    assert nonce <= LARGEST_NONCE
    ours = DIALECT.sign(
        "POST", asked["target"], asked["body"].encode(), key=KEY, secret=Secret(vector["secret"]), nonce=nonce
    )
    headers = dict(ours.headers)
    assert headers[b"bfx-signature"] == vector["signature"].encode()
    assert headers[b"bfx-nonce"] == stated["bfx-nonce"].encode()
    assert (ours.target, ours.body) == (asked["target"].encode(), asked["body"].encode())
