"""Why a signed request is refused: what the server signed, what the client must have signed, and the likely mistake.

    1  what the server takes the MAC of, and what can be seen    explain_kucoin, explain_binance, explain_bitfinex
    2  which mistakes make the very signature that was received  explain_search, over what explain_forms and
                                                                 explain_payloads know of real clients
    3  where the two strings part                                explain_show
    4  what to do, most certain first                            explain_causes

For who holds the secret: it is needed to tell, and never shown. Start at `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate

from keywright.errors import Invalid
from keywright.protocol import (
    explain_binance,
    explain_bitfinex,
    explain_forms,
    explain_kucoin,
    explain_show,
)
from keywright.protocol.explain_causes import cause
from keywright.protocol.explain_model import Case, Cause, Difference, Explanation, Given, Mistake
from keywright.protocol.explain_search import Found, search
from keywright.protocol.explain_show import compare
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
) -> Explanation:
    """Return why a request is refused, or that it holds.

    `request` is as the server received it, `now_ms` when; `window_ms` is how far a stamp may be off. A `passphrase` of
    `None` is not looked at. Raises `Invalid` for an exchange that is none of `EXCHANGES`, and for an empty secret.
    """
    if exchange not in _READERS:
        raise Invalid(f"the exchanges are {', '.join(EXCHANGES)}", field="exchange")
    if not secret:
        raise Invalid("the secret is empty", field="secret")
    plain, words = secret.reveal(), passphrase.reveal() if passphrase else None
    secrets = explain_forms.secrets(plain, passphrase=words, key=_key(request))
    # 1  what the server takes the MAC of, and what can be seen
    case = _READERS[exchange](request, Given(plain, words, secrets, now_ms, window_ms))
    # 2  which mistakes make the very signature
    found = search(case, secrets)
    # 3  where the two strings part
    hide = (
        *explain_show.spellings(plain.strip()),
        *explain_show.spellings(words or b""),
        *explain_show.hidden_values(request.query),
    )
    difference = _difference(case, found, hide) if found else None
    # 4  what to do
    holds = found is not None and not found.forms
    return Explanation(
        exchange=exchange,
        signature_holds=holds,
        passphrase_holds=case.passphrase_holds,
        server_signed=tuple(explain_show.show(message, hide) for message in case.server),
        client_signed=explain_show.show(found.message, hide) if found else None,
        difference=difference,
        skew_ms=case.skew_ms,
        causes=_causes(case, found),
    )


def _key(request: Request) -> bytes:
    names = (b"kc-api-key", b"x-mbx-apikey", b"bfx-apikey")
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


def _causes(case: Case, found: Found | None) -> tuple[Cause, ...]:
    """Return what to tell, each cause once: what reproduces the signature, what is wrong for certain, what may be."""
    made = [cause(form.mistake, form.about) for form in found.forms if form.mistake] if found else []
    guessed = []
    if found is None and case.signature:
        # The passphrase's MAC is made with the secret: where it holds, the secret is right.
        guessed = [cause(Mistake.SIGNED_OTHER if case.passphrase_holds else Mistake.SECRET_OTHER, certain=False)]
    # A passphrase that fits nothing tells little as long as the secret may be the wrong one: that would explain both.
    doubted = {Mistake.PASSPHRASE_OTHER} if guessed else set()
    observed = [replace(seen, certain=False) if seen.id in doubted else seen for seen in case.observed]
    sure = [seen for seen in observed if seen.certain]
    unsure = [seen for seen in observed if not seen.certain]
    return tuple({one.sentence: one for one in (*made, *sure, *guessed, *unsure)}.values())
