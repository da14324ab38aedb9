"""Double entry: money is moved, never made. Pure.

Rules: the postings of a movement sum to zero in every currency; a user's purse never goes below zero in either leg; only
the house's own books may. Whoever breaks one gets an error and no balance changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from keywright.errors import Conflict, Invalid
from keywright.sandbox.model import HOUSE, ZERO, Balance, Line, Owner, Purse

Leg = Literal["available", "held"]


class Overdraft(Conflict):
    """A purse does not hold what a movement takes from it."""


@dataclass(frozen=True, slots=True)
class Posting:
    """What one movement does to one leg of one purse; signed."""

    purse: Purse
    leg: Leg
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Movement:
    """Postings that belong together, and what the statements of those concerned say about them."""

    kind: str
    """In KuCoin's words: `Deposit`, `Transfer`, `Trade_Exchange`; empty for holds, which no statement shows."""
    postings: tuple[Posting, ...]
    at: int
    context: str = ""
    fees: tuple[tuple[Purse, Decimal], ...] = ()
    """Which part of whose change was a fee."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The balances after some movements, and the statement lines they make."""

    balances: dict[Purse, Balance]
    lines: tuple[Line, ...]


def post(balances: Mapping[Purse, Balance], movements: Iterable[Movement]) -> Posted:
    """Return what `movements`, in order, make of `balances`: only purses they touch.

    Raises `Overdraft` when one of them takes more than is there, `Invalid` when one does not sum to zero.
    """
    after: dict[Purse, Balance] = {}
    lines: list[Line] = []
    for movement in movements:
        _refuse_unbalanced(movement)
        touched: dict[Purse, Decimal] = {}
        for posting in movement.postings:
            balance = after.get(posting.purse) or balances.get(posting.purse) or Balance()
            if posting.leg == "available":
                balance = replace(balance, available=balance.available + posting.amount)
            else:
                balance = replace(balance, held=balance.held + posting.amount)
            after[posting.purse] = balance
            touched[posting.purse] = touched.get(posting.purse, ZERO) + posting.amount
        for purse, change in touched.items():
            if purse.owner != HOUSE and (after[purse].available < 0 or after[purse].held < 0):
                raise Overdraft(f"{purse.currency} in {purse.book} does not cover this")
            if movement.kind and change and purse.owner != HOUSE:
                fee = sum((fee for owed, fee in movement.fees if owed == purse), ZERO)
                lines.append(Line(purse, change, fee, after[purse].total, movement.kind, movement.context, movement.at))
    return Posted(after, tuple(lines))


def _refuse_unbalanced(movement: Movement) -> None:
    sums: dict[str, Decimal] = {}
    for posting in movement.postings:
        sums[posting.purse.currency] = sums.get(posting.purse.currency, ZERO) + posting.amount
    wrong = sorted(currency for currency, total in sums.items() if total)
    if wrong:
        raise Invalid(f"a movement does not sum to zero in {', '.join(wrong)}")


def move(source: Purse, target: Purse, amount: Decimal) -> tuple[Posting, Posting]:
    """Return the postings that take `amount` from one purse and put it into another."""
    return Posting(source, "available", -amount), Posting(target, "available", amount)


def place(purse: Purse, *, seen_by: Owner) -> str:
    """Return a purse's book as its own owner calls it, or with the sub-account's name before it: `trading1/main`."""
    return purse.book if purse.owner == seen_by else f"{purse.owner.sub_account}/{purse.book}"


def hold(purse: Purse, amount: Decimal) -> tuple[Posting, Posting]:
    """Return the postings that set `amount` aside; a negative amount is given back."""
    return Posting(purse, "available", -amount), Posting(purse, "held", amount)


def starter(purse: Purse, amount: Decimal, *, now: int) -> Movement:
    """Return the movement that puts starting money into a purse, out of the house's equity."""
    return Movement("Deposit", move(Purse(HOUSE, "equity", purse.currency), purse, amount), now)
