"""The first quarter of an hour: start, read what is printed, do what it says, stop, start again."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.bot import send
from tests.support.server import Installation, Server, Values, surroundings

DEMO_FIELDS = {
    "console_url",
    "spot_url",
    "futures_url",
    "email",
    "password",
    "totp_secret",
    "api_key",
    "api_secret",
    "api_passphrase",
}


@pytest.fixture
def embedded(tmp_path: Path) -> Installation:
    """Give a folder nothing was ever started in, for what has nothing to do with the kind of database."""
    return Installation(tmp_path)


def test_start_trade_stop_start(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing but the standard library and our own signer."""
    with installation.serving() as server:
        values, first = server.values, server.ready_after
        bot = server.bot(values)
        assert send(server.spot, "GET", "/api/v1/timestamp").code == "200000"
        assert send(server.futures, "GET", "/api/v1/contracts/active").code == "200000"
        assert send(server.console, "GET", "/healthz").status == 200

        about = bot.get("/api/v1/user/api-key")
        assert (about.data["apiKey"], about.data["permission"]) == (values.api_key, "General,Spot")
        order = {"symbol": "BTC-USDT", "side": "buy"}
        resting = bot.post("/api/v1/hf/orders", **order, type="limit", price="50000", size="0.001").data["orderId"]
        (shown,) = bot.get("/api/v1/hf/orders/active?symbol=BTC-USDT").data
        assert (shown["id"], shown["active"]) == (resting, True)
        bought = bot.post("/api/v1/hf/orders", **order, type="market", size="0.25").data["orderId"]
        fills = bot.get(f"/api/v1/hf/fills?symbol=BTC-USDT&orderId={bought}").data["items"]
        assert sum(Decimal(fill["size"]) for fill in fills) == Decimal("0.25")
        assert bot.delete(f"/api/v1/hf/orders/{resting}?symbol=BTC-USDT").data == {"orderId": resting}
        balances = bot.get("/api/v1/accounts").data
        (btc,) = [entry for entry in balances if (entry["currency"], entry["type"]) == ("BTC", "trade")]
        assert Decimal(btc["balance"]) == Decimal("1.25")

        placing = bot.sign_ahead(
            "POST", "/api/v1/hf/orders", b'{"symbol":"BTC-USDT","side":"buy","type":"market","size":"0.5"}'
        )
        assert (bot.send(placing).code, bot.send(placing).code) == (
            "200000",
            "400100",
        )  # the same bytes twice: a replay
        assert bot.get("/api/v1/accounts").code == "200000"
        assert server.stop() == 0
        assert server.err == ""

    with installation.serving() as server:
        bot = server.bot(values)
        assert values.api_secret not in server.out
        assert "export " not in server.out
        assert bot.send(placing).code == "400100"  # it remembers what it has seen
        found = bot.get(f"/api/v1/hf/orders/{bought}?symbol=BTC-USDT").data
        assert (found["dealSize"], found["active"]) == ("0.25", False)
        (btc,) = bot.get("/api/v1/accounts?type=trade&currency=BTC").data
        assert Decimal(btc["balance"]) == Decimal("1.75")
        with capsys.disabled():
            print(f"\n  ready: first start {first:.1f} s, later start {server.ready_after:.1f} s", end=" ")


def test_demo_beside_a_running_server(installation: Installation) -> None:
    """Its one object holds what a test needs; when the values are gone, it makes a new key and the old one works on."""
    with installation.serving() as server:
        shown = [installation.demo() for _ in range(5)]
        for values in shown:
            assert values.keys() == DEMO_FIELDS
            assert (values["spot_url"], values["futures_url"]) == (server.spot, server.futures)
            assert values["console_url"] == server.url("console")
        assert len({values["api_key"] for values in shown}) == 5
        for constant in ("email", "password", "totp_secret"):
            assert len({values[constant] for values in shown}) == 1

        keys = {values["api_key"]: value_of(values) for values in shown} | {server.values.api_key: server.values}
        codes = {key: server.bot(held).get("/api/v1/accounts").code for key, held in keys.items()}
        assert sorted(codes.values()) == ["200000"] * 5 + ["400003"]  # an account has five: the first made room
        assert codes[server.values.api_key] == "400003"
        assert server.values.api_key in installation.printed[-1].err  # and who asked is told

        said = installation.cli("demo")  # for a person: lines to copy
        assert [line.partition("=")[0] for line in said.out.splitlines()] == [
            "export KUCOIN_API_KEY",
            "export KUCOIN_SECRET_KEY",
            "export KUCOIN_PASSPHRASE",
        ]
        assert "ccxt" in said.err


def value_of(values: dict[str, str]) -> Values:
    return Values(values["api_key"], values["api_secret"], values["api_passphrase"])


def test_demo_without_a_server(embedded: Installation) -> None:
    """It says so, and makes neither a key nor a folder; also after a server that was killed left its note behind."""
    refused = embedded.cli("demo", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "no server is running" in refused.err
    assert "hint: start one" in refused.err
    assert not embedded.data.exists()
    with embedded.serving() as server:
        server.kill()
    assert (embedded.data / "server.json").exists()
    refused = embedded.cli("demo", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "no server is running" in refused.err
    listed = embedded.cli("keys", "list", "--json").json["keys"]
    assert len(listed) == 1  # the first start's


def test_demo_before_a_real_service(installation: Installation) -> None:
    """There is no demo where a service stands behind the gateway: neither at its start nor afterwards."""
    with installation.serving("--upstream", "http://127.0.0.1:9") as server:
        assert "export" not in server.out
        refused = installation.cli("demo", "--json")
        assert (refused.code, refused.out) == (1, "")
        assert "sandbox only" in refused.err
        assert installation.cli("accounts", "list", "--json").json["accounts"] == []


# ── what is printed, run as printed


def snippet(server: Server, title: str) -> str:
    """Return the printed code under a title, up to the next one."""
    return server.out.split(f"── {title} ──\n")[1].split("\n── ")[0]


@pytest.mark.clients
def test_the_printed_curl_works(embedded: Installation, tmp_path: Path) -> None:
    with embedded.serving() as server:
        exports = "\n".join(line for line in server.out.splitlines() if line.startswith("export "))
        done = run(["bash", "-eu", "-c", f"{exports}\n{snippet(server, 'curl')}"], tmp_path)
        assert '"code":"200000"' in done
        assert '"currency":"BTC"' in done


@pytest.mark.clients
@pytest.mark.parametrize(("title", "expected"), [("ccxt", "closed"), ("the official KuCoin SDK", "'remark': 'Demo'")])
def test_the_printed_python_works(embedded: Installation, tmp_path: Path, title: str, expected: str) -> None:
    with embedded.serving() as server:
        done = run([sys.executable, "-c", snippet(server, title)], tmp_path, **server.values.environment())
        assert expected in done


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=surroundings(folder, **environment),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
