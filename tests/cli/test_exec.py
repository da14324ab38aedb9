"""`keywright exec` as it is typed: a program that takes this command's place, with one key in its environment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keywright.app.protecting import OWNER
from keywright.clock import wall_clock_ms
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.vault import rules
from keywright.vault.model import PERSONAL, NewConnection, Pasted
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.vault import Vault

TELL = "import json, os, sys; print(json.dumps(dict(os.environ)))"


@dataclass
class Owner:
    """Somebody with one key of KuCoin's in a vault, and a shell."""

    vault: Vault
    key: DoubleKey
    environ: dict[str, str]

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "keywright", "exec", *words]

    def run(self, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env={**self.environ, **(environ or {})},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def told(self, *words: str, environ: dict[str, str] | None = None) -> dict[str, str]:
        done = self.run(*words, "--", sys.executable, "-c", TELL, environ=environ)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


async def _fill(vault: Vault, key: DoubleKey) -> None:
    vault.clock.now = wall_clock_ms()
    await vault.make(ByKeyFile(None))
    async with vault.opened() as services:
        async with services.database.write() as tx:
            await services.vault.pool.add(tx, rules.egress_place("127.0.0.1"), actor=OWNER, now=vault.clock())
        await services.vault.reserve(PERSONAL, "kucoin", actor=OWNER, now=vault.clock())
        new = NewConnection("grid", "kucoin", Pasted(key.key, Secret(key.secret), Secret(key.passphrase)))
        await services.vault.connect(PERSONAL, new, actor=OWNER, now=vault.clock())


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    folder = tmp_path_factory.mktemp("exec")
    with running_in_thread(KucoinDouble(wall_clock_ms)) as exchange:
        key = exchange.new_key(addresses=("127.0.0.1",))
        vault = Vault(folder)
        vault.settings = Settings(kucoin_url=exchange.url)
        asyncio.run(_fill(vault, key))
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **vault.environ}
        yield Owner(vault, key, environ)


def test_b2_the_program_has_the_key_in_its_environment_and_nowhere_else(owner: Owner) -> None:
    told = owner.told("grid", environ={"KUCOIN_API_KEY": "of the shell", "BINANCE_API_SECRET": "x", "EDITOR": "vi"})
    assert (told["KUCOIN_API_KEY"], told["KUCOIN_SECRET_KEY"]) == (owner.key.key, owner.key.secret)
    assert (told["KUCOIN_PASSPHRASE"], told["KEYWRIGHT_CONNECTION"]) == (owner.key.passphrase, "grid")
    assert told["EDITOR"] == "vi"
    assert "BINANCE_API_SECRET" not in told
    own = {"KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE", "KEYWRIGHT_CONNECTION", "EDITOR", "LC_CTYPE"}
    assert set(told) - own == set(owner.environ), "nothing of ours is left behind"


def test_what_was_not_handed_on_is_said_by_name_only(owner: Owner) -> None:
    done = owner.run("grid", "--", "true", environ={"KUCOIN_API_SECRET": "s3cret-of-the-shell"})
    assert "not handed on: KUCOIN_API_SECRET" in done.stderr
    assert "s3cret" not in done.stderr


def test_files_live_in_memory_as_long_as_the_program(owner: Owner) -> None:
    script = (
        'cat "$KUCOIN_SECRET_KEY_FILE"; env | grep -c "$(cat $KUCOIN_SECRET_KEY_FILE)"; ls -l "$KUCOIN_API_KEY_FILE"'
    )
    done = owner.run("--format", "files", "grid", "--", "sh", "-c", script)
    secret, count = done.stdout.splitlines()[0][:36], done.stdout.splitlines()[0][36:]
    assert (secret, count) == (owner.key.secret, "0")
    assert "memfd:" in done.stdout
    read_twice = "import os; p = os.environ['KUCOIN_API_KEY_FILE']; print(open(p).read() == open(p).read() != '')"
    assert owner.run("--format", "files", "grid", "--", sys.executable, "-c", read_twice).stdout == "True\n"


def test_hummingbot_s_json_comes_on_standard_input(owner: Owner) -> None:
    done = owner.run("--format", "hummingbot", "grid", "--", "cat")
    assert json.loads(done.stdout)["kucoin_secret_key"] == owner.key.secret


def test_a_pristine_environment_and_names_of_one_s_own(owner: Owner) -> None:
    told = owner.told("--pristine", "--name", "secret=MY_SECRET", "grid", environ={"OPENAI_API_KEY": "x"})
    assert told["MY_SECRET"] == owner.key.secret
    assert "OPENAI_API_KEY" not in told


def test_the_exit_code_and_signals_are_the_program_s(owner: Owner) -> None:
    assert owner.run("grid", "--", "sh", "-c", "exit 42").returncode == 42
    process = subprocess.Popen(
        owner.command("grid", "--", "sh", "-c", 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'),
        env=owner.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7, "it is the same process: nothing stands between"


def test_the_program_is_started_as_a_shell_would(owner: Owner) -> None:
    """Its mask for new files, and no signal ignored that Python ignores; but without core files."""
    ignored = "grep SigIgn /proc/self/status; umask; ulimit -c; exec true"
    done = subprocess.run(
        ["sh", "-c", 'umask 027; exec "$@"', "sh", *owner.command("grid", "--", "sh", "-c", ignored)],
        env=owner.environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    ignoring, umask, cores = done.stdout.split("\n")[:3]
    assert int(ignoring.split()[1], 16) & ((1 << (signal.SIGPIPE - 1)) | (1 << (signal.SIGXFSZ - 1))) == 0
    assert (umask, cores) == ("0027", "0")


@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        (("nobody", "--", "true"), {}, 5, "there is no connection nobody"),
        (("grid", "--", "no-such-program"), {}, 5, "there is no program no-such-program"),
        (("grid", "--", "true"), {"KEYWRIGHT_CONNECTION": "other"}, 6, "inside `keywright exec other`"),
        (("--name", "secret", "grid", "--", "true"), {}, 2, "PART=VARIABLE"),
        (("--name", "pin=X", "grid", "--", "true"), {}, 2, "no part pin"),
        (("grid",), {}, 2, "COMMAND"),
        (("grid", "--", "true"), {"XDG_DATA_HOME": "/nowhere"}, 1, "vault"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    owner: Owner, words: tuple[str, ...], environ: dict[str, str], code: int, said: str
) -> None:
    done = owner.run(*words, environ=environ)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert owner.key.secret not in done.stderr


def test_every_start_is_on_the_record(owner: Owner) -> None:
    owner.run("grid", "--", "true")

    async def newest() -> str:
        async with owner.vault.opened() as services, services.database.read() as tx:
            (row,) = await services.audit.list(tx, limit=1)
            return f"{row.kind} {json.loads(row.detail)['purpose']}"

    assert asyncio.run(newest()) == "connection.opened exec"


def test_leak_04_the_key_is_in_no_argument(owner: Owner) -> None:
    process = subprocess.Popen(owner.command("grid", "--", "sleep", "20"), env=owner.environ)
    try:
        deadline = time.monotonic() + 20
        seen = set()
        while b"sleep" not in (line := Path(f"/proc/{process.pid}/cmdline").read_bytes()) or b"keywright" in line:
            seen.add(line)
            assert time.monotonic() < deadline
        seen.add(line)
        assert not [one for one in seen if owner.key.secret.encode() in one or owner.key.key.encode() in one]
    finally:
        process.kill()
        process.wait()
