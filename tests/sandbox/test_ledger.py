"""Double entry: sums of zero, no overdraft, and nothing changed by what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from keywright.errors import Invalid
from keywright.sandbox import ledger
from keywright.sandbox.ledger import Movement, Overdraft, Posting
from keywright.sandbox.model import HOUSE, Balance, Owner, Purse

ALICE = Purse(Owner("alice"), "trade", "USDT")
ALICE_MAIN = Purse(Owner("alice"), "main", "USDT")
BOB = Purse(Owner("bob"), "trade", "USDT")
EQUITY = Purse(HOUSE, "equity", "USDT")


def d(text: str) -> Decimal:
    return Decimal(text)


def test_a_movement_moves() -> None:
    posted = ledger.post({ALICE: Balance(d("10"))}, [Movement("Transfer", ledger.move(ALICE, ALICE_MAIN, d("4")), 1)])
    assert posted.balances[ALICE].available == d("6")
    assert posted.balances[ALICE_MAIN].available == d("4")
    assert [(line.purse, line.amount, line.balance) for line in posted.lines] == [
        (ALICE, d("-4"), d("6")),
        (ALICE_MAIN, d("4"), d("4")),
    ]


def test_what_does_not_sum_to_zero_is_refused() -> None:
    crooked = Movement("Transfer", (Posting(ALICE, "available", d("-1")), Posting(BOB, "available", d("1.01"))), 1)
    with pytest.raises(Invalid, match="USDT"):
        ledger.post({ALICE: Balance(d("10"))}, [crooked])


def test_currencies_do_not_make_up_for_one_another() -> None:
    bitcoin = Purse(BOB.owner, "trade", "BTC")
    crooked = Movement("Transfer", (Posting(ALICE, "available", d("-1")), Posting(bitcoin, "available", d("1"))), 1)
    with pytest.raises(Invalid):
        ledger.post({ALICE: Balance(d("10"))}, [crooked])


def test_a_user_cannot_overdraw_either_leg() -> None:
    with pytest.raises(Overdraft):
        ledger.post({ALICE: Balance(d("3.99"))}, [Movement("Transfer", ledger.move(ALICE, BOB, d("4")), 1)])
    with pytest.raises(Overdraft):
        ledger.post({ALICE: Balance(d("5"), held=d("1"))}, [Movement("", ledger.hold(ALICE, d("-2")), 1)])


def test_the_house_may_go_below_zero() -> None:
    posted = ledger.post({}, [ledger.starter(ALICE, d("100"), now=1)])
    assert posted.balances[EQUITY].available == d("-100")
    assert [line.purse for line in posted.lines] == [ALICE]


def test_holding_moves_nothing_out_and_shows_on_no_statement() -> None:
    posted = ledger.post({ALICE: Balance(d("10"))}, [Movement("", ledger.hold(ALICE, d("4")), 1)])
    assert posted.balances[ALICE] == Balance(d("6"), d("4"))
    assert posted.lines == ()


def test_a_later_movement_sees_what_an_earlier_one_did() -> None:
    there_and_back = [
        Movement("Transfer", ledger.move(ALICE, BOB, d("10")), 1),
        Movement("Transfer", ledger.move(BOB, ALICE, d("10")), 2),
    ]
    posted = ledger.post({ALICE: Balance(d("10"))}, there_and_back)
    assert (posted.balances[ALICE].total, posted.balances[BOB].total) == (d("10"), d("0"))


purses = st.sampled_from([ALICE, ALICE_MAIN, BOB, EQUITY])
amounts = st.integers(-50, 50).map(lambda cents: Decimal(cents) / 100)
moves = st.builds(lambda a, b, n: Movement("Transfer", ledger.move(a, b, n), 1), purses, purses, amounts)
holds = st.builds(lambda a, n: Movement("", ledger.hold(a, n), 1), purses, amounts)


@given(st.lists(st.one_of(moves, holds), max_size=20))
def test_money_is_neither_made_nor_lost_whatever_is_posted(movements: list[Movement]) -> None:
    balances = {ALICE: Balance(d("1")), BOB: Balance(d("0.5"), d("0.5"))}
    before = dict(balances)
    try:
        posted = ledger.post(balances, movements)
    except Overdraft:
        assert balances == before
        return
    after = {**balances, **posted.balances}
    assert sum(balance.total for balance in after.values()) == d("2")
    assert all(balance.available >= 0 and balance.held >= 0 for purse, balance in after.items() if purse != EQUITY)
