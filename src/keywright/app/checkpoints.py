"""Makes checkpoints of the audit log: on the schedule of a running server, at its end, and when someone asks for one.

The order of one: compute what it says, without a lock; write the file; note it in the log. Whoever dies after the second
step leaves a checkpoint that nobody noted, and the next one to come takes it up, so that none is ever lost or repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from keywright.app.folders import folders_of
from keywright.app.services import Services
from keywright.audit import checkpoint_files as files
from keywright.audit.chain import Place
from keywright.audit.checkpoint import LABEL, Checkpoint, CheckpointKey, Statement, head_digest, in_order, name_of, read
from keywright.audit.events import SYSTEM, Actor
from keywright.audit.model import Noted, Verified
from keywright.errors import Busy, KeywrightError, Unusable
from keywright.settings import Settings

LOOK_SECONDS = 60.0
"""How often a server looks whether one is due: what it goes by is the time of the last one, so restarts don't matter."""

MINUTE_MS = 60_000
PATIENCE_SECONDS = 20.0
"""How long a folder may take: one on a network that is gone must not hold up what a server does beside it."""

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one installation."""

    services: Services
    folder: Path
    key: CheckpointKey

    @property
    def database_id(self) -> str:
        """Whose log they speak of."""
        return self.services.keyring.database_id

    async def make(self, *, actor: Actor = SYSTEM) -> Checkpoint | None:
        """Make one, if anything but the making of the last happened since; `None` when nothing did.

        Raises `Unusable` when the log does not hold, when the folder can't be written, and when it holds a checkpoint that
        this database knows nothing of.
        """
        for _ in range(3):  # at most: one that a dead process left, one that another process makes now, ours
            async with self.services.database.read() as tx:
                newest = await self.services.audit.newest_checkpoint(tx)
                place = await self.services.audit.place(tx)
            number = newest.number + 1 if newest else 1
            lying = await _patiently(files.text_of, self.folder, number)
            if lying is not None:
                await self._note(await self._checked(lying, newest, place, number), newest, place, actor)
                continue
            if place.count <= (newest.events + 1 if newest else 0):
                return None
            made = self.key.sign(self._statement(place, newest, at=self.services.clock()))
            if await _patiently(files.keep, self.folder, made):
                await self._note(made, newest, place, actor)
                return made
        raise Busy("other processes are making checkpoints of this log", hint="try again")

    async def newest(self) -> Checkpoint | None:
        """Return the newest one that the log knows of; `None` before the first. Raises `Unusable` when it is not there."""
        async with self.services.database.read() as tx:
            noted = await self.services.audit.newest_checkpoint(tx)
        if noted is None:
            return None
        text = await _patiently(files.text_of, self.folder, noted.number)
        if text is None:
            raise Unusable(
                f"checkpoint {noted.number} is missing in {self.folder}", hint="put it back from a copy kept elsewhere"
            )
        return read(text, name=name_of(noted.number), public_key=self.key.public)

    async def make_if_due(self, *, minutes: int) -> None:
        """Make one when the last is that old, or there is none; what keeps it from being made is said in the log."""
        async with self.services.database.read() as tx:
            newest = await self.services.audit.newest_checkpoint(tx)
        if newest is None or self.services.clock() - newest.at >= minutes * MINUTE_MS:
            await self.make_or_say()

    async def make_or_say(self) -> None:
        """Make one; what keeps it from being made is said in the log, where an operator may see it."""
        try:
            await self.make()
        except KeywrightError as problem:  # its sentence: none ever carries a secret
            log.error("no checkpoint of the audit log was made: %s", problem.message)  # noqa: TRY400

    async def verify(self, *, folder: Path | None = None, public_key: str = "") -> Verified:
        """Verify the log and every checkpoint in the folder against each other; raises `Unusable`."""
        async with self.services.database.read() as tx:
            return await self.services.audit.verify(tx, checkpoints=self._found(folder or self.folder, public_key))

    def _found(self, folder: Path, public_key: str) -> Iterable[Checkpoint]:
        return in_order(files.texts(folder), public_key=public_key or self.key.public, database_id=self.database_id)

    def _statement(self, place: Place, newest: Noted | None, *, at: int) -> Statement:
        return Statement(
            database_id=self.database_id,
            number=newest.number + 1 if newest else 1,
            events=place.count,
            at=at,
            head=head_digest(place.mac),
            link=place.link.hex(),
            previous=newest.digest if newest else "",
        )

    async def _checked(self, text: bytes, newest: Noted | None, place: Place, number: int) -> Checkpoint:
        """Return a checkpoint that lies in the folder and that the log knows nothing of, if it is one that was not noted."""
        lying = read(text, name=name_of(number), public_key=self.key.public)
        said = lying.statement
        if newest is not None and said.events <= newest.events:
            raise Unusable(f"{lying.name} speaks of fewer events than the checkpoint before it")
        if said.events <= place.count:
            async with self.services.database.read() as tx:
                place = await self.services.audit.place(tx, at=said.events)
        if said != self._statement(place, newest, at=said.at):
            raise Unusable(
                f"{self.folder / lying.name} knows of {said.events} events that this database never had: an older copy "
                "was put back",
                hint="look for the newer database; to go on with this one, move the checkpoints it does not know elsewhere",
            )
        return lying

    async def _note(self, made: Checkpoint, newest: Noted | None, place: Place, actor: Actor) -> None:
        async with self.services.database.write() as tx:
            now = self.services.clock()
            await self.services.audit.note_checkpoint(tx, made, after=newest, known=place, actor=actor, now=now)


def checkpoints_of(services: Services, settings: Settings) -> Checkpoints:
    """Return the checkpoints of an installation, in the folder that the settings name."""
    named = settings.audit_checkpoint_dir
    folder = Path(named).expanduser().absolute() if named else folders_of(settings).data / "checkpoints"
    return Checkpoints(services, folder, CheckpointKey(services.keyring.derive(LABEL)))


async def _patiently(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Return what `work` on files returns, done beside the loop. Raises `Busy` when it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.to_thread(work, *given, **named)
    except TimeoutError:
        raise Busy("the folder of the checkpoints does not answer", hint="is its disk or network there?") from None
