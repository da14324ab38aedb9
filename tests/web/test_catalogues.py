"""Every language says everything, with the same values in it, and as its own typography has it."""

from __future__ import annotations

import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from scripts import texts as listing

from keywright.web.texts import VALUE, Texts

LANGUAGES = {path.parts[-3]: path for path in listing.translations()}
NAMED = re.compile(r"%\(\w+\)s")
BEFORE_HIGH_SIGNS = re.compile('(?<![\u202f\u00a0:/])[;!?»]|(?<![\u202f\u00a00-9a-z/:"]):(?!//|[0-9])')


def catalogue(language: str) -> Catalog:
    return read_po(BytesIO(LANGUAGES[language].read_bytes()), locale=language)


def said(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string or ""]


def meant(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple | list) else [message.id]


def values(text: str) -> Counter[str]:
    return Counter([*NAMED.findall(text), *VALUE.findall(text)])


def test_english_german_and_french_are_there() -> None:
    assert set(Texts.load().locales) == {"en", "de", "fr"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_in_step_with_the_list(language: str) -> None:
    path = LANGUAGES[language]
    assert path.read_bytes() == listing.in_step(path), "run: .venv/bin/python -m scripts.texts"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_untranslated(language: str) -> None:
    missing = [message.id for message in catalogue(language) if message.id and not all(said(message))]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_values_of_the_original(language: str) -> None:
    for message in catalogue(language):
        originals = [values(one) for one in meant(message)]
        for one in said(message) if message.id else ():
            assert values(one) in originals, (message.id, one)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_begins_and_ends_as_the_original(language: str) -> None:
    """Sentences of errors begin small and end open, because the page adds capital and full stop."""
    for message in catalogue(language):
        for one in said(message) if message.id else ():
            original = meant(message)[-1]
            assert one.strip() == one, one
            assert (one[-1:] == ".") == (original[-1:] == "."), (original, one)


def test_french_sets_a_thin_space_before_high_signs() -> None:
    path = LANGUAGES.get("fr", Path())
    assert path.name, "there is no French"
    wrong = [
        one
        for message in catalogue("fr")
        for one in said(message)
        if message.id and (BEFORE_HIGH_SIGNS.search(VALUE.sub("", NAMED.sub("", one))) or "'" in one)
    ]
    assert wrong == []
