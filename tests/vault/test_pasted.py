"""Credentials as people paste them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keywright.errors import Invalid
from keywright.secret import Secret
from keywright.vault.evidence import Evidence, Exchange, Grade, KeyKind, Probe, Right
from keywright.vault.pasted import credentials

KUCOIN = {
    "key": "5c2db93503aa674c74a31734",
    "secret": "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3",
    "passphrase": "Abc12345678",
}
BINANCE = {"key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", "secret": "N" * 64}
BITFINEX = {"key": "a" * 43, "secret": "b" * 43}
WELL = {Exchange.KUCOIN: KUCOIN, Exchange.BINANCE: BINANCE, Exchange.BITFINEX: BITFINEX}


@pytest.mark.parametrize("exchange", Exchange)
def test_what_is_well_is_taken_and_trimmed(exchange: Exchange) -> None:
    pasted = {name: f"\u200b {value}\u00a0\r\n" for name, value in WELL[exchange].items()}
    taken = credentials(exchange, **pasted)
    assert taken.key == WELL[exchange]["key"]
    assert taken.secret == Secret(WELL[exchange]["secret"])
    assert (taken.passphrase is not None) == exchange.has_passphrase
    assert WELL[exchange]["key"] not in repr(taken)


@pytest.mark.parametrize(
    ("exchange", "change", "field", "said"),
    [
        (Exchange.KUCOIN, {"key": ""}, "key", "the key is missing"),
        (Exchange.KUCOIN, {"secret": " "}, "secret", "the secret is missing"),
        (Exchange.KUCOIN, {"passphrase": ""}, "passphrase", "the passphrase is missing"),
        (Exchange.KUCOIN, {"key": KUCOIN["secret"], "secret": KUCOIN["key"]}, "key", "wrong way round"),
        (Exchange.KUCOIN, {"key": KUCOIN["key"][:-1]}, "key", "it has 23 characters, and KuCoin gives out 24"),
        (Exchange.KUCOIN, {"secret": KUCOIN["secret"].replace("f", "g")}, "secret", "never uses here"),
        (Exchange.KUCOIN, {"secret": "46fd8974******896f005b2340"}, "secret", "with parts left out"),
        (Exchange.KUCOIN, {"passphrase": "short"}, "passphrase", "it has 5 characters, and KuCoin gives out 7–32"),
        (Exchange.KUCOIN, {"passphrase": "two words"}, "passphrase", "a space or a line break inside"),
        (Exchange.BINANCE, {"passphrase": "Abc12345678"}, "passphrase", "a key of Binance has no passphrase"),
        (Exchange.BINANCE, {"secret": "N" * 63}, "secret", "it has 63 characters"),
        (Exchange.BINANCE, {"secret": BINANCE["key"]}, "secret", "key and secret are the same"),
        (Exchange.BINANCE, {"key": BINANCE["key"][:30] + "\n" + BINANCE["key"][30:]}, "key", "a line break inside"),
        (Exchange.BITFINEX, {"key": "a" * 12}, "key", "it has 12 characters, and Bitfinex gives out 40–128"),
        (Exchange.BITFINEX, {"secret": "x" * 10_000}, "", "too long for a key"),
    ],
)
def test_what_is_not_well_is_refused_by_name_and_never_shown(
    exchange: Exchange, change: dict[str, str], field: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        credentials(exchange, **(WELL[exchange] | change))
    assert refused.value.field == field
    assert refused.value.hint
    for value in change.values():
        assert len(value) < 5 or value not in refused.value.message + refused.value.hint


def _pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_binance_takes_private_keys_and_says_their_kind() -> None:
    for made, kind in (
        (ed25519.Ed25519PrivateKey.generate(), KeyKind.ED25519),
        (rsa.generate_private_key(65537, 2048), KeyKind.RSA),
    ):
        taken = credentials(Exchange.BINANCE, key=BINANCE["key"], secret=_pem(made).replace("\n", "\r\n"))
        assert taken.kind is kind
        assert b"\r" not in taken.secret.reveal()


def test_a_key_that_can_not_sign_there_is_refused() -> None:
    made = ed25519.Ed25519PrivateKey.generate()
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for pem, said in (
        (public.decode(), "this is the public key"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "can sign here"),
    ):
        with pytest.raises(Invalid, match=said):
            credentials(Exchange.BINANCE, key=BINANCE["key"], secret=pem)


def test_a_probe_is_kept_and_read_back() -> None:
    probe = Probe(
        Exchange.KUCOIN,
        at=1_700_000_000_000,
        evidence=(Evidence(Right.WITHDRAW, allowed=False, grade=Grade.PROVEN, said="Transfer"),),
        created_at=1,
        addresses=("203.**.**.154",),
    )
    assert Probe.read(probe.written()) == probe
    assert probe.of(Right.WITHDRAW).grade is Grade.PROVEN
    assert probe.of(Right.EARN) == Evidence(Right.EARN, None, Grade.UNPROVABLE)
    with pytest.raises(Invalid):
        Probe.read({"exchange": "mtgox"})
