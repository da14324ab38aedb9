"""Writes docs/reference from the code: `make reference`. tests/test_docs.py proves that the pages equal what this says.

What a page says of a setting, an event, a refusal or a command is written once, where the code is; here it is laid out.
"""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from keywright.api.app import routes
from keywright.audit.events import Kind
from keywright.cli.main import cli
from keywright.gateway.model import GatewayConfig
from keywright.protocol.explain_causes import TEXTS
from keywright.protocol.explain_model import Mistake
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.refusal import Reason, Refused
from keywright.settings import Settings, variable

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "keywright"
FOLDER = ROOT / "docs" / "reference"
WIDTH = 100

GENERATED = "Generated from the code by `make reference`; change it there."


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


def settings() -> str:
    """Return the page about settings, from `keywright.settings.Settings`."""
    rows = [
        (
            f"`{setting.name}`",
            f"`{variable(setting.name)}`",
            _code(_options().get(setting.name, "")),
            _code(_default(setting.default)),
            _takes(setting.metadata["parse"]),
            setting.metadata["about"],
        )
        for setting in fields(Settings)
    ]
    return _page(
        "Settings",
        "Each setting is looked for in this order; the first place that has it wins:",
        "1. the option on the command line,\n"
        "2. its variable in the environment,\n"
        "3. `keywright.toml` in the working folder,\n"
        "4. `keywright.toml` in the configuration folder (`$XDG_CONFIG_HOME/keywright`, else `~/.config/keywright`),\n"
        "5. its default.",
        "`keywright settings` shows every value and where it came from. A name that is no setting is refused, in a file"
        " and, after `KEYWRIGHT_`, in the environment.",
        _table(("in keywright.toml", "variable", "option", "default", "value", "what it is"), rows),
        "`KEYWRIGHT_DEBUG` is no setting: when it is set, an unforeseen error shows its traceback. Nor is `KEYWRIGHT_PURE`:"
        " when it is 1, the compiled part of the protocol is left alone, and Python does its work;"
        " `keywright --version` tells which of the two does it.",
    )


def events() -> str:
    """Return the page about audit events, from `audit.events.Kind` and the verbs that record them."""
    said, recorded = _attribute_docs(SOURCE / "audit" / "events.py", "Kind"), _recorders()
    rows = [
        (f"`{kind.value}`", said[kind.name], ", ".join(f"`{verb}`" for verb in sorted(recorded.get(kind.name, ()))))
        for kind in Kind
    ]
    return _page(
        "Audit events",
        "One event per change of state, written by the verb that makes the change, in the same transaction; and one for"
        " what the gateway noticed and somebody should know. The strings are stable.",
        _table(("kind", "what happened", "recorded by"), rows),
        "Every event has a number (`seq`, without gaps), a time (`at`, milliseconds UTC), an actor (an account's id,"
        " `operator` for the command line without a person's factor, `system` for what time itself does, `gateway` for"
        " what it noticed), the actor's origin (factor, address, agent, request id, session, where known), the account, the subject (the id of what changed),"
        " the subject's version and a `detail`. None holds a secret.",
        "`keywright audit list` shows them, `keywright audit verify` checks the chain, `keywright audit export` writes them"
        " for others. A text longer than 512 characters is cut and ends in its SHA-256.",
    )


EXAMPLE: Mapping[str, Any] = {
    "header": "KC-API-SIGN",
    "allowed": ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"),
    "unit": "seconds",
    "skew_ms": -42_000,
    "window_ms": 30_000,
    "base_url": "http://127.0.0.1:8402",
    "address": "203.0.113.7",
    "needed": "trade",
    "retry_after_ms": 120,
}
"""Facts of a request that was refused, so that each hint shows all it can say."""


def refusals() -> str:
    """Return the page about refusals, from `protocol.refusal.Reason` and how the dialect says each."""
    dialect, given, config = KucoinDialect(), raised(), GatewayConfig(environment="")
    most_bytes = {Reason.HEADERS_TOO_LARGE: config.max_header_bytes, Reason.BODY_TOO_LARGE: config.max_body_bytes}
    rows = []
    for reason in Reason:
        said = dialect.refuse(Refused(reason, **EXAMPLE, most_bytes=most_bytes.get(reason)))
        body = json.loads(said.body)
        name = f"`{reason.value}`" + ("" if reason.name in given else " (not yet raised)")
        rows.append((name, str(said.status), body["code"], body["msg"], body["hint"]))
    return _page(
        "Refusals",
        'A refused request is answered with `{"code": …, "msg": …, "hint": …}`. `code` and `msg` are KuCoin\'s, because'
        " clients choose their exceptions by them; `hint` says what to do. Where the HTTP status is not KuCoin's,"
        " [divergences](../divergences/kucoin.md) say so. The reason's name is stable; usage records hold it as the verdict.",
        "Addresses, times and names below are examples. What a key's state is (disabled, expired, frozen, bound"
        " elsewhere) is told only to callers whose signature and passphrase held.",
        _table(("reason", "HTTP", "code", "msg", "hint"), rows),
    )


def commands() -> str:
    """Return the page about the command line: the help of every command, as the command says it."""
    sections = []
    for path, command, context in _commands():
        sections.append(f"## {' '.join(path)}")
        sections.append(f"```text\n{command.get_help(context).rstrip()}\n```")
    return _page(
        "Command line",
        "Data goes to standard output, everything else to standard error. `--json` prints one JSON object with"
        ' `"schema": 1` in it (`demo` alone prints its fields and no more); without it, tables on a terminal and tab-separated lines elsewhere. Secrets and codes are asked'
        " for without echo; where standard input is no terminal, each is read from it as one line, in the order in which"
        " they would be asked for. None is taken from an argument.",
        *sections,
    )


def mistakes() -> str:
    """Return the page about what `keywright explain` recognises, from `protocol.explain_causes`."""
    rows = [(f"`{mistake.value}`", *(text.replace("{about}", "…") for text in TEXTS[mistake])) for mistake in Mistake]
    return _page(
        "Mistakes",
        "What `keywright explain` recognises in a signed request. The names are stable; `--json` gives them as `id`."
        " `…` stands for what was found: a unit, a header, a number of milliseconds.",
        _table(("id", "what it says", "what to do"), rows),
    )


def posture() -> str:
    """Return the page about posture reports, from the nouns and the rules of `posture`."""
    model, rules = SOURCE / "posture" / "model.py", SOURCE / "posture" / "rules.py"
    told: dict[str, list[tuple[str, str, str]]] = {}
    for call in (node for node in ast.walk(ast.parse(rules.read_text("utf-8"))) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "Concern":
            code, weight, message, hint = (
                one.value if isinstance(one, ast.Constant) else ast.unparse(one).removeprefix("Weight.").lower()
                for one in call.args[:4]
            )
            weight = {"weight": "now, or soon where it is bound to addresses"}.get(str(weight), weight)
            told.setdefault(str(code), []).append((str(weight), str(message), str(hint)))
    concerns = [(f"`{code}`", *found) for code, several in told.items() for found in several]
    names = {name: _attribute_docs(model, name) for name in ("Subject", "Right", "Accepted")}
    fields_of = {
        name: [(f"`{one}`", said.replace("`None`", "`null`")) for one, said in docs.items()]
        for name, docs in names.items()
    }
    columns = ("name", "what it is")
    return _page(
        "Posture reports",
        "What `keywright posture --json` prints, and what the console's page and the file to hand over are made of. The"
        " names and codes are stable; times are ISO 8601 in UTC (`2026-11-30T10:14:00Z`), `null` where there is none.",
        "The object has `at`, when it was made; `counts`, how many keys have something to mend `now`, `soon` or to"
        " `watch` as their gravest; and `keys`, what to mend first on top. Each key has:",
        _table(
            columns,
            [
                *fields_of["Subject"],
                ("`concerns`", "What is to be mended, the gravest first: `code`, `weight`, `message`, `hint`."),
            ],
        ),
        "Each of `rights`:",
        _table(columns, fields_of["Right"]),
        "Each of `exceptions`:",
        _table(columns, fields_of["Accepted"]),
        "## What is to be mended",
        _table(("code", "weight", "what it says", "what to do"), concerns),
    )


def openapi() -> str:
    """Return the OpenAPI document of the management API, from its routes and shapes."""
    return json.dumps(routes().openapi(), indent=1, ensure_ascii=False) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings,
    "events.md": events,
    "refusals.md": refusals,
    "cli.md": commands,
    "mistakes.md": mistakes,
    "posture.md": posture,
    "openapi.json": openapi,
}


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", GENERATED, *parts)) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


def _default(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _takes(parse: Callable[[object], Any]) -> str:
    """Return what a setting takes, in the words in which it refuses something else."""
    try:
        parse(object())
    except ValueError as refused:
        return str(refused).removeprefix("takes ")
    raise AssertionError("a setting takes anything at all")


def _options() -> dict[str, str]:
    """Return the option of each setting that has one."""
    names = {setting.name for setting in fields(Settings)}
    parameters = (parameter for _, command, _ in _commands() for parameter in command.params)
    return {parameter.name: parameter.opts[0] for parameter in parameters if parameter.name in names}


def _commands() -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    """Yield every command with its path, groups before what is in them."""
    context = click.Context(cli, info_name="keywright", terminal_width=WIDTH, **cli.context_settings)
    waiting: list[tuple[tuple[str, ...], click.Command, click.Context]] = [(("keywright",), cli, context)]
    while waiting:
        path, command, context = waiting.pop(0)
        yield path, command, context
        if isinstance(command, click.Group):
            inside = sorted(command.commands.items())
            waiting[:0] = [
                ((*path, name), part, click.Context(part, info_name=name, parent=context)) for name, part in inside
            ]


def _attribute_docs(path: Path, class_name: str) -> dict[str, str]:
    """Return what stands under each attribute of a class."""
    found = {}
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    body = next(node.body for node in nodes if isinstance(node, ast.ClassDef) and node.name == class_name)
    for statement, after in itertools.pairwise(body):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        if not isinstance(target, ast.Name):
            continue
        if not isinstance(after, ast.Expr) or not isinstance(after.value, ast.Constant):
            raise ValueError(f"{class_name}.{target.id} says nothing of itself")  # noqa: TRY004
        found[target.id] = " ".join(str(after.value.value).split())
    return found


def _recorders() -> dict[str, set[str]]:
    """Return which verb records each kind of event, or what of the gateway does."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        functions = {node.name: node for node in nodes if isinstance(node, ast.AsyncFunctionDef)}
        for verb, node in functions.items():
            if not verb.startswith("_"):
                for name in _named(node, "Kind") | _recorded_for(node, functions):
                    found.setdefault(name, set()).add(f"{path.parent.name}.{verb}")
    return found


def _recorded_for(verb: ast.AsyncFunctionDef, functions: Mapping[str, ast.AsyncFunctionDef]) -> set[str]:
    """Return the kinds that private functions hand on when this verb calls them: not those they only ask about."""
    reached: set[str] = set()
    waiting = {verb.name}
    while waiting:
        called = {name for waits in waiting for name in _called(functions[waits])}
        waiting = {name for name in called if name.startswith("_") and name in functions} - reached
        reached |= waiting
    calls = (node for name in reached for node in ast.walk(functions[name]) if isinstance(node, ast.Call))
    return {name for call in calls for given in call.args for name in _named_itself(given, "Kind")}


def _called(tree: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}


def _named_itself(node: ast.AST, of: str) -> set[str]:
    return _named(node, of) if isinstance(node, ast.Attribute) else set()


def raised() -> set[str]:
    """Return the names of the reasons that a request on KuCoin's wire can be given; the vocabulary has room for more."""
    trees = (ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py") if _gives_reasons(path))
    return {name for tree in trees for name in _named(tree, "Reason")}


def _gives_reasons(path: Path) -> bool:
    """Tell whether a module gives reasons on this wire: it is none that only says or understands them, nor another wire's."""
    other = ("binance", "bitfinex", "explain")
    if path.is_relative_to(SOURCE / "vault"):  # it is given them, by exchanges
        return False
    return not (path.stem.endswith(("refusal", "refusals", "answers", "errors")) or path.stem.startswith(other))


def _named(tree: ast.AST, of: str) -> set[str]:
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == of}


if __name__ == "__main__":
    main()
