"""Writes the list of everything the console says, and brings the translations in step: `python -m scripts.texts`.

Tests keep both in step. What is new in a translation is empty until someone fills it in; what nobody says any more goes.

Sentences come from templates and modules of `web` (gettext's own calls, and `marked`), from the errors that are raised
there and below, from what speaks against a key, from the wording of notices, and from the advice about refusals: those
name their values in braces.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from keywright.gateway.advice import advice
from keywright.notices.words import context_of
from keywright.protocol.refusal import Reason
from keywright.web.texts import DOMAIN, ERRORS

SOURCE = Path(__file__).parent.parent / "src" / "keywright"
WEB = SOURCE / "web"
LIST = WEB / "locale" / "keywright.pot"

CHARSET = "Content-Type: text/plain; charset=utf-8"

CALLS = dict.fromkeys(("_", "gettext", "marked", "said", "ngettext", "pgettext", "word"))
TOLD_TO_PROGRAMS = {"TokenRefused"}
"""Errors of these classes are answers of the API alone, which speaks English."""
NOTICES = SOURCE / "notices"
RAISED_IN = (
    "approvals",
    "identity",
    "issuing",
    "notices",
    "posture/rules.py",
    "app/purses.py",
    "storage/transaction.py",
    "storage/turnstile.py",
    "vault/book.py",
    "vault/client.py",
    "vault/clocks.py",
    "vault/connecting.py",
    "vault/deleting.py",
    "vault/destinations.py",
    "vault/egress.py",
    "vault/ending.py",
    "vault/evidence.py",
    "vault/factors.py",
    "vault/handing.py",
    "vault/mastering.py",
    "vault/mastery.py",
    "vault/pasted.py",
    "vault/pool.py",
    "vault/preflight.py",
    "vault/renewing.py",
    "vault/rotating.py",
    "vault/rotation.py",
    "vault/rules.py",
    "vault/safe.py",
    "vault/service.py",
    "vault/signer.py",
    "vault/store",
    "vault/tending.py",
    "vault/terms.py",
    "vault/unasked.py",
    "vault/venues/kucoin_sub_keys.py",
    "vault/venues/venue.py",
    "vault/way_out.py",
    "vault/wire.py",
)
"""Parts and modules whose errors people meet in the console. `tests/web/test_texts.py` looks whether these are all."""

Found = tuple[str | tuple[str, str], str | None]
"""A sentence, or its singular and plural, and its context."""


def main() -> None:
    """Write the list, and every translation with what it has of it."""
    LIST.parent.mkdir(parents=True, exist_ok=True)
    LIST.write_bytes(listed())
    for path in translations():
        path.write_bytes(in_step(path))


def listed() -> bytes:
    """Return the list as it should be: sentences in the order of files and lines, each once, with the files it is in."""
    return _written(_everything(), [CHARSET])


def translations() -> list[Path]:
    """Return the file of each language there is."""
    return sorted(LIST.parent.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def in_step(path: Path) -> bytes:
    """Return a translation as it should be: what it says already, in the order of the list."""
    language = path.parts[-3]
    known = read_po(BytesIO(path.read_bytes()), locale=language, domain=DOMAIN)
    new = Catalog(locale=language, domain=DOMAIN, charset="utf-8")
    for message in _everything():
        if message.id:
            found = known.get(message.id, message.context)
            string = found.string if found is not None and not found.fuzzy else ""
            new.add(message.id, string, context=message.context, locations=message.locations)
    return _written(new, [f"Language: {language}", f"Plural-Forms: {new.plural_forms}", CHARSET])


def _everything() -> Catalog:
    catalogue = Catalog(project="Keywright", domain=DOMAIN, charset="utf-8")
    for path in _files():
        for message, context in _found(path):
            catalogue.add(message, context=context, locations=[(path.relative_to(SOURCE).as_posix(), 0)])
    for sentence in _advice():
        catalogue.add(sentence, context=ERRORS, locations=[("gateway/advice.py", 0)])
    return catalogue


def _written(catalogue: Catalog, header: list[str]) -> bytes:
    """Return a catalogue as a file, without dates and line numbers: it changes only where a sentence does."""
    written = BytesIO()
    write_po(written, catalogue, width=120, include_lineno=False, omit_header=True)
    lines = "".join(f'"{line}\\n"\n' for line in header)
    return f'msgid ""\nmsgstr ""\n{lines}\n'.encode() + written.getvalue()


def _advice() -> list[str]:
    """Return what owners are told about each refusal: with its facts, and without them where that is another sentence."""
    facts = {"address": "{address}", "base_url": "{base_url}"}
    said = (advice(verdict, prefix="{prefix}", **known) for verdict in ("", *Reason) for known in (facts, {}))
    return list(dict.fromkeys(said))


def _files() -> list[Path]:
    return [*sorted((WEB / "templates").rglob("*.html")), *sorted(WEB.rglob("*.py")), *raising()]


def raising() -> list[Path]:
    """Return every module below the console whose errors people meet there."""
    found = (SOURCE / part for part in RAISED_IN)
    return [path for one in found for path in ([one] if one.suffix else sorted(one.rglob("*.py")))]


@cache
def error_classes() -> frozenset[str]:
    """Return the name of every class of errors there is, from one root down, and of what carries words as an error does."""
    classes = [
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    found, before = {"KeywrightError"}, set[str]()
    while found != before:
        before = set(found)
        found |= {one.name for one in classes if any(isinstance(b, ast.Name) and b.id in before for b in one.bases)}
    return frozenset(found | {"Words", "Concern"})


def _found(path: Path) -> Iterator[Found]:
    if path.suffix == ".html":
        with path.open("rb") as file:
            options = {"encoding": "utf-8", "trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
            for _, function, message, _ in babel_extract(file, list(CALLS), [], options):
                yield from _understood(function, message)
        return
    if path.is_relative_to(WEB) or path.is_relative_to(NOTICES):
        with path.open("rb") as file:
            for _, called, said, _ in extract_python(file, CALLS, [], {"encoding": "utf-8"}):
                yield from _understood(called, said)
    yield from ((sentence, ERRORS) for sentence in _errors(ast.parse(path.read_text("utf-8"))))


def _understood(function: object, message: object) -> Iterator[Found]:
    """Yield what a call of gettext says: nothing where it is given a variable."""
    texts = message if isinstance(message, tuple | list) else (message,)
    if function == "pgettext" and isinstance(texts[0], str) and isinstance(texts[1], str):
        yield texts[1], texts[0]
    elif function == "word" and isinstance(texts[0], str) and isinstance(texts[1], str):
        yield texts[1], context_of(texts[0])
    elif function == "ngettext" and isinstance(texts[0], str) and isinstance(texts[1], str):
        yield (texts[0], texts[1]), None
    elif function not in {"pgettext", "word"} and isinstance(texts[0], str) and texts[0]:
        yield texts[0], None


def _errors(module: ast.Module) -> Iterator[str]:
    """Yield messages and hints of errors, also of those that a function of the module, or a class itself, makes."""
    classes = error_classes() - TOLD_TO_PROGRAMS
    makers = classes | {
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name) and node.returns.id in classes
    }
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name in makers:
            yield from _sentences([default for default in node.args.kw_defaults if default is not None])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
            yield from _sentences([*node.args, *(word.value for word in node.keywords if word.arg == "hint")])
        elif isinstance(node, ast.ClassDef) and node.name in classes:
            for call in (one for one in ast.walk(node) if isinstance(one, ast.Call) and _is_of_super(one)):
                yield from _sentences([*call.args, *(word.value for word in call.keywords if word.arg == "hint")])


def _is_of_super(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "super().__init__"


def _sentences(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        # One word is a label beside the sentence, for programs.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from _sentences([node.body, node.orelse])


if __name__ == "__main__":
    main()
