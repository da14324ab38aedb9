from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from scripts import texts as listing

from keywright.errors import Invalid
from keywright.issuing import rules
from keywright.issuing.addresses import parse_allowlist
from keywright.secret import Secret
from keywright.web.texts import ERRORS, PSEUDO, Texts, marked


@pytest.fixture
def french(tmp_path: Path) -> Texts:
    catalogue = Catalog(locale="fr")
    catalogue.add("Sign in", "Se connecter")
    catalogue.add("Read", "Lecture", context="permission")
    catalogue.add(("%(num)s key", "%(num)s keys"), ("%(num)s clé", "%(num)s clés"))
    catalogue.add("that password is easily guessed", "ce mot de passe se devine", context=ERRORS)
    catalogue.add(
        "an allowlist holds at most {most} entries", "une liste tient au plus {most} adresses", context=ERRORS
    )
    path = tmp_path / "fr" / "LC_MESSAGES" / "console.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, catalogue)
    return Texts.load(tmp_path)


def test_the_list_for_translators_is_in_step() -> None:
    assert listing.LIST.read_bytes() == listing.listed(), "run: .venv/bin/python -m scripts.texts"


def test_the_list_has_what_templates_and_errors_say() -> None:
    catalogue = read_po(BytesIO(listing.listed()))
    assert catalogue.get("Create API")
    assert catalogue.get("Read", "permission")
    assert catalogue.get("that is not an e-mail address", ERRORS)
    assert catalogue.get("an allowlist holds at most {most} entries", ERRORS)
    assert catalogue.get("a password manager makes good ones", ERRORS), (
        "the default hint of a function that makes errors"
    )


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de, fr;q=0.5", "fr"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("fr;q=nonsense", "en"),
        ("*", "en"),
        (";,;;q=,=", "en"),
        ("xx," * 10_000 + "fr", "en"),
    ],
)
def test_the_language_follows_the_browser(french: Texts, header: str, language: str) -> None:
    assert french.negotiate(header) == language


def test_the_language_for_tests_is_never_negotiated() -> None:
    assert Texts(with_pseudo=True).negotiate(PSEUDO) == "en"


def test_sentences_with_context_and_plural(french: Texts) -> None:
    spoken = french.of("fr")
    assert spoken.gettext("Sign in") == "Se connecter"
    assert spoken.pgettext("permission", "Read") == "Lecture"
    assert spoken.ngettext("%(num)s key", "%(num)s keys", 0) == "%(num)s clé"
    assert french.of("nowhere").gettext("Sign in") == "Sign in"


def test_what_errors_say_is_translated_by_its_pattern(french: Texts) -> None:
    with pytest.raises(Invalid) as told:
        parse_allowlist(("10.0.0.1",) * 21, most=20)
    assert french.said(told.value.message, "fr") == "Une liste tient au plus 20 adresses."
    assert french.said(told.value.message, "en") == "An allowlist holds at most 20 entries."
    assert french.said("that password is easily guessed", "fr") == "Ce mot de passe se devine."
    assert french.said(marked("Sign in"), "fr") == "Se connecter."


def test_sentences_end_as_they_should() -> None:
    texts = Texts()
    assert texts.said("is its clock right?", "en") == "Is its clock right?"
    assert texts.said("", "en") == ""


def test_every_error_of_the_rules_is_on_the_list() -> None:
    """A sentence that people meet in a form and that no translator was shown would stay English for ever."""
    known = {message.id for message in read_po(BytesIO(listing.listed())) if message.context == ERRORS}
    everything = Catalog(locale="fr")
    for sentence in known:
        everything.add(sentence, f"⟦{sentence}⟧", context=ERRORS)
    texts = Texts({"fr": everything})
    for attempt in (
        lambda: rules.name(""),
        lambda: rules.permissions(["fly"]),
        lambda: rules.environment("margin"),
        lambda: rules.passphrase(Secret("short"), about=()),
        lambda: rules.passphrase(Secret("all-lower-case"), about=()),
        lambda: parse_allowlist(("nonsense",), most=20),
    ):
        with pytest.raises(Invalid) as told:
            attempt()
        assert texts.said(told.value.message, "fr").startswith("⟦"), told.value.message
