"""What `keywright exec` adds to the start of a program: processor's time and clock's, each way of opening a vault beside the others.

    python -m benchmarks.exec [--rounds 15]

Each round starts every contender once, in turn; the figures are medians, with the least and the most. A vault is made in a folder
that is removed at the end, with a key of an exchange that is a double. What the agent spends on a start (in a child of its
own) is measured apart: it is part of the clock's time, and of nobody's processor's time but the agent's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.doubles.exchange import running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.vault import PASSPHRASE, Vault, by_passphrase, hold_grid

from keywright.clock import wall_clock_ms
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.sealing.protections.wrapped import NewProtection
from keywright.settings import Settings

KEYWRIGHT = (sys.executable, "-m", "keywright")
START = (*KEYWRIGHT, "exec", "grid", "--", "true")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """Something that is started, and what each time took, in milliseconds."""

    name: str
    command: Sequence[str]
    environ: dict[str, str]
    agent: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    agents: list[float] = field(default_factory=list)

    def run(self, *, counts: bool) -> None:
        """Start it, wait for its end, and note what it took."""
        before, began = _spent(self.agent), time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  ourselves, or `true`
            self.command, env=self.environ, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, self.name
        if self.agent:
            time.sleep(1.2)  # it forgets its children within a second: then their time is its own
        if counts:
            self.cpu.append(1_000 * (used.ru_utime + used.ru_stime))
            self.wall.append(1_000 * wall)
            self.agents.append(_spent(self.agent) - before)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keywright-bench-")))
        contenders = _contenders(folder, stack)
        for number in range(rounds + 1):
            for one in contenders:
                one.run(counts=number > 0)
    print(
        f"milliseconds, medians of {rounds} rounds (least to most); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(f"{'':46} {'processor':>18} {'clock':>18} {'the agent':>10}")
    for one in contenders:
        agent = f"{median(one.agents):10.0f}" if one.agent else ""
        print(f"{one.name:46} {_shown(one.cpu)} {_shown(one.wall)} {agent}")


def _contenders(folder: Path, stack: ExitStack) -> list[Contender]:
    exchange = stack.enter_context(running_in_thread(KucoinDouble(wall_clock_ms)))
    vaults: dict[str, NewProtection] = {"passphrase": by_passphrase(), "key file": ByKeyFile(None)}
    found = {}
    for name, new in vaults.items():
        vault = Vault(folder / name.replace(" ", "-"))
        vault.settings = Settings(kucoin_url=exchange.url)
        asyncio.run(hold_grid(vault, exchange.new_key(addresses=("127.0.0.1",)), new))
        found[name] = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **vault.environ}
    alone = found["key file"]
    served = {**alone, "XDG_RUNTIME_DIR": str(folder / "served")}
    _keywright("unlock", "--stdin", environ=found["passphrase"], typed=PASSPHRASE)
    stack.callback(_keywright, "lock", environ=found["passphrase"])
    agent = subprocess.Popen(  # noqa: S603  ourselves
        [*KEYWRIGHT, "vault", "agent", "--stay", "--quiet"],
        env=served,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(agent.wait)
    stack.callback(agent.terminate)
    assert agent.stdout is not None
    assert agent.stdout.readline() == b"ready\n"
    unlocked = _agent_of(found["passphrase"]["XDG_RUNTIME_DIR"])
    return [
        Contender("true", ["true"], alone),
        Contender("python -c pass", [sys.executable, "-c", "pass"], alone),
        Contender("exec, unlocked by a passphrase: by the agent", START, found["passphrase"], unlocked),
        Contender("exec, a key file and `vault agent --stay`", START, served, agent.pid),
        Contender("exec, a key file and no agent", START, alone),
        Contender("keywright vault list, a key file", [*KEYWRIGHT, "vault", "list"], alone),
        Contender("keywright --help", [*KEYWRIGHT, "--help"], alone),
        Contender("keywright exec --help", [*KEYWRIGHT, "exec", "--help"], alone),
    ]


def _keywright(*words: str, environ: dict[str, str], typed: str = "") -> None:
    command = [*KEYWRIGHT, "vault", *words]
    subprocess.run(command, env=environ, input=typed, text=True, check=True, stderr=subprocess.DEVNULL)  # noqa: S603


def _agent_of(runtime: str) -> int:
    """Return the process that was started with this folder."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        words = place.read_bytes().split(b"\0")
        if b"agent" in words and any(word.startswith(runtime.encode()) for word in words):
            return int(place.parent.name)
    raise LookupError(runtime)


def _spent(process: int) -> float:
    """Return what a process spent, with the children it waited for, in milliseconds of the processor's time."""
    if not process:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(") ")[2].split()
    return 1_000 * sum(int(one) for one in fields[11:15]) / TICKS


def _shown(figures: Sequence[float]) -> str:
    return f"{median(figures):6.0f} ({min(figures):.0f}–{max(figures):.0f})".rjust(18)


if __name__ == "__main__":
    main()
