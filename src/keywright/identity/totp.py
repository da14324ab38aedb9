"""Time-based codes (RFC 6238: SHA-1, six digits, 30 seconds). Pure: the time is handed in."""

from __future__ import annotations

import hmac
import re

import pyotp

from keywright.secret import Secret

STEP_MS = 30_000
DIGITS = 6
DRIFT_STEPS = 1
"""Steps before and after the present one whose codes are taken: RFC 6238 section 5.2 allows one for delay, and phones
run fast as often as slow. ASVS 6.5.5 asks for less; docs/decisions says why we keep it."""

CODE = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> Secret:
    """Return a fresh TOTP secret: 160 random bits (RFC 4226 section 4, R6), base32."""
    return Secret(pyotp.random_base32(32))


def step_of_code(secret: Secret, code: str, *, now: int) -> int | None:
    """Return the time step that `code` belongs to, or `None` when it is no code of now.

    Every position of the window is computed and compared, whether or not one matched before.
    """
    generator = pyotp.TOTP(secret.reveal_text())
    present = now // STEP_MS
    found: int | None = None
    shaped = bool(CODE.fullmatch(code))
    given = code.encode() if shaped else b"------"
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), given) and shaped:
            found = step
    return found


def code_at(secret: Secret, *, now: int) -> str:
    """Return what an authenticator with this secret shows at `now`."""
    return pyotp.TOTP(secret.reveal_text()).generate_otp(now // STEP_MS)


def provisioning_uri(secret: Secret, *, email: str, issuer: str) -> Secret:
    """Return the `otpauth://` address that authenticator apps read. It contains the secret."""
    return Secret(pyotp.TOTP(secret.reveal_text()).provisioning_uri(name=email, issuer_name=issuer))
