"""What an e-mail address and a password must be like. Pure."""

from __future__ import annotations

import re
import unicodedata

from zxcvbn import zxcvbn

from keywright.errors import Invalid
from keywright.secret import Secret

EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
PASSWORD_MIN, PASSWORD_MAX = 10, 128
"""Characters. The least is above ASVS's 8 because guessing is judged too; the most keeps hashing cheap to refuse."""

STRENGTH_MIN = 3
"""zxcvbn's score of 0 to 4; 3 is "safely unguessable": at least 10^8 guesses."""

ZXCVBN_MAX = 72
"""zxcvbn raises above this length; what makes 72 characters weak is found in them."""


def email_address(text: str) -> str:
    """Return the address in the one spelling it is kept in; raises `Invalid` when it is none."""
    email = text.strip().lower()
    if len(email) > 254 or not EMAIL.fullmatch(email):
        raise Invalid("that is not an e-mail address", hint="write it like name@example.org", field="email")
    return email


def password(candidate: Secret, *, about: tuple[str, ...]) -> Secret:
    """Return the password, normalised (NFC), if it is hard to guess for who knows the words in `about`.

    Raises `Invalid` saying what to change.
    """
    text = unicodedata.normalize("NFC", decoded(candidate, field="password"))
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX:
        raise Invalid(
            f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters",
            hint="a few random words do well",
            field="password",
        )
    if strength(text, about=about) < STRENGTH_MIN:
        raise Invalid(
            "that password is easily guessed", hint="make it longer, or use a few random words", field="password"
        )
    return Secret(text)


def decoded(candidate: Secret, *, field: str) -> str:
    """Return a typed secret as text; raises `Invalid` when its bytes are no UTF-8."""
    try:
        return candidate.reveal_text()
    except UnicodeDecodeError:
        raise Invalid(f"the {field} is not text in UTF-8", field=field) from None


def strength(text: str, *, about: tuple[str, ...]) -> int:
    """Return zxcvbn's score of 0 (guessed at once) to 4."""
    score: int = zxcvbn(text[:ZXCVBN_MAX], user_inputs=list(about))["score"]
    return score
