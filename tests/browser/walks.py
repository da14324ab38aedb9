"""What is done for each step of the help pages: `ACTIONS` by page and step, `PLACES` where a step speaks of another page,
`BEFOREHAND` what a page takes for granted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.shortcut import PASSPHRASE
from tests.browser.walk import Walk
from tests.support.server import Values

Action = Callable[[Walk], None]

FIRST, SECOND, THIRD = "Orbit-Lemon-42", "Harbour-Lamp-31", "Copper=Kettle_77"


def to_list(walk: Walk) -> None:
    walk.go("/api-management")


def to_key(walk: Walk) -> None:
    walk.go(f"/api-management/{walk.values.api_key}")


def press(walk: Walk) -> None:
    walk.press()


# ── keys


def choose_purpose(walk: Walk) -> None:
    walk.press()
    expect(walk.page.locator("#name")).to_have_value("SpotBot")


def switch_on(walk: Walk) -> None:
    walk.press()
    walk.see()
    assert walk.is_served()


def confirm(walk: Walk) -> None:
    walk.fill(FIRST, walk.account.authenticator.code())


def make(walk: Walk) -> None:
    walk.press()
    walk.take_values(FIRST)
    assert not walk.is_served()


def store(walk: Walk) -> None:
    walk.fill("a-lock-for-the-file-only")
    with walk.page.expect_download() as downloading:
        walk.press()
    assert downloading.value.suggested_filename == f"keywright-{walk.values.api_key[:8]}.env.age"


def rename(walk: Walk) -> None:
    walk.unfold()
    walk.page.locator("#rename-name").fill("renamed")
    walk.press()


def change_addresses(walk: Walk) -> None:
    walk.unfold()
    walk.fill("127.0.0.1 203.0.113.7", walk.account.authenticator.code())
    walk.press()


def disable(walk: Walk) -> None:
    walk.press()
    walk.see()
    assert not walk.is_served()


def enable(walk: Walk) -> None:
    walk.fill(walk.account.authenticator.code())
    walk.press()
    walk.see()
    assert walk.is_served()


def make_successor(walk: Walk) -> None:
    walk.fill(SECOND)
    walk.tick(1)
    walk.give_code_if_asked()
    walk.press()
    walk.replaced = walk.values
    walk.take_values(SECOND)


def start_with_successor(walk: Walk) -> None:
    assert walk.is_served()
    walk.go(f"/api-management/{walk.replaced.api_key}")
    walk.reload_until(walk.step.sees[-1])


def end_the_old(walk: Walk) -> None:
    walk.press()
    walk.see()
    assert not walk.running.bot(walk.replaced).is_served()
    assert walk.is_served()


def delete(walk: Walk) -> None:
    walk.tick(0)
    walk.give_code_if_asked()
    walk.press()


def freeze(walk: Walk) -> None:
    walk.press()
    walk.see()
    assert not walk.is_served()


def unfreeze(walk: Walk) -> None:
    walk.fill(walk.account.authenticator.code())
    walk.press()
    walk.see()
    assert walk.is_served()


KEYS: dict[str, Action] = {
    "open-list": Walk.choose,
    "begin": press,
    "purpose": choose_purpose,
    "name": lambda walk: walk.fill("bot", "Server A"),
    "rights": lambda walk: walk.tick(1),
    "environment": lambda walk: walk.tick(1),
    "addresses": lambda walk: walk.fill("127.0.0.1"),
    "continue": press,
    "confirm": confirm,
    "make": make,
    "store": store,
    "switch-on": switch_on,
    "watch-manage": press,
    "watch-usage": press,
    "change-manage": press,
    "change-name": rename,
    "change-addresses": change_addresses,
    "disable": disable,
    "enable-open": press,
    "enable": enable,
    "rotate-open": Walk.unfold,
    "rotate-make": make_successor,
    "rotate-on": switch_on,
    "rotate-program": start_with_successor,
    "rotate-end": end_the_old,
    "delete-open": press,
    "delete": delete,
    "freeze-open": Walk.choose,
    "freeze": freeze,
    "unfreeze": unfreeze,
}

# ── the passphrase


def has_a_key(walk: Walk) -> None:
    walk.values = walk.account.makes_key("bot", "trade", passphrase=PASSPHRASE)
    walk.running.clock.advance(minutes=11)  # nothing is confirmed any more


def set_passphrase(walk: Walk) -> None:
    walk.fill(walk.account.authenticator.code())
    walk.press()
    walk.see()
    assert not walk.is_served()


def start_with_passphrase(walk: Walk) -> None:
    walk.values = Values(walk.values.api_key, walk.values.api_secret, FIRST)
    assert walk.is_served()
    walk.press()
    walk.reload_until(walk.step.sees[-1])


def replace_lost(walk: Walk) -> None:
    walk.unfold()
    walk.fill(SECOND)
    walk.tick(1)
    walk.give_code_if_asked()
    walk.press()
    walk.take_values(SECOND)


def see_it_served(walk: Walk) -> None:
    assert walk.is_served()


PASSPHRASES: dict[str, Action] = {
    "pass-manage": press,
    "pass-open": Walk.unfold,
    "pass-type": lambda walk: walk.fill(PASSPHRASE, FIRST),
    "pass-set": set_passphrase,
    "pass-program": start_with_passphrase,
    "lost-manage": press,
    "lost-make": replace_lost,
    "lost-on": switch_on,
    "lost-program": see_it_served,
}

# ── a bot


def ask_for_address(walk: Walk) -> None:
    walk.address = json.loads(_shell(walk, walk.step.code[0]))["data"]


def make_key_for_bot(walk: Walk) -> None:
    walk.press()
    walk.fill(walk.address)
    says, page = walk.says, walk.page
    page.get_by_role("button", name=says("Continue"), exact=True).click()
    page.get_by_label(says("Passphrase of the key"), exact=True).fill(THIRD)
    page.get_by_label(says("Code from your authenticator"), exact=True).fill(walk.account.authenticator.code())
    page.get_by_role("button", name=says("Create key"), exact=True).click()
    walk.take_values(THIRD)
    page.get_by_role("button", name=says("I have stored them: switch the key on")).click()


def put_into_environment(walk: Walk) -> None:
    shown = _shell(walk, f"{walk.step.code[0]}\nenv | grep KUCOIN_ | sort", typed=walk.values)
    assert set(walk.values.environment().items()) <= {tuple(line.split("=", 1)) for line in shown.splitlines()}
    walk.environment = walk.step.code[0]


def try_it(walk: Walk) -> None:
    answer = _shell(walk, f"{walk.environment}\n{walk.step.code[0]}", typed=walk.values)
    assert '"code":"200000"' in answer, answer


def run_clients(walk: Walk) -> None:
    """Every client that the page shows, as it shows it, on the server's clock."""
    environment = {**os.environ, **walk.values.environment()}
    for name, code in walk.clients.items():
        if name == "curl":
            said = _shell(walk, f"{walk.environment}\n{code}", typed=walk.values)
            assert '"code":"200000"' in said, said
            continue
        program = FREQTRADE.format(configuration=code) if name == "freqtrade" else code
        run = [sys.executable, "-W", "ignore", "-c", SHIFTED.format(ms=walk.running.clock.offset) + program]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "BTC" in done.stdout or walk.values.api_key in done.stdout, f"{name}: {done.stdout}"


SHIFTED = """import time
before, before_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: before() + {ms} / 1000, lambda: before_ns() + {ms} * 1_000_000
"""
"""The server's clock is ahead of the wall's when codes were used up."""

SHELL_CLOCK = """date() {{
  local ms=$(( $(command date +%s%3N) + {ms} ))
  command date -d "@${{ms%???}}.${{ms: -3}}" "$@"
}}
"""

FREQTRADE = """
import ccxt, json, os
given = json.loads('''{configuration}''')["exchange"]
credentials = dict(zip(("apiKey", "secret", "password"), (os.environ[name] for name in
    ("KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE"))))
print(getattr(ccxt, given["name"])({{**credentials, **given["ccxt_config"]}}).fetch_balance()["free"])
"""
"""What freqtrade makes of its configuration: a ccxt exchange of that name, with `ccxt_config` merged in."""


def _shell(walk: Walk, code: str, *, typed: Values | None = None) -> str:
    """Run code in bash on the server's clock, with values typed in where it asks; return what it prints."""
    clock = SHELL_CLOCK.format(ms=walk.running.clock.offset)
    if typed is not None:
        clock += f"exec < <(printf '%s\\n' {typed.api_key} {typed.api_secret} '{typed.api_passphrase}')\n"
    done = subprocess.run(["bash", "-c", clock + code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def watch_bot(walk: Walk) -> None:
    walk.press()
    walk.reload_until(walk.step.sees[-1])


BOT: dict[str, Action] = {
    "bot-address": ask_for_address,
    "bot-begin": press,
    "bot-key": make_key_for_bot,
    "bot-environment": put_into_environment,
    "bot-try": try_it,
    "bot-client": run_clients,
    "bot-usage": watch_bot,
}

# ── an exchange

NIGHT = "Quay-and-lamp-7"


def make_key_there(walk: Walk) -> None:
    """At the exchange's double, as its owner would at the exchange: it reads and trades, from our address alone."""
    walk.address = walk.page.locator("#egress-address").inner_text()
    made = walk.exchange.new_key(addresses=(walk.address,), passphrase=NIGHT)
    walk.values = Values(made.key, made.secret, NIGHT)


def give_key(walk: Walk) -> None:
    walk.fill("night", "grid", walk.values.api_key, walk.values.api_secret, walk.values.api_passphrase)


def connect(walk: Walk) -> None:
    walk.give_code_if_asked()
    walk.press()
    walk.see()
    assert walk.exchange.peers == {walk.address}


def remove_connection(walk: Walk) -> None:
    walk.tick(0)
    walk.give_code_if_asked()
    walk.press()
    expect(walk.page.locator("tr", has_text="night")).to_have_count(0)


EXCHANGE: dict[str, Action] = {
    "ex-open": Walk.choose,
    "ex-begin": press,
    "ex-choose": press,
    "ex-make": make_key_there,
    "ex-give": give_key,
    "ex-connect": connect,
    "ex-check": press,
    "ex-suspend": press,
    "ex-remove": remove_connection,
}

ACTIONS: dict[str, dict[str, Action]] = {"keys": KEYS, "passphrase": PASSPHRASES, "bot": BOT, "exchange": EXCHANGE}

BEFOREHAND: dict[str, Action] = {"passphrase": has_a_key}

PLACES: dict[str, Action] = {
    "open-list": lambda walk: walk.go("/security"),
    "watch-manage": to_list,
    "change-manage": to_list,
    "change-addresses": Walk.wait,
    "disable": to_list,
    "enable": Walk.wait,
    "delete-open": to_list,
    "unfreeze": Walk.wait,
    "pass-manage": to_list,
    "lost-manage": to_list,
    "bot-begin": to_list,
    "bot-usage": to_key,
}
