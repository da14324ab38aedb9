"""What speaks against a key, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keywright.posture.model import Accepted, Kind, Right, Subject, Weight
from keywright.posture.rules import DAY_MS, judge, report

NOW = 1_700_000_000_000
READ, TRADE, WITHDRAW = (Right(name, True, "proven") for name in ("read", "trade", "withdraw"))
GOOD = Subject(
    Kind.CONNECTION, "con_1", "grid", "", "KuCoin", "active", "66f0…k001", NOW - DAY_MS, rights=(READ, TRADE),
    addresses=("203.0.113.7",), is_bound=True, egress="203.0.113.7", bots=("grid",), last_used_at=NOW, checked_at=NOW,
)  # fmt: skip
KEY = replace(GOOD, kind=Kind.KEY, id="k", egress="", checked_at=None)


def found(subject: Subject) -> list[tuple[str, Weight]]:
    return [(one.code, one.weight) for one in judge(subject, now=NOW)]


def test_nothing_speaks_against_a_good_key() -> None:
    assert found(GOOD) == found(KEY) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"holds": False}, [("altered", Weight.NOW)]),
        ({"rights": (READ, WITHDRAW)}, [("can-withdraw", Weight.SOON)]),
        (
            {"rights": (READ, WITHDRAW), "is_bound": False},
            [("can-withdraw", Weight.NOW), ("any-address", Weight.SOON)],
        ),
        (
            {"rights": tuple(Right(one, True, "proven") for one in ("internal_transfer", "universal_transfer"))},
            [("can-transfer", Weight.SOON)],
        ),
        ({"rights": (READ, Right("withdraw", False, "proven"))}, []),
        ({"is_bound": False}, [("any-address", Weight.SOON)]),
        ({"is_bound": False, "rights": (READ,)}, []),
        ({"is_bound": None}, [("address-unproven", Weight.WATCH)]),
        ({"exceptions": (Accepted("margin", "ada@example.org", NOW),)}, [("accepted", Weight.WATCH)]),
        ({"exceptions": (Accepted("unproven-withdraw", "owner", NOW),)}, [("accepted-unproven", Weight.SOON)]),
        ({"exceptions": (Accepted("unproven-address-filter", "owner", NOW),)}, []),
        (
            {"exceptions": (Accepted("no-address-filter", "owner", NOW),), "is_bound": False},
            [("any-address", Weight.SOON)],
        ),
        ({"expires_at": NOW + 14 * DAY_MS}, [("ends-soon", Weight.SOON)]),
        ({"expires_at": NOW + 14 * DAY_MS + 1}, []),
        ({"expires_at": NOW}, [("ended", Weight.SOON)]),
        ({"made_at": NOW - 90 * DAY_MS}, [("old", Weight.SOON)]),
        ({"made_at": NOW - 90 * DAY_MS + 1}, []),
        ({"made_at": NOW - 90 * DAY_MS, "is_rotating": True}, [("old", Weight.WATCH)]),
        ({"last_used_at": NOW - 30 * DAY_MS, "made_at": NOW - 60 * DAY_MS}, [("idle", Weight.WATCH)]),
        ({"last_used_at": None, "made_at": NOW - 40 * DAY_MS}, [("idle", Weight.WATCH)]),
        ({"last_used_at": None, "made_at": NOW - 40 * DAY_MS, "knows_use": False}, []),
        ({"status": "suspended"}, [("suspended", Weight.SOON)]),
        ({"bots": ("grid", "dca")}, [("shared", Weight.WATCH)]),
        (
            {"egress_shared": True, "egress_confirmed": False},
            [("egress-shared", Weight.WATCH), ("egress-unconfirmed", Weight.WATCH)],
        ),
        ({"checked_at": NOW - 2 * DAY_MS - 1}, [("unchecked", Weight.WATCH)]),
    ],
)
def test_each_thing_is_told_with_how_soon_to_mend_it(
    changes: dict[str, object], expected: list[tuple[str, Weight]]
) -> None:
    assert found(replace(GOOD, **changes)) == expected  # type: ignore[arg-type]


def test_what_is_off_need_not_be_mended_unless_somebody_altered_it() -> None:
    assert found(replace(GOOD, is_on=False, is_bound=False, made_at=0)) == []
    assert found(replace(GOOD, is_on=False, holds=False)) == [("altered", Weight.NOW)]


def test_what_to_mend_first_stands_on_top_and_then_the_oldest() -> None:
    subjects = [
        GOOD,
        replace(GOOD, id="watch", bots=("a", "b")),
        replace(GOOD, id="newer", is_bound=False),
        replace(GOOD, id="older", is_bound=False, made_at=NOW - 2 * DAY_MS),
        replace(GOOD, id="now", holds=False),
    ]
    made = report(subjects, now=NOW)
    assert [line.subject.id for line in made.lines] == ["now", "older", "newer", "watch", "con_1"]
    assert [made.count(weight) for weight in Weight] == [1, 2, 1]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (DAY_MS, "it ends within a day"),
        (DAY_MS + 1, "it ends in 2 days"),
        (14 * DAY_MS, "it ends in 14 days"),
        (0, "it ended, or its right to trade did"),
    ],
)
def test_an_end_is_told_in_days_and_never_in_one_days(left: int, said: str) -> None:
    assert [one.said for one in judge(replace(GOOD, expires_at=NOW + left), now=NOW)] == [said]


def test_what_was_accepted_is_told_with_who_did_it() -> None:
    accepted = (Accepted("portfolio-margin", "ada@example.org", NOW), Accepted("unproven-other", "owner", NOW))
    assert [one.said for one in judge(replace(GOOD, exceptions=accepted), now=NOW)] == [
        "accepted by its owner: nobody can prove whether it may do this (something not known here)",
        "accepted by ada@example.org: it may do more than trade (portfolio margin)",
    ]


def test_every_concern_says_what_to_do() -> None:
    worst = replace(
        GOOD, holds=False, rights=(READ, WITHDRAW, Right("transfer", True, "proven")), is_bound=False, bots=("a", "b"),
        exceptions=(Accepted("margin", "ada", 1), Accepted("unproven-withdraw", "ada", 1)),
        expires_at=NOW, made_at=0, last_used_at=1, status="suspended", egress_shared=True, egress_confirmed=False, checked_at=0,
    )  # fmt: skip
    for one in judge(worst, now=NOW):
        assert one.said
        assert one.advice
        assert "{" not in one.said + one.advice
