"""The agent: a small process that holds a vault's wrapping key for a session, and gives it to this user's own commands.

Rules: it answers this user only, one line of JSON to a line of JSON; it opens and writes nothing itself (`hand_outs` does, in
children); its memory can't be dumped or traced; it ends when it is asked to, told to (SIGTERM), or holds nothing any more.
What it gives away is the wrapping key itself: between programs of one user it is no boundary, and docs/threat-model.md says so.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import json
import resource
import signal
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keywright.app.agent_socket import SOCKET, identity_of, is_ours, listen, make_folder
from keywright.app.folders import hold
from keywright.app.hand_outs import HandOuts
from keywright.app.held_keys import HeldKeys
from keywright.app.wanted import HAND_OUT, LONGEST_LINE
from keywright.clock import MachineTime, machine_time
from keywright.errors import Conflict, Invalid, Unusable
from keywright.sealing.memory import be_undumpable
from keywright.secret import Secret

LOCK = "agent.lock"
PATIENCE_S = 5.0
"""How long someone may take to say what they want."""

LOOK_EVERY_S = 1.0
UNUSED_S = 30.0
"""How long an agent waits for its first key."""

MOST_IDLE_MS = 7 * 86_400_000


class Agent:
    """Answers what commands ask."""

    def __init__(
        self,
        held: HeldKeys,
        hand_outs: HandOuts | None = None,
        *,
        stay: bool = False,
        now: Callable[[], MachineTime] = machine_time,
        is_reachable: Callable[[], bool] = lambda: True,
    ) -> None:
        self._held = held
        self._hand_outs = hand_outs
        self._stay = stay
        self._now = now
        self._is_reachable = is_reachable
        self.ended = asyncio.Event()
        """Set when there is no reason to go on."""
        self._had_one = False

    def look(self) -> None:
        """Drop what is due; end when that was the last key, unless the agent is to stay, and when nobody can find it any
        more: at the end of a session its folder is removed."""
        self._held.expire(self._now())
        if self._hand_outs is not None:
            self._hand_outs.reap()
        if (self._had_one and not self._held and not self._stay) or not self._is_reachable():
            self.ended.set()

    async def watch(self) -> None:
        """Return when there is no reason to go on; keys that are due go within a second, whether anybody asks or not."""
        waited = 0.0
        while not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.ended.wait()
            waited += LOOK_EVERY_S
            self.look()
            if waited >= UNUSED_S and not self._had_one and not self._stay:
                self.ended.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line, if it comes from this user; others are not even told that they are refused."""
        try:
            peer: socket.socket = writer.get_extra_info("socket")
            if is_ours(peer):
                async with asyncio.timeout(PATIENCE_S):
                    line = await reader.readline()
                    # One that is about to end would take a key with it: whoever hears nothing starts the next.
                    answer = None if self.ended.is_set() else self._answer(line, peer.fileno())
                    if answer is not None:
                        writer.write(json.dumps(answer).encode() + b"\n")
                        await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # whoever asked went away, took too long or said too much
        finally:
            writer.close()
        self.look()

    def _answer(self, line: bytes, peer: int) -> Mapping[str, Any] | None:
        """Return the answer to a line; `None` where a child answers. What is no request of ours is answered as such, and
        nothing of it is repeated."""
        try:
            asked = json.loads(line)
            vault = str(asked.get("vault") or "")
            if asked["do"] == "give":
                key = self._held.give(vault, now=self._now())
                return {"key": b64encode(key.reveal()).decode()} if key else {"locked": True}
            if asked["do"] == "hold":
                key, idle_ms = Secret(b64decode(asked["key"], validate=True)), int(asked["idle_ms"])
                if vault and key and 0 < idle_ms <= MOST_IDLE_MS:
                    self._held.hold(vault, key, idle_ms=idle_ms, now=self._now())
                    self._had_one = True
                    return {"held": True}
            if asked["do"] == HAND_OUT and self._hand_outs is not None:
                self._hand_outs.begin(asked, peer)
                return None
            if asked["do"] == "left":
                return {"left_ms": self._held.left_ms(vault, now=self._now())}
            if asked["do"] == "lock":
                return {"dropped": self._held.drop(vault or None)}
        except (
            Invalid,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            RecursionError,
            binascii.Error,
        ):
            pass
        return {"error": "not a request of this version"}


async def run_agent(folder: Path, *, stay: bool = False, ready: Callable[[], None] = lambda: None) -> None:
    """Hold keys until there is no reason to; `stay` goes on without any, for who starts it with the machine.

    Raises `Conflict` when one runs here already, and `Unusable` where the socket can't be had.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    be_undumpable()
    make_folder(folder)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(folder / LOCK, wait=False))
        except Unusable:
            raise Conflict("an agent runs already", hint="`keywright vault lock` ends it") from None
        listener = listen(folder)
        place = folder / SOCKET
        own = identity_of(place)

        def is_reachable() -> bool:
            return identity_of(place) == own

        def leave() -> None:
            if is_reachable():
                place.unlink(missing_ok=True)

        stack.callback(leave)
        held = HeldKeys()
        stack.callback(held.drop)
        agent = Agent(held, HandOuts(folder), stay=stay, is_reachable=is_reachable)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, agent.ended.set)
        server = await asyncio.start_unix_server(agent.serve, sock=listener, limit=LONGEST_LINE)
        async with server:
            ready()
            await agent.watch()
