"""What is deleted at an exchange through a master key: the key before at the end of a rotation, or what bears its mark."""

from __future__ import annotations

from dataclasses import replace

from keywright.errors import Conflict, KeywrightError
from keywright.secret import Secret
from keywright.vault import rotation as rotations
from keywright.vault.evidence import Credentials
from keywright.vault.mastering import Master, Mastering, in_the_master_s_name
from keywright.vault.model import Connection
from keywright.vault.rotation import Rotation
from keywright.vault.seam import Outlet


class Deleting(Mastering):
    """How keys end at the exchange; none is destroyed here before that is proved."""

    async def _require_deletable(
        self, connection: Connection, doomed: Credentials, outlet: Outlet, *, now: int
    ) -> None:
        """Do nothing unless the key before can't be deleted there; raises what the master's key is refused with."""
        if await self._is_gone(doomed, outlet, now=now):
            return  # its owner deleted it there: then no master is needed
        async with self._database.read() as tx:
            master = await self._master(tx, connection, rotations.require(connection.record.rotation).master_id)
        await self._listed(connection, master)

    async def _ended_there(
        self, connection: Connection, rotation: Rotation, doomed: Credentials, outlet: Outlet, *, now: int
    ) -> bool | None:
        """Have the key before deleted at the exchange; true once that is proved. Raises `Conflict` where it is not."""
        if rotation.is_guided:
            return await super()._ended_there(connection, rotation, doomed, outlet, now=now)
        is_gone = await self._is_gone(doomed, outlet, now=now)
        try:
            await self._delete_before(connection, rotation, None if is_gone else doomed)
        except KeywrightError:
            if not is_gone:  # its owner may have deleted it there: then no master is needed
                raise
        if await self._is_gone(doomed, outlet, now=now) is not True:
            raise Conflict(
                "{exchange} does not say that the key before is gone",
                hint="finish again in a moment; or delete it on its page there, and finish then",
                exchange=connection.record.exchange.title,
            )
        return True

    async def _delete_before(self, connection: Connection, rotation: Rotation, doomed: Credentials | None) -> None:
        """Have the key before deleted, and each copy of the new one: made when an answer was lost, it bears the same mark."""
        async with self._database.read() as tx:
            master = await self._master(tx, connection, rotation.master_id)
            serving, sealed = await self.book.good(tx, connection.record.account_id, connection.id)
        own = self.book.open(serving, sealed)
        for one in await self._listed(connection, master):
            if one.remark == rotation.remark and one.key != own.key:
                await self._delete(connection, master, one.key, own.passphrase)
        if doomed is not None:
            await self._delete(connection, master, doomed.key, doomed.passphrase)

    async def _delete_marked(self, connection: Connection, *, now: int) -> None:
        """Have all that bears the mark of a rotation deleted; once this returns, nothing does."""
        rotation = rotations.require(connection.record.rotation)
        async with self._database.read() as tx:
            master = await self._master(tx, connection, rotation.master_id)
            held, sealed = await self._other(tx, connection, rotation)
            outlet = await self.pool.outlet(tx, connection.egress.id)
        await self._delete_all(connection, master, rotation, self._passphrase(connection, held, sealed))
        if held.digest is None:
            return
        made = self.book.open(replace(connection, key=held), sealed)
        if await self._is_gone(made, outlet, now=now) is False:
            raise Conflict(
                "{exchange} still takes the new key, though it lists it no longer",
                hint="roll back again in a moment; or delete it on its page there",
                exchange=connection.record.exchange.title,
            )

    async def _delete_all(self, connection: Connection, master: Master, rotation: Rotation, passphrase: Secret) -> None:
        """Have every key with the mark of a rotation deleted. Raises what the exchange said, and `Conflict` where one stays."""
        for one in await self._listed(connection, master):
            if one.remark == rotation.remark:
                await self._delete(connection, master, one.key, passphrase)
        if any(one.remark == rotation.remark for one in await self._listed(connection, master)):
            raise Conflict(
                "{exchange} still lists a key with the remark {remark}",
                hint="try again in a moment; or delete it on its page there",
                exchange=connection.record.exchange.title,
                remark=rotation.remark,
            )

    async def _delete(self, connection: Connection, master: Master, key: str, passphrase: Secret | None) -> None:
        sub_account = connection.record.probe.sub_account
        with in_the_master_s_name(master):
            await self._asks.delete_sub_key(
                *(master.credentials, master.outlet, sub_account), key, passphrase or Secret(b"")
            )
