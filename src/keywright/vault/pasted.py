"""Credentials as somebody pasted them: trimmed, looked at, and refused with what is wrong before an exchange is asked. Pure.

Rule: no message shows what was pasted; it may be a secret in the wrong field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keywright.errors import Invalid
from keywright.secret import Secret
from keywright.vault.evidence import Credentials, Exchange, KeyKind

LONGEST = 8_192
"""Characters that are looked at. A private key of RSA with 4096 bits has 3,272."""

# What a browser or a messenger puts around a copied text, and nobody sees.
_UNSEEN = "\u00a0\u200b\u200c\u200d\u2060\ufeff"
_AROUND = " \t\r\n\v\f" + _UNSEEN
_MASKED = re.compile(r"[*•●…]{2}|\.{3}")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a value of one exchange looks like, and how to say it."""

    pattern: re.Pattern[str]
    lengths: range
    characters: str


_ALPHANUMERIC = "A–Z a–z 0–9"
# KuCoin: wire.md 1.11 (D5, SPEC): 24 hex digits; a UUID; 7 to 32 characters without spaces.
# Binance: BN examples: 64 letters and digits, both. Bitfinex: 43 in its older examples, longer in others, so no length is
# insisted on but one that no cut-off paste has.
_KEYS = {
    Exchange.KUCOIN: _Shape(re.compile(r"[0-9a-f]+"), range(24, 25), "0–9 a–f"),
    Exchange.BINANCE: _Shape(re.compile(r"[A-Za-z0-9]+"), range(64, 65), _ALPHANUMERIC),
    Exchange.BITFINEX: _Shape(re.compile(r"[A-Za-z0-9_-]+"), range(40, 129), _ALPHANUMERIC),
}
_SECRETS = {
    Exchange.KUCOIN: _Shape(re.compile(r"[0-9a-f-]+"), range(36, 37), "0–9 a–f -"),
    Exchange.BINANCE: _Shape(re.compile(r"[A-Za-z0-9]+"), range(64, 65), _ALPHANUMERIC),
    Exchange.BITFINEX: _Shape(re.compile(r"[A-Za-z0-9_-]+"), range(40, 129), _ALPHANUMERIC),
}
_PASSPHRASE = _Shape(re.compile(r"[!-~]+"), range(7, 33), "A–Z a–z 0–9 !#$%…")


def credentials(
    exchange: Exchange, *, key: str, secret: Secret | str, passphrase: Secret | str | None = None
) -> Credentials:
    """Return the credentials as they sign: trimmed, and of a shape this exchange gives out.

    At Binance the secret may be a private key in PEM, Ed25519 or RSA. Raises `Invalid` naming the field (`key`, `secret`,
    `passphrase`) and what to paste instead.
    """
    plain_key, plain_secret, plain_passphrase = _trimmed(key), _trimmed(secret), _trimmed(passphrase or "")
    _refuse_swapped(exchange, plain_key, plain_secret)
    _check(exchange, "key", plain_key, _KEYS[exchange])
    if exchange is Exchange.BINANCE and "-----BEGIN" in plain_secret:
        pem, kind = _private_key(plain_secret)
        _refuse_passphrase(exchange, plain_passphrase)
        return Credentials(exchange, plain_key, pem, kind=kind)
    _check(exchange, "secret", plain_secret, _SECRETS[exchange])
    if plain_secret == plain_key:
        raise Invalid(
            "key and secret are the same",
            hint="paste the key into one field and the secret into the other",
            field="secret",
        )
    if not exchange.has_passphrase:
        _refuse_passphrase(exchange, plain_passphrase)
        return Credentials(exchange, plain_key, Secret(plain_secret))
    _check(exchange, "passphrase", plain_passphrase, _PASSPHRASE)
    return Credentials(exchange, plain_key, Secret(plain_secret), Secret(plain_passphrase))


def _trimmed(value: Secret | str) -> str:
    try:
        text = value.reveal_text() if isinstance(value, Secret) else value
    except UnicodeDecodeError:
        raise Invalid("what was pasted is no text", hint="copy it again, from the exchange's page") from None
    if len(text) > LONGEST:
        raise Invalid("what was pasted is too long for a key", hint="copy the key, the secret and nothing else")
    return text.strip(_AROUND)


def _refuse_swapped(exchange: Exchange, key: str, secret: str) -> None:
    """Do nothing unless each field holds what the other should: only KuCoin's tell themselves apart."""
    if exchange is Exchange.KUCOIN and _fits(key, _SECRETS[exchange]) and _fits(secret, _KEYS[exchange]):
        raise Invalid(
            "key and secret are the wrong way round",
            hint="the key is the shorter one, the secret the one with hyphens",
            field="key",
        )


def _fits(text: str, shape: _Shape) -> bool:
    return len(text) in shape.lengths and shape.pattern.fullmatch(text) is not None


def _check(exchange: Exchange, part: str, text: str, shape: _Shape) -> None:
    title, least, most = exchange.title, shape.lengths[0], shape.lengths[-1]
    if not text:
        raise _MISSING[part](title)
    if _MASKED.search(text):
        raise Invalid(
            "this is what {exchange} shows later, with parts left out",
            hint="the secret is shown once, when the key is made; if it is lost, make a new key",
            field=part,
            exchange=title,
        )
    if any(character in _AROUND for character in text):
        raise Invalid(
            "there is a space or a line break inside", hint="copy it again, in one piece and nothing else", field=part
        )
    if shape.pattern.fullmatch(text) is None:
        raise Invalid(
            "there are characters in it that {exchange} never uses here",
            hint="it is made of {characters}; copy it again with the exchange's copy button",
            field=part,
            exchange=title,
            characters=shape.characters,
        )
    if len(text) not in shape.lengths:
        raise Invalid(
            "it has {found} characters, and {exchange} gives out {lengths}",
            hint="copy it again with the exchange's copy button: a piece is missing, or something else came along",
            field=part,
            exchange=title,
            found=len(text),
            lengths=least if least == most else f"{least}–{most}",
        )


def _missing_key(title: str) -> Invalid:
    return Invalid("the key is missing", hint="paste the API key from {exchange}", field="key", exchange=title)


def _missing_secret(title: str) -> Invalid:
    return Invalid("the secret is missing", hint="paste the API secret from {exchange}", field="secret", exchange=title)


def _missing_passphrase(title: str) -> Invalid:
    return Invalid(
        "the passphrase is missing",
        hint="a key of {exchange} has a passphrase: the one you chose when you made the key, not your password",
        field="passphrase",
        exchange=title,
    )


_MISSING = {"key": _missing_key, "secret": _missing_secret, "passphrase": _missing_passphrase}


def _refuse_passphrase(exchange: Exchange, passphrase: str) -> None:
    if passphrase:
        raise Invalid(
            "a key of {exchange} has no passphrase",
            hint="leave it empty; only KuCoin's keys have one",
            field="passphrase",
            exchange=exchange.title,
        )


def _private_key(text: str) -> tuple[Secret, KeyKind]:
    """Return a private key in PEM with plain line ends, and its kind. Raises `Invalid`, never showing it."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415  # HMAC needs none of it
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    from keywright.protocol import binance_keys  # noqa: PLC0415

    pem = Secret("\n".join(line.strip(_AROUND) for line in text.splitlines()) + "\n")
    if b"PRIVATE KEY-----" not in pem.reveal():
        raise Invalid(
            "this is the public key",
            hint="Binance keeps the public key; what signs is the private key you made it from",
            field="secret",
        )
    try:
        public = load_pem_public_key(binance_keys.public_of(pem))
    except Invalid:
        raise Invalid(
            "this is no private key that can sign here",
            hint="give an Ed25519 key, or RSA of 2048 to 4096 bits, as PKCS#8 in PEM without a password",
            field="secret",
        ) from None
    return pem, KeyKind.RSA if isinstance(public, RSAPublicKey) else KeyKind.ED25519
