from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keywright.errors import Invalid
from keywright.identity.assertions import AssertionRefused, Issuer, check, is_for, read_keys
from tests.support.clock import FakeClock
from tests.support.exchange import KEY_ID, NAME, ORIGIN, Exchange


@pytest.fixture
def exchange(clock: FakeClock) -> Exchange:
    return Exchange(clock)


def refused(exchange: Exchange, token: str, *, now: int = 0) -> str:
    with pytest.raises(AssertionRefused) as caught:
        check(token, exchange.issuer, now=now or exchange.clock())
    assert caught.value.reason == "assertion_invalid"
    return caught.value.message


def test_what_is_said_is_heard(exchange: Exchange) -> None:
    token = exchange.vouch("user-1", "POST", "/x?y=1", b"{}", identity="approved", whitelist="on", sub_account="bots")
    said = check(token, exchange.issuer, now=exchange.clock())
    assert (said.subject, said.sub_account, said.identity, said.has_whitelist) == ("user-1", "bots", "approved", True)
    assert said.factor_at == exchange.clock() // 1000 * 1000
    assert is_for(said, "POST", b"/x?y=1", b"{}")


@pytest.mark.parametrize(
    ("method", "target", "body"), [("GET", b"/x", b"{}"), ("POST", b"/x?", b"{}"), ("POST", b"/x", b"{} ")]
)
def test_it_is_for_one_request_only(exchange: Exchange, method: str, target: bytes, body: bytes) -> None:
    said = check(exchange.vouch("user-1", "POST", "/x", b"{}"), exchange.issuer, now=exchange.clock())
    assert is_for(said, "POST", b"/x", b"{}")
    assert not is_for(said, method, target, body)


def test_one_that_is_for_no_request_is_for_none(exchange: Exchange) -> None:
    said = check(exchange.sign(exchange.claims("user-1")), exchange.issuer, now=exchange.clock())
    assert not is_for(said, "", b"", b"")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": [ORIGIN]},
        {"sub": None},
        {"sub": ""},
        {"sub": "a b"},
        {"sub": "usér"},
        {"sub": 7},
        {"jti": None},
        {"jti": "short"},
        {"jti": "x" * 129},
        {"iat": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": 1.5},
        {"exp": 1 << 80},
        {"factor_at": "now"},
        {"factor_at": -1},
        {"identity": "perhaps"},
        {"identity": ["approved"]},
        {"whitelist": True},
        {"whitelist": ["on"]},
        {"email": "a\nb"},
    ],
)
def test_claims_that_are_wrong_or_missing_prove_nothing(exchange: Exchange, claims: dict[str, Any]) -> None:
    refused(exchange, exchange.sign(exchange.claims("user-1", **claims)))


def test_it_lives_for_sixty_seconds_and_no_longer(exchange: Exchange) -> None:
    now = exchange.clock() // 1000
    token = exchange.sign(exchange.claims("user-1"))
    assert check(token, exchange.issuer, now=(now + 60) * 1000 - 1).subject == "user-1"
    refused(exchange, token, now=(now + 60) * 1000)
    refused(exchange, exchange.sign(exchange.claims("user-1", exp=now + 61)))
    refused(exchange, exchange.sign(exchange.claims("user-1", exp=now)))
    check(exchange.sign(exchange.claims("user-1", iat=now + 5)), exchange.issuer, now=exchange.clock())
    refused(exchange, exchange.sign(exchange.claims("user-1", iat=now + 6, exp=now + 60)))
    refused(exchange, exchange.sign(exchange.claims("user-1", factor_at=now + 6)))


def test_only_the_issuers_own_key_signs_and_only_its_own_way(exchange: Exchange) -> None:
    claims = exchange.claims("user-1")
    refused(exchange, jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": KEY_ID}))
    refused(exchange, exchange.sign(claims, kid="other"))
    refused(exchange, jwt.encode(claims, exchange.key, algorithm="EdDSA"))
    refused(exchange, jwt.encode(claims, "", algorithm="none", headers={"kid": KEY_ID}))
    public = json.loads(exchange.jwks)["keys"][0]["x"]
    refused(exchange, jwt.encode(claims, public * 2, algorithm="HS256", headers={"kid": KEY_ID}))
    strange: tuple[dict[str, Any], ...] = ({"jku": "https://evil.example"}, {"crit": ["x"], "x": 1}, {"jwk": {}})
    for more in (*strange, {"x5u": "https://evil.example"}):
        refused(exchange, exchange.sign(claims, **more))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "\x00", "x" * 9_000, "eyJhbGciOiJub25lIn0.e30."])
def test_nonsense_proves_nothing(exchange: Exchange, token: str) -> None:
    refused(exchange, token)


def test_every_byte_of_it_counts(exchange: Exchange) -> None:
    token = exchange.sign(exchange.claims("user-1"))
    for place in range(0, len(token) - 1, 7):  # the last character of a part may hold bits that stand for nothing
        if token[place] != "." and token[place + 1 : place + 2] not in {".", ""}:
            refused(exchange, token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :])


def _jwk(key: Any, algorithm: Any, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key))
    return found | {"kid": "k"} | more


@pytest.mark.parametrize(
    ("key", "way", "algorithm"),
    [
        (rsa.generate_private_key(65_537, 2_048), jwt.algorithms.RSAAlgorithm, "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm, "ES256"),
    ],
    ids=["RSA", "EC"],
)
def test_other_keys_sign_their_own_way(exchange: Exchange, key: Any, way: Any, algorithm: str) -> None:
    keys = read_keys(json.dumps({"keys": [_jwk(key.public_key(), way)]}).encode())
    issuer = Issuer(NAME, keys, (ORIGIN,))
    claims = exchange.claims("user-1")
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "k"})
    assert check(token, issuer, now=exchange.clock()).subject == "user-1"
    if algorithm == "RS256":
        for other in ("PS256", "RS384"):
            with pytest.raises(AssertionRefused):
                check(jwt.encode(claims, key, algorithm=other, headers={"kid": "k"}), issuer, now=exchange.clock())


def test_key_sets_that_could_not_protect_anything_are_refused(exchange: Exchange) -> None:
    good = json.loads(exchange.jwks)["keys"][0]
    weak = _jwk(rsa.generate_private_key(65_537, 1_024).public_key(), jwt.algorithms.RSAAlgorithm)  # noqa: S505
    private = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(exchange.key))
    shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "k"}
    sets: list[Any] = [
        [],
        [weak],
        [private],
        [shared],
        [good, good],
        [{**good, "use": "enc"}],
        [{**good, "alg": "RS256"}],
    ]
    sets += [[{**good, "crv": "X25519"}], [{**good, "x": "AAAA"}], [{}], ["x"], [None], "x", None]
    for members in sets:
        with pytest.raises(Invalid):
            read_keys(json.dumps({"keys": members}).encode())
    for text in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        with pytest.raises(Invalid):
            read_keys(text)
