"""Migration 0003 counts what was written down before it as the gateway counts what comes after."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Index, Row, select

from keywright.gateway import store
from keywright.gateway.model import Attempt
from keywright.storage.tables import usage_counts, usage_records
from keywright.storage.transaction import Database
from tests.support.clock import T0

MINUTE_MS = 60_000
ATTEMPT = Attempt("r", "spot", T0, "GET", "/api/v1/accounts", "203.0.113.7", "ccxt", "k1", "acc_1", "allowed", 200, 9)


async def test_records_of_before_are_counted_as_those_of_after(database: Database) -> None:
    attempts = [
        replace(
            ATTEMPT,
            started_at=T0 + number * MINUTE_MS // 3,
            key_id=("k1", "k2", "")[number % 3],
            verdict=("allowed", "replayed")[number % 2],
            method=("GET", "POST", "DELETE", "PUT")[number % 4],
            address=("203.0.113.7", "2001:db8::1", "198.51.100.4", "203.0.113.9", "192.0.2.1")[number % 5],
        )
        for number in range(400)
    ]
    async with database.write() as tx:
        await store.keep_usage(tx, attempts)
        counted = sorted(map(_told, await tx.execute(select(usage_counts))))
        assert counted
        await tx.run_sync(_undo)
        await tx.run_sync(_redo)
        assert sorted(map(_told, await tx.execute(select(usage_counts)))) == counted


async def test_of_what_is_older_than_some_hours_only_hours_are_counted(database: Database) -> None:
    async with database.write() as tx:
        await store.keep_usage(tx, [ATTEMPT, replace(ATTEMPT, started_at=T0 + 30 * 60 * MINUTE_MS)])
        await tx.run_sync(_undo)
        await tx.run_sync(_redo)
        units = [row.unit_ms for row in await tx.execute(select(usage_counts).where(usage_counts.c.at <= T0))]
    assert units == [60 * MINUTE_MS]


def _told(row: Row[tuple[object, ...]]) -> str:
    return repr(tuple(row))


def _undo(connection: Connection) -> None:
    usage_counts.drop(connection)
    _index().drop(connection)


def _index() -> Index:
    return next(index for index in usage_records.indexes if "verdict" in index.columns)


def _redo(connection: Connection) -> None:
    migration = import_module("keywright.storage.migrations.versions.0003_usage_is_read")
    with Operations.context(MigrationContext.configure(connection)):
        migration.upgrade()
