"""The search: which mistakes, as few as possible, make the signature that was received.

Rule: what is found is proved, for it makes the very bytes. Nothing here is secret from who runs it: they hold the
secret, so nothing is compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from keywright.protocol.explain_forms import hashes, mac
from keywright.protocol.explain_model import Case, Form, Forms, Mistake

MOST_MISTAKES = 3
MOST_BYTES = 48_000_000
"""Hashed at most, some two hundred thousand ordinary requests: below a second."""
MOST_CHECKS = 4_000
"""Messages held against a public key at most; one takes a tenth of a millisecond."""
MOST_MS_APART = 5_000
"""How far apart two readings of one clock are looked for."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/]+=*")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")


@dataclass(frozen=True, slots=True)
class Found:
    """What makes the signature that was received."""

    message: bytes
    forms: Forms
    """How it was made, the mistakes only; empty when nothing was wrong."""


def search(case: Case, secrets: Forms) -> Found | None:
    """Return how the signature was made, with as few mistakes as possible; `None` when nothing we know makes it."""
    spellings = _spellings(case)
    if not spellings:
        return None
    ways = hashes(case.hashed)
    for message in case.server:
        spelt = spellings.get(mac(ways[0].value, secrets[0].value, message))
        if spelt is not None:
            return Found(message, spelt)
    budget = MOST_BYTES
    for chosen in _choices((*case.forms.values(), case.layouts, secrets, ways)):
        *parts, layout, secret, way = chosen
        message = _join(layout.value, dict(zip(case.forms, parts, strict=True)))
        spelt = spellings.get(mac(way.value, secret.value, message))
        if spelt is not None:
            return Found(message, (*(form for form in chosen if form.mistake), *spelt))
        budget -= len(message) + 200
        if budget < 0:
            break
    return _second_reading(case, secrets, spellings)


def search_by_key(case: Case, holds: Callable[[bytes, bytes], bool]) -> Found | None:
    """Return what was signed, with as few mistakes as possible, for a key of which only `holds(message, signature)` can be
    asked; `None` when nothing we know fits."""
    spellings = _spellings(case)
    for message in case.server:
        for value, spelt in spellings.items():
            if holds(message, value):
                return Found(message, spelt)
    for *parts, layout in itertools.islice(_choices((*case.forms.values(), case.layouts)), MOST_CHECKS):
        message = _join(layout.value, dict(zip(case.forms, parts, strict=True)))
        for value, spelt in spellings.items():
            if holds(message, value):
                return Found(message, (*(form for form in (*parts, layout) if form.mistake), *spelt))
    return None


def _choices(axes: tuple[Forms, ...]) -> Iterator[tuple[Form, ...]]:
    """Yield one form of each axis, every combination of at most `MOST_MISTAKES` mistakes, fewest first."""
    wrong = [tuple(form for form in axis if form.mistake is not None) for axis in axes]
    right = [tuple(form for form in axis if form.mistake is None) for axis in axes]
    for mistakes in range(MOST_MISTAKES + 1):
        for places in itertools.combinations(range(len(axes)), mistakes):
            yield from itertools.product(*(wrong[at] if at in places else right[at] for at in range(len(axes))))


def _join(layout: bytes, parts: dict[str, Form]) -> bytes:
    return b"".join(parts[letter].value if letter in parts else letter.encode() for letter in layout.decode())


def _second_reading(case: Case, secrets: Forms, spellings: dict[bytes, Forms]) -> Found | None:
    """Look for a stamp near the one that was sent: a client that reads its clock once to sign and once to send."""
    if "s" not in case.forms or not case.stamp.isdigit() or len(case.stamp) != 13:
        return None
    right = [tuple(form for form in axis if form.mistake is None) for axis in case.forms.values()]
    for chosen in itertools.product(*right):
        parts = dict(zip(case.forms, chosen, strict=True))
        for apart in range(1, MOST_MS_APART + 1):
            for signed, name in ((-apart, "earlier"), (apart, "later")):
                stamp = Form(str(int(case.stamp) + signed).encode(), Mistake.STAMP_READ_TWICE, f"{apart} ms {name}")
                message = _join(case.layouts[0].value, {**parts, "s": stamp})
                spelt = spellings.get(mac(case.hashed.encode(), secrets[0].value, message))
                if spelt is not None:
                    return Found(message, (stamp, *spelt))
    return None


def _spellings(case: Case) -> dict[bytes, Forms]:
    """Return what the received signature may be the spelling of: MACs, each with what is wrong with its spelling."""
    found: dict[bytes, Forms] = {}
    for text, around in _bared(case.signature):
        for value, wrong in _read(text, case):
            found.setdefault(value, (*around, *wrong))
    return found


def _bared(signature: bytes) -> Iterator[tuple[bytes, Forms]]:
    yield signature, ()
    if (decoded := unquote_to_bytes(signature)) != signature:
        yield decoded, (Form(b"", Mistake.SIGNATURE_PERCENT_ENCODED),)
    if b" " in signature.strip():
        yield signature.strip().replace(b" ", b"+"), (Form(b"", Mistake.SIGNATURE_PLUS_LOST),)
    bare = re.sub(rb"\A[\s\"']*(?:b')?|[\s\"']*\Z", b"", signature)
    if bare != signature:
        yield bare, (Form(b"", Mistake.SIGNATURE_SURROUNDED),)


def _read(text: bytes, case: Case) -> Iterator[tuple[bytes, Forms]]:
    if _HEX.fullmatch(text):
        wrong: Forms = () if case.hex_digest else (Form(b"", Mistake.SIGNATURE_HEX),)
        if case.hex_digest and not case.any_case and text != text.lower():
            wrong = (Form(b"", Mistake.SIGNATURE_UPPER_CASE),)
        yield binascii.unhexlify(text), wrong
    standard = text.replace(b"-", b"+").replace(b"_", b"/")
    if not _BASE64.fullmatch(standard):
        return
    try:
        value = base64.b64decode(standard.rstrip(b"=") + b"=" * (-len(standard.rstrip(b"=")) % 4))
    except binascii.Error:
        return
    wrong = (Form(b"", Mistake.SIGNATURE_BASE64),) if case.hex_digest else ()
    if standard != text:
        wrong = (*wrong, Form(b"", Mistake.SIGNATURE_URL_SAFE))
    if base64.b64encode(value) != standard and not case.hex_digest:
        unpadded = base64.b64encode(value).rstrip(b"=") == standard.rstrip(b"=")
        wrong = (*wrong, Form(b"", Mistake.SIGNATURE_UNPADDED if unpadded else Mistake.SIGNATURE_NOT_CANONICAL))
    yield value, wrong
    if _HEX.fullmatch(value):
        yield binascii.unhexlify(value), (*wrong, Form(b"", Mistake.SIGNATURE_BASE64_OF_HEX))
