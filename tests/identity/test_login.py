"""Accounts of an exchange's users: an address is nothing to lock them out by."""

from __future__ import annotations

from tests.support.exchange import BackEnd
from tests.support.world import World


async def test_who_takes_an_address_first_locks_nobody_out_and_is_joined_to_nobody(world: World) -> None:
    squatter = await world.person("ada@example.org")
    back_end = await BackEnd.with_token(world.services, world.clock)
    wanted = {"external_id": "user-1", "email": "Ada@example.org"}
    made = await back_end.send("POST", "/accounts", wanted)
    assert made.status_code == 201, made.text
    assert made.json()["id"] != squatter.account.id
    assert made.json()["email"].endswith("@elsewhere.invalid")
    async with world.services.database.read() as tx:
        assert (await world.services.login.account_of(tx, "user-1")).id == made.json()["id"]
        assert not (await world.services.identity.account(tx, account_id=squatter.account.id)).external_id
    await back_end.refused("conflict", "POST", "/accounts", wanted)
    others = [await back_end.send("POST", "/accounts", {"external_id": f"user-{number}"}) for number in (2, 3)]
    assert len({answer.json()["email"] for answer in others}) == 2
