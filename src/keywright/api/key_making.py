"""How a call makes a key, a new one or a successor: its owner there, its passphrase judged, made once under its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import Response

from keywright.api.answers import Named
from keywright.api.call import Call
from keywright.api.shapes import MadeOut, key_out
from keywright.errors import KeywrightError
from keywright.identity import limits
from keywright.identity.model import FactorProof
from keywright.issuing.model import Issued, Owner, Passphrase
from keywright.issuing.passphrases import IsPassword
from keywright.secret import Secret
from keywright.storage.transaction import Tx


@dataclass(frozen=True, slots=True)
class Making:
    """A call that makes a key."""

    named: Named
    owner: Owner
    passphrase: str = field(repr=False)
    about: tuple[str, ...]
    """Words that someone guessing the passphrase would try."""


Make = Callable[[Tx, Owner, Passphrase, FactorProof], Awaitable[Issued]]


async def made(making: Making, make: Make, response: Response) -> MadeOut:
    """Use up the owner's assertion and make the key, or tell what the same call made before."""
    named, owner = making.named, making.owner
    call, office = named.call, named.call.office
    proof = await call.person(owner.account_id, sub_account=owner.sub_account)
    async with office.database.read() as tx:
        known = await named.made(tx)
    phrase = None if known else await vetted(call, owner, making.passphrase, about=making.about)
    async with office.database.write() as tx:
        await office.identity.lock(
            tx, owner.account_id
        )  # of two calls under one name the second sees what the first made
        known = await named.made(tx)
        if known is not None or phrase is None:
            response.status_code = 200
            return MadeOut(key=key_out(await office.issuing.key(tx, owner, known or ""), now=call.now), secret=None)
        issued = await make(tx, owner, phrase, proof)
        await named.keep(tx, issued.key.id)
    return MadeOut(key=key_out(issued.key, now=call.now), secret=issued.secret.reveal_text())


async def vetted(call: Call, owner: Owner, typed: str, *, about: tuple[str, ...]) -> Passphrase:
    """Return the passphrase if it may protect a key. That it is the account's password is not to be had for the asking."""
    entrance, subjects = call.office.entrance, {f"vetted:{owner.account_id}": limits.PASSPHRASE}
    await entrance.charge(subjects, now=call.now)
    try:
        async with call.office.database.read() as tx:
            phrase = await call.office.issuing.vet_passphrase(tx, owner, Secret(typed), about=about)
    except IsPassword:
        raise
    except KeywrightError:
        await entrance.forgive(subjects, at=call.now)
        raise
    await entrance.forgive(subjects, at=call.now)
    return phrase
