"""What an e-mail address and a password must be like. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from keywright.errors import Invalid
from keywright.secret import Secret

EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
PASSWORD_MIN, PASSWORD_MAX = 10, 128
"""Characters. The least is above ASVS's 8 because guessing is judged too; the most keeps hashing cheap to refuse."""

PASSWORD_BYTES_MAX = 9 * PASSWORD_MAX
"""No more is looked at: one character of NFC, a Hangul syllable, may be typed as three parts of three bytes each."""

STRENGTH_MIN = 3
"""zxcvbn's score of 0 to 4; 3 is "safely unguessable": at least 10^8 guesses."""

JUDGED = 32
"""Characters that are judged: what is weak in a passphrase of ours is found in them, and zxcvbn's time grows with more."""

LOOKALIKES = frozenset("4@8({[<69!1|/7+$5%20#3z")
"""Signs that zxcvbn reads as letters too."""

READABLE = 6
PASSKEY_NAME_MAX = 40
FIRST_UNREAD = ord("α")  # a letter that is in none of zxcvbn's dictionaries


def email_address(text: str) -> str:
    """Return the address in the one spelling it is kept in; raises `Invalid` when it is none."""
    email = text.strip().lower()
    if len(email) > 254 or not EMAIL.fullmatch(email):
        raise Invalid("that is not an e-mail address", hint="write it like name@example.org", field="email")
    return email


def address_or_none(text: str) -> str | None:
    """Return the address in the one spelling it is kept in, or `None` when it is none."""
    try:
        return email_address(text)
    except Invalid:
        return None


def passkey_name(text: str) -> str:
    """Return what a passkey is to be called; raises `Invalid` when that is nothing, too long, or can't be shown."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= PASSKEY_NAME_MAX or not name.isprintable():
        raise Invalid(
            "a passkey's name has 1 to {most} characters",
            hint="say where it is: my phone, the blue key",
            field="name",
            most=PASSKEY_NAME_MAX,
        )
    return name


def as_typed(candidate: Secret) -> Secret:
    """Return a typed password in the one spelling that is hashed (NFC); what can't be one becomes something no one has."""
    if len(candidate.reveal()) > PASSWORD_BYTES_MAX:  # cutting it off would take what begins with the password for it
        return Secret("")
    try:
        text = unicodedata.normalize("NFC", candidate.reveal_text())
    except UnicodeDecodeError:
        return Secret("")
    return Secret(text) if len(text) <= PASSWORD_MAX else Secret("")


def password(candidate: Secret, *, about: tuple[str, ...]) -> Secret:
    """Return the password, normalised (NFC), if it is hard to guess for who knows the words in `about`.

    Raises `Invalid` saying what to change.
    """
    if len(candidate.reveal()) > PASSWORD_BYTES_MAX:
        raise _length()
    text = unicodedata.normalize("NFC", decoded(candidate, field="password"))
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX:
        raise _length()
    if strength(text, about=about) < STRENGTH_MIN:
        raise Invalid(
            "that password is easily guessed", hint="make it longer, or use a few random words", field="password"
        )
    return Secret(text)


TRADING_PASSWORD = re.compile(r"[A-Za-z0-9]{6}", re.ASCII)
TRADING_GUESSES_MIN = 25_000
"""zxcvbn's estimate for six characters: dates, rows of keys, repetitions and words lie below it, nine in ten others above."""


def trading_password(candidate: Secret, *, password: Secret, about: tuple[str, ...]) -> Secret:
    """Return the trading password if it is six letters or digits, not easily guessed, and no part of the password.

    Raises `Invalid` saying what to change. `about` are words that someone guessing would try, the e-mail address first.
    """
    text = decoded(candidate, field="trading_password") if len(candidate.reveal()) <= PASSWORD_BYTES_MAX else ""
    if not TRADING_PASSWORD.fullmatch(text):
        raise Invalid("a trading password has six letters or digits", field="trading_password")
    within = (as_typed(password).reveal_text(), *about)
    if any(text.casefold() in word.casefold() for word in within):
        raise Invalid(
            "that is part of your password or of your e-mail address", hint="choose another", field="trading_password"
        )
    if _estimate(text, ("keywright", "kucoin"))["guesses"] < TRADING_GUESSES_MIN:
        raise Invalid(
            "that trading password is easily guessed",
            hint="no dates, no words, nothing that repeats or counts",
            field="trading_password",
        )
    return candidate


def _length() -> Invalid:
    return Invalid(
        "a password has {least} to {most} characters",
        hint="a few random words do well",
        field="password",
        least=PASSWORD_MIN,
        most=PASSWORD_MAX,
    )


def decoded(candidate: Secret, *, field: str) -> str:
    """Return a typed secret as text; raises `Invalid` when its bytes are no UTF-8."""
    try:
        return candidate.reveal_text()
    except UnicodeDecodeError:
        raise Invalid("that is not text in UTF-8", field=field) from None


def strength(text: str, *, about: tuple[str, ...]) -> int:
    """Return zxcvbn's score of 0 (guessed at once) to 4: of the first 32 characters, within a few milliseconds.

    zxcvbn tries every reading of every sign that may stand for a letter: two dozen of them take it seconds, in which
    nothing else of this process would run. So the first six kinds keep their readings, further ones count as they are.
    """
    readable: list[str] = []
    judged = ""
    for character in text[:JUDGED]:
        if character in LOOKALIKES and character not in readable:
            readable.append(character)
        at = readable.index(character) if character in LOOKALIKES else 0
        judged += character if at < READABLE else chr(FIRST_UNREAD + at)
    score: int = _estimate(judged, about)["score"]
    return score


def _estimate(text: str, about: tuple[str, ...]) -> Mapping[str, Any]:
    from zxcvbn import zxcvbn  # noqa: PLC0415  its dictionaries: most commands judge no password

    found: Mapping[str, Any] = zxcvbn(text, user_inputs=list(about))
    return found
