"""What commands ask the agent for, and how they start one."""

from __future__ import annotations

import binascii
import json
import os
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from keywright.app.agent_socket import connect, make_folder
from keywright.app.vault_place import VaultPlace
from keywright.app.wanted import LONGEST_LINE, Wanted, identity_of, read_credentials
from keywright.errors import Busy, Conflict, Unusable
from keywright.secret import Secret
from keywright.vault.evidence import Credentials

PATIENCE_S = 5.0
PAUSE_S = 0.02
LONGEST_ANSWER = 65_536
UNASKED = frozenset({"KEYWRIGHT_DEBUG"})
"""Variables that an agent is not started with."""


def ask_for_key(folder: Path, vault: str) -> Secret | None:
    """Return the vault's wrapping key, if an agent holds it."""
    answer = _ask(folder, {"do": "give", "vault": vault})
    try:
        return Secret(b64decode(answer["key"], validate=True)) if answer and answer.get("key") else None
    except (TypeError, ValueError, binascii.Error):
        raise _strange() from None


def ask_for_credentials(place: VaultPlace, name: str, *, purpose: str) -> Credentials | None:
    """Return a connection's credentials, if an agent of this very program has them handed out, on the record.

    `None` where it does not, for whatever reason, and when it takes too long: whoever opens the vault then finds the reason, and
    says it.
    """
    file = identity_of(place)
    if file is None:
        return None
    folders = place.folders
    asked = Wanted(folders.data, folders.config, place.state, file, name, purpose).written()
    if len(json.dumps(asked)) >= LONGEST_LINE:
        return None
    try:
        answer = _ask(place.runtime, asked)
    except (Unusable, Busy):
        return None
    return read_credentials(answer) if answer else None


def left_ms(folder: Path, vault: str) -> int | None:
    """Return for how long the agent holds the vault's key if nobody uses it; `None` if it does not."""
    answer = _ask(folder, {"do": "left", "vault": vault})
    left = (answer or {}).get("left_ms")
    return left if isinstance(left, int) else None


def give_to_agent(folder: Path, vault: str, key: Secret, *, idle_ms: int) -> None:
    """Let an agent hold the vault's key; one is started where none runs. Raises `Unusable` where that can't be.

    Of several who start one at once, one succeeds, and an agent that is about to end is in the way of the next: then it is
    asked and started again.
    """
    asked = {"do": "hold", "vault": vault, "key": b64encode(key.reveal()).decode(), "idle_ms": idle_ms}
    until = 0.0
    while (answer := _ask(folder, asked)) is None:
        if 0 < until < time.monotonic():
            raise Unusable(
                "an agent runs that does not answer", hint="`keywright vault lock` again, or end its process"
            )
        if not _start(folder):
            time.sleep(PAUSE_S)
        # From the end of the first start on: on a busy machine that may take as long by itself.
        until = until or time.monotonic() + PATIENCE_S
    if not answer.get("held"):
        raise _strange()


def lock(folder: Path, vault: str = "") -> int:
    """Let the agent forget the vault's key, or all; return how many it forgot."""
    answer = _ask(folder, {"do": "lock", "vault": vault})
    return int((answer or {}).get("dropped") or 0)


def _ask(folder: Path, asked: dict[str, object]) -> dict[str, Any] | None:
    """Return the agent's answer; `None` where none runs."""
    connection = connect(folder, timeout=PATIENCE_S)
    if connection is None:
        return None
    try:
        with connection, connection.makefile("rb") as answers:
            connection.sendall(json.dumps(asked).encode() + b"\n")
            line = answers.readline(LONGEST_ANSWER)
    except TimeoutError:
        raise Busy(
            "the vault's agent does not answer", hint="`keywright vault lock` again, or end its process"
        ) from None
    except OSError:
        return None  # it ended just now
    try:
        answer = json.loads(line) if line else None
    except ValueError:
        raise _strange() from None
    if answer is not None and not isinstance(answer, dict):
        raise _strange()
    return answer


def _start(folder: Path) -> bool:
    """Start an agent in a session of its own; return when it listens. `False`: another one is there, or not quite gone.

    Raises `Unusable` with its own words where none can be.
    """
    import subprocess  # noqa: PLC0415  who asks an agent that is there starts none

    from keywright.vault.profiles import is_foreign  # noqa: PLC0415

    make_folder(folder)
    # It lives for hours, and needs no exchange's key that happens to stand in a shell.
    environ = {name: value for name, value in os.environ.items() if name not in UNASKED and not is_foreign(name)}
    process = subprocess.Popen(  # noqa: S603  ourselves; -P: never a module of the working folder
        [sys.executable, "-P", "-m", "keywright", "vault", "agent", "--folder", str(folder), "--quiet"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=environ,
        start_new_session=True,
    )
    stdout, stderr = process.stdout, process.stderr
    if stdout is None or stderr is None:
        raise TypeError("the agent was started without pipes")
    with stdout, stderr:
        if stdout.readline().strip() == b"ready":
            process.returncode = 0  # it outlives us: nobody here waits for its end
            return True
        if process.wait() == Conflict.exit_code:
            return False
        if process.returncode and (said := stderr.read().decode("utf-8", "replace").strip().splitlines()):
            raise Unusable(
                f"the agent can't start: {said[0].removeprefix('keywright: ')}",
                hint=" ".join(said[1:]).strip().removeprefix("hint: "),
            )
    raise Unusable("the agent can't start", hint="`keywright vault agent` says why")


def _strange() -> Unusable:
    return Unusable("the vault's agent is of another version", hint="`keywright vault lock` ends it; then unlock again")
