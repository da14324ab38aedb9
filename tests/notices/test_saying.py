from __future__ import annotations

from gettext import NullTranslations

import pytest

from keywright.notices.model import Notice
from keywright.notices.saying import LONGEST, one_line, program, say
from keywright.notices.wording import WORDINGS
from keywright.web.texts import PSEUDO
from tests.support.clock import T0
from tests.support.texts import all_texts

ENGLISH = NullTranslations()


def notice(kind: str, **detail: object) -> Notice:
    return Notice("ntc_1", "acc_1", kind, "", detail, T0)


@pytest.mark.parametrize("kind", WORDINGS)
def test_every_wording_is_whole_sentences_with_values_that_are_missing_filled(kind: str) -> None:
    said = say(notice(kind), ENGLISH)
    assert "{" not in said.title + said.text
    assert said.text.endswith((".", "–")) or said.text.endswith("}")


def test_a_key_is_named_and_so_are_time_and_place() -> None:
    one = notice(
        "key.disabled", name="bot", key="66f0…a1b2", **{"from": "203.0.113.7", "agent": "Mozilla/5.0 Firefox/140.0"}
    )
    said = say(one, ENGLISH)
    assert said.title == "The API key “bot” was switched off"
    assert said.facts == (
        ("Key", "“bot” (66f0…a1b2)"),
        ("When", "2023-11-14 22:13:20 UTC"),
        ("From", "203.0.113.7, Firefox"),
    )


def test_a_withdrawal_is_told_with_the_key_that_ordered_it() -> None:
    detail = {"amount": "250", "currency": "USDT", "address": "TXYZ", "key": "66f0c8a1b2d3e4f5a6b7a1b2"}
    said = say(notice("approval.asked", **detail), ENGLISH)
    assert said.text.startswith("250 USDT to TXYZ.")
    assert ("Key", "66f0…a1b2") in said.facts


def test_no_addresses_are_any() -> None:
    one = notice("key.addresses_changed", name="bot", addresses=[])
    assert say(one, ENGLISH).text == "It now works from: any address."


def test_permissions_environment_and_reason_are_said_in_the_language_of_the_account() -> None:
    german = all_texts().of("de")
    asked = notice("code.key.create", name="read", permissions=["read", "trade"], environment="spot", addresses=[])
    assert "Lesen, Handel" in say(asked, german).text
    assert "„read“" in say(asked, german).title, "what its owner calls a key stays"
    assert "read, trade" in say(asked, ENGLISH).text
    refused = notice("watch.refused", name="bot", count=30, reason="signature mismatch")
    assert "Falsche Signatur" in say(refused, german).text


def test_a_value_is_never_taken_for_a_template() -> None:
    one = notice("key.disabled", name="{from} {0.__class__}", **{"from": "secret"})
    assert say(one, ENGLISH).title == "The API key “{from} {0.__class__}” was switched off"


@pytest.mark.parametrize("nasty", ["a\r\nBcc: x@example.org", "a\x00\x1b[31mb", "a\u202eb", "a\u2028b", "x" * 10_000])
def test_a_value_is_one_line(nasty: str) -> None:
    line = one_line(nasty)
    assert line.isprintable()
    assert len(line) <= LONGEST


def test_programs_are_called_what_people_call_them() -> None:
    assert program("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36") == "Chrome"
    assert program("ccxt/4.5 (see https://evil.example)") == "ccxt/4.5"
    assert program(None) == program("") == ""


def test_everything_is_asked_for_in_the_language_of_the_account() -> None:
    said = say(notice("account.frozen", by="operator"), all_texts(with_pseudo=True).of(PSEUDO))
    assert all(text.startswith("⟦") for text in (said.title, said.text, *(name for name, _ in said.facts)))
