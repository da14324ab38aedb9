"""Amounts: exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from keywright.errors import Invalid
from keywright.sandbox.amounts import amount, floor_to, is_multiple, plain


@pytest.mark.parametrize(
    ("given_as", "means"),
    [
        ("0.00001", "0.00001"),
        ("5", "5"),
        (5, "5"),
        (Decimal("10.0"), "10"),
        (Decimal("1E-5"), "0.00001"),  # how Python writes the float 0.00001 into JSON
        ("1e2", "100"),
        ("0", "0"),
        ("0.000", "0"),
        ("1.50", "1.5"),
    ],
)
def test_strings_integers_and_floats_are_read_alike(given_as: object, means: str) -> None:
    assert str(amount(given_as, field="size")) == means


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "-1",
        "+1",
        "1.",
        ".5",
        "1,5",
        "0x1",
        "NaN",
        "Infinity",
        "1e99",
        "1e-99",
        "1e1000",
        "9" * 21,
        "1_0",
        "١",
    ],
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        amount(text, field="size")


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, Decimal("NaN"), Decimal("-0.1"), -1])
def test_what_is_no_amount_is_refused_and_the_field_named(value: object) -> None:
    with pytest.raises(Invalid) as refused:
        amount(value, field="price")
    assert refused.value.field == "price"


@given(st.decimals(min_value=0, max_value=10**12, places=8))
def test_what_is_written_plainly_is_read_back(number: Decimal) -> None:
    text = plain(number)
    assert "E" not in text
    assert amount(text, field="size") == number


@given(st.integers(0, 10**15), st.integers(1, 10**6), st.integers(0, 8))
def test_rounding_down_gives_the_largest_multiple_below(units: int, step: int, places: int) -> None:
    number, increment = Decimal(units).scaleb(-places), Decimal(step).scaleb(-places)
    floored = floor_to(number, increment=increment)
    assert is_multiple(floored, of=increment)
    assert floored <= number < floored + increment


def test_zero_has_no_sign_and_no_decimals() -> None:
    assert [plain(Decimal(text)) for text in ("0", "-0.000", "0E+3", "0E-9")] == ["0", "0", "0", "0"]
