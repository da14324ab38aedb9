"""@hapi/hawk in a Node process of its own, as a contender like any other: its slices lie between ours."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = {"@hapi/hawk, GET": "get", "@hapi/hawk, POST 200 B": "post"}


def hawk(body: str) -> dict[str, Callable[[int], int]]:
    """Return Hawk's contenders; none, said on the screen, where Node or its package is not here."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        print("  (@hapi/hawk is left out: it takes Node and `npm ci` in benchmarks/peers)")
        return {}
    process = subprocess.Popen(  # noqa: S603
        [node, "hawk.mjs", body], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    atexit.register(process.kill)

    clock = ~process.pid << 3 | 2  # of the processor's time that it used, as clock_getcpuclockid(3) makes it

    def contender(what: str) -> Callable[[int], int]:
        def work(count: int) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            began = time.clock_gettime_ns(clock)
            process.stdin.write(f"{what} {count}\n")
            if not process.stdout.readline():
                raise RuntimeError("the Node process of @hapi/hawk has ended")
            return time.clock_gettime_ns(clock) - began

        work(20_000)  # compiled by then
        return work

    return {name: contender(what) for name, what in NAMES.items()}
