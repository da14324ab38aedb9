"""What this machine remembers of the vault: how far its audit log was. An older copy of the file, or another one, shows.

Every change of a vault adds an event to its log in the same transaction, so the log's newest place tells the file's age. The
note follows when the vault is closed; a log that went on from the noted place is the same vault, a little later.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from keywright.app.folders import hold
from keywright.app.vault_place import VaultPlace, make_state, require_own_file
from keywright.audit.chain import Place
from keywright.audit.log import AuditLog
from keywright.errors import Unusable
from keywright.storage.transaction import Tx

ACCEPT = (
    "if you put it there yourself, `keywright vault accept` goes on with it; if not, keep a copy, and restore your newest "
    "backup: `keywright vault restore FILE --replace`"
)


@dataclass(frozen=True, slots=True)
class Note:
    """One vault, as it was last."""

    vault: str
    events: int
    mac: str
    link: str

    @property
    def place(self) -> Place:
        """Where its log was."""
        return Place(self.events, bytes.fromhex(self.mac), bytes.fromhex(self.link))


class Unremembered(Unusable):
    """The vault is not the one this machine remembers, or an older copy of it."""


def read_note(place: VaultPlace) -> Note | None:
    """Return what is remembered; `None` where nothing is. Raises `Unusable` for a note that is damaged or not ours."""
    try:
        require_own_file(place.note)
        content = json.loads(place.note.read_text("utf-8"))
        note = Note(str(content["vault"]), int(content["events"]), str(content["mac"]), str(content["link"]))
        _ = note.place
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Unremembered(f"what is remembered of the vault, {place.note}, is damaged", hint=ACCEPT) from None
    return note


async def compare(tx: Tx, audit: AuditLog, note: Note | None, *, vault: str, name: str) -> None:
    """Do nothing if the open vault is the remembered one, or what became of it. Raises `Unremembered` saying what it is."""
    if note is None:
        raise Unremembered(f"nothing here remembers the vault {name}: it was moved, or its note lost", hint=ACCEPT)
    if note.vault != vault:
        raise Unremembered(f"{name} is another vault than the one that was here", hint=ACCEPT)
    here = await audit.place(tx)
    if here.count < note.events:
        raise Unremembered(
            f"{name} is older than it was: {here.count} events, and there were {note.events}. An older copy was put in its place",
            hint=ACCEPT,
        )
    if here == note.place:
        return
    try:
        last = note.place
        async for walked in audit.walk(tx, after=note.place, up_to=here.count):
            last = walked.place
        went_on = last.mac == here.mac
    except Unusable:
        went_on = False
    if not went_on:
        raise Unremembered(
            f"{name} does not go on from where it was: an older copy was put in its place, and changed since",
            hint=ACCEPT,
        )


async def note_of(tx: Tx, audit: AuditLog, *, vault: str) -> Note:
    """Return what there is to remember of the vault as it is now."""
    here = await audit.place(tx)
    return Note(vault, here.count, here.mac.hex(), here.link.hex())


def remember(place: VaultPlace, note: Note, *, anew: bool = False) -> None:
    """Remember the vault as it was noted; a note of the same vault that is further on stays, unless `anew`."""
    make_state(place)
    with hold(place.state / "note.lock", wait=True):
        known = None if anew else read_note(place)
        if known is not None and (known == note or (known.vault == note.vault and known.events > note.events)):
            return
        _write(place.note, json.dumps(asdict(note)))


def _write(path: Path, text: str) -> None:
    """Put the whole text in the file's place, or leave what was there."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
