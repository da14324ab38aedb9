"""What the console says, in the languages there are. Start with `Texts.of`.

Templates say their sentences through gettext. Errors come from below as English sentences, some with values in them:
they are translated here by the pattern they were made from, `at most {most} keys`, as it stands in the source. So are
those of the values that are words of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from keywright.errors import KeywrightError
from keywright.notices.words import in_words

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "console"
SOURCE = "en"
"""The language the sentences are written in; it needs no catalogue."""
PSEUDO = "qps"
"""A language for tests: every sentence stands in ⟦brackets⟧, so what goes round gettext is seen."""
ERRORS = "error"
"""The context of sentences that come from errors."""

VALUE = re.compile(r"\{(\w+)\}")
MOST_WISHES = 16
"""So many languages of an Accept-Language header are looked at: the header is a stranger's."""


def marked(text: str) -> str:
    """Return the sentence as it is: a mark for extraction. It is translated where it is shown, by the filter `said`."""
    return text


class Texts:
    """Every catalogue, opened once."""

    def __init__(self, catalogues: Mapping[str, Catalog] | None = None, *, with_pseudo: bool = False) -> None:
        self._translations: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        self._errors: set[str] = set()
        for locale, catalogue in (catalogues or {}).items():
            self._translations[locale] = _opened(catalogue)
            self._patterns[locale] = _patterns(catalogue)
            self._errors |= {str(message.id) for message in catalogue if message.context == ERRORS}
        self.locales = tuple(self._translations)
        """The languages a person can be answered in."""
        if with_pseudo:
            self._translations[PSEUDO] = _Pseudo()

    @classmethod
    def load(cls, folder: Path = LOCALE, *, with_pseudo: bool = False) -> Texts:
        """Return the texts of `<folder>/<language>/LC_MESSAGES/console.po`, for every language there is."""
        catalogues = {}
        for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
            with path.open("rb") as file:
                catalogues[path.parts[-3]] = read_po(file, locale=path.parts[-3], domain=DOMAIN)
        return cls(catalogues, with_pseudo=with_pseudo)

    def of(self, locale: str) -> NullTranslations:
        """Return gettext and its kin for this language; English for one that there is not."""
        return self._translations.get(locale, self._translations[SOURCE])

    def negotiate(self, accept_language: str) -> str:
        """Return the language, of those there are, that this Accept-Language header likes best."""
        wishes = [_wish(part) for part in accept_language[:1000].split(",")[:MOST_WISHES]]
        wanted = [language for quality, language in sorted(wishes, key=_quality, reverse=True) if quality > 0]
        return negotiate_locale(wanted, self.locales, sep="-") or SOURCE

    def said(self, text: str, locale: str) -> str:
        """Return a marked sentence or the sentence of an error in this language, with capital letter and full stop."""
        if not text:
            return ""
        return _as_sentence(self._translated(text, locale))

    def worded(self, message: str, values: Mapping[str, object], *, locale: str) -> str:
        """Return a sentence as `said` does, of one whose values are at hand: nothing has to be taken apart again."""
        translations = self.of(locale)
        said = {name: in_words(name, str(value), translations) for name, value in values.items()}
        return _as_sentence(_with_values(translations.pgettext(ERRORS, message), said))

    def knows(self, problem: KeywrightError) -> bool:
        """Tell whether an error's sentence is one for visitors: those were shown to translators, those for operators not."""
        return problem.texts[0] in self._errors

    def _translated(self, text: str, locale: str) -> str:
        translations = self.of(locale)
        plain = translations.gettext(text)
        if plain != text:
            return plain
        of_error = translations.pgettext(ERRORS, text)
        if of_error != text:
            return of_error
        for pattern, translation in self._patterns.get(locale, ()):
            if match := pattern.fullmatch(text):
                values = match.groupdict()
                said = {name: in_words(name, value, translations) for name, value in values.items()}
                return _with_values(translation, said)
        return text


def regional(locale: str) -> Locale:
    """Return whose dates and numbers are shown: for English the day stands before the month."""
    return Locale.parse("en-GB" if locale in {SOURCE, PSEUDO} else locale, sep="-")


def _as_sentence(said: str) -> str:
    return said[:1].upper() + said[1:] + ("" if said[-1:] in ".?!…:⟧" else ".")


def _opened(catalogue: Catalog) -> NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def _patterns(catalogue: Catalog) -> list[tuple[re.Pattern[str], str]]:
    return [
        (_pattern(message.id), message.string)
        for message in catalogue
        if message.context == ERRORS
        and isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.string
        and VALUE.search(message.id)
    ]


def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what fits every sentence made from this one: text, group name, text, group name, text …"""
    pieces = VALUE.split(sentence)
    found = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            found += re.escape(piece)
        else:  # a value that stands there twice is the same both times
            found += f"(?P={piece})" if piece in pieces[1:place:2] else f"(?P<{piece}>.+?)"
    return re.compile(found, re.DOTALL)


def _with_values(translation: str, values: Mapping[str, str]) -> str:
    """Return the translation with its values; a name that the original does not know stays, rather than fail a page."""
    return VALUE.sub(lambda name: values.get(name.group(1), name.group()), translation)


def _quality(wish: tuple[float, str]) -> float:
    return wish[0]


def _wish(part: str) -> tuple[float, str]:
    language, _, quality = part.strip().partition(";")
    match = re.fullmatch(r"q=([01](?:\.[0-9]{1,3})?)", quality.strip())
    return (float(match.group(1)) if match else 0.0 if quality else 1.0, language.strip())


class _Pseudo(NullTranslations):
    """Puts ⟦brackets⟧ round every sentence that was asked for."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, _context: str, message: str) -> str:
        return f"⟦{message}⟧"

    def npgettext(self, _context: str, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"
