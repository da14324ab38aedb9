"""How someone arrives from an exchange's own login: what binds the way out to the way back (decision 0027). Pure.

The way out carries a nonce that belongs to this browser's cookie; the exchange puts it into its assertion. What it posts
back comes from another site, without our cookies, so it only leaves a short-lived, signed note in a cookie of its own; the
next request of that browser has both, and only where they belong together does anyone get in (login CSRF).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from keywright.secret import Secret

NOTE_MS = 60_000
"""How long a note serves: until the redirect that follows at once."""

OURS = re.compile(r"/(?!/)[a-z0-9/_-]{0,127}", re.ASCII)
"""Where someone may be led afterwards: a path of this console, nothing that a browser could read as another host."""

COOKIE = re.compile(rb"(acc_[0-9a-f]{24}):([0-9]{1,15}):([0-9]{1,15}):([0-9a-z./_-]{1,240}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an assertion proved, noted for the next request of the browser that brought it."""

    account_id: str
    factor_at: int
    at: int
    nonce: str


def login_nonce(key: Secret, token: Secret) -> str:
    """Return what goes along when the bearer of this cookie is sent to sign in."""
    return _mac(key, b"login", hashlib.sha256(token.reveal()).digest())


def step_up_nonce(key: Secret, session_id: str, *, asked_at: int, onward: str) -> str:
    """Return what goes along when this session is sent to prove its second factor again, and where it goes on after."""
    return f"{asked_at}.{onward}.{_mac(key, b'step-up', f'{session_id} {asked_at} {onward}'.encode())}"


def asked(nonce: str) -> tuple[int, str] | None:
    """Return when a session was sent, and where it goes on; `None` for the nonce of a sign-in."""
    at, _, rest = nonce.partition(".")
    onward = rest.rpartition(".")[0]
    return (int(at), onward) if rest and at.isdecimal() and OURS.fullmatch(onward) else None


def note_of(key: Secret, arrival: Arrival) -> Secret:
    """Return the cookie's value that holds an arrival."""
    text = f"{arrival.account_id}:{arrival.factor_at}:{arrival.at}:{arrival.nonce}"
    return Secret(f"{text}:{_mac(key, b'note', text.encode())}")


def read_note(key: Secret, note: Secret | None, *, now: int) -> Arrival | None:
    """Return the arrival that a cookie holds, if we wrote it a moment ago."""
    found = COOKIE.fullmatch(note.reveal()) if note is not None else None
    if found is None:
        return None
    account_id, factor_at, at, nonce = (part.decode() for part in found.groups()[:4])
    wanted = _mac(key, b"note", f"{account_id}:{factor_at}:{at}:{nonce}".encode())
    if not hmac.compare_digest(wanted.encode(), found[5]) or not 0 <= now - int(at) <= NOTE_MS:
        return None
    return Arrival(account_id, int(factor_at), int(at), nonce)


def same(one: str, other: str) -> bool:
    """Tell whether two nonces are one."""
    return hmac.compare_digest(one.encode(), other.encode())


def _mac(key: Secret, what: bytes, covered: bytes) -> str:
    return hmac.new(key.reveal(), b"arrival " + what + b"\0" + covered, "sha256").hexdigest()
