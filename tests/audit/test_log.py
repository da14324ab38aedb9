"""The audit chain: AUD cases by id."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from keywright.app.services import Services
from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Unusable
from keywright.sealing.keyring import Keyring
from keywright.storage.tables import audit_events, audit_head
from keywright.storage.transaction import Database
from tests.support.audit import drop_guards
from tests.support.clock import T0

SOMEONE = Actor("acc_1", factor="totp", address="203.0.113.7", agent="tests")


async def _three(database: Database, log: AuditLog) -> None:
    for number in range(3):
        async with database.write() as tx:
            await log.record(
                tx, Event(Kind.KEY_RENAMED, SOMEONE, "acc_1", "k1", number + 1, {"name": f"n{number}"}), now=T0 + number
            )


@pytest.fixture
async def log(keyring: Keyring, database: Database) -> AuditLog:
    log = AuditLog(keyring.derive("audit/v1"))
    async with database.write() as tx:
        await log.begin(tx)
    return log


async def test_an_empty_log_holds(database: Database, log: AuditLog) -> None:
    async with database.read() as tx:
        assert (await log.verify(tx)).count == 0


async def test_a_chain_holds_and_knows_each_subjects_newest_version(database: Database, log: AuditLog) -> None:
    await _three(database, log)
    async with database.read() as tx:
        assert (await log.verify(tx)).count == 3
        assert await log.latest_version(tx, "k1") == 3
        assert await log.latest_version(tx, "never heard of") == 0


@pytest.mark.parametrize(
    "column", ["at", "kind", "actor", "origin", "account_id", "subject", "subject_version", "detail", "mac"]
)
async def test_aud_06_one_edited_field_is_found_and_its_event_named(
    database: Database, log: AuditLog, column: str
) -> None:
    await _three(database, log)
    new: dict[str, Any] = {"at": 1, "subject_version": 9, "mac": bytes(32)}
    async with database.write() as tx:
        await drop_guards(tx)
        await tx.execute(update(audit_events).where(audit_events.c.seq == 2).values({column: new.get(column, "x")}))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="event 2"):
            await log.verify(tx)


async def test_aud_06_a_missing_a_swapped_and_a_forged_event_are_found(database: Database, log: AuditLog) -> None:
    await _three(database, log)
    async with database.write() as tx:
        await drop_guards(tx)
        rows = (await tx.execute(select(audit_events).order_by(audit_events.c.seq))).all()
        await tx.execute(delete(audit_events).where(audit_events.c.seq == 2))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="event 2 is missing"):
            await log.verify(tx)
    async with database.write() as tx:  # the third in the place of the second
        await tx.execute(insert(audit_events).values(**{**rows[2]._asdict(), "seq": 2}))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="event 2"):
            await log.verify(tx)


async def test_aud_06_a_cut_tail_is_found(database: Database, log: AuditLog) -> None:
    await _three(database, log)
    async with database.write() as tx:
        await drop_guards(tx)
        await tx.execute(delete(audit_events).where(audit_events.c.seq == 3))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="after event 2"):
            await log.verify(tx)
    async with database.write() as tx:  # and moving the head back needs the key
        mac = (await tx.execute(select(audit_events.c.mac).where(audit_events.c.seq == 2))).scalar_one()
        await tx.execute(update(audit_head).values(seq=2, mac=mac))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="after event 2"):
            await log.verify(tx)


async def test_aud_06_a_log_emptied_to_its_beginning_is_found(database: Database, log: AuditLog) -> None:
    await _three(database, log)
    async with database.write() as tx:
        await drop_guards(tx)
        await tx.execute(delete(audit_events))
        await tx.execute(delete(audit_head))
    async with database.read() as tx:
        with pytest.raises(Unusable, match="after event 0"):
            await log.verify(tx)
    async with database.write() as tx:  # and nothing more is built on it
        with pytest.raises(Unusable, match="head"):
            await log.record(tx, Event(Kind.KEY_RENAMED, SOMEONE, "acc_1", "k1"), now=T0)


async def test_aud_10_fifty_writers_leave_one_strict_sequence(services: Services) -> None:
    async def write(number: int) -> None:
        async with services.database.write() as tx:
            await services.audit.record(tx, Event(Kind.KEY_RENAMED, SOMEONE, "acc_1", f"k{number}"), now=T0)

    await asyncio.gather(*(write(number) for number in range(50)))
    async with services.database.read() as tx:
        assert (await services.audit.verify(tx)).count == 50


async def test_aud_05_a_huge_or_hostile_agent_is_cut_and_stays_one_line(database: Database, log: AuditLog) -> None:
    hostile = Actor("acc_1", agent="\x1b[2J\r\n" + "x" * 1_000_000)
    async with database.write() as tx:
        await log.record(tx, Event(Kind.KEY_RENAMED, hostile, "acc_1", "k1"), now=T0)
    async with database.read() as tx:
        (row,) = await log.list(tx)
        assert len(row.origin) < 1_000
        assert row.origin.isprintable()
        assert (await log.verify(tx)).count == 1
