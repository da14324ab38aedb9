"""Short ways to and through passkeys. Every verb they call is the product's own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update

from keywright.errors import KeywrightError
from keywright.identity.ceremony import Mismatch
from keywright.identity.model import Opened, Passkey, RelyingParty, Session
from keywright.storage.tables import passkeys
from tests.identity.doorway import HOME, Doorway, visitor
from tests.support.passkey import SoftPasskey
from tests.support.world import Person

RP = RelyingParty("localhost", ("http://localhost:8400",))


@dataclass
class PasskeyDoor:
    """Someone with a complete session that was stepped up, and a passkey of theirs."""

    door: Doorway
    person: Person
    opened: Opened
    soft: SoftPasskey
    passkey: Passkey

    @property
    def session(self) -> Session:
        """The session as it stands."""
        return self.opened.session

    @property
    def now(self) -> int:
        """What the clock shows."""
        return self.door.clock()

    async def options(self, session: Session | None = None, *, made_for: str = "") -> str:
        """Ask for a challenge."""
        entrance = self.door.world.services.passkeys
        return await entrance.options(session or self.session, rp=RP, made_for=made_for, now=self.now)

    async def prove(self, answer: str, session: Session | None = None, *, address: str = HOME) -> Opened:
        """Give an answer, for sign-in or step-up as the session wants it."""
        return await self.door.world.services.passkeys.prove(
            session or self.session, answer, rp=RP, visitor=visitor(address), now=self.now
        )

    async def refusal(self, answer: str, session: Session | None = None) -> str:
        """Return in one word why an answer is refused."""
        try:
            await self.prove(answer, session)
        except Mismatch as mismatch:
            return mismatch.label
        except KeywrightError as problem:
            return type(problem).__name__
        raise AssertionError("it was taken")

    async def half_open(self, *, address: str = HOME) -> Session:
        """Return a session of the same person that knows the password only."""
        return (await self.door.half_open(self.person, address=address)).session

    async def kept(self) -> list[Passkey]:
        """Return the person's passkeys."""
        async with self.door.database.read() as tx:
            return await self.door.world.services.passkeys.passkeys.of(tx, self.person.account.id)

    async def alter(self, **values: object) -> None:
        """Change the rows behind Keywright's back."""
        async with self.door.database.write() as tx:
            await tx.execute(update(passkeys).values(**values))


async def create(door: Doorway, session: Session, soft: SoftPasskey, *, name: str = "phone") -> Passkey:
    """Add a passkey in a session that was stepped up."""
    services = door.world.services
    async with door.database.read() as tx:
        account = await services.identity.account(tx, account_id=session.account_id)
    options = await services.passkeys.creation_options(session, account, rp=RP, now=door.clock())
    answer = soft.create(options)
    return await services.passkeys.add(session, answer, name=name, rp=RP, visitor=visitor(), now=door.clock())


async def with_passkey(
    door: Doorway, email: str = "ada@example.org", *, soft: SoftPasskey | None = None
) -> PasskeyDoor:
    """Return someone who has just added a passkey."""
    person = await door.world.person(email)
    opened = await door.stepped_up((await door.signed_in(person)).session, person)
    soft = soft or SoftPasskey()
    return PasskeyDoor(door, person, opened, soft, await create(door, opened.session, soft))
