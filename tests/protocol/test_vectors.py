"""The vectors of KuCoin's wire, byte for byte (SIG-32)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.vectors import make_kucoin

FILE = json.loads(make_kucoin.VECTORS.read_text(encoding="utf-8"))
REQUESTS: list[dict[str, Any]] = FILE["requests"]
PEPPER = Secret(FILE["pepper"])
VERDICTS = ["allowed", *(reason.value for reason in Reason)]


def named(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def request_of(vector: dict[str, Any]) -> Request:
    asked = vector["request"]
    body = base64.b64decode(asked["body_base64"]) if "body_base64" in asked else asked["body"].encode()
    headers = tuple((name.lower().encode(), value.encode()) for name, value in asked["headers"])
    return Request(asked["method"], asked["target"].encode(), headers, body, None)


def string_to_sign(vector: dict[str, Any]) -> bytes:
    if "string_to_sign_base64" in vector:
        return base64.b64decode(vector["string_to_sign_base64"])
    return bytes(vector["string_to_sign"].encode())


def test_the_file_is_what_its_generator_writes() -> None:
    assert make_kucoin.VECTORS.read_text(encoding="utf-8") == make_kucoin.text()


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(REQUESTS) >= 60
    assert len({vector["id"] for vector in REQUESTS}) == len(REQUESTS)
    assert all(vector["verdict"] in VERDICTS for vector in REQUESTS)


@pytest.mark.parametrize("vector", FILE["macs"], ids=named)
def test_sig_32_a_mac_is_what_was_published(vector: dict[str, str]) -> None:
    made = KucoinDialect.passphrase_header(Secret(vector["secret"]), Secret(vector["message"]))
    assert made == vector["mac"].encode()


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_sig_32_the_signature_is_over_the_string_to_sign(vector: dict[str, Any]) -> None:
    message = Secret(string_to_sign(vector))
    assert KucoinDialect.passphrase_header(Secret(vector["secret"]), message) == vector["signature"].encode()


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_sig_32_candidates_and_verdict_are_as_stated(vector: dict[str, Any]) -> None:
    dialect = KucoinDialect(accept_version_1=vector["accept_version_1"])
    candidates: list[bytes] = []
    verdict = "allowed"
    try:
        claim = dialect.read(request_of(vector), body_allowed=vector["body_allowed"])
        candidates = list(claim.candidates)
        stored = bytes.fromhex(vector["passphrase_digest"])
        dialect.check(claim, secret=Secret(vector["secret"]), passphrase_digest=stored, pepper=PEPPER)
    except Refused as refused:
        verdict = refused.reason.value
    assert candidates == [text.encode() for text in vector["candidates"]]
    assert verdict == vector["verdict"]


@pytest.mark.parametrize("vector", [v for v in REQUESTS if v["verdict"] == "allowed"], ids=named)
def test_an_accepted_signature_is_over_one_of_the_candidates(vector: dict[str, Any]) -> None:
    assert string_to_sign(vector) in {text.encode() for text in vector["candidates"]}
