"""What stands in the way of a start is said in one sentence, with a hint, and nothing is changed by having tried."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.server import READY_SECONDS, Installation, Values, command, surroundings

PORTS = ("--console-port=0", "--gateway-port=0", "--futures-port=0")

# Root may write anywhere, but for a root without CAP_DAC_OVERRIDE (1), taken from the bounding set (PR_CAPBSET_DROP, 24)
# before it becomes the server. For anybody else this does nothing.
BOUND_BY_MODES = (
    sys.executable,
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1); os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an installation that a server ran on and left in good order; a key was used and its bot traded."""
    installation = Installation(tmp_path_factory.mktemp("stopped"))
    with installation.serving() as server:
        bot = server.bot(server.values)
        placed = bot.post("/api/v1/hf/orders", symbol="BTC-USDT", side="buy", type="market", size="0.001")
        assert placed.code == "200000"
        server.stop()
    return installation.data


@pytest.fixture
def data(stopped: Path, tmp_path: Path) -> Path:
    """Give a copy of it, to spoil."""
    return Path(shutil.copytree(stopped, tmp_path / "data", symlinks=True))


@dataclass(frozen=True)
class Refusal:
    code: int
    out: str
    err: str


def snapshot(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Return every path below a folder with its mode and its bytes."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(folder.parent))] = (mode, content)
    return found


def start(data: Path, *options: str, **environment: str) -> Refusal:
    """Try to start a server that ought not to; it is ended if it does."""
    process = subprocess.Popen(
        [*BOUND_BY_MODES, *command("serve", "--data-dir", data, *(options or PORTS))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env=surroundings(Path("/nonexistent"), **environment),
    )
    try:
        out, err = process.communicate(timeout=READY_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"it started: {out}{err}")
    return Refusal(process.returncode, out, err)


def refused(refusal: Refusal, *words: str, code: int = 1, hint: bool = True) -> None:
    """Assert that it was refused in one clear sentence, these words in it."""
    assert (refusal.code, refusal.out) == (code, ""), refusal
    sentence, *rest = refusal.err.splitlines()
    assert sentence.startswith("keywright: ")
    assert "nobody foresaw" not in sentence
    for word in words:
        assert word in sentence
    assert len(rest) == (1 if hint else 0), refusal.err
    assert all(line.startswith("  hint: ") for line in rest)


@pytest.mark.parametrize("option", ["console-port", "gateway-port", "futures-port"])
def test_a_port_in_use(data: Path, option: str) -> None:
    before = snapshot(data)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = [given for given in PORTS if option not in given]
        refused(start(data, *options, f"--{option}={port}"), f"port {port} is in use")
        fresh = data.parent / "fresh"
        refused(start(fresh, *options, f"--{option}={port}"), f"port {port} is in use")
    assert snapshot(data) == before
    assert not fresh.exists()


def test_a_second_server_on_the_same_folder(data: Path) -> None:
    installation = Installation(data.parent)
    with installation.serving() as server:
        note = (data / "server.json").read_bytes()
        refused(start(data), "a server is running on")
        assert (data / "server.json").read_bytes() == note
        assert server.bot(server_values(installation)).get("/api/v1/accounts").code == "200000"


def server_values(installation: Installation) -> Values:
    shown = installation.demo()
    return Values(shown["api_key"], shown["api_secret"], shown["api_passphrase"])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        refused(start(tmp_path / "data"), f"the folder {tmp_path} can't be written")
        assert list(tmp_path.iterdir()) == []
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_made() -> None:
    """Where even root can't write."""
    path = Path("/proc/keywright/data")
    refusal = start(path)
    assert (refusal.code, refusal.out) == (1, "")
    assert refusal.err.startswith("keywright: the folder /proc")
    assert "can't be" in refusal.err.splitlines()[0]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        refused(start(path), f"{tmp_path / 'file'} is not a folder")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        ("keywright.db", 0o640, ("others can read the database", "0640")),
        ("keywright.db", 0o604, ("others can read the database", "0604")),
        ("config/wrapping.key", 0o644, ("can be reached by others", "0644")),
        ("config/wrapping.key", 0o660, ("can be reached by others", "0660")),
        (".", 0o770, ("others can change the folder", "0770")),
        ("config", 0o707, ("others can change the folder", "0707")),
    ],
)
def test_a_mode_that_is_too_open(data: Path, name: str, mode: int, words: tuple[str, ...]) -> None:
    """It is not mended in silence either: whoever could read it may have."""
    (data / name).chmod(mode)
    before = snapshot(data)
    refusal = start(data)
    refused(refusal, *words)
    assert "chmod" in refusal.err
    assert snapshot(data) == before


def lose_key(data: Path) -> None:
    (data / "config" / "wrapping.key").unlink()


def foreign_key(data: Path) -> None:
    text = (data / "config" / "wrapping.key").read_text().splitlines()
    text[1] = "A" * 43 + "="
    (data / "config" / "wrapping.key").write_text("\n".join(text) + "\n")


def broken_key(data: Path) -> None:
    (data / "config" / "wrapping.key").write_text("# nothing\n")


def linked_key(data: Path) -> None:
    path = data / "config" / "wrapping.key"
    path.rename(data.parent / "elsewhere.key")
    path.symlink_to(data.parent / "elsewhere.key")


def newer(data: Path) -> None:
    run_sql(data, "UPDATE alembic_version SET version_num = '9999'")


def no_keyring(data: Path) -> None:
    run_sql(data, "DELETE FROM keyring_keys")


def no_tables(data: Path) -> None:
    (data / "keywright.db").unlink()
    with closing(sqlite3.connect(data / "keywright.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    (data / "keywright.db").chmod(0o600)


def no_database(data: Path) -> None:
    (data / "keywright.db").write_bytes(b"Dear diary, " * 1000)


def no_file(data: Path) -> None:
    (data / "keywright.db").unlink()
    (data / "keywright.db").mkdir(mode=0o700)


def linked_database(data: Path) -> None:
    (data / "keywright.db").rename(data.parent / "elsewhere.db")
    (data / "keywright.db").symlink_to(data.parent / "elsewhere.db")


def run_sql(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "keywright.db")) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("spoil", "words", "hint"),
    [
        (lose_key, ("the wrapping key", "is missing"), True),
        (foreign_key, ("the wrapping key", "belongs to another database"), True),
        (broken_key, ("does not hold a wrapping key",), True),
        (linked_key, ("the wrapping key", "can't be read"), False),
        (newer, ("made by a newer version", "9999"), True),
        (no_keyring, ("has lost its keyring",), True),
        (no_tables, ("is not a Keywright database",), True),
        (no_database, ("is not a Keywright database",), False),
        (no_file, ("is not a plain file",), False),
        (linked_database, ("is not a plain file",), False),
    ],
)
def test_files_that_do_not_fit(data: Path, spoil: Callable[[Path], None], words: tuple[str, ...], hint: bool) -> None:
    spoil(data)
    before = snapshot(data.parent)
    refused(start(data), *words, hint=hint)
    assert snapshot(data.parent) == before


def test_other_commands_refuse_alike(data: Path) -> None:
    """A command beside the server opens the same files by the same rules."""
    newer(data)
    before = snapshot(data)
    for arguments in (
        ("keys", "list"),
        ("accounts", "list"),
        ("audit", "verify"),
        ("accounts", "create", "a@b.example"),
    ):
        said = Installation(data.parent).cli(*arguments, stdin="seven-lamps-under-rain\n")
        refused(Refusal(said.code, said.out, said.err), "made by a newer version")
    assert snapshot(data) == before


@pytest.mark.parametrize(
    ("options", "environment", "words", "code"),
    [
        (("--host=0.0.0.0",), {}, ("would send secrets over the network in the clear",), 1),
        (("--public-url=http://exchange.example",), {}, ("public_url is an https address",), 2),
        (("--upstream=ftp://127.0.0.1",), {}, ("ftp://127.0.0.1 is no upstream URL",), 1),
        (("--upstream=http://127.0.0.1:9/path",), {}, ("is no upstream URL",), 1),
        (("--host=192.0.2.1", "--public-url=https://exchange.example"), {}, ("can't listen at 192.0.2.1",), 1),
        ((), {"KEYWRIGHT_HEADER_PREFIX": "KC API"}, ("header prefix",), 2),
        ((), {"KEYWRIGHT_CLOCK_WINDOW_MS": "60000"}, ("clock_window_ms", "takes a whole number"), 2),
        ((), {"KEYWRIGHT_TRUSTED_PROXIES": "everyone"}, ("trusted_proxies",), 2),
        ((), {"KEYWRIGHT_SECRET": "x"}, ("KEYWRIGHT_SECRET is no setting",), 2),
    ],
)
def test_settings_that_do_not_fit(
    tmp_path: Path, options: tuple[str, ...], environment: dict[str, str], words: tuple[str, ...], code: int
) -> None:
    """Said before a folder is made: a first start that was mistyped leaves nothing behind."""
    refusal = start(tmp_path / "data", *PORTS, *options, **environment)
    assert (refusal.code, refusal.out) == (code, ""), refusal
    sentence = refusal.err.splitlines()[0]
    assert "nobody foresaw" not in sentence
    assert all(word in sentence for word in words), refusal.err
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_is_none(tmp_path: Path) -> None:
    refusal = start(tmp_path / "data", *PORTS, "--secret=x")
    assert refusal.code == 2
    assert "No such option" in refusal.err
    assert list(tmp_path.iterdir()) == []
