"""Mails into a folder: where no mail server is set up, each becomes a file that any mail program opens."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from keywright.notices.courier import Undelivered
from keywright.notices.model import Channel

MOST_FILES = 1_000
"""Kept in the folder; the oldest go first. What they say stands in the console's list too."""


@dataclass(frozen=True)
class Outbox:
    """The folder."""

    folder: Path
    channel = Channel.FILE
    raw = True

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Write a mail to `<name>.eml`, whole or not at all, its owner's alone; raises `Undelivered`."""
        try:
            await asyncio.to_thread(self._write, message.as_bytes(), name)
        except OSError as error:
            raise Undelivered(f"the outbox can't be written ({error.strerror})", is_carrier=True) from None

    def _write(self, content: bytes, name: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{name}.tmp"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.rename(self.folder / f"{name}.eml")
        kept = sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in kept[MOST_FILES:]:
            old.unlink(missing_ok=True)
