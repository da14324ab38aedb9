"""`explain` with what is no KuCoin default: other header names, and Binance's Ed25519 and RSA keys."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from keywright.errors import Invalid
from keywright.protocol.binance import BinanceDialect
from keywright.protocol.explain import Explanation, Mistake, explain
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.secret import Secret
from tests.protocol import binance_wire, wire
from tests.protocol.binance_wire import ORDER, PRIVATE, PUBLIC, received

NOW = binance_wire.NOW
KINDS = ["ed25519", "rsa"]
HALVES = [(kind, half) for kind in KINDS for half in ("private", "public")]


def key_of(kind: str, half: str) -> Secret:
    return PRIVATE[kind] if half == "private" else Secret(PUBLIC[kind])


def told(request: Request, key: Secret) -> Explanation:
    return explain(request, exchange="binance", secret=key, passphrase=None, now_ms=NOW + 50)


def ids(explanation: Explanation) -> list[tuple[Mistake, bool]]:
    return [(cause.id, cause.certain) for cause in explanation.causes]


def order(kind: str, signed: bytes, sent: bytes = ORDER, *, signature: bytes | None = None) -> Request:
    value = binance_wire.signature_of(kind, signed) if signature is None else signature
    target = b"/api/v3/order?%b&signature=%b" % (sent, value)
    return Request("GET", target, ((b"x-mbx-apikey", b"k"),), b"", None)


# ── Binance's key pairs


@pytest.mark.parametrize(("kind", "half"), HALVES)
@pytest.mark.parametrize("body", [b"", b"symbol=LTCBTC&side=BUY"])
def test_what_was_signed_with_a_key_holds_for_either_half_of_it(kind: str, half: str, body: bytes) -> None:
    sent = BinanceDialect.sign("POST", "/api/v3/order", body, key="k", private_key=PRIVATE[kind], now_ms=NOW)
    explanation = told(received(sent), key_of(kind, half))
    assert explanation.holds, explanation.causes


@pytest.mark.parametrize(("kind", "half"), HALVES)
def test_mistakes_in_what_was_signed_are_proved_for_key_pairs_too(kind: str, half: str) -> None:
    for signed, mistake in (
        (b"&".join(sorted(ORDER.split(b"&"))), Mistake.QUERY_SORTED),
        (b"/api/v3/order?" + ORDER, Mistake.PART_ADDED),
        (ORDER.rpartition(b"&")[0], Mistake.PART_LEFT_OUT),
    ):
        explanation = told(order(kind, signed), key_of(kind, half))
        assert ids(explanation) == [(mistake, True)]
        assert explanation.difference is not None


@pytest.mark.parametrize("kind", KINDS)
def test_how_a_signature_was_spelt_is_named(kind: str) -> None:
    raw = next(
        value
        for value in (
            base64.b64decode(_unquoted(binance_wire.signature_of(kind, ORDER + b"&n=%d" % n))) for n in range(200)
        )
        if b"+" in base64.b64encode(value) and b"/" in base64.b64encode(value)
    )
    sent = next(ORDER + b"&n=%d" % n for n in range(200) if _raw(kind, ORDER + b"&n=%d" % n) == raw)
    plain = base64.b64encode(raw)
    for signature, mistake in (
        (raw.hex().encode(), Mistake.SIGNATURE_HEX),
        (base64.urlsafe_b64encode(raw), Mistake.SIGNATURE_URL_SAFE),
        (plain, Mistake.SIGNATURE_PLUS_LOST),
        (quote(quote(plain, safe=""), safe="").encode(), Mistake.SIGNATURE_PERCENT_ENCODED),
    ):
        causes = told(order(kind, b"", sent, signature=signature), PRIVATE[kind]).causes
        to_do = {cause.id: cause.to_do for cause in causes if cause.certain}
        assert "%2B" in to_do[mistake]


def _raw(kind: str, payload: bytes) -> bytes:
    return base64.b64decode(_unquoted(binance_wire.signature_of(kind, payload)))


def _unquoted(value: bytes) -> bytes:
    return value.replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_is_supposed_and_not_asserted(kind: str) -> None:
    other = next(name for name in KINDS if name != kind)
    explanation = told(order(other, ORDER), PRIVATE[kind])
    assert (Mistake.KEY_PAIR_OTHER, False) in ids(explanation)
    assert not explanation.holds


def test_a_private_key_that_was_pasted_is_named_and_a_public_one_is_not() -> None:
    for half, expected in (("private", True), ("public", False)):
        key = key_of("ed25519", half)
        request = order("ed25519", ORDER)
        carried = Request(
            request.method, request.target, (*request.headers, (b"x-note", key.reveal().strip())), b"", None
        )
        assert (Mistake.SECRET_IN_REQUEST in {mistake for mistake, _ in ids(told(carried, key))}) is expected


@pytest.mark.parametrize("pem", ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "-----BEGIN X-----"])
def test_what_is_no_key_is_invalid_and_not_shown(pem: str) -> None:
    with pytest.raises(Invalid) as invalid:
        told(order("rsa", ORDER), Secret(pem))
    assert "AAAA" not in str(invalid.value)


@pytest.mark.parametrize("exchange", ["kucoin", "bitfinex"])
def test_other_exchanges_have_no_keys_in_pem(exchange: str) -> None:
    with pytest.raises(Invalid):
        explain(order("rsa", ORDER), exchange=exchange, secret=PRIVATE["rsa"], passphrase=None, now_ms=NOW)


# ── other header names


def mine(*, prefix: str = "X-My-", over: str = "/api/v1/accounts", version: bytes = b"3") -> Request:
    signed = KucoinDialect(header_prefix=prefix).sign(
        "GET", over, b"", key=wire.KEY, secret=wire.SECRET, passphrase=wire.PASSPHRASE, now_ms=NOW
    )
    name = f"{prefix}key-version".lower().encode()
    headers = tuple((each, version if each == name else value) for each, value in signed.headers)
    return Request("GET", b"/api/v1/accounts", headers, b"", None)


def about(request: Request, prefix: str) -> Explanation:
    return explain(request, secret=wire.SECRET, passphrase=wire.PASSPHRASE, now_ms=NOW, header_prefix=prefix)


def test_a_request_under_other_names_is_explained_by_them() -> None:
    assert about(mine(), "X-My-").holds
    assert ids(about(mine(over="/accounts"), "X-My-")) == [(Mistake.PATH_WITHOUT_PREFIX, True)]
    missing = about(mine(), "KC-API-")
    assert {mistake for mistake, certain in ids(missing) if certain} == {Mistake.HEADER_MISSING}
    unknown = about(mine(version=b"7"), "X-My-").causes
    assert any("X-My-KEY-VERSION" in cause.sentence + cause.to_do for cause in unknown)
    assert not any("KC-API" in cause.sentence + cause.to_do for cause in unknown)


@pytest.mark.parametrize("prefix", ["", "KC API-", "KC-API", "é-", "-"])
def test_what_no_prefix_can_be_is_invalid(prefix: str) -> None:
    with pytest.raises(Invalid):
        about(mine(), prefix)
