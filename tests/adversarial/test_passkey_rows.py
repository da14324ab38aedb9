"""2FA-18 for whoever can write to the database: planted, altered and restored rows, and counters that fall."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert, select, update

from keywright.errors import Conflict, KeywrightError
from keywright.identity.ceremony import CHALLENGE_MS
from keywright.storage.tables import challenges, passkeys
from tests.identity.doorway import Doorway, visitor
from tests.identity.passkey_door import PasskeyDoor, create, with_passkey
from tests.support.passkey import SoftPasskey, b64, unb64
from tests.support.world import World


@pytest.fixture
async def ada(world: World) -> PasskeyDoor:
    """Give Ada, who has added a passkey, over a database of each kind."""
    return await with_passkey(Doorway(world))


async def test_2fa_18_a_planted_challenge_lets_no_old_answer_serve_again(ada: PasskeyDoor) -> None:
    """Whoever writes to the database and kept an answer knows its challenge; not what recognises it."""
    soft = ada.soft.bent(counts=False, count=0)
    bob = await with_passkey(ada.door, "bob@example.org", soft=SoftPasskey(counts=False))
    answer = bob.soft.get(await bob.options())
    async with ada.door.database.read() as tx:
        kept = (await tx.execute(select(challenges).where(challenges.c.account_id == bob.person.account.id))).one()
    bob.opened = await bob.prove(answer)
    challenge = unb64(json.loads(unb64(json.loads(answer)["response"]["clientDataJSON"]))["challenge"])
    for value, expires_at in ((challenge, kept.expires_at), (kept.value, kept.expires_at + CHALLENGE_MS)):
        async with ada.door.database.write() as tx:
            planted = {**kept._asdict(), "value": value, "expires_at": expires_at}
            await tx.execute(insert(challenges).values(**planted))
        ada.door.clock.advance(ms=1)
        assert await bob.refusal(answer) == "challenge"
        async with ada.door.database.write() as tx:
            await tx.execute(challenges.delete())
    assert soft.count == 0


# ── rows


async def test_2fa_18_a_planted_row_opens_nothing(ada: PasskeyDoor) -> None:
    mine = SoftPasskey()
    await ada.alter(id=b64(mine.credential_id), public_key=mine.public_key())
    with pytest.raises(KeywrightError):
        await ada.options()
    await ada.alter(id=ada.passkey.credential_id)
    with pytest.raises(KeywrightError):
        await ada.options()
    bob = await with_passkey(ada.door, "bob@example.org")
    options = await bob.options()
    async with ada.door.database.write() as tx:  # his row, whole, with its MAC, made hers
        await tx.execute(
            update(passkeys).where(passkeys.c.id == bob.passkey.credential_id).values(account_id=ada.person.account.id)
        )
    assert await bob.refusal(bob.soft.get(options)) == "unknown"
    with pytest.raises(KeywrightError):
        await ada.options()


ALTERED = {
    "its key": {"public_key": SoftPasskey().public_key()},
    "its counter": {"sign_count": 0},
    "its age": {"created_at": 1},
}


@pytest.mark.parametrize("values", ALTERED.values(), ids=ALTERED)
async def test_2fa_18_an_altered_row_serves_no_more_and_can_be_removed(
    ada: PasskeyDoor, values: dict[str, object]
) -> None:
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    options = await ada.options()
    await ada.alter(**values)
    assert await ada.refusal(ada.soft.get(options)) == "altered"
    services = ada.door.world.services
    await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    assert await ada.kept() == []


async def test_2fa_18_a_removed_passkey_stays_removed_though_its_row_is_put_back(ada: PasskeyDoor) -> None:
    async with ada.door.database.read() as tx:
        row = (await tx.execute(select(passkeys))).one()._asdict()
    options = await ada.options()
    await ada.door.world.services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    assert await ada.refusal(ada.soft.get(options)) == "unknown"
    options = json.loads(options)
    other = await create(ada.door, ada.session, SoftPasskey())
    fresh = json.loads(await ada.options())
    assert [one["id"] for one in fresh["allowCredentials"]] == [other.credential_id]
    async with ada.door.database.write() as tx:
        await tx.execute(insert(passkeys).values(**row))
    assert await ada.refusal(ada.soft.get(json.dumps(fresh))) == "unknown"
    async with ada.door.database.write() as tx:
        await tx.execute(passkeys.delete())
    with pytest.raises(Conflict, match="removed before"):
        await create(ada.door, ada.session, ada.soft)


async def test_2fa_18_a_passkey_of_another_account_is_unknown(ada: PasskeyDoor) -> None:
    """Bob signs what Ada's session was asked: with his own, and under her credential's name."""
    bob = await with_passkey(ada.door, "bob@example.org")
    assert await ada.refusal(bob.soft.get(await ada.options())) == "unknown"
    options = await ada.options()
    assert await bob.refusal(ada.soft.get(options)) == "challenge"
    half = await bob.half_open()
    assert await ada.refusal(ada.soft.get(await ada.options()), half) == "challenge"
    disguised = bob.soft.bent(credential_id=ada.soft.credential_id)
    assert await ada.refusal(disguised.get(await ada.options())) == "signature"


# ── the counter


@pytest.mark.parametrize("fallen_to", [0, 3, 4])
async def test_2fa_18_a_counter_that_does_not_rise_is_refused_and_noted(ada: PasskeyDoor, fallen_to: int) -> None:
    ada.soft.count = 4
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))  # says 5
    copy = ada.soft.bent(count=fallen_to, counts=True)
    assert await ada.refusal(copy.get(await ada.options())) == "counter"
    noted = (await ada.door.events())[-1]
    assert noted.kind == "account.passkey_counter_fell"
    assert noted.subject == ada.passkey.id
    assert json.loads(noted.detail) == {"name": "phone", "known": 5, "said": fallen_to + 1}
    assert (await ada.kept())[0].sign_count == 5
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    assert (await ada.kept())[0].sign_count == 6


async def test_2fa_18_a_counter_is_only_believed_with_its_signature(ada: PasskeyDoor) -> None:
    """Who can't sign must not be able to frighten the owner with events, nor to raise the counter."""
    ada.soft.count = 4
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    forged = SoftPasskey(credential_id=ada.soft.credential_id, count=0)
    assert await ada.refusal(forged.get(await ada.options())) == "signature"
    forged.count = 1_000
    assert await ada.refusal(forged.get(await ada.options())) == "signature"
    assert "account.passkey_counter_fell" not in await ada.door.kinds()
    assert (await ada.kept())[0].sign_count == 5
