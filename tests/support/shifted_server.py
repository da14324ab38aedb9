"""`keywright serve` with a clock that a test can set forward: a process of its own, everything else as it is.

    python -m tests.support.shifted_server OFFSET_FILE [options of serve …]

The file holds the offset in milliseconds; it is read at every look at the clock.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from keywright.app import server
from keywright.cli.main import run
from keywright.clock import wall_clock_ms


def main() -> int:
    """Serve until told to stop."""
    offset = Path(sys.argv[1])

    def clock() -> int:
        return wall_clock_ms() + int(offset.read_text("ascii"))

    server.serve = functools.partial(server.serve, clock=clock)
    return run(["serve", *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
