"""What is typed at a terminal that a test holds the other side of."""

from __future__ import annotations

import termios
import time


def wait_until_hidden(terminal: int, *, seconds: float = 30) -> None:
    """Return when what is typed is not shown: a prompt stands there before that, and what is typed in between is thrown away."""
    until = time.monotonic() + seconds
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        assert time.monotonic() < until, "what is typed would be shown"
        time.sleep(0.002)
