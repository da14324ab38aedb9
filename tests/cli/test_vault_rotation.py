"""`keywright vault rotate`, `posture` and `adopt` as they are typed, with KuCoin's double behind them."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_vault_connections import OURS, kucoin, pasted
from tests.doubles.exchange import DoubleKey
from tests.doubles.kucoin import KucoinDouble

__all__ = ["kucoin"]


@pytest.fixture
def held(keywright: Terminal, kucoin: KucoinDouble) -> DoubleKey:
    """Give a key of KuCoin's that is held as `grid`."""
    assert keywright(f"vault egress add {OURS}").code == 0
    key = kucoin.new_key(addresses=(OURS,))
    assert keywright("vault add grid --exchange kucoin --stdin", pasted(key)).code == 0
    return key


def test_b6_a_key_is_rotated_finished_and_the_old_one_known_to_be_deleted(
    keywright: Terminal, kucoin: KucoinDouble, held: DoubleKey
) -> None:
    new = kucoin.new_key(addresses=(OURS,))
    begun = keywright("vault rotate grid --later --stdin --json", pasted(new))
    assert (begun.code, begun.json["step"], begun.json["serving"][:4]) == (0, "added", held.key[:4]), begun.err
    assert f"under “IP Restriction”: {OURS}" in begun.err
    switched = keywright("vault rotate grid --json").json
    assert (switched["step"], switched["serving"][:4], switched["other"][:4]) == ("switched", new.key[:4], held.key[:4])
    assert "--roll-back" in keywright("vault rotate grid --status").err
    kucoin.keys[held.key].deleted = True
    finished = keywright("vault rotate grid --finish")
    assert finished.code == 0, finished.err
    assert "does not know it any more" in finished.err
    assert keywright("vault rotate grid --status --json").json["step"] == "none"


def test_a_rotation_goes_back_and_one_with_a_dangerous_key_never_begins(
    keywright: Terminal, kucoin: KucoinDouble, held: DoubleKey
) -> None:
    bad = kucoin.new_key("General", "Spot", "Transfer", addresses=(OURS,))
    refused = keywright("vault rotate grid --stdin", pasted(bad))
    assert (refused.code, refused.out) == (10, "")
    assert "untick" in refused.err
    assert keywright("vault rotate grid --finish").code == 6
    new = kucoin.new_key(addresses=(OURS,))
    assert keywright("vault rotate grid --stdin", pasted(new)).code == 0
    back = keywright("vault rotate grid --roll-back --json").json
    assert (back["step"], back["serving"][:4]) == ("none", held.key[:4])
    for words in ("--finish --later", "--status --stdin"):
        assert keywright(f"vault rotate grid {words}", pasted(new)).code == 2
    assert keywright("vault rotate nobody --status").code == 5


def test_n15_the_posture_report_says_what_to_mend_first(keywright: Terminal, held: DoubleKey, tmp_path: Path) -> None:
    fine = keywright("posture")
    assert (fine.code, fine.out.split("  ")[0]) == (0, "grid"), fine.err
    keywright.clock.advance(days=91)
    page = tmp_path / "posture.html"
    old = keywright(f"posture --json --html {page}")
    assert old.code == 14
    (line,) = old.json["keys"]
    assert [one["code"] for one in line["concerns"]] == ["old", "egress-unconfirmed", "unchecked"]
    assert {"name": "withdraw", "allowed": False, "grade": "proven"} in line["rights"]
    assert (line["made_at"], old.json["at"]) == tuple(
        datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for at in (keywright.clock() - 91 * 86_400_000, keywright.clock())
    )
    assert "It is 91 days old." in page.read_text()
    assert keywright(f"posture --html {page} --language de").code == 14
    assert "Er ist 91 Tage alt." in page.read_text()
    unknown = keywright(f"posture --html {page} --language xx")
    assert (unknown.code, "en, de, fr" in unknown.err) == (2, True)
    for text in (page.read_text(), json.dumps(old.json), old.err):
        assert held.secret not in text
        assert held.key not in text
    assert keywright("posture --server --account ada@example.org").code == 2


def test_n15_the_server_s_report_has_issued_keys_too(keywright: Terminal, tmp_path: Path) -> None:
    assert keywright("accounts create ada@example.org", "nine-boats-at-anchor").code == 0
    told = keywright("posture --server --json")
    assert (told.code, told.json["keys"]) == (0, [])


def test_b7_a_scan_recognises_what_the_vault_holds_wherever_it_stands(
    keywright: Terminal, held: DoubleKey, tmp_path: Path
) -> None:
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace" / "log").write_text(f"something {held.key} was here\n{'f' * 24}\n")
    assert keywright(f"scan {tmp_path / 'trace'}").code == 0, "by its form alone it is nothing"
    told = keywright(f"scan --known --json {tmp_path / 'trace'}")
    assert told.code == 15, told.err
    assert [(one["exchange"], one["rule"], one["line"]) for one in told.json["findings"]] == [("kucoin", "held", 1)]


def test_b7_and_what_the_server_issued(ada: Terminal, tmp_path: Path) -> None:
    made = ada("keys create bot --json", "Orbit-Lemon-42", ada.code())
    assert made.code == 0, made.err
    (tmp_path / "notes").write_text(f"call me at {made.json['id']}\n")
    told = ada(f"scan --known --json {tmp_path / 'notes'}")
    assert [(one["exchange"], one["rule"]) for one in told.json["findings"]] == [("keywright", "held")]
    assert ada(f"scan --known {tmp_path / 'nothing'}").code == 2


def env(key: DoubleKey) -> str:
    return (
        f"SYMBOL=BTC-USDT\nKUCOIN_API_KEY={key.key}\nKUCOIN_SECRET='{key.secret}'\nKUCOIN_PASSPHRASE={key.passphrase}\n"
    )


@pytest.fixture
def bot(tmp_path: Path, keywright: Terminal, kucoin: KucoinDouble) -> tuple[Path, DoubleKey]:
    """Give a bot's folder with its key in `.env`."""
    assert keywright(f"vault egress add {OURS}").code == 0
    key = kucoin.new_key(addresses=(OURS,))
    folder = tmp_path / "grid-bot"
    folder.mkdir()
    (folder / ".env").write_text(env(key))
    (folder / ".env").chmod(0o640)
    (folder / "run.sh").write_text('#!/bin/sh\ncd "$(dirname "$0")"\nexec python bot.py --fast\n')
    (folder / "run.sh").chmod(0o755)
    return folder, key


def test_n18_a_key_moves_from_a_bot_s_file_into_the_vault_and_back(
    keywright: Terminal, bot: tuple[Path, DoubleKey]
) -> None:
    folder, key = bot
    file = folder / ".env"
    adopted = keywright(f"adopt {file} --yes --start {folder / 'run.sh'} --json")
    assert adopted.code == 0, adopted.err
    assert "-KUCOIN_SECRET='•••'" in adopted.err
    assert "+exec " in adopted.err
    assert key.secret not in adopted.err + adopted.out + file.read_text()
    assert file.read_text().splitlines()[0] == "SYMBOL=BTC-USDT"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (
        (folder / "run.sh")
        .read_text()
        .splitlines()[2]
        .endswith(
            "exec grid-bot --name key=KUCOIN_API_KEY --name secret=KUCOIN_SECRET --name passphrase=KUCOIN_PASSPHRASE -- "
            "python bot.py --fast"
        )
    )
    assert stat.S_IMODE((folder / "run.sh").stat().st_mode) == 0o755
    assert keywright("vault list").out.startswith("grid-bot\tKuCoin\tactive")
    undone = keywright(f"adopt {file} --undo")
    assert undone.code == 0, undone.err
    assert file.read_text() == env(key)
    assert keywright(f"adopt {file} --undo").code == 5


def test_n18_a_key_that_is_refused_stays_where_it_is(
    keywright: Terminal, kucoin: KucoinDouble, bot: tuple[Path, DoubleKey]
) -> None:
    folder, _ = bot
    bad = kucoin.new_key("General", "Spot", "Transfer", addresses=(OURS,))
    (folder / ".env").write_text(env(bad))
    refused = keywright(f"adopt {folder / '.env'} --yes --start {folder / 'run.sh'}")
    assert refused.code == 10
    assert "is as it was" in refused.err
    assert (folder / ".env").read_text() == env(bad)
    assert "keywright" not in (folder / "run.sh").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("adopt {bot}/.env", 2, "--yes"),
        ("adopt {bot}/nowhere --yes", 1, "can't be read"),
        ("adopt {bot} --yes", 1, "can't be read"),
        ("adopt {bot}/.env --yes --exchange mtgox", 2, "can't be held"),
        ("adopt {bot}/.env --yes --exchange binance", 5, "no whole key"),
        ("adopt {bot}/.env --yes --start {bot}/.env", 5, "no program is started"),
        ("adopt {bot}/.env --undo", 5, "not adopted"),
    ],
)
def test_n18_what_cannot_be_adopted_is_left_alone(
    keywright: Terminal, bot: tuple[Path, DoubleKey], words: str, code: int, said: str
) -> None:
    folder, key = bot
    refused = keywright(words.format(bot=folder))
    assert (refused.code, refused.out) == (code, ""), refused.err
    assert said in refused.err
    assert (folder / ".env").read_text() == env(key)
