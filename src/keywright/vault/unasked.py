"""Rotations that a running server begins and ends by itself, where a connection's owner turned that on, with a second factor."""

from __future__ import annotations

from contextlib import suppress

from keywright.audit.events import SYSTEM, Kind
from keywright.errors import KeywrightError, NotFound
from keywright.vault import deadlines
from keywright.vault.model import Connection, Status
from keywright.vault.renewing import Renewing
from keywright.vault.rotation import Step
from keywright.vault.seam import KeyDenied


class Unasked(Renewing):
    """What the server does about keys that grow old, unasked: once a day, after it looked at each."""

    async def rotate_by_itself(self, account_id: str, wanted: str, *, now: int) -> None:
        """Take the next steps of a connection's rotation, if they are due and its owner wants that; else do nothing.

        What goes wrong is an event, and told; it is tried again with the next check. Never raises `KeywrightError`.
        """
        async with self._database.read() as tx:
            connection, _ = await self.book.find(tx, account_id, wanted)
        if not connection.holds or not connection.record.terms.by_itself:
            return
        if connection.record.status is not Status.ACTIVE:
            return
        try:
            await self._next_steps(connection, now=now)
        except KeywrightError as problem:
            await self._note_failure(connection, problem, now=now)
            if isinstance(problem, KeyDenied):
                with suppress(KeywrightError):  # it is tried again with the next check
                    await self._give_up_a_dead_one(connection, now=now)

    async def _next_steps(self, connection: Connection, *, now: int) -> None:
        ids, rotation = (connection.record.account_id, connection.id), connection.record.rotation
        if rotation is not None and rotation.is_guided:
            return  # its owner is at it
        if rotation is None and not deadlines.is_rotation_due(connection, now=now):
            return
        if rotation is None or rotation.step in (Step.MAKING, Step.MADE):
            await self.renew(*ids, actor=SYSTEM, now=now)
            await self.switch(*ids, actor=SYSTEM, now=now)
        elif rotation.step is Step.ADDED:
            await self.switch(*ids, actor=SYSTEM, now=now)
        elif rotation.step is Step.UNDOING:
            await self.roll_back(*ids, actor=SYSTEM, now=now)
        elif rotation.step is Step.ENDING or (rotation.due_at is not None and now >= rotation.due_at):
            await self.finish(*ids, actor=SYSTEM, now=now)

    async def _give_up_a_dead_one(self, before: Connection, *, now: int) -> None:
        """Roll back to the key that serves if the new one is unknown at its exchange: the next check begins with another.

        Its owner may have deleted it there, or another process did that made one at the same time.
        """
        async with self._database.read() as tx:
            connection, _ = await self.book.good(tx, before.record.account_id, before.id)
            rotation = connection.record.rotation
            if rotation is None or rotation.is_guided or rotation.step not in (Step.MADE, Step.ADDED):
                return
        if await self._is_other_gone(connection, rotation, now=now):
            await self.roll_back(connection.record.account_id, connection.id, actor=SYSTEM, now=now)

    async def _note_failure(self, before: Connection, problem: KeywrightError, *, now: int) -> None:
        with suppress(NotFound):  # it was removed meanwhile
            async with self._database.write() as tx:
                connection, _ = await self.book.find(tx, before.record.account_id, before.id)
                if connection.holds:
                    await self.book.record(
                        tx, Kind.CONNECTION_ROTATION_FAILED, connection, SYSTEM, now=now, why=problem.message
                    )
