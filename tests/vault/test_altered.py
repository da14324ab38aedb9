"""A row that somebody altered behind our back serves nothing, and what was moved does not open."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Row, select, update

from keywright.errors import Conflict, KeywrightError, Unopenable, Unusable
from keywright.storage.tables import connections, held_keys, metadata
from keywright.vault.evidence import Right
from tests.support.world import Person
from tests.vault.conftest import ADDRESS, OTHER, Dealings, kucoin, probed


@pytest.fixture
async def ada(dealings: Dealings) -> Person:
    ada = await dealings.world.person()
    await dealings.pool(ADDRESS, OTHER)
    dealings.told.answer = probed(addresses=(ADDRESS, OTHER))
    await dealings.connect(ada)
    return ada


async def row_of(dealings: Dealings, table: str) -> Row[Any]:
    async with dealings.services.database.read() as tx:
        return (await tx.execute(select(metadata.tables[table]).order_by(metadata.tables[table].c.id))).first()  # type: ignore[return-value]


async def put(dealings: Dealings, table: str, id_: str, values: dict[str, Any]) -> None:
    async with dealings.services.database.write() as tx:
        held = metadata.tables[table]
        await tx.execute(update(held).where(held.c.id == id_).values(**values))


CHANGED = {
    "name": "another",
    "exchange": "binance",
    "held_key_id": "hky_x",
    "reasons": '["x"]',
    "bots": '["thief"]',
    "accepted": '[["margin", "acc_1", 1]]',
    "probe": "{}",
    "checked_at": 1,
    "created_at": 1,
    "version": 7,
    "connection_mac": b"x" * 32,
}


async def test_a_connection_with_any_column_altered_hands_nothing_out(dealings: Dealings, ada: Person) -> None:
    connection = await row_of(dealings, "connections")
    for column, value in CHANGED.items():
        await put(dealings, "connections", connection.id, {column: value})
        with pytest.raises(Unusable, match="was altered outside"):
            await dealings.hand_out(ada, connection.id)
        async with dealings.services.database.read() as tx:
            (shown,) = await dealings.vault.connections(tx, ada.account.id)
        assert not shown.holds, column
        await put(dealings, "connections", connection.id, {column: getattr(connection, column)})
    await dealings.hand_out(ada)


async def test_an_altered_connection_can_be_got_rid_of(dealings: Dealings, ada: Person) -> None:
    connection = await row_of(dealings, "connections")
    await put(dealings, "connections", connection.id, {"probe": "{", "version": 9})
    actor, proof, now = dealings.world.actor(ada), dealings.world.proof(ada), dealings.clock()
    async with dealings.services.database.write() as tx:
        await dealings.vault.remove(tx, ada.account.id, connection.id, proof=proof, actor=actor, now=now)
    assert (await row_of(dealings, "held_keys")).secret_sealed == b""


async def test_a_suspension_can_not_be_lifted_in_the_database(dealings: Dealings, ada: Person) -> None:
    """Neither by another word in the row, nor by the row of before it, whose MAC is right."""
    before = await row_of(dealings, "connections")
    dealings.told.answer = probed(Right.WITHDRAW)
    actor = dealings.world.actor(ada)
    await dealings.vault.check(ada.account.id, "grid bot", actor=actor, now=dealings.clock())
    with pytest.raises(Conflict, match="suspended"):
        await dealings.hand_out(ada)
    for values in ({"status": "active"}, dict(before._mapping)):
        await put(dealings, "connections", before.id, values)
        with pytest.raises(Unusable, match="was altered outside"):
            await dealings.hand_out(ada)


async def test_a_secret_that_was_put_elsewhere_does_not_open(dealings: Dealings, ada: Person) -> None:
    bob = await dealings.world.person("bob@example.org")
    await dealings.connect(bob, kucoin(2))
    async with dealings.services.database.read() as tx:
        mine, others = (await tx.execute(select(held_keys).order_by(held_keys.c.masked.desc()))).all()
    for column in ("key_sealed", "secret_sealed", "passphrase_sealed"):
        was = getattr(mine, column)
        other = next(name for name in ("secret_sealed", "key_sealed") if name != column)
        for value in (getattr(others, column), getattr(mine, other), bytes([*was[:-1], was[-1] ^ 1]), b""):
            await put(dealings, "held_keys", mine.id, {column: value})
            with pytest.raises(Unopenable):
                await dealings.hand_out(ada)
        await put(dealings, "held_keys", mine.id, {column: was})
    await put(dealings, "held_keys", mine.id, {"passphrase_sealed": None})
    with pytest.raises(Unopenable, match="lost its passphrase"):
        await dealings.hand_out(ada)
    await put(dealings, "held_keys", mine.id, {"passphrase_sealed": mine.passphrase_sealed})
    await dealings.hand_out(ada)


async def test_a_held_key_with_anything_else_altered_serves_nothing(dealings: Dealings, ada: Person) -> None:
    bob = await dealings.world.person("bob@example.org")
    other = await dealings.connect(bob, kucoin(2))
    mine = await row_of_ada(dealings, ada)
    changes: dict[str, Any] = {"kind": "rsa", "masked": "0000…0000", "key_digest": b"x" * 32, "added_at": 1}
    for column, value in {**changes, "connection_id": other.id, "wiped_at": 1}.items():
        await put(dealings, "held_keys", mine.id, {column: value})
        with pytest.raises(KeywrightError, match="altered outside"):
            await dealings.hand_out(ada)
        await put(dealings, "held_keys", mine.id, {column: getattr(mine, column)})
    await dealings.hand_out(ada)


async def row_of_ada(dealings: Dealings, ada: Person) -> Row[Any]:
    async with dealings.services.database.read() as tx:
        query = select(held_keys).join(connections).where(connections.c.account_id == ada.account.id)
        return (await tx.execute(query)).one()


async def test_a_stolen_row_serves_no_other_account(dealings: Dealings, ada: Person) -> None:
    """An operator of the database gives himself somebody's connection: it is his by its columns, and opens for nobody."""
    eve = await dealings.world.person("eve@example.org")
    connection = await row_of(dealings, "connections")
    await put(dealings, "connections", connection.id, {"account_id": eve.account.id})
    await put(dealings, "held_keys", connection.held_key_id, {"account_id": eve.account.id})
    with pytest.raises(Unusable, match="altered outside"):
        await dealings.hand_out(eve)
