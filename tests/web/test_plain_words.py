"""What a key will be able to do, in words; and what the purposes fill in."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from keywright.identity.policy_model import Policy
from keywright.issuing import rules
from keywright.web.pages.plain_words import Plan, counted, summary_of, warnings_of
from keywright.web.pages.purposes import CUSTOM, purpose_of, purposes_of
from keywright.web.texts import SOURCE, Texts
from tests.support.texts import all_texts

TEXTS = Texts().of(SOURCE)
PURPOSES = {one.code: one for one in purposes_of(TEXTS)}


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.0/24 (256 addresses)"),
        ("198.51.0.0/16", "198.51.0.0/16 (65,536 addresses)"),
        ("203.0.113.6/31", "203.0.113.6/31 (2 addresses)"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::/48", "2001:db8::/48 (65,536 networks)"),
        ("2001:db8::/64", "2001:db8::/64 (1 network)"),
        ("2001:db8::/120", "2001:db8::/120 (part of one network)"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_block_says_how_much_it_holds(block: str, said: str) -> None:
    assert counted(block, TEXTS) == said


def test_numbers_are_written_as_the_language_does() -> None:
    assert counted("198.51.0.0/16", all_texts().of("de")) == "198.51.0.0/16 (65.536 Adressen)"


@given(st.text(max_size=60))
def test_whatever_stands_for_an_address_is_said(block: str) -> None:
    assert block in counted(block, TEXTS)
    warnings_of(Plan(frozenset({"read"}), "spot", (block,)), TEXTS, seen_at=block)


@pytest.mark.parametrize(
    ("block", "seen_at", "said"),
    [
        ("198.51.0.0/16", "203.0.113.7", "is wide"),
        ("2001:db8::/32", "203.0.113.7", "is wide"),
        ("203.0.113.0/24", "203.0.113.7", ""),
        ("2001:db8::/48", "203.0.113.7", ""),
        ("192.168.1.5", "203.0.113.7", "inside a network"),
        ("fd00:1::5", "203.0.113.7", "inside a network"),
        ("192.168.1.5", "192.168.1.9", ""),
        ("192.168.1.5", "", "inside a network"),
        ("127.0.0.1", "203.0.113.7", ""),
    ],
)
def test_addresses_that_bind_a_key_to_little_give_pause(block: str, seen_at: str, said: str) -> None:
    warnings = warnings_of(Plan(frozenset({"read"}), "spot", (block,)), TEXTS, seen_at=seen_at)
    assert [said in one for one in warnings] == [True] * bool(said)


def test_every_purpose_asks_for_what_may_be_had() -> None:
    """K8, K19: the one that withdraws needs addresses, and says so."""
    for one in PURPOSES.values():
        permissions = rules.permissions(one.permissions)
        rules.environment(one.environment)
        assert one.code == CUSTOM or rules.name(one.name) == one.name
        needs = bool({"withdraw", "transfer"} & set(one.permissions))
        rules.allowlist(("203.0.113.7",) if needs else (), permissions, policy=Policy())
        assert ("are needed:" in one.advice) is needs


def test_a_purpose_that_is_none_of_ours_fills_in_reading_alone() -> None:
    for name in ("", "nonsense", "<b>"):
        assert purpose_of(name, TEXTS) == PURPOSES[CUSTOM]
    assert PURPOSES[CUSTOM].permissions == ("read",)
    assert PURPOSES[CUSTOM].name == ""


def test_only_one_purpose_moves_money_out() -> None:
    assert [code for code, one in PURPOSES.items() if "withdraw" in one.permissions] == ["payouts"]
    assert not [code for code, one in PURPOSES.items() if "transfer" in one.permissions]


def test_the_summary_of_each_purpose_says_what_it_can_not_do() -> None:
    for one in PURPOSES.values():
        said = summary_of(Plan(frozenset(one.permissions), one.environment, ()), TEXTS, lifetime_days=90)
        assert [sentence for sentence in said if sentence.kind == "cannot"]
        assert any(one.environment in sentence.text for sentence in said)
