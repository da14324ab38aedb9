"""Hands a connection's key out on the agent's behalf: each time in a child of its own, which does what a command would.

The child has everything loaded that a command would load first, and does the same from there on: it opens the vault, asks the
agent for its key, runs the same verb with the same event, and ends. So the agent itself waits for nothing and opens nothing,
and what was opened is gone with the child. It answers only when all of it went well: with no answer the command does it by
itself, and says what is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import aiosqlite  # noqa: F401  loaded here, so that no child has to, …
import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401  … and this

from keywright.app.held import credentials_for
from keywright.app.wanted import Wanted, written
from keywright.errors import Invalid

MOST_AT_ONCE = 16
PATIENCE_S = 4
"""How long a child may take: less than its command waits for it."""


class HandOuts:
    """Children that hand something out."""

    def __init__(self, runtime: Path) -> None:
        self._runtime = runtime
        self._children: set[int] = set()

    def begin(self, asked: Mapping[str, Any], peer: int) -> None:
        """Let a child answer at this descriptor, which the caller then closes. Raises `Invalid` where none will."""
        wanted = Wanted.read(asked)
        self.reap()
        if len(self._children) >= MOST_AT_ONCE:
            raise Invalid("too many at once")
        try:
            child = os.fork()
        except OSError:
            raise Invalid("no process is to be had") from None
        if not child:
            _be_a_command(wanted, self._runtime, peer)
        self._children.add(child)

    def reap(self) -> int:
        """Forget the children that ended; return how many there are still."""
        for child in list(self._children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(child, os.WNOHANG) == (0, 0):
                    continue
            self._children.discard(child)
        return len(self._children)


def _be_a_command(wanted: Wanted, runtime: Path, peer: int) -> NoReturn:
    """Answer and end, whatever happens: nothing of the agent's own goes on in here, nor is any of it cleaned up."""
    try:
        gc.freeze()  # nothing of the agent's is closed here because nobody holds it any more
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(PATIENCE_S)
        for open_file in list(Path("/proc/self/fd").iterdir()):  # the agent's lock and its socket among them
            if (descriptor := int(open_file.name)) > 2 and descriptor != peer:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        answer = asyncio.run(_answer(wanted, runtime))
        with socket.socket(fileno=peer) as connection:
            connection.settimeout(PATIENCE_S)
            connection.sendall(answer)
    except BaseException:  # noqa: BLE001, S110  the command finds out by itself, and says it
        pass
    finally:
        os._exit(0)


async def _answer(wanted: Wanted, runtime: Path) -> bytes:
    place = wanted.place(runtime)
    if not wanted.is_there(place):
        raise Invalid("another vault is there")
    return written(await credentials_for(wanted.name, purpose=wanted.purpose, place=place))
