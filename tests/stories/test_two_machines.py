"""One PostgreSQL database and two machines: one server serves, commands of the other count at once, a second server waits."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from keywright.gateway.lease import LEASE_SECONDS
from tests.support.bot import Bot
from tests.support.server import READY_SECONDS, Installation, Values, command, surroundings

pytestmark = pytest.mark.postgres

ORDER = b'{"symbol":"BTC-USDT","side":"buy","type":"market","size":"0.001"}'


@pytest.fixture
def machines(tmp_path: Path, empty_postgres: str) -> tuple[Installation, Installation]:
    """Give two machines' folders, which have nothing in common but the database's URL and the wrapping key."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    installations = Installation(first, database_url=empty_postgres), Installation(second, database_url=empty_postgres)
    one, other = (installation.data / "config" for installation in installations)
    other.mkdir(parents=True, mode=0o700)
    shutil.copy(one / "wrapping.key", other / "wrapping.key")
    return installations


def refused_start(installation: Installation) -> tuple[int, str, str]:
    """Try to start a server that ought not to; return its exit code and both outputs."""
    ports = [f"--{name}-port=0" for name in ("console", "gateway", "futures")]
    done = subprocess.run(
        [*command("serve", "--data-dir", installation.data), *ports],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        cwd=installation.folder,
        env=surroundings(installation.folder, **installation.environment),
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_second_server_is_refused_until_the_first_is_gone(machines: tuple[Installation, Installation]) -> None:
    """It says why, and the first goes on; once that was killed it starts, and takes nothing twice."""
    one, other = machines
    with one.serving() as server:
        bot, values = server.bot(server.values), server.values
        assert bot.send(bot.sign("POST", "/api/v1/hf/orders", ORDER)).code == "200000"
        code, out, err = refused_start(other)
        assert (code, out) == (1, "")
        assert "another server is running on this PostgreSQL database" in err
        assert "hint: stop it first" in err
        assert "Traceback" not in err
        placing = bot.sign_ahead("POST", "/api/v1/hf/orders", ORDER)
        assert bot.send(placing).code == "200000"
        server.kill()
    with other.serving() as server:
        bot = server.bot(values)
        assert bot.send(placing).code == "400100", "what the first server accepted is a replay at the second"
        assert bot.send(bot.sign("POST", "/api/v1/hf/orders", ORDER)).code == "200000"
    assert other.cli("audit", "verify").code == 0


def test_n4_a_key_disabled_on_another_machine_is_refused_by_the_running_server(
    machines: tuple[Installation, Installation],
) -> None:
    """The next request after the command has ended; the key was cached, and another's goes on."""
    one, other = machines
    with one.serving() as server:
        shown = one.demo()
        values = Values(shown["api_key"], shown["api_secret"], shown["api_passphrase"])
        bot, bystander = server.bot(values), server.bot(server.values)
        for _ in range(3):
            assert (account_of(bot), account_of(bystander)) == ("200000", "200000")
        done = other.cli("keys", "disable", values.api_key)
        assert done.code == 0, done.err
        assert account_of(bot) == "400003"
        assert bot.send(bot.sign("POST", "/api/v1/hf/orders", ORDER)).code == "400003"
        assert account_of(bystander) == "200000"
        time.sleep(2 * LEASE_SECONDS)
        assert (account_of(bot), account_of(bystander)) == ("400003", "200000")
        server.kill()
    with other.serving() as server:
        assert account_of(server.bot(values)) == "400003", "and after a restart, elsewhere"


def account_of(bot: Bot) -> str:
    return bot.get("/api/v1/accounts").code
