"""The habits of the house that no linter knows: what packages say of themselves, sizes, names, what an import costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from keywright.audit.events import Kind
from keywright.notices.wording import NO_NEWS, WORDINGS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "keywright"
MODULES = sorted(SOURCE.rglob("*.py"))
OURS = [path for folder in ("src", "tests", "scripts", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]

LONGEST = 300
LONGER_FOR_A_REASON = {"src/keywright/storage/tables.py": "every table is to be seen at once"}
"""Modules that may be longer, each by its path and with its reason. Best left empty."""

NO_NAME = re.compile(r"utils?|helpers?|managers?|commons?|misc")
NO_CLASS = re.compile(r"(Utils?|Helpers?|Manager|Handler)$|^(Base|Abstract)(?=[A-Z])")
"""A thing without a noun of its own shows that one is missing."""

UNNUMBERED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b(?!\W{0,2}#?\d)")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def test_every_module_says_what_it_is() -> None:
    assert not [_name(path) for path in MODULES if not ast.get_docstring(_parsed(path))]


def test_every_package_says_where_to_start_in_eight_lines() -> None:
    said = {_name(path): ast.get_docstring(_parsed(path)) or "" for path in MODULES if path.name == "__init__.py"}
    assert not [name for name, text in said.items() if len(text.splitlines()) > 8]


def test_everything_public_says_what_is_true_afterwards() -> None:
    silent = [
        f"{_name(path)}: {name}"
        for path in MODULES
        for name, node in _public(_parsed(path))
        if not ast.get_docstring(node)
    ]
    assert not silent


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(parent: ast.Module | ast.ClassDef, inside: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield what others may use, by name: classes, functions, methods; not what Python itself calls."""
    for node in parent.body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        yield inside + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{inside}{node.name}.")


def test_every_module_can_be_read_in_one_sitting() -> None:
    long = {_name(path): lines for path, lines in _lengths().items() if lines > LONGEST}
    assert long.keys() == LONGER_FOR_A_REASON.keys()


def test_most_modules_are_much_shorter() -> None:
    assert median(lines for path, lines in _lengths().items() if path.name != "__init__.py") <= 120


def _lengths() -> dict[Path, int]:
    return {path: len(path.read_text("utf-8").splitlines()) for path in MODULES}


def test_what_is_still_to_be_done_has_a_number() -> None:
    assert not [
        f"{_name(path)}:{number}"
        for path in OURS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNNUMBERED.search(line)
    ]


def test_files_and_classes_are_named_after_what_they_are() -> None:
    files = [_name(path) for path in OURS for word in re.split(r"[/_.]", _name(path)) if NO_NAME.fullmatch(word)]
    nodes = ((path, node) for path in OURS for node in ast.walk(_parsed(path)) if isinstance(node, ast.ClassDef))
    classes = [f"{_name(path)}: {node.name}" for path, node in nodes if NO_CLASS.search(node.name)]
    assert not files + classes


def test_only_the_command_line_prints() -> None:
    quiet = [path for path in MODULES if path.parent.name != "cli"]
    calls = ((path, node) for path in quiet for node in ast.walk(_parsed(path)) if isinstance(node, ast.Call))
    assert not [_name(path) for path, call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


IN_THE_CLEAR = {
    "open_key": {"book"},
    "open_user": {"pool"},
    "book.open": {
        "deleting",
        "diagnosing",
        "ending",
        "handing",
        "mastering",
        "renewing",
        "rotating",
        "service",
        "tending",
    },
    "reveal": {"adopting", "pasted", "rules", "seals"},
    "reveal_text": {"connector", "kucoin_sub_keys", "pasted", "profiles", "rules", "safe"},
}
"""Which modules of the vault open what is sealed, or look into a `Secret`: where a reviewer begins."""


def test_few_listed_modules_of_the_vault_have_a_secret_in_the_clear() -> None:
    found: dict[str, set[str]] = {call: set() for call in IN_THE_CLEAR}
    for path in (SOURCE / "vault").rglob("*.py"):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                for call in {node.attr, f"{owner.strip('_')}.{node.attr}"} & IN_THE_CLEAR.keys():
                    found[call].add(path.stem)
    assert found == IN_THE_CLEAR


def test_every_event_is_told_to_its_owner_or_is_no_news_on_purpose() -> None:
    kinds = {kind.value for kind in Kind}
    undecided = kinds - WORDINGS.keys() - NO_NEWS
    assert not undecided, (
        "give each its words in keywright/notices/about_….py, or put it into NO_NEWS in wording.py there"
    )
    assert not NO_NEWS - kinds
    assert not NO_NEWS & WORDINGS.keys()


def _python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_keywright_loads_no_server() -> None:
    loaded = _python("import keywright, sys; print(*sys.modules)").split()
    assert not {"sqlalchemy", "aiohttp", "uvicorn", "argon2", "rich", "click", "asyncio"} & set(loaded)


WITHOUT_EXTRAS = """
import sys

class Blocker:
    allowed = {"keywright", "cryptography", "_cffi_backend", "cffi", "click", *sys.stdlib_module_names}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def test_the_wire_works_without_extras() -> None:
    """`pip install keywright` alone signs and verifies: what a bot needs."""
    program = """
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.secret import Secret
dialect, secret, passphrase, pepper = KucoinDialect(), Secret("s"), Secret("p"), Secret("pepper")
signed = dialect.sign("GET", "/api/v1/accounts", b"", key="k", secret=secret, passphrase=passphrase, now_ms=1700000000000)
claim = dialect.read(Request("GET", signed.target, signed.headers, b"", None), body_allowed=False)
digest = dialect.passphrase_digest(pepper, dialect.passphrase_header(secret, passphrase))
dialect.check(claim, secret=secret, passphrase_digest=digest, pepper=pepper)
print(claim.key_id)
"""
    assert _python(WITHOUT_EXTRAS + program) == "k\n"


def test_without_the_server_extra_the_command_says_what_to_install() -> None:
    program = 'import sys; sys.argv = ["keywright", "serve"]; from keywright.__main__ import main; main()'
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS + program], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pip install 'keywright[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lock_is_in_step_with_what_is_asked_for() -> None:
    uv = ROOT / ".tools" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("uv is not here: `make check` puts it into .tools")
    done = subprocess.run([uv, "lock", "--check", "--offline"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
