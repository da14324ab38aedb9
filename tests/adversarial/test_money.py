"""2FA-14, 2FA-17 and PERM-18: money after a change of who is asked for it, or of who asks. Rows of the catalogue by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from keywright.app.services import Services, wire
from keywright.errors import Conflict, Invalid, NotProven
from keywright.identity.holds import Resting
from keywright.identity.model import FactorProof, Session
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.identity.whitelist import NotListed
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database
from tests.identity.doorway import Doorway, visitor
from tests.identity.passkey_door import create
from tests.support.clock import FakeClock
from tests.support.passkey import SoftPasskey
from tests.support.withdrawing import HOUR_MS, TRON, Desk, desk_of
from tests.support.world import PASSWORD, Person, World

DAY_MS = 24 * HOUR_MS
NEW = Secret("four-otters-in-amber")


async def _services(database: Database, keyring: Keyring, clock: FakeClock, *, rest_hours: int) -> Services:
    services = wire(database, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, rest_hours=rest_hours)
    async with database.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
async def world(database: Database, keyring: Keyring, clock: FakeClock) -> World:
    """Give people at a place where withdrawals rest for a day."""
    return World(await _services(database, keyring, clock, rest_hours=24), clock)


@pytest.fixture
def door(world: World) -> Doorway:
    return Doorway(world)


# ── what is changed, each by the product's own verb


async def _new_authenticator(door: Doorway, person: Person, session: Session) -> None:
    await door.confirm(session, await door.new_authenticator(session, has_factor=True))


async def _new_passkey(door: Doorway, person: Person, session: Session) -> None:
    await create(door, session, SoftPasskey())


async def _no_passkey(door: Doorway, person: Person, session: Session) -> None:
    known = await create(door, session, SoftPasskey())
    door.clock.advance(ms=DAY_MS)
    stepped = await door.stepped_up((await door.signed_in(person)).session, person)
    async with door.database.write() as tx:
        await door.world.services.passkeys.passkeys.remove(
            tx, stepped.session, known.id, visitor=visitor(), now=door.clock()
        )


async def _recovery_code(door: Doorway, person: Person, session: Session) -> None:
    code = (await door.recovery_codes(session))[0]
    half = await door.half_open(person)
    await door.entrance.prove_recovery_code(half.session, code, visitor=visitor(), now=door.clock())


async def _new_password(door: Doorway, person: Person, session: Session) -> None:
    await door.world.services.own.password.change_password(
        session, PASSWORD, NEW, proof=door.world.proof(person), visitor=visitor(), now=door.clock()
    )


async def _new_trading_password(door: Doorway, person: Person, session: Session) -> None:
    for new in ("482913", "bq7x2m"):
        await door.world.services.own.trading.set_trading_password(
            session,
            Secret(new),
            password=PASSWORD,
            proof=door.world.proof(person),
            visitor=visitor(),
            now=door.clock(),
        )


CHANGES = {
    "authenticator": _new_authenticator,
    "passkey added": _new_passkey,
    "passkey removed": _no_passkey,
    "recovery code": _recovery_code,
    "password": _new_password,
    "trading password": _new_trading_password,
}
Change = Callable[[Doorway, Person, Session], Awaitable[None]]


async def _settled(door: Doorway) -> tuple[Desk, Session]:
    """Return someone whose key may withdraw, signed in with a step-up of just now; nothing rests."""
    desk = await desk_of(door.world)
    session = (await door.stepped_up((await door.signed_in(desk.person)).session, desk.person)).session
    return desk, session


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_2fa_14_no_withdrawal_goes_out_for_a_day_after(door: Doorway, change: Change) -> None:
    desk, session = await _settled(door)
    await desk.asks("before")
    await change(door, desk.person, session)
    with pytest.raises(Resting, match="24 h"):
        await desk.asks("after")
    door.clock.advance(ms=DAY_MS - 1)
    with pytest.raises(Resting, match="1 h"):
        await desk.asks("after")
    door.clock.advance(ms=1)
    asked = await desk.asks("after")
    await desk.confirms(asked)
    await desk.consumes(asked)


async def test_2fa_14_what_waited_or_was_confirmed_before_rests_too(door: Doorway) -> None:
    desk, session = await _settled(door)
    waiting, confirmed = await desk.asks("w1", expires_in=DAY_MS), await desk.asks("w2")
    await desk.confirms(confirmed)
    await _new_password(door, desk.person, session)
    with pytest.raises(Resting):
        await desk.confirms(waiting)
    with pytest.raises(Resting):
        await desk.consumes(confirmed)
    assert [await desk.state(one) for one in (waiting, confirmed)] == ["waiting", "confirmed"]
    await desk.refuses(waiting)  # which needs nothing


async def test_2fa_14_an_exemption_rests_too(door: Doorway) -> None:
    desk, session = await _settled(door)
    services, world = door.world.services, door.world
    async with services.database.write() as tx:
        (listed,) = await services.whitelist.of(tx, desk.account_id)
        await services.whitelist.exempt(
            tx,
            desk.account_id,
            listed.id,
            "1000",
            proof=world.proof(desk.person),
            actor=world.actor(desk.person),
            now=door.clock(),
        )
    assert (await desk.asks("w1")).state.value == "confirmed"
    await _recovery_code(door, desk.person, session)
    with pytest.raises(Resting):
        await desk.asks("w2")


async def test_2fa_14_nothing_is_changed_with_the_session_alone(door: Doorway) -> None:
    """A thief who found a browser open: what is the last factor stays, and so does every way to get another."""
    desk, session = await _settled(door)
    known = await create(door, session, SoftPasskey())
    door.clock.advance(ms=DAY_MS)
    alone = (await door.signed_in(desk.person)).session  # complete, and not stepped up
    door.clock.advance(ms=1)
    with pytest.raises(NotProven):
        await door.new_authenticator(alone, has_factor=True)
    with pytest.raises(NotProven):
        await create(door, alone, SoftPasskey())
    with pytest.raises(NotProven):
        await door.recovery_codes(alone)
    with pytest.raises(NotProven):
        async with door.database.write() as tx:
            await door.world.services.passkeys.passkeys.remove(tx, alone, known.id, visitor=visitor(), now=door.clock())
    await desk.asks()  # and nothing rests by having been tried


async def test_2fa_14_with_a_recovery_code_the_authenticator_is_replaced_and_withdrawals_rest(door: Doorway) -> None:
    desk, session = await _settled(door)
    code = (await door.recovery_codes(session))[0]
    alone = (await door.signed_in(desk.person)).session
    stepped = await door.entrance.step_up(alone, code, visitor=visitor(), now=door.clock())
    await _new_authenticator(door, desk.person, stepped.session)
    with pytest.raises(Resting):
        await desk.asks()


async def test_the_first_factor_and_the_first_trading_password_let_nothing_rest(door: Doorway) -> None:
    opened = await door.signed_up()
    risen, _ = await door.confirm(opened.session, await door.new_authenticator(opened.session, has_factor=False))
    proof = risen.session
    async with door.database.read() as tx:
        assert await door.world.services.approvals.holds.rest_of(tx, proof.account_id, now=door.clock()) is None
    desk, session = await _settled(door)
    await door.world.services.own.trading.set_trading_password(
        session,
        Secret("482913"),
        password=PASSWORD,
        proof=door.world.proof(desk.person),
        visitor=visitor(),
        now=door.clock(),
    )
    await desk.asks()


async def test_nobody_else_s_withdrawals_rest(door: Doorway) -> None:
    desk, session = await _settled(door)
    bob = await desk_of(door.world, "bob@example.org")
    await _new_password(door, desk.person, session)
    await bob.asks(detail={"address": TRON})


async def test_the_notice_says_until_when(door: Doorway) -> None:
    desk, session = await _settled(door)
    await _new_password(door, desk.person, session)
    async with door.database.read() as tx:
        newest = next(
            one
            for one in await door.world.services.notices.of(tx, desk.account_id)
            if one.kind == "account.password_changed"
        )
    assert newest.detail["rest_until"] == door.clock() + DAY_MS


# ── PERM-18, where nothing rests: each change by itself stops what was confirmed


async def _frozen(door: Doorway, desk: Desk, session: Session) -> None:
    async with door.database.write() as tx:
        await door.world.services.identity.freeze(
            tx, desk.account_id, actor=door.world.actor(desk.person), now=door.clock()
        )


async def _disabled(door: Doorway, desk: Desk, session: Session) -> None:
    await door.world.disable(desk.person, desk.key.id)


async def _replaced(door: Doorway, desk: Desk, session: Session) -> None:
    await _new_authenticator(door, desk.person, session)


@pytest.mark.parametrize(
    ("change", "said"), [(_frozen, "frozen"), (_disabled, "switched off"), (_replaced, "authenticator was replaced")]
)
async def test_perm_18_what_was_confirmed_is_not_carried_out_after(
    database: Database,
    keyring: Keyring,
    clock: FakeClock,
    change: Callable[[Doorway, Desk, Session], Awaitable[None]],
    said: str,
) -> None:
    door = Doorway(World(await _services(database, keyring, clock, rest_hours=0), clock))
    desk, session = await _settled(door)
    asked = await desk.asks()
    await desk.confirms(asked)
    clock.advance(ms=1)
    await change(door, desk, session)
    with pytest.raises(Conflict, match=said):
        await desk.consumes(asked)
    assert await desk.state(asked) == "confirmed"


async def test_2fa_17_a_relayed_password_and_code_make_no_key_that_withdraws_from_anywhere_or_to_anywhere(
    database: Database, keyring: Keyring, clock: FakeClock
) -> None:
    """Phished at once: session, step-up, a key of the phisher's. Its money goes to listed addresses, new ones wait a day,
    every withdrawal waits for a code of its own, and the owner heard of it first."""
    services = wire(database, keyring, policy=Policy(whitelist_hold_hours=24), clock=clock, hasher=CHEAPEST)
    async with database.write() as tx:
        await services.audit.begin(tx)
    world = World(services, clock)
    ada, door = await world.person(), Doorway(world)
    clock.advance(ms=HOUR_MS)
    phisher = await door.stepped_up((await door.signed_in(ada, address="192.0.2.66")).session, ada)
    assert phisher.session.step_up(now=clock()) is not None
    with pytest.raises(Invalid, match="at least one address"):
        await world.key(ada, "withdraw")
    desk = Desk(world, ada, await world.key(ada, "withdraw", addresses=("192.0.2.66",)))
    with pytest.raises(NotListed):
        await desk.asks()
    await desk.lists()
    with pytest.raises(NotListed, match="new"):
        await desk.asks()
    clock.advance(ms=DAY_MS)
    asked = await desk.asks()
    with pytest.raises(NotProven, match="a code of its own"):
        await desk.confirms(asked, proof=FactorProof(ada.account.id, "totp", clock()))
    async with database.read() as tx:
        told = [one.kind for one in await services.notices.of(tx, ada.account.id)]
    assert {"session.opened", "key.issued", "withdrawal_address.added", "approval.asked"} <= set(told)
