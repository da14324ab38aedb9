from __future__ import annotations

import ast
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from scripts import texts as listing

from keywright.approvals.model import State
from keywright.errors import Conflict, Invalid
from keywright.issuing import rules
from keywright.issuing.addresses import parse_allowlist
from keywright.issuing.model import Environment, Permission, Status
from keywright.notices.words import WORDS
from keywright.posture.rules import in_words
from keywright.protocol.refusal import Reason
from keywright.secret import Secret
from keywright.vault.evidence import Right
from keywright.web.texts import ERRORS, PSEUDO, Texts, marked
from tests.support.texts import all_texts


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


NOT_FOR_VISITORS = {
    "audit": "about the log itself: for who runs this",
    "client": "of programs that sign",
    "protocol": "answers to programs",
    "sealing": "about the keyring: for who runs this",
}
"""Parts that the console leads to, and why nobody translates their errors. Pages say something general in their place."""


def _reached(start: str) -> set[Path]:
    """Return the modules that one leads to by its imports, all the way down."""
    found, waiting = set[Path](), [start]
    while waiting:
        name = waiting.pop()
        place = listing.SOURCE.parent / name.replace(".", "/")
        path = next((one for one in (place.with_suffix(".py"), place / "__init__.py") if one.exists()), None)
        if path is None or path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("keywright"):
                waiting += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return found


def _made(path: Path) -> list[ast.Call]:
    """Return where a module makes errors."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return [one for one in calls if isinstance(one.func, ast.Name) and one.func.id in listing.error_classes()]


def test_whoever_raises_what_the_console_shows_is_on_the_list() -> None:
    """A part that the console begins to call is put into `RAISED_IN`, or it is told here why not."""
    shown = {path for path in _reached("keywright.web.app") if _made(path)}
    known = set(listing.raising())
    parts = {path.relative_to(listing.SOURCE).parts[0] for path in shown - known}
    assert parts - {"web"} == NOT_FOR_VISITORS.keys()


def test_what_the_console_shows_is_written_so_that_it_can_be_translated() -> None:
    """As a sentence with the names of its values in braces, never with the values put in already."""
    ours = [*listing.raising(), *listing.WEB.rglob("*.py")]
    mixed = [
        f"{path.relative_to(listing.SOURCE)}:{call.lineno}"
        for path in ours
        for call in _made(path)
        for said in (*call.args, *(word.value for word in call.keywords if word.arg == "hint"))
        if isinstance(said, ast.JoinedStr | ast.BinOp)
    ]
    assert mixed == []


def test_every_word_of_ours_that_is_a_value_is_known() -> None:
    assert set(WORDS["status"]) == {*Status}
    assert set(WORDS["state"]) == {*State}
    assert set(WORDS["permissions"]) == {*Permission}
    assert set(WORDS["environment"]) == {*Environment}
    assert set(WORDS["right"]) == {in_words(right) for right in {*Right} - {Right.ADDRESS_FILTER}}
    assert set(WORDS["reason"]) == {reason.replace("_", " ") for reason in Reason}
    acts = {
        word.value.value
        for path in listing.raising()
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == "to" and isinstance(word.value, ast.Constant)
    }
    assert set(WORDS["to"]) == acts


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "The key is active, not disabled."),
        ("de", "Der Schlüssel hat den Status aktiv, er ist nicht deaktiviert."),
        ("fr", "État de la clé : active, et non désactivée."),
    ],
)
def test_a_value_that_is_a_word_of_ours_is_said_in_the_readers_language(locale: str, said: str) -> None:
    problem = Conflict("the key is {status}, not disabled", status=Status.ACTIVE)
    assert all_texts().said(problem.message, locale).replace("\u202f", " ") == said


def test_a_name_that_happens_to_be_such_a_word_stays_as_it_is() -> None:
    problem = Conflict("there is a sub-account {name} already", name="active")
    assert "active" in all_texts().said(problem.message, "de")


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
