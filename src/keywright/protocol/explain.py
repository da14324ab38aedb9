"""Why a signed request is refused: what the server signed, what the client must have signed, and the likely mistake.

    1  what the server takes the MAC of, and what can be seen    explain_kucoin, explain_binance, explain_bitfinex
    2  which mistakes make the very signature that was received  explain_search, over what explain_forms and
                                                                 explain_payloads know of real clients
    3  where the two strings part                                explain_show
    4  what to do, most certain first                            explain_causes

For who holds the secret: it is needed to tell, and never shown. Start at `explain`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import accumulate

from keywright.errors import Invalid
from keywright.protocol import (
    binance_keys,
    explain_binance,
    explain_bitfinex,
    explain_forms,
    explain_kucoin,
    explain_show,
)
from keywright.protocol.explain_causes import IN_A_QUERY, cause
from keywright.protocol.explain_model import Case, Cause, Difference, Explanation, Given, Mistake
from keywright.protocol.explain_search import Found, search, search_by_key
from keywright.protocol.explain_show import compare
from keywright.protocol.kucoin_signing import PREFIX, header_names
from keywright.protocol.message import Request
from keywright.secret import Secret

__all__ = ["EXCHANGES", "Cause", "Difference", "Explanation", "Mistake", "compare", "explain"]


_READERS: Mapping[str, Callable[[Request, Given], Case]] = {
    "kucoin": explain_kucoin.read,
    "binance": explain_binance.read,
    "bitfinex": explain_bitfinex.read,
}
EXCHANGES = tuple(_READERS)
"""What `exchange` may be."""


def explain(
    request: Request,
    *,
    exchange: str = "kucoin",
    secret: Secret,
    passphrase: Secret | None,
    now_ms: int,
    window_ms: int = 30_000,
    header_prefix: str = PREFIX,
) -> Explanation:
    """Return why a request is refused, or that it holds.

    `request` is as the server received it, `now_ms` when; `window_ms` is how far a stamp may be off. `secret` may be
    Binance's Ed25519 or RSA key, private or public, in PEM. A `passphrase` of `None` is not looked at. `header_prefix` is
    with what KuCoin's headers begin. Raises `Invalid` for an exchange that is none of `EXCHANGES`, for an empty secret, a
    key in PEM that can't be used, and a prefix that is none.
    """
    if exchange not in _READERS:
        raise Invalid(f"the exchanges are {', '.join(EXCHANGES)}", field="exchange")
    if not secret:
        raise Invalid("the secret is empty", field="secret")
    kucoin_key = header_names(header_prefix)["KEY"]
    plain, words = secret.reveal(), passphrase.reveal() if passphrase else None
    public = _public(secret, exchange)
    secrets = () if public else explain_forms.secrets(plain, passphrase=words, key=_key(request, kucoin_key))
    # 1  what the server takes the MAC of, and what can be seen
    held = plain if public is None or b"PRIVATE" in plain else b""  # a public key is no secret
    given = Given(held, words, secrets, now_ms, window_ms, header_prefix, public)
    case = _READERS[exchange](request, given)
    # 2  which mistakes make the very signature
    found = search(case, secrets) if public is None else search_by_key(case, partial(_holds, public))
    # 3  where the two strings part
    hide = (
        *explain_show.spellings(plain.strip()),
        *explain_show.spellings(words or b""),
        *explain_show.hidden_values(request.query),
    )
    difference = _difference(case, found, hide) if found else None
    # 4  what to do
    holds = found is not None and not found.forms
    causes = _causes(case, found, Mistake.SECRET_OTHER if public is None else Mistake.KEY_PAIR_OTHER)
    return Explanation(
        exchange=exchange,
        signature_holds=holds,
        passphrase_holds=case.passphrase_holds,
        server_signed=tuple(explain_show.show(message, hide) for message in case.server),
        client_signed=explain_show.show(found.message, hide) if found else None,
        difference=difference,
        skew_ms=case.skew_ms,
        causes=tuple(
            replace(one, to_do=_to_do(one, by_key=public is not None, prefix=header_prefix)) for one in causes
        ),
    )


def _to_do(cause: Cause, *, by_key: bool, prefix: str) -> str:
    """Return what to do, in the words of this wire."""
    if by_key and cause.id.value.startswith("signature_"):
        return IN_A_QUERY
    return cause.to_do.replace(PREFIX, prefix)


def _public(secret: Secret, exchange: str) -> bytes | None:
    """Return the public key of what is no secret but a key in PEM; `None` for a secret."""
    if not secret.reveal().lstrip().startswith(b"-----BEGIN "):
        return None
    if exchange != "binance":
        raise Invalid("only Binance has keys in PEM: give the secret", field="secret")
    return binance_keys.public_of(secret)


def _holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    return binance_keys.holds_for_public_key(public_key, message, b64encode(signature))


def _key(request: Request, kucoin_key: bytes) -> bytes:
    names = (kucoin_key, b"x-mbx-apikey", b"bfx-apikey")
    return next((value for name, value in request.headers if name in names), b"")


def _difference(case: Case, found: Found, hide: tuple[bytes, ...]) -> Difference:
    """Return where the client's string parts from the nearest of the server's."""
    every = [(message, compare(message, found.message, hide=hide)) for message in case.server]
    message, nearest = max(every, key=lambda one: len(one[0]) + 1 if one[1].offset is None else one[1].offset)
    return replace(nearest, part=_part(case, message, nearest.offset))


def _part(case: Case, message: bytes, offset: int | None) -> str:
    """Return the name of the part of the server's string in which a byte stands; its end belongs to the last part."""
    if offset is None:
        return ""
    # The decoded query, where that is meant, is shorter than the raw one; all else is as it was sent.
    shorter = sum(len(value) for _, value in case.parts) - len(message)
    lengths = [len(value) - (shorter if name == "query" else 0) for name, value in case.parts]
    ends = zip(accumulate(lengths), lengths, case.parts, strict=True)
    named = [name for end, length, (name, _) in ends if length and offset < end]
    return named[0] if named else "end"


def _causes(case: Case, found: Found | None, other: Mistake) -> tuple[Cause, ...]:
    """Return what to tell, each cause once: what reproduces the signature, what is wrong for certain, what may be."""
    made = [cause(form.mistake, form.about) for form in found.forms if form.mistake] if found else []
    guessed = []
    if found is None and case.signature:
        # The passphrase's MAC is made with the secret: where it holds, the secret is right.
        guessed = [cause(Mistake.SIGNED_OTHER if case.passphrase_holds else other, certain=False)]
    # A passphrase that fits nothing tells little as long as the secret may be the wrong one: that would explain both.
    doubted = {Mistake.PASSPHRASE_OTHER} if guessed else set()
    observed = [replace(seen, certain=False) if seen.id in doubted else seen for seen in case.observed]
    sure = [seen for seen in observed if seen.certain]
    unsure = [seen for seen in observed if not seen.certain]
    return tuple({one.sentence: one for one in (*made, *sure, *guessed, *unsure)}.values())
