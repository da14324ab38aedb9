"""What to do about each refusal, as the key's owner is told."""

from __future__ import annotations

import pytest

from keywright.gateway.advice import UNDECIDED, advice
from keywright.protocol.refusal import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_advice_that_names_the_headers_in_use(reason: Reason) -> None:
    said = advice(reason.value, address="198.51.100.4", base_url="https://futures.example", prefix="XY-")
    assert said.endswith(".")
    assert said[0].isupper()
    assert "{0}" not in said
    assert "KC-API-" not in said


def test_k14_a_key_at_the_wrong_door_is_told_where_it_works() -> None:
    said = advice("key_other_environment", base_url="https://futures.example")
    assert "use it at https://futures.example" in said


def test_an_address_that_is_not_on_the_list_is_named() -> None:
    assert "198.51.100.4" in advice("address_not_allowed", address="198.51.100.4")


def test_the_owner_is_told_what_a_caller_is_not() -> None:
    assert "altered outside Keywright" in advice("key_altered")
    assert advice("key_altered") != advice("key_unknown")


def test_what_was_allowed_needs_no_advice_and_what_was_broken_off_has_some() -> None:
    assert advice("allowed") == ""
    assert advice("") == UNDECIDED
    assert advice("of_a_newer_version") == "of_a_newer_version"
