from __future__ import annotations

import time

import pytest

from keywright.errors import Invalid
from keywright.identity import rules
from keywright.secret import Secret


@pytest.mark.parametrize("text", ["ada@example.org", "  Ada@Example.ORG ", "a.b+c@sub.example.co"])
def test_an_address_is_kept_in_one_spelling(text: str) -> None:
    assert rules.email_address(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "a b@example.org",
        "a@b@c.org",
        "a\n@b.org",
        "x" * 300 + "@a.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.email_address(text)
    assert refused.value.field == "email"
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    ["violet-harbour-92", "ünïcode-päss-wörd", "пароль-довольно-длинный", "x7#kQ2!mZp", "four words are plenty here"],
)
def test_2fa_20_hard_passwords_are_taken(text: str) -> None:
    assert rules.password(Secret(text), about=("ada@example.org",))


@pytest.mark.parametrize(
    "text", ["short1!", "password123", "qwertyuiop", "aaaaaaaaaaaaaaa", "ada@example.org", "x" * 129]
)
def test_2fa_20_easy_short_and_endless_passwords_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.password(Secret(text), about=("ada@example.org", "ada"))
    assert refused.value.field == "password"


def test_2fa_20_one_spelling_of_a_letter_is_as_good_as_the_other() -> None:
    assert rules.password(Secret("caf\u00e9-harbour-92"), about=()) == rules.password(
        Secret("cafe\u0301-harbour-92"), about=()
    )


def test_2fa_20_ten_megabytes_are_refused_before_anything_is_computed() -> None:
    began = time.process_time()
    with pytest.raises(Invalid):
        rules.password(Secret(b"x" * 10_000_000), about=())
    assert time.process_time() - began < 5  # zxcvbn alone would take minutes


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Invalid):
        rules.password(Secret(b"\xff\xfe" * 8), about=())


@pytest.mark.parametrize("text", ["4@8({[<369#!1/|0$5+7%2z" * 3, "aB3$xK9!mN2#pQ7&rT5*vW1^yZ8@cD4%" * 3])
def test_judging_takes_the_same_little_time_whatever_is_typed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """zxcvbn reads signs as letters in every combination: two dozen kinds of them once took it seconds."""
    judged: list[str] = []

    def zxcvbn(typed: str, **_: object) -> dict[str, int]:
        judged.append(typed)
        return {"score": 4}

    monkeypatch.setattr("zxcvbn.zxcvbn", zxcvbn)
    rules.strength(text, about=())
    assert len(judged[0]) == rules.JUDGED
    assert len(set(judged[0]) & rules.LOOKALIKES) <= rules.READABLE
    assert len(set(judged[0])) == len(set(text[: rules.JUDGED])), "different signs stay different"


def test_a_word_behind_signs_is_still_found() -> None:
    assert rules.strength("p@$$w0rd", about=()) < rules.STRENGTH_MIN
