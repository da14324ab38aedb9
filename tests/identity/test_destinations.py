"""Addresses and amounts: one spelling, or refused. PERM-17 by id."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from keywright.errors import Invalid
from keywright.identity.destinations import amount, destination, label

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
ETH = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.mark.parametrize(
    ("written", "kept"),
    [("1", "1"), ("1.0", "1"), ("0001.50", "1.5"), ("0.000000000000000001", "0.000000000000000001"), ("250", "250")],
)
def test_perm_17_an_amount_has_one_spelling(written: str, kept: str) -> None:
    assert amount(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        *("", "0", "0.0", "-0", "-1", "+1", "1e3", "1E3", "0x1", "１", "1,000", "1 000", "NaN", "Infinity", ".5", "5."),
        *("0." + "1" * 19, "1" * 21, "1\n", " 1", "1_000", "٣"),
    ],
)
def test_perm_17_anything_else_is_no_amount(written: str) -> None:
    with pytest.raises(Invalid):
        amount(written)


@given(st.decimals(min_value="0.000001", max_value=10**15, places=6))
def test_perm_17_the_spelling_is_the_same_number(number: object) -> None:
    kept = amount(format(number, "f"))
    assert kept == amount(kept)
    assert float(kept) == float(str(number))


def test_a_destination_is_kept_in_one_spelling() -> None:
    found = destination(" usdt ", "TRX", TRON, "7")
    assert (found.currency, found.chain, found.address, found.memo) == ("USDT", "trx", TRON, "7")


def test_hexadecimal_digits_have_no_case_and_others_do() -> None:
    assert destination("ETH", "eth", ETH).identity == destination("ETH", "eth", ETH.lower()).identity
    assert destination("X", "new", "Abcd").identity != destination("X", "new", "abcd").identity
    assert destination("USDT", "trx", TRON, "1").identity != destination("USDT", "trx", TRON, "2").identity


@pytest.mark.parametrize(
    ("field", "given_"),
    [
        ("currency", ("", "trx", TRON, "")),
        ("currency", ("US DT", "trx", TRON, "")),
        ("currency", ("ＵＳＤＴ", "trx", TRON, "")),
        ("chain", ("USDT", "", TRON, "")),
        ("chain", ("USDT", "t/x", TRON, "")),
        ("address", ("USDT", "trx", "", "")),
        ("address", ("USDT", "trx", TRON + " ", "")),
        ("address", ("USDT", "trx", TRON[:-1], "")),
        ("address", ("USDT", "trx", "0" + TRON[1:], "")),
        ("address", ("USDT", "eth", TRON, "")),
        ("address", ("USDT", "eth", ETH[:-1] + "g", "")),
        ("address", ("BTC", "btc", "bc1" + "b" * 30, "")),
        ("address", ("X", "new", "a\tbcd", "")),
        ("address", ("X", "new", "abc\u202edef", "")),
        ("address", ("X", "new", "x" * 129, "")),
        ("memo", ("USDT", "trx", TRON, " 1")),
        ("memo", ("USDT", "trx", TRON, "1\n")),
        ("memo", ("USDT", "trx", TRON, "1" * 129)),
    ],
)
def test_what_can_t_be_right_is_refused_by_name(field: str, given_: tuple[str, str, str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        destination(*given_)
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["", "   ", "x" * 41, "a\nb", "a\u202eb", "\u200b"])
def test_a_name_can_be_read_aloud(text: str) -> None:
    with pytest.raises(Invalid):
        label(text)
    assert label("  Kalte Börse 1 ") == "Kalte Börse 1"
