"""Short ways through the entrance. Every verb they call is the product's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pyotp
from sqlalchemy import Row, Table, select, update

from keywright.app.services import Services
from keywright.errors import KeywrightError
from keywright.identity.entrance import Entrance
from keywright.identity.model import Account, Credentials, Opened, Session, Visitor
from keywright.secret import Secret
from keywright.storage.tables import accounts, attempts
from tests.support.world import PASSWORD, Person, World

HOME = "198.51.100.7"
WRONG = Secret("nine-boats-at-anchor")


def visitor(address: str = HOME, device: Secret | None = None) -> Visitor:
    """Return a visitor from an address, with what its browser was given before."""
    return Visitor(address, agent="Firefox", device=device, request_id="req_1")


def wrong_code(person: Person, now: int) -> str:
    """Return six digits that the authenticator shows neither now nor a step before or after."""
    shown = {person.code(now + drift) for drift in (-30_000, 0, 30_000)}
    return next(code for number in range(4) if (code := f"{number:06}") not in shown)


class Doorway:
    """Lets people in, on the world's clock."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = world.clock
        self.database = world.services.database
        self.identity = world.services.identity

    @property
    def entrance(self) -> Entrance:
        return self.world.services.entrance

    async def half_open(
        self, person: Person, *, device: Secret | None = None, address: str = HOME, password: Secret = PASSWORD
    ) -> Opened:
        """Return a session that knows the password only."""
        return await self.entrance.sign_in(
            person.account.email, password, visitor=visitor(address, device), now=self.clock()
        )

    def next_code(self, person: Person) -> str:
        """Return a code that was not used yet: the clock moves on by one step for each."""
        self.clock.advance(seconds=30)
        return person.code(self.clock())

    async def signed_in(self, person: Person, *, device: Secret | None = None, address: str = HOME) -> Opened:
        """Return a complete session."""
        opened = await self.half_open(person, device=device, address=address)
        return await self.prove(opened.session, self.next_code(person), address=address)

    async def prove(self, session: Session, code: str, *, address: str = HOME) -> Opened:
        """Give a code of the authenticator."""
        return await self.entrance.prove_code(session, code, visitor=visitor(address), now=self.clock())

    async def stepped_up(self, session: Session, person: Person) -> Opened:
        """Return the session after a step-up."""
        code = Secret(self.next_code(person))
        return await self.entrance.step_up(session, code, visitor=visitor(), now=self.clock())

    async def found(self, token: Secret) -> tuple[Session, Account, Credentials] | None:
        """Return whose token it is."""
        async with self.database.read() as tx:
            return await self.entrance.sessions.find(tx, token, now=self.clock())

    async def lives(self, token: Secret) -> bool:
        """Tell whether the token still opens anything."""
        return await self.found(token) is not None

    async def recovery_codes(self, session: Session) -> tuple[Secret, ...]:
        """Make recovery codes anew."""
        async with self.database.write() as tx:
            return await self.entrance.factors.make_recovery_codes(tx, session, visitor=visitor(), now=self.clock())

    async def new_authenticator(self, session: Session, *, has_factor: bool) -> Secret:
        """Begin to enrol an authenticator; return its secret."""
        async with self.database.write() as tx:
            return await self.entrance.factors.begin_authenticator(tx, session, has_factor=has_factor, now=self.clock())

    async def confirm(self, session: Session, secret: Secret) -> tuple[Opened, tuple[Secret, ...]]:
        """Show that the authenticator has the secret, with a code of now."""
        return await self.entrance.confirm_authenticator(
            session, self.code_of(secret), visitor=visitor(), now=self.clock()
        )

    def code_of(self, secret: Secret) -> str:
        """Return what an authenticator with this secret shows."""
        return pyotp.TOTP(secret.reveal_text()).at(self.clock() // 1000)

    async def signed_up(self, email: str = "new@example.org") -> Opened:
        """Make an account by the console: its second factor is still to come."""
        return await self.entrance.sign_up(email, PASSWORD, visitor=visitor(), now=self.clock())

    async def kinds(self) -> list[str]:
        """Return what the audit log holds, oldest first; its chain holds."""
        return [event.kind for event in await self.events()]

    async def events(self) -> Sequence[Row[Any]]:
        """Return the audit log's events, oldest first."""
        async with self.database.read() as tx:
            await self.world.services.audit.verify(tx)
            return (await self.world.services.audit.list(tx, limit=1_000))[::-1]

    async def rows(self, table: Table) -> list[Row[Any]]:
        """Return every row of a table."""
        async with self.database.read() as tx:
            return list(await tx.execute(select(table)))

    async def counted(self) -> int:
        """Return how many attempts are on record."""
        return len(await self.rows(attempts))

    async def set_password(self, person: Person, password: Secret) -> None:
        """Put another password into the database, as a change of it will."""
        changed = await self.identity.hash_password(person.account.email, password)
        async with self.database.write() as tx:
            mine = accounts.c.id == person.account.id
            await tx.execute(update(accounts).where(mine).values(password_hash=changed))


async def prove_many(services: Services, account_id: str, say: Callable[..., None], code: str, count: int) -> None:
    """In a process of its own: give one code in `count` sessions at once, telling how each attempt ended."""
    now = services.clock()

    async def attempt() -> None:
        async with services.database.write() as tx:
            half = await services.entrance.sessions.open(tx, account_id, device="", visitor=visitor(), now=now)
        try:
            await services.entrance.prove_code(half.session, code, visitor=visitor(), now=now)
        except KeywrightError as error:
            say(type(error).__name__)
        else:
            say("proved")

    await asyncio.gather(*(attempt() for _ in range(count)))
