"""STO-07: where an event can't be recorded, what it would tell of does not happen, and no secret is shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, func, select, table

from keywright.errors import KeywrightError
from tests.support.killable import Hands, folders, new_account, opened
from tests.support.server import Codes, Installation
from tests.support.world import World

NO_AUDIT = (
    "CREATE TRIGGER no_audit BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'no room in the archive'); END"
)
NO_AUDIT_POSTGRES = (
    "CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room in the archive'; END $$",
    "CREATE TRIGGER no_audit BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION no_audit()",
)
THROUGH_A_MASTER = {"Vault.renew", "Vault.name_master"}
"""Verbs of the vault that take an exchange: their rows are in tests/vault/test_renewing.py."""

TABLES = ("accounts", "api_keys", "audit_events", "audit_head", "change_sequence")


async def everything(world: World) -> dict[str, Any]:
    """Return every row of every table that a verb may change."""
    async with world.services.database.read() as tx:
        return {name: sorted(map(repr, await tx.execute(select("*").select_from(table(name))))) for name in TABLES}


async def test_no_verb_changes_anything_without_its_event(world: World) -> None:
    """STO-07, in both databases: create, disable, enable, delete, edit, rename, freeze, unfreeze, a new account."""
    person = await world.person()
    hands = Hands(world.services, person.account.id)
    on, off = await world.key(person, "trade"), await world.key(person, "read")
    await hands.disable(off.id)
    before = await everything(world)
    database, identity, issuing = world.services.database, world.services.identity, world.services.issuing
    proof, actor, now = world.proof(person), world.actor(person), world.clock()
    async with database.write() as tx:
        for statement in (NO_AUDIT,) if database.is_sqlite else NO_AUDIT_POSTGRES:
            await tx.exec_driver_sql(statement)

    async def edit() -> None:
        async with database.write() as tx:
            await issuing.change_addresses(tx, person.owner, on.id, ("203.0.113.7",), proof=proof, actor=actor, now=now)

    async def freeze() -> None:
        async with database.write() as tx:
            await identity.freeze(tx, person.account.id, actor=actor, now=now)

    verbs: dict[str, Callable[[], Awaitable[Any]]] = {
        "create": hands.create,
        "disable": lambda: hands.disable(on.id),
        "enable": lambda: hands.enable(off.id),
        "delete": lambda: hands.delete(off.id),
        "rename": lambda: hands.rename(on.id, "another"),
        "edit": edit,
        "freeze": freeze,
        "account": lambda: world.person("bob@example.org"),
    }
    for name, verb in verbs.items():
        with pytest.raises(KeywrightError, match="the audit log can't be written") as refused:
            await verb()
        assert refused.value.hint, name
        assert await everything(world) == before, f"{name} left something behind"


async def test_a_code_is_not_used_up_by_what_did_not_happen(world: World) -> None:
    """The step of a code is spent in the same transaction: undone with it, so the person can try again."""
    person = await world.person()
    key = await world.key(person)
    await world.disable(person, key.id)
    database, identity, issuing = world.services.database, world.services.identity, world.services.issuing

    async def enable() -> None:
        async with database.write() as tx:
            now = world.clock()
            proof = await identity.prove_second_factor(tx, person.account.id, person.code(now), now=now)
            await issuing.enable(tx, person.owner, key.id, proof=proof, actor=world.actor(person), now=now)

    async with database.write() as tx:
        for statement in (NO_AUDIT,) if database.is_sqlite else NO_AUDIT_POSTGRES:
            await tx.exec_driver_sql(statement)
    with pytest.raises(KeywrightError):
        await enable()
    async with database.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER no_audit" + ("" if database.is_sqlite else " ON audit_events"))
    await enable()


# ── at the command line, where a person would see a secret


def sql(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(folders(data).database)) as connection, connection:
        connection.execute(statement)


async def test_the_command_line_shows_no_secret(tmp_path: Path) -> None:
    """One sentence and a hint, no secret even where a traceback is asked for; the same command works afterwards."""
    installation = Installation(tmp_path)
    made = installation.cli("accounts", "create", "ada@example.org", "--json", stdin="seven-lamps-under-rain\n").json
    codes = Codes(made["totp_secret"])
    sql(installation.data, NO_AUDIT)

    typed = "Quiet-Harbour-77"
    create = ("keys", "create", "bot", "--permission", "trade", "--json")
    for debug in ({}, {"KEYWRIGHT_DEBUG": "1"}):  # a code is used up by being right, whatever becomes of the change
        refused = installation.cli(*create, stdin=f"{typed}\n{codes.next()}\n", **debug)
        assert refused.code == 1
        assert refused.out == ""
        assert refused.err.splitlines() == [
            "keywright: the audit log can't be written, so nothing was changed",
            "  hint: look at the database: was a table or a right of its user altered?",
        ]
    refused = installation.cli("accounts", "create", "bob@example.org", stdin="nine-boats-at-anchor\n")
    assert (refused.code, refused.out) == (1, "")
    assert "audit log" in refused.err
    async with opened(installation.data) as services, services.database.read() as tx:
        assert [account.email for account in await services.identity.accounts(tx)] == ["ada@example.org"]
        keys = table("api_keys", column("id"))
        assert (await tx.execute(select(func.count()).select_from(keys))).scalar_one() == 0

    sql(installation.data, "DROP TRIGGER no_audit")
    done = installation.cli(*create, stdin=f"{typed}\n{codes.next()}\n")
    assert done.code == 0, done.err
    assert done.json["status"] == "active"
    assert installation.cli("audit", "verify").code == 0


async def test_the_first_starts_demo_is_undone_too(tmp_path: Path) -> None:
    """A server whose log can't be written does not start with a key that nobody recorded."""
    installation = Installation(tmp_path)
    await new_account(installation.data)
    sql(installation.data, NO_AUDIT)
    with installation.serving() as server:
        refused = installation.cli("demo", "--json")
        assert (refused.code, refused.out) == (1, "")
        assert "audit log" in refused.err
        assert server.process.poll() is None
