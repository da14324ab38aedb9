"""The docs are true: what they name exists, what they number is numbered so in the code, what they show runs."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
import time
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import jwt
import pytest
from scripts import reference

from keywright.cli.main import cli
from keywright.client import snippets
from keywright.gateway import admit as admit_module
from keywright.gateway.upstream import Assertions
from keywright.issuing.service import IssuingService
from keywright.protocol.message import Identity, Request
from keywright.protocol.refusal import Reason
from keywright.secret import Secret
from keywright.settings import OTHER_VARIABLES, Settings, read_settings, variable

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "keywright"
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
WRITTEN = [page for page in PAGES if page.parent != REFERENCE]
"""By hand; the reference is generated."""

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _text(page: Path) -> str:
    return page.read_text("utf-8")


def _blocks(page: Path, language: str) -> list[str]:
    return [block for tongue, block in FENCED.findall(_text(page)) if tongue == language]


def _inline(page: Path) -> list[str]:
    return INLINE.findall(FENCED.sub("", _text(page)))


def _shown(page: Path) -> list[str]:
    """Return what a page shows as code: lines of its shell blocks, and what stands between the words."""
    return [*(line.strip() for block in _blocks(page, "sh") for line in block.splitlines()), *_inline(page)]


# ── what a page names exists


def test_every_link_leads_somewhere() -> None:
    dead = []
    for page in PAGES:
        for link in LINK.findall(FENCED.sub("", _text(page))):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not link.startswith("https://") and not (target.exists() and (not anchor or anchor in _anchors(target))):
                dead.append(f"{_name(page)}: {link}")
    assert not dead


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", _text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


NOT_OURS = {"keywright.toml", "backups/", "checkpoints/", "DIR/config", "user/api-key", "demo-password/v1"}
"""Looks like a file of ours, and is of an installation, of the wire, or a label."""


def test_every_file_named_exists() -> None:
    looks = re.compile(r"\w[\w./-]*/[\w.-]*|[\w-]+\.(py|csv|md|toml)")
    named = [(page, word) for page in PAGES for word in _inline(page) if looks.fullmatch(word) and word not in NOT_OURS]
    assert len(named) > 20
    assert not [
        f"{_name(page)}: {word}"
        for page, word in named
        if not any((place / word).exists() for place in (ROOT, SOURCE, SOURCE.parent, page.parent))
    ]


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    run = re.compile(r"(?:^|[(`])make (?:-s )?([a-z][a-z-]*)")
    named = [(page, name) for page in PAGES for text in _shown(page) for name in run.findall(text)]
    assert {"run", "test", "demo", "reference"} <= {name for _, name in named}
    assert not [f"{_name(page)}: {name}" for page, name in named if name not in targets]


def test_every_variable_named_is_a_setting() -> None:
    known = {variable(setting.name) for setting in fields(Settings)} | OTHER_VARIABLES
    word = re.compile(r"\bKEYWRIGHT_[A-Z0-9_]*[A-Z0-9]")
    assert not [f"{_name(page)}: {name}" for page in PAGES for name in word.findall(_text(page)) if name not in known]


def test_every_header_named_is_one_of_ours() -> None:
    code = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    word = re.compile(r"`(X-Keywright-[A-Za-z-]+)`")
    named = [(page, name) for page in PAGES for name in word.findall(_text(page))]
    assert len(named) > 5
    assert not [f"{_name(page)}: {name}" for page, name in named if name.lower() not in code]


def test_every_command_shown_parses() -> None:
    commands = [text for page in WRITTEN for text in _shown(page) if re.match(r"keywright( |$)", text)]
    assert len(commands) > 10
    for command in commands:
        _parse(command)


def test_every_command_in_a_hint_parses() -> None:
    code = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    named = re.findall(r"`(keywright [^`\n{]+)`", code)
    assert named
    for command in named:
        _parse(command)


def _parse(line: str) -> None:
    """Do nothing if click would run this line, or if it only names a command; raises as click would."""
    typed, _, _ = line.partition(" > ")  # where its output goes is the shell's business
    words = shlex.split(typed.replace("…", ""), comments=True)[1:]
    command: click.Command = cli
    context = click.Context(cli, info_name="keywright", **cli.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{line}: there is no command {words[0]}"
        command, context, words = found, click.Context(found, parent=context, info_name=words[0]), words[1:]
    if words and words not in (["--help"], ["-h"], ["--version"]):
        command.make_context(context.info_name, list(words), parent=context.parent)


@pytest.mark.parametrize(
    "line", ["keywright nothing", "keywright keys list --colour", "keywright keys create --memo x"]
)
def test_a_command_that_is_none_would_be_found(line: str) -> None:
    with pytest.raises((AssertionError, click.ClickException)):
        _parse(line)


# ── what is numbered in the code is numbered so in the docs

STEP = re.compile(r"^ *# (\d+)  ?(\S.*)$", re.MULTILINE)
SECTION = re.compile(r"^## (\d+)\. (.+)$", re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "function", "numbers"),
    [("a-signed-request.md", admit_module.admit, range(11)), ("a-key-is-made.md", IssuingService.issue, range(1, 7))],
    ids=["a signed request", "a key is made"],
)
def test_the_steps_are_told_as_they_are_commented(page: str, function: Callable[..., Any], numbers: range) -> None:
    steps = [(int(number), title.strip()) for number, title in STEP.findall(inspect.getsource(function))]
    sections = [(int(number), title) for number, title in SECTION.findall(_text(ROOT / "docs" / page))]
    assert [number for number, _ in steps] == list(numbers)
    assert sections == [(number, title[0].upper() + title[1:]) for number, title in steps]


def test_every_refusal_has_its_place_on_the_way_of_a_request() -> None:
    told = set(_inline(ROOT / "docs" / "a-signed-request.md"))
    assert not {Reason[name].value for name in reference.raised()} - told


# ── what is generated is up to date


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_says_what_the_code_says(name: str) -> None:
    assert _text(REFERENCE / name) == reference.PAGES[name](), "run `make reference`"


def test_the_reference_has_no_other_pages() -> None:
    assert {page.name for page in REFERENCE.iterdir()} == set(reference.PAGES)


def test_every_audit_event_is_recorded_by_a_verb() -> None:
    assert "|  |" not in reference.events()


# ── what the README shows is what happens


README = ROOT / "README.md"


def test_the_readme_begins_with_the_two_commands() -> None:
    first = "\n".join(_text(README).splitlines()[:25])
    assert "git clone … && cd keywright\nmake run\n" in first
    assert "`make test`" in first


@pytest.mark.parametrize("code", [snippets.CCXT, snippets.SDK, snippets.CURL], ids=["ccxt", "SDK", "curl"])
def test_the_readme_shows_the_client_code_that_the_demo_prints(code: str) -> None:
    settings = Settings()
    spot, futures = (f"http://{settings.host}:{port}" for port in (settings.gateway_port, settings.futures_port))
    assert code.format(spot=spot, futures=futures, prefix=snippets.KUCOIN) in _text(README)


def test_python_shown_is_python() -> None:
    for page in PAGES:
        for block in _blocks(page, "python"):
            ast.parse(block, _name(page))


def test_a_keywright_toml_that_is_shown_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in [block for page in PAGES for block in _blocks(page, "toml")]:
        Path("keywright.toml").write_text(block, "utf-8")
        _, origins = read_settings({}, environ={})
        assert {origin.name for origin in origins if origin.origin == "keywright.toml"} == set(tomllib.loads(block))


def test_the_check_of_an_assertion_that_the_readme_shows_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assertions = Assertions(Secret(bytes(range(32))))
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _: json.loads(assertions.jwks()))
    names: dict[str, Any] = {}
    exec(next(block for block in _blocks(README, "python") if "def proved" in block), names)  # noqa: S102
    request = Request("POST", b"/api/v1/orders?a=%20", (), b'{"size":"1"}', None)
    identity = Identity("request", "spot", account_id="acc_1", key_id="key", permissions=frozenset({"read"}))
    assertion = assertions.sign(request, identity, now=time.time_ns() // 1_000_000).decode()
    claims = names["proved"](assertion, "POST", request.target, request.body)
    assert (claims["sub"], claims["key_id"], claims["permissions"]) == ("acc_1", "key", ["read"])
    with pytest.raises(ValueError, match="another request"):
        names["proved"](assertion, "POST", request.target, b'{"size":"2"}')
    with pytest.raises(jwt.InvalidTokenError):
        names["proved"](assertion[:-4] + "AAAA", "POST", request.target, request.body)


def test_the_emergency_sql_that_operations_shows_switches_a_key_off(tmp_path: Path) -> None:
    """On the tables as they are; that the gateway then refuses is `tests/gateway`'s subject."""
    import sqlite3

    from sqlalchemy import create_engine

    from keywright.storage.tables import metadata

    engine = create_engine(f"sqlite:///{tmp_path / 'keywright.db'}")
    metadata.create_all(engine)
    engine.dispose()
    page = ROOT / "docs" / "operations.md"
    grants, for_postgres, script = _blocks(page, "sql")
    assert grants.startswith("REVOKE CREATE")
    assert for_postgres.splitlines()[2:] == script.splitlines()[2:]
    (forget,) = re.findall(r'keywright\.db "(DELETE[^"]+)"', "".join(_blocks(page, "sh")))
    connection = sqlite3.connect(tmp_path / "keywright.db")
    connection.execute("INSERT INTO change_sequence VALUES ('keys', 7)")
    connection.executescript(script)
    connection.executescript(forget)
    assert connection.execute("SELECT seq FROM change_sequence").fetchone() == (8,)
    connection.close()


# ── the form of records and fragments


def test_decisions_are_numbered_without_a_gap_and_say_what_they_cost() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name[:5] for record in records] == [f"{number:04}-" for number in range(1, len(records) + 1)]
    for record in records:
        text = _text(record)
        assert text.startswith(f"# {record.name[:4]} ")
        heads = re.findall(r"^\*\*(Context|Decision|What it costs|Alternatives)\.\*\*", text, re.MULTILINE)
        assert heads == ["Context", "Decision", "What it costs", "Alternatives"], record.name
        assert len(text.split()) < 400, f"{record.name}: half a page"


def test_changelog_fragments_are_named_by_number_and_kind() -> None:
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    for fragment in fragments:
        assert re.fullmatch(r"\d{4}\.(added|changed|fixed|removed|security)\.md", fragment.name), fragment.name
        assert _text(fragment).strip().endswith(".")
