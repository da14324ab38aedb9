"""A bot's file gives up its key to the personal vault, and can have it back.

1  read the file, and plan                          vault.adopting; nothing is changed
2  can it be replaced at all                        rewriting; nothing is changed
3  hold the key: preflight and all                  vault.connect; refused: nothing is changed
4  note where it stood                              beside the vault's own note, without the key
5  put the new file in the old one's place          one rename; killed before: the file is as it was

Killed after 3, the next call finds the key held, by its fingerprint, and goes on; killed after 5, it finds its note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

from keywright.app.personal_vault import open_personal_vault
from keywright.app.protecting import OWNER
from keywright.app.rewriting import put, put_new, read_plain, require_replaceable
from keywright.app.services import Services
from keywright.app.vault_place import make_state, vault_place_of
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Conflict, Invalid, NotFound
from keywright.settings import Settings
from keywright.vault.adopting import MOST_BYTES, Adoption, Plan, plan, restored
from keywright.vault.evidence import Exchange
from keywright.vault.model import PERSONAL, Connection, NewConnection, Pasted, Status
from keywright.vault.starting import goes_through_exec, with_exec, without_exec

FOLDER = "adopted"


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it is, and what can be done with it."""

    path: Path
    content: bytes = field(repr=False)
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

    Goes on where a call that was cut short had held it. Raises what `connect` raises, and `Unusable` where the file can't be
    replaced; then all is as it was. Raises `Conflict` where the file was changed meanwhile: then the key is held.
    """
    require_replaceable(found.path)
    async with open_personal_vault(settings, clock=clock) as services:
        connection = await _holder(services, found)
        if connection is None:
            exchange = found.plan.adoption.exchange.value
            await services.vault.reserve(PERSONAL, exchange, actor=OWNER, now=clock())
            key = found.plan.credentials
            new = NewConnection(name, exchange, Pasted(key.key, key.secret, key.passphrase, accept))
            connection = await services.vault.connect(PERSONAL, new, actor=OWNER, now=clock())
    if _read(found.path) != found.content:
        raise Conflict(
            "the file was changed meanwhile, and left as it is",
            hint="the key is held: adopt the file once more, and that goes on from here",
        )
    put_new(_note(settings, found.path, connection.id), found.plan.adoption.written())
    put(found.path, found.plan.content)
    return connection


async def held_as(found: Found, *, settings: Settings, clock: Clock = wall_clock_ms) -> str:
    """Return the name of the connection that serves with the file's key already; empty where none does.

    Raises `Conflict` where one holds this key with another secret, or is handed to no program.
    """
    async with open_personal_vault(settings, clock=clock) as services:
        connection = await _holder(services, found)
    return connection.name if connection is not None else ""


async def _holder(services: Services, found: Found) -> Connection | None:
    async with services.database.read() as tx:
        holder = await services.vault.holder(tx, PERSONAL, found.plan.credentials)
    if holder is None:
        return None
    connection, is_same = holder
    if not is_same:
        raise Conflict(
            f"your connection {connection.name} holds this key with another secret or passphrase",
            hint="one of the two is wrong, or was rotated: `keywright vault check` tells whether the held one works",
        )
    # Its bot would stand still without the file.
    if connection.record.status is not Status.ACTIVE or connection.is_master:
        why = "serves for rotation alone" if connection.is_master else "is suspended"
        raise Conflict(
            f"your connection {connection.name} holds this key and {why}: no program would be handed it",
            hint="see why: `keywright vault show`. The file is as it was",
        )
    return connection


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file that gave up its key, and is as that left it."""

    name: str
    """The connection's."""
    masked: str
    """Its key's."""
    adoption: Adoption


async def adopted(
    path: Path, *, exchange: Exchange | None, settings: Settings, clock: Clock = wall_clock_ms
) -> Adopted | None:
    """Return what became of a file's key, if it was adopted and has not been changed since; else `None`."""
    digest = sha256(_read(path)).hexdigest()
    for note, adoption in _notes(settings, path):
        if adoption.after == digest and exchange in {None, adoption.exchange}:
            async with open_personal_vault(settings, clock=clock) as services, services.database.read() as tx:
                connection = await services.vault.connection(tx, PERSONAL, _connection_id(note))
            return Adopted(connection.name, connection.key.masked, adoption)
    return None


async def give_back(path: Path, *, settings: Settings, clock: Clock = wall_clock_ms) -> Adopted:
    """Write the key into the file it was taken from, byte for byte as before; return the connection, which stays.

    Raises `NotFound` for a file that was not adopted, and `Conflict` where the file or the key is another one by now.
    """
    notes = _notes(settings, path)
    if not notes:
        raise NotFound("this file was not adopted here", hint="name it by the path it had then")
    content = _read(path)
    digest = sha256(content).hexdigest()
    # The one that left the file as it is, else the one whose way back was cut short, else the last.
    note, adoption = next(
        (one for one in notes if one[1].after == digest),
        next((one for one in notes if one[1].before == digest), notes[0]),
    )
    async with open_personal_vault(settings, clock=clock) as services:
        if adoption.before == digest:
            async with services.database.read() as tx:
                connection = await services.vault.connection(tx, PERSONAL, _connection_id(note))
        else:
            require_replaceable(path)
            async with services.database.write() as tx:
                handed = await services.vault.credentials(
                    tx, PERSONAL, _connection_id(note), purpose="adopt --undo", actor=OWNER, now=clock()
                )
            connection = handed.connection
            put(path, restored(content, adoption, handed.credentials))
    note.unlink()
    return Adopted(connection.name, connection.key.masked, adoption)


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
        put(self.path, self.after.encode())


def look_at_start(path: Path, adoption: Adoption, *, program: str, name: str) -> Start | None:
    """Return how a start goes through `keywright exec`; `None` where it does already. Raises as `starting.with_exec` does."""
    text = _text(path)
    if goes_through_exec(text, name=name, options=adoption.options()):
        return None
    require_replaceable(path)
    return Start(path, text, with_exec(text, path=str(path), program=program, name=name, options=adoption.options()))


def look_at_start_before(path: Path, adopted: Adopted) -> Start:
    """Return how a start was before it went through `keywright exec`. Raises as `starting.without_exec` does."""
    text = _text(path)
    require_replaceable(path)
    return Start(path, text, without_exec(text, name=adopted.name, options=adopted.adoption.options()))


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        raise Invalid(f"{path} is no text", hint="name the unit or the script that starts the bot") from None


def _read(path: Path) -> bytes:
    return read_plain(path, most=MOST_BYTES)


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


def _notes(settings: Settings, path: Path) -> list[tuple[Path, Adoption]]:
    """Return the notes about a file, the last first."""
    found = sorted(
        _folder(settings).glob(f"{_mark(path)}.*.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True
    )
    return [(note, Adoption.read(note.read_text("utf-8"))) for note in found]


def _connection_id(note: Path) -> str:
    return note.name.split(".")[1]
