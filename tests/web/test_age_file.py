"""Files for the `age` tool: another implementation of the format opens what ours writes."""

from __future__ import annotations

from collections.abc import Iterator

import pyrage
import pytest
from hypothesis import given, settings, strategies as st

from keywright.secret import Secret
from keywright.web import age_file
from keywright.web.age_file import MOST_PLAIN, encrypt


@pytest.fixture(autouse=True, scope="module")
def cheap() -> Iterator[None]:
    """Make the stretching cheap: its cost stands in the file, so that what opens it knows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(age_file, "LOG_N", 4)
        yield


@settings(max_examples=40)
@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_what_is_locked_opens_with_its_password(plain: bytes, password: str) -> None:
    assert pyrage.passphrase.decrypt(encrypt(Secret(plain), Secret(password)), password) == plain


@pytest.mark.parametrize("size", [0, 1, MOST_PLAIN - 1, MOST_PLAIN])
def test_every_length_of_one_chunk_opens(size: int) -> None:
    assert len(pyrage.passphrase.decrypt(encrypt(Secret(b"x" * size), Secret("y")), "y")) == size


def test_more_than_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="more than one chunk"):
        encrypt(Secret(b"x" * (MOST_PLAIN + 1)), Secret("y"))


def test_nothing_opens_with_another_password_or_after_a_change() -> None:
    locked = encrypt(Secret("KUCOIN_API_KEY=x"), Secret("right"))
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(locked, "wrong")
    for place in range(len(locked)):
        altered = locked[:place] + bytes([locked[place] ^ 1]) + locked[place + 1 :]
        with pytest.raises(pyrage.DecryptError):
            pyrage.passphrase.decrypt(altered, "right")


def test_each_file_is_new() -> None:
    files = {encrypt(Secret("x"), Secret("y")) for _ in range(10)}
    assert len(files) == 10
    assert all(b"KUCOIN" not in one for one in files)
