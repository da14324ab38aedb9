"""A bot's file gives up its key to the personal vault, and can have it back.

1  read the file, and plan                          vault.adopting; nothing is changed
2  hold the key: preflight and all                  vault.connect; refused: nothing is changed
3  note where it stood                              beside the vault's own note, without the key
4  put the new file in the old one's place          one rename; killed before: the file is as it was
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

from keywright.app.personal_vault import open_personal_vault
from keywright.app.protecting import OWNER
from keywright.app.vault_place import make_state, vault_place_of
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Conflict, Invalid, NotFound, Unusable
from keywright.settings import Settings
from keywright.vault.adopting import MOST_BYTES, Adoption, Plan, plan, restored
from keywright.vault.evidence import Exchange
from keywright.vault.model import PERSONAL, Connection, NewConnection, Pasted
from keywright.vault.starting import with_exec

FOLDER = "adopted"


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it is, and what can be done with it."""

    path: Path
    content: bytes
    plan: Plan


def look(path: Path, *, exchange: Exchange | None) -> Found:
    """Return how a file gives up its key. Raises as `plan` does, and `Unusable` for what is no plain file."""
    content = _read(path)
    return Found(path, content, plan(content, path=str(path), exchange=exchange))


async def adopt(
    found: Found,
    name: str,
    *,
    accept: frozenset[str] = frozenset(),
    settings: Settings,
    clock: Clock = wall_clock_ms,
) -> Connection:
    """Hold the file's key as a connection, and take it out of the file.

    Raises what `connect` raises; then the file is as it was. Raises `Conflict` where it was changed meanwhile: then the key is
    held, and the file is as it is.
    """
    planned = found.plan
    async with open_personal_vault(settings, clock=clock) as services:
        exchange = planned.adoption.exchange
        await services.vault.reserve(PERSONAL, exchange.value, actor=OWNER, now=clock())
        pasted = Pasted(planned.key, planned.secret, planned.passphrase, accept)
        new = NewConnection(name, exchange.value, pasted)
        connection = await services.vault.connect(PERSONAL, new, actor=OWNER, now=clock())
    _note(settings, found.path, connection.id).write_text(planned.adoption.written(), "utf-8")
    if _read(found.path) != found.content:
        raise Conflict(
            "the file was changed meanwhile, and left as it is",
            hint="the key is held: take it out of the file by hand, or remove the connection and adopt it again",
        )
    _put(found.path, planned.content)
    return connection


async def give_back(path: Path, *, settings: Settings, clock: Clock = wall_clock_ms) -> str:
    """Write the key into the file it was taken from, byte for byte as before; return the connection's name, which stays.

    Raises `NotFound` for a file that was not adopted, and `Conflict` where the file or the key is another one by now.
    """
    notes = sorted(_folder(settings).glob(f"{_mark(path)}.*.json"), key=lambda note: note.stat().st_mtime_ns)
    if not notes:
        raise NotFound("this file was not adopted here", hint="name it by the path it had then")
    note = notes[-1]
    adoption = Adoption.read(note.read_text("utf-8"))
    async with open_personal_vault(settings, clock=clock) as services, services.database.write() as tx:
        connection_id = note.name.split(".")[1]
        handed = await services.vault.credentials(
            tx, PERSONAL, connection_id, purpose="adopt --undo", actor=OWNER, now=clock()
        )
    _put(path, restored(_read(path), adoption, handed.credentials))
    note.unlink()
    return handed.connection.name


@dataclass(frozen=True, slots=True)
class Start:
    """A file that starts a bot, and what it will be."""

    path: Path
    before: str
    after: str

    @property
    def difference(self) -> str:
        """The change as people read changes."""
        lines = self.before.splitlines(), self.after.splitlines()
        return "\n".join(
            unified_diff(lines[0], lines[1], f"{self.path} (now)", f"{self.path} (then)", lineterm="", n=2)
        )

    def put(self) -> None:
        """Write it."""
        _put(self.path, self.after.encode())


def look_at_start(path: Path, found: Found, *, program: str, name: str) -> Start:
    """Return how a start goes through `keywright exec`. Raises as `starting.with_exec` does."""
    try:
        text = _read(path).decode()
    except UnicodeDecodeError:
        raise Invalid(f"{path} is no text", hint="name the unit or the script that starts the bot") from None
    options = found.plan.adoption.options()
    return Start(path, text, with_exec(text, path=str(path), program=program, name=name, options=options))


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unusable(f"{path} is no plain file")
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Unusable(
            f"{path} can't be read: {error.strerror}", hint="a link is not followed: name the file"
        ) from None


def _put(path: Path, content: bytes) -> None:
    """Put another content in a file's place: all of it or nothing, with its mode and owner."""
    status = path.stat()
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
                if os.geteuid() == 0:
                    os.fchown(descriptor, status.st_uid, status.st_gid)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise Unusable(f"{path} can't be written: {error.strerror}") from None


def _folder(settings: Settings) -> Path:
    place = vault_place_of(settings)
    make_state(place)
    folder = place.state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _note(settings: Settings, path: Path, connection_id: str) -> Path:
    return _folder(settings) / f"{_mark(path)}.{connection_id}.json"


def _mark(path: Path) -> str:
    return sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
