from __future__ import annotations

import pyotp
import pytest

from keywright.identity import totp
from keywright.secret import Secret
from tests.support.clock import T0

RFC_SECRET = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
"""RFC 6238 appendix B: "12345678901234567890" in base32."""


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_the_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert totp.step_of_code(RFC_SECRET, code, now=seconds * 1000) == seconds // 30


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_2fa_05_a_clock_may_drift_by_one_step(steps: int, taken: bool) -> None:
    code = pyotp.TOTP(RFC_SECRET.reveal_text()).at(T0 // 1000 + 30 * steps)
    step = totp.step_of_code(RFC_SECRET, code, now=T0)
    assert (step == T0 // totp.STEP_MS + steps) if taken else step is None


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", " 287082", "28708２", "٢٨٧٠٨٢", "287-082", "null", "x" * 100_000]
)
def test_2fa_10_what_is_not_six_ascii_digits_is_no_code(code: str) -> None:
    assert totp.step_of_code(RFC_SECRET, code, now=59_000) is None


def test_secrets_have_160_bits_and_never_repeat() -> None:
    made = {totp.new_secret().reveal_text() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 32 for secret in made)
