"""The fuzz targets on their seeds; and, where atheris is installed, some seconds of fuzzing."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import SEEDS, TARGETS, Found
from tests.protocol import test_acceptance, test_binance_acceptance, test_bitfinex_acceptance

ROOT = Path(__file__).parents[2]
NAMES = sorted(TARGETS)


def mutants(seed: bytes, *, count: int) -> list[bytes]:
    """Return the seed with some of its bytes replaced, moved or left out, the same ones each time."""
    chance, made = random.Random(seed), [seed]
    for _ in range(count):
        text = bytearray(made[chance.randrange(len(made))])
        at = chance.randrange(len(text) or 1)
        text[at : at + chance.randrange(3)] = chance.choice(
            [b"", b"=", b"&", b"?", b"%26", b"{", b"1", b"\x00", b"\xff"]
        )
        made.append(bytes(text))
    return made


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_near_the_seeds(name: str) -> None:
    for seed in SEEDS[name]:
        for data in mutants(seed, count=100):
            TARGETS[name](data)


@pytest.mark.parametrize("name", ["kucoin", "binance", "bitfinex"])
def test_a_rule_that_takes_everything_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_acceptance, "ours", lambda form: (form[0].encode() + form[1] + form[2],))
    monkeypatch.setattr(test_binance_acceptance, "ours", lambda form: form[1] + form[2])
    monkeypatch.setattr(test_bitfinex_acceptance, "ours", test_bitfinex_acceptance.naive)
    with pytest.raises(Found):
        for seed in SEEDS[name]:
            TARGETS[name](seed)


if importlib.util.find_spec("atheris") is not None:  # it comes as source only: who works on the rules installs it

    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_is_found_in_some_seconds(name: str, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.fuzz", name, "-max_total_time=5", f"-artifact_prefix={tmp_path}/"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
