"""Rotation through a master key: the exchange makes the new key and deletes the old one, and no owner has to go there.

1  ask      a mark and a passphrase are kept, before the exchange is asked
2  make     what bears the mark already is deleted; then one key is made, and its secret is kept in the transaction that says so
3  prove    it is looked at as any key, and may do what the one before may, no less and no more
4  switch   as in a guided rotation
5a finish   the one before is deleted there, and that is proved; then it is destroyed here
5b undo     the one before serves again; then all that bears the mark is deleted there, and that is proved

The mark makes a key that was made when the answer was lost findable, the passphrase makes it deletable: `DELETE` takes it.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import replace

from keywright.audit.events import Actor, Kind
from keywright.errors import Conflict
from keywright.identity.model import FactorProof
from keywright.ids import new_id
from keywright.secret import Secret
from keywright.vault import rotation as rotations, rules, store, turns
from keywright.vault.beside import Beside
from keywright.vault.connecting import taken_exceptions
from keywright.vault.deleting import Deleting
from keywright.vault.evidence import WantedKey
from keywright.vault.mastering import in_the_master_s_name
from keywright.vault.model import Connection, HeldKey
from keywright.vault.rotation import Rotation, Step
from keywright.vault.seals import seal_of
from keywright.vault.seam import KeyDenied
from keywright.vault.venues.kucoin_sub_keys import copied

_ALPHABET = string.ascii_letters + string.digits
_LETTERS = 32


class Renewing(Deleting):
    """The verbs that have the exchange make and delete keys."""

    async def renew(
        self, account_id: str, wanted: str, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Connection:
        """Have a new key made at the exchange, proved, and kept beside the one that serves; goes on where it was killed.

        Raises `Conflict` where no master connection is named or it can't be used, `KeyDenied` where the exchange refused, and
        then nothing was begun; what goes wrong on the way, and then what was begun is found and goes on the next time.
        """
        async with self._database.read() as tx:
            connection, _ = await self.book.good(tx, account_id, wanted)
            self._require(proof, connection, actor, now=now, to="rotate a held key")
        rotation = connection.record.rotation
        if rotation is None:
            connection = await self._ask_for(connection, actor=actor, now=now)
        elif rotation.is_guided:
            raise Conflict("this rotation was begun with a key of your own", hint="go on as before: it is guided")
        step = rotations.require(connection.record.rotation).step
        if step is Step.MAKING:
            connection = await self._make(connection, actor=actor, now=now)
        if step in (Step.MAKING, Step.MADE):
            connection = await self._prove(connection, actor=actor, now=now)
        return connection

    async def roll_back(
        self,
        account_id: str,
        wanted: str,
        *,
        proof: FactorProof | None = None,
        leave: bool = False,
        actor: Actor,
        now: int,
    ) -> Connection:
        """Let the key before serve again, and then have the new one deleted at the exchange: at once, or the next time.

        `leave`: don't ask the exchange, and say what may be left there. Raises as `Rotating.roll_back` does, and what goes
        wrong at the exchange: then the key before serves already.
        """
        async with self._database.read() as tx:
            connection, _ = await self.book.good(tx, account_id, wanted)
            self._require(proof, connection, actor, now=now, to="roll a rotation back")
            rotation = rotations.require(connection.record.rotation)
        if rotation.is_guided:
            return await super().roll_back(account_id, connection.id, proof=proof, actor=actor, now=now)
        if rotation.step is not Step.UNDOING:
            await self._require_taken(connection, now=now)
            connection = await self._go_back(connection, rotation, actor=actor, now=now)
        if not leave:
            await self._delete_marked(connection, now=now)
        return await self._end_undone(connection, left=leave, actor=actor, now=now)

    # ── 1 to 3

    async def _ask_for(self, before: Connection, *, actor: Actor, now: int) -> Connection:
        record = before.record
        if not record.terms.master_id:
            raise Conflict(
                "no master connection is named for {name}",
                hint="name one: `keywright vault edit {name} --master …`; or make the new key yourself, and give it",
                name=before.name,
            )
        if self._charge is not None:
            await self._charge(record.account_id, now)
        # Whether the exchange would make it is asked first: then nothing is begun that can't be.
        async with self._database.read() as tx:
            master = await self._master(tx, before, record.terms.master_id)
        copied((await self._own_entry(before, master)).permission)
        _address(before)
        passphrase = Secret("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)))
        held = HeldKey(new_id("hky"), before.id, before.key.kind, "", None, now)
        sealed = self._safe.seal_passphrase(
            passphrase, key_id=held.id, account_id=record.account_id, exchange=record.exchange
        )
        remark = f"keywright-{secrets.token_hex(6)}"
        async with self._database.write() as tx:
            await self.book.lock(tx, record.account_id)
            connection = await self._same(tx, before)
            rotations.require_none(connection.record.rotation)
            await store.insert_key(tx, held, sealed, account_id=record.account_id, exchange=record.exchange)
            if connection.record.terms.master_id != record.terms.master_id:
                raise Conflict("the master connection of {name} is another now", hint="try again", name=before.name)
            rotation = Rotation(
                *(Step.MAKING, held.id, now),
                master_id=record.terms.master_id,
                remark=remark,
                beside=Beside(seal_of(held)),
            )
            record = replace(connection.record, rotation=rotation)
            detail = {"remark": remark, "master": master.name}
            return await self.book.change(
                tx, connection, record, Kind.CONNECTION_KEY_ASKED_FOR, actor, now=now, **detail
            )

    async def _make(self, before: Connection, *, actor: Actor, now: int) -> Connection:
        record, rotation = before.record, rotations.require(before.record.rotation)
        async with self._database.read() as tx:
            master = await self._master(tx, before, rotation.master_id)
            held, sealed = await self._other(tx, before, rotation)
        passphrase = self._passphrase(before, held, sealed)
        permission = copied((await self._own_entry(before, master)).permission)
        await self._delete_all(before, master, rotation, passphrase)  # one whose secret was lost with the answer
        wanted = WantedKey(record.probe.sub_account, rotation.remark, permission, (_address(before),), passphrase)
        try:
            with in_the_master_s_name(master):
                made = await self._asks.make_sub_key(master.credentials, master.outlet, wanted)
        except KeyDenied:
            await self._end_undone(before, left=False, actor=actor, now=now)  # it refused, so there is nothing there
            raise
        filled = replace(held, masked=rules.masked(made.key), digest=self._safe.fingerprint(made), added_at=now)
        whole = self._safe.seal_key(made, key_id=held.id, account_id=record.account_id)
        try:
            async with self._database.write() as tx:
                await self.book.lock(tx, record.account_id)
                connection = await self._same(tx, before)
                if connection.record.rotation != rotation:
                    raise Conflict("the rotation went on meanwhile", hint="look at it again")
                await store.fill_key(tx, filled, whole, account_id=record.account_id)
                made_so = replace(rotation, step=Step.MADE, beside=Beside(seal_of(filled)))
                record = replace(connection.record, rotation=made_so)
                detail = {"key": filled.masked, "fingerprint": filled.fingerprint, "remark": rotation.remark}
                return await self.book.change(
                    tx, connection, record, Kind.CONNECTION_KEY_MADE, actor, now=now, **detail
                )
        except Conflict:
            # Another process made one at the same time: that one is kept, and this one is known to nobody but us.
            await self._delete(before, master, made.key, passphrase)
            raise

    async def _prove(self, before: Connection, *, actor: Actor, now: int) -> Connection:
        record, rotation = before.record, rotations.require(before.record.rotation)
        async with self._database.read() as tx:
            held, sealed = await self._other(tx, before, rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = self.book.open(replace(before, key=held), sealed)
        probe, findings = await self._vet(
            *(record.account_id, credentials, outlet, trial),
            accept=before.exceptions(),
            purpose=record.terms.purpose,
            actor=actor,
            now=now,
        )
        rotations.require_as_able(record.probe, probe)
        rotations.require_no_abler(record.probe, probe)
        async with self._database.write() as tx:
            await self.book.lock(tx, record.account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            was = {one.what: one for one in connection.record.accepted}  # by whom and when stays as it was
            taken = tuple(was.get(one.what, one) for one in taken_exceptions(findings, actor, now=now))
            proved = replace(rotation, step=Step.ADDED, beside=Beside(seal_of(held), taken))
            record = replace(connection.record, rotation=proved)
            detail = {"key": held.masked, "fingerprint": held.fingerprint}
            return await self.book.change(
                tx, connection, record, Kind.CONNECTION_ROTATION_BEGUN, actor, now=now, **detail
            )

    # ── 5b

    async def _go_back(self, before: Connection, rotation: Rotation, *, actor: Actor, now: int) -> Connection:
        account_id = before.record.account_id
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            other, _ = await self._other(tx, connection, rotation)
            serving, new = (other, connection.key) if rotation.is_switched else (connection.key, other)
            undoing = replace(
                rotation, step=Step.UNDOING, other_key_id=new.id, ending_at=None, beside=Beside(seal_of(new))
            )
            record = replace(turns.gone_back(connection.record, serving), rotation=undoing)
            await store.plan_check(tx, account_id=account_id, connection_id=connection.id, at=now)
            detail = {"key": serving.masked, "dropped": new.masked, "remark": rotation.remark}
            changed = replace(connection, key=serving)
            return await self.book.change(
                tx, changed, record, Kind.CONNECTION_ROTATION_UNDOING, actor, now=now, **detail
            )

    async def _end_undone(self, before: Connection, *, left: bool, actor: Actor, now: int) -> Connection:
        rotation = rotations.require(before.record.rotation)
        async with self._database.write() as tx:
            await self.book.lock(tx, before.record.account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            dropped, _ = await self._other(tx, connection, rotation)
            ids = {"account_id": before.record.account_id, "connection_id": connection.id}
            await store.wipe_keys(tx, **ids, now=now, but=connection.key.id)
            record = replace(connection.record, rotation=None)
            detail = {
                "key": connection.key.masked,
                "dropped": dropped.masked,
                "remark": rotation.remark,
                "left": rotation.remark if left else "",
            }
            return await self.book.change(
                tx, connection, record, Kind.CONNECTION_ROTATION_UNDONE, actor, now=now, **detail
            )


def _address(connection: Connection) -> str:
    """Return the one address that the new key is to work from. Raises `Conflict` where nobody knows it."""
    if not connection.egress.shown:
        raise Conflict(
            "nobody knows yet which address the requests of {name} leave from",
            hint="have it looked up: `keywright vault egress list`",
            name=connection.name,
        )
    return connection.egress.shown
