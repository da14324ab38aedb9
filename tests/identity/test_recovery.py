from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from keywright.identity import recovery
from keywright.secret import Secret
from keywright.storage.tables import recovery_codes
from tests.identity.doorway import Doorway

KEY = Secret(b"k" * 32)
CODE = Secret("abcd-efgh-ijkl-mnop")


def digest(code: str | bytes, account_id: str = "acc_1") -> bytes | None:
    return recovery.digest_of(KEY, account_id, Secret(code))


def test_a_code_has_eighty_bits_in_four_groups_and_never_repeats() -> None:
    made = {recovery.new_code().reveal_text() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in made)
    assert recovery.BYTES * 8 == 80


@pytest.mark.parametrize(
    "typed",
    [
        "ABCD-EFGH-IJKL-MNOP",
        "abcdefghijklmnop",
        " abcd efgh ijkl mnop ",
        "abcd–efgh–ijkl–mnop",
        "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p\r\n",
        "abcd-efgh-ijk1-mn0p",
    ],
)
def test_2fa_04_case_blanks_dashes_and_lookalikes_do_not_matter(typed: str) -> None:
    assert digest(typed) == digest(CODE.reveal()) is not None


@pytest.mark.parametrize(
    "typed",
    ["", "-", "abcd", "abcd-efgh-ijkl-mno", "abcd-efgh-ijkl-mnopq", "abcd-efgh-ijkl-mn9p", "abcd-efgh-ijkl-mnoр"],
)
def test_what_has_not_the_shape_of_a_code_is_none(typed: str) -> None:
    assert digest(typed) is None


@pytest.mark.parametrize("typed", [b"a" * 10_000, b"-" * 10_000 + b"abcdefghijklmnop", b"\xff" * 16, b"\0" * 64])
def test_2fa_04_ten_kilobytes_and_bytes_that_are_no_text_are_none(typed: bytes) -> None:
    assert digest(typed) is None


@given(st.binary(max_size=80))
def test_whatever_is_typed_is_a_code_or_none(typed: bytes) -> None:
    found = digest(typed)
    assert found is None or len(found) == 32


def test_the_same_code_is_recognised_differently_in_each_account_and_under_each_key() -> None:
    assert digest(CODE.reveal()) != digest(CODE.reveal(), "acc_2")
    assert recovery.digest_of(Secret(b"j" * 32), "acc_1", CODE) != digest(CODE.reveal())


async def test_of_the_codes_only_what_recognises_them_is_kept(door: Doorway) -> None:
    ada = await door.world.person()
    session = (await door.signed_in(ada)).session
    codes = await door.recovery_codes(session)
    assert len(codes) == recovery.COUNT
    rows = await door.rows(recovery_codes)
    assert len(rows) == recovery.COUNT
    kept = b"".join(row.code_digest for row in rows) + repr(rows).encode()
    for code in codes:
        assert code.reveal() not in kept
        assert code.reveal().replace(b"-", b"") not in kept
