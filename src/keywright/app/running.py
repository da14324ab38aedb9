"""How a running server is reached: the note it leaves in its data folder, for commands beside it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from keywright.app import folders as files
from keywright.app.folders import Folders


@dataclass(frozen=True, slots=True)
class Running:
    """How a running server is reached; also what its note in the data folder says."""

    pid: int
    mode: str
    """`sandbox` or `service`."""
    console_url: str
    spot_url: str
    futures_url: str


def running_server(folders: Folders) -> Running | None:
    """Return how the running server of these folders is reached, or `None` when there is none."""
    if not files.is_held(folders.server_lock):
        return None  # whatever note lies there is of a server that died
    try:
        return Running(**json.loads(folders.server_note.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_note(path: Path, running: Running) -> None:
    """Leave the note, whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(running), file)
    unfinished.rename(path)
