"""The vectors of Binance's wire, byte for byte (SIG-32)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import unquote

import pytest

from keywright.protocol.binance import BinanceSigner
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.binance_wire import DIALECT, mac
from tests.vectors import make_binance

FILE = json.loads(make_binance.VECTORS.read_text(encoding="utf-8"))
REQUESTS: list[dict[str, Any]] = FILE["requests"]
VERDICTS = ["allowed", *(reason.value for reason in Reason)]


def named(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def credentials(vector: dict[str, Any]) -> dict[str, Any]:
    if vector["kind"] == "hmac":
        return {"secret": Secret(FILE["secret"])}
    return {"public_key": FILE["keys"][vector["kind"]]["public_key"].encode()}


def request_of(vector: dict[str, Any]) -> Request:
    asked = vector["request"]
    body = base64.b64decode(asked["body_base64"]) if "body_base64" in asked else asked["body"].encode()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in asked["headers"])
    return Request(asked["method"], asked["target"].encode(), headers, body, None)


def test_the_file_is_what_its_generator_writes() -> None:
    assert make_binance.VECTORS.read_text(encoding="utf-8") == make_binance.text()


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(REQUESTS) >= 90
    assert len({vector["id"] for vector in REQUESTS}) == len(REQUESTS)
    assert all(vector["verdict"] in VERDICTS for vector in REQUESTS)
    assert {vector["kind"] for vector in REQUESTS} == {"hmac", "ed25519", "rsa"}


@pytest.mark.parametrize("vector", FILE["macs"], ids=named)
def test_sig_32_a_mac_is_what_was_published(vector: dict[str, str]) -> None:
    assert mac(vector["message"].encode(), Secret(FILE["secret"])) == vector["mac"].encode()


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_sig_32_payload_and_verdict_are_as_stated(vector: dict[str, Any]) -> None:
    payload, verdict = None, "allowed"
    try:
        claim = DIALECT.read(request_of(vector))
        payload = claim.payload.decode()
        DIALECT.check(claim, **credentials(vector))
    except Refused as refused:
        verdict = refused.reason.value
    assert (verdict, payload) == (vector["verdict"], vector["payload"])


@pytest.mark.parametrize("vector", [v for v in REQUESTS if v["verdict"] == "allowed"], ids=named)
def test_an_accepted_signature_is_over_the_payload_in_its_one_spelling(vector: dict[str, Any]) -> None:
    assert vector["signed"] == vector["payload"]
    assert DIALECT.read(request_of(vector)).signature == vector["signature"].encode()


@pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa"])
def test_what_we_sign_is_what_the_file_has(kind: str) -> None:
    vector = next(v for v in REQUESTS if v["id"] in {"post-form", f"{kind}-form"} and v["kind"] == kind)
    key = (
        {"secret": Secret(FILE["secret"])}
        if kind == "hmac"
        else {"private_key": Secret(FILE["keys"][kind]["private_key"])}
    )
    signer = BinanceSigner(key=FILE["api_key"], recv_window_ms=5000, **key)
    unsigned = vector["payload"].partition("&recvWindow")[0].encode()
    sent = signer.sign("POST", "/api/v3/order", unsigned, now_ms=1_700_000_000_000)
    assert sent.body.decode() == vector["request"]["body"]
    assert unquote(sent.body.decode().rpartition("=")[2]) == vector["signature"]
