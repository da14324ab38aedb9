"""API keys of an account. Switching off needs no person; everything else that changes one does (K16)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response, Security
from pydantic import Field

from keywright.api.accounts import AccountId
from keywright.api.answers import Named
from keywright.api.call import Call, assertion, may
from keywright.api.key_making import Making, made, vetted
from keywright.api.problems import Cause
from keywright.api.shapes import (
    PERSON,
    TEXT,
    Asked,
    Bound,
    KeyOut,
    KeysOut,
    MadeOut,
    Passphrases,
    Renamed,
    Rotated,
    WantedKey,
    answers,
    key_out,
)
from keywright.errors import KeywrightError, NotProven
from keywright.identity import limits
from keywright.identity.model import FactorProof
from keywright.identity.token_model import Scope
from keywright.issuing.model import ApiKey, Issued, NewKey, Owner, Passphrase
from keywright.secret import Secret
from keywright.storage.transaction import Tx

router = APIRouter(tags=["keys"], prefix="/accounts/{account_id}/keys")

KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]
Reader = Annotated[Call, Depends(may(Scope.KEYS_READ))]
Writer = Annotated[Call, Depends(may(Scope.KEYS_WRITE))]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=8, max_length=128, pattern=r"^[!-~]+$", description="The same call sent twice makes one key"),
]


class Whose(Asked):
    """The account itself, or one of its sub-accounts."""

    sub_account: str = Field(
        default="", max_length=64, pattern=TEXT, description="Name of a sub-account; empty: the account itself"
    )


OfWhom = Annotated[Whose, Query()]
CHANGES = answers(*PERSON, Cause.NOT_ALLOWED, Cause.TOO_MANY_ATTEMPTS)
MAKES = answers(*PERSON, Cause.NOT_ALLOWED, Cause.LIMIT_REACHED, Cause.ANSWER_OF_ANOTHER, Cause.TOO_MANY_ATTEMPTS) | {
    200: {"model": MadeOut, "description": "The same call made this key before; its secret is not shown again"}
}
PERSONAL = [Security(assertion)]

Verb = Callable[[Tx, Owner, FactorProof], Awaitable[ApiKey]]


@router.get("", responses=answers())
async def list_keys(call: Reader, account_id: AccountId, whose: OfWhom) -> KeysOut:
    """List the keys, oldest first; deleted ones are not among them. Takes `keys:read`."""
    async with call.office.database.read() as tx:
        await call.office.identity.account(tx, account_id=account_id)
        found = await call.office.issuing.keys(tx, Owner(account_id, whose.sub_account))
    return KeysOut(keys=[key_out(key, now=call.now) for key in found])


@router.get("/{key_id}", responses=answers())
async def read_key(call: Reader, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Show one key. Takes `keys:read`."""
    async with call.office.database.read() as tx:
        key = await call.office.issuing.key(tx, Owner(account_id, whose.sub_account), key_id)
    return key_out(key, now=call.now)


@router.post("", status_code=201, responses=MAKES, dependencies=PERSONAL)
async def create_key(
    *,
    call: Writer,
    account_id: AccountId,
    wanted: WantedKey,
    whose: OfWhom,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> MadeOut:
    """Make a key; its secret is in this answer and nowhere else. It waits until it is acknowledged, ten minutes at most.

    Takes `keys:write`, and the account's owner with a fresh second factor.
    """

    async def issue(tx: Tx, owner: Owner, passphrase: Passphrase, proof: FactorProof) -> Issued:
        new_key = NewKey(
            wanted.name,
            passphrase,
            frozenset(wanted.permissions),
            wanted.environment,
            tuple(wanted.addresses),
            wanted.memo,
            pending=True,
        )
        return await call.office.issuing.issue(tx, owner, new_key, proof=proof, actor=call.actor(proof), now=call.now)

    about = (wanted.name, wanted.memo)
    making = Making(Named(call, idempotency_key or ""), Owner(account_id, whose.sub_account), wanted.passphrase, about)
    return await made(making, issue, response)


@router.post("/{key_id}/rotate", status_code=201, responses=MAKES, dependencies=PERSONAL)
async def rotate_key(
    *,
    call: Writer,
    account_id: AccountId,
    key_id: KeyId,
    wanted: Rotated,
    whose: OfWhom,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> MadeOut:
    """Make a key's successor; its secret is in this answer and nowhere else. Both work for a while, `overlap_hours`.

    It waits until it is acknowledged. Takes `keys:write`, and the account's owner with a fresh second factor.
    """

    async def rotate(tx: Tx, owner: Owner, passphrase: Passphrase, proof: FactorProof) -> Issued:
        return await call.office.issuing.rotate(
            tx,
            owner,
            key_id,
            passphrase=passphrase,
            overlap_hours=wanted.overlap_hours,
            pending=True,
            proof=proof,
            actor=call.actor(proof),
            now=call.now,
        )

    making = Making(Named(call, idempotency_key or ""), Owner(account_id, whose.sub_account), wanted.passphrase, ())
    return await made(making, rotate, response)


@router.post("/{key_id}/discard", responses=CHANGES, dependencies=PERSONAL)
async def discard_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Remove a key whose secret never arrived, and free its place. Takes `keys:write`, and the owner."""

    async def discard(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.discard(tx, owner, key_id, actor=call.actor(proof), now=call.now)

    return await _changed(call, account_id, whose, discard, fresh=False)


@router.post("/{key_id}/acknowledge", responses=CHANGES, dependencies=PERSONAL)
async def acknowledge_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Say that the secret arrived: from now on the key works. Takes `keys:write`, and the owner."""

    async def acknowledge(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.acknowledge(tx, owner, key_id, actor=call.actor(proof), now=call.now)

    return await _changed(call, account_id, whose, acknowledge, fresh=False)


@router.patch("/{key_id}", responses=CHANGES, dependencies=PERSONAL)
async def rename_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom, wanted: Renamed) -> KeyOut:
    """Change a key's name, memo or both. Takes `keys:write`, and the owner."""

    async def rename(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.rename(
            tx, owner, key_id, name=wanted.name, memo=wanted.memo, actor=call.actor(proof), now=call.now
        )

    return await _changed(call, account_id, whose, rename, fresh=False)


@router.put("/{key_id}/addresses", responses=CHANGES, dependencies=PERSONAL)
async def bind_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom, wanted: Bound) -> KeyOut:
    """Bind a key to other addresses. Takes `keys:write`, and the owner with a fresh second factor."""

    async def bind(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.change_addresses(
            tx, owner, key_id, tuple(wanted.addresses), proof=proof, actor=call.actor(proof), now=call.now
        )

    return await _changed(call, account_id, whose, bind)


@router.put("/{key_id}/passphrase", responses=CHANGES, dependencies=PERSONAL)
async def change_passphrase(
    call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom, wanted: Passphrases
) -> KeyOut:
    """Give a key a new passphrase; the old one is refused at once. Takes `keys:write`, and the owner, freshly proved."""
    office, owner = call.office, Owner(account_id, whose.sub_account)
    proof = await call.person(account_id, sub_account=whose.sub_account)
    async with office.database.read() as tx:
        key = await office.issuing.key(tx, owner, key_id)
    new = await vetted(call, owner, wanted.new, about=(key.name, key.memo))
    subjects = {f"passphrase:{key_id}": limits.PASSPHRASE}
    await office.entrance.charge(subjects, now=call.now)  # only a wrong present one stays counted
    try:
        async with office.database.write() as tx:
            key = await office.issuing.change_passphrase(
                tx,
                owner,
                key_id,
                current=Secret(wanted.current),
                new=new,
                proof=proof,
                actor=call.actor(proof),
                now=call.now,
            )
    except NotProven:
        raise
    except KeywrightError:
        await office.entrance.forgive(subjects, at=call.now)
        raise
    await office.entrance.forgive(subjects, at=call.now)
    return key_out(key, now=call.now)


@router.post("/{key_id}/disable", responses=answers(Cause.CONFLICT))
async def disable_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Switch a key off, at once. Needs no person, and never fails twice. Takes `keys:write`."""
    owner = Owner(account_id, whose.sub_account)
    async with call.office.database.write() as tx:
        key = await call.office.issuing.disable(tx, owner, key_id, actor=call.actor(), now=call.now)
    return key_out(key, now=call.now)


@router.post("/{key_id}/enable", responses=CHANGES, dependencies=PERSONAL)
async def enable_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Switch a disabled key on again. Takes `keys:write`, and the owner with a fresh second factor."""

    async def enable(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.enable(tx, owner, key_id, proof=proof, actor=call.actor(proof), now=call.now)

    return await _changed(call, account_id, whose, enable)


@router.delete("/{key_id}", responses=CHANGES, dependencies=PERSONAL)
async def delete_key(call: Writer, account_id: AccountId, key_id: KeyId, whose: OfWhom) -> KeyOut:
    """Delete a disabled or expired key for good. Takes `keys:write`, and the owner with a fresh second factor."""

    async def delete(tx: Tx, owner: Owner, proof: FactorProof) -> ApiKey:
        return await call.office.issuing.delete(tx, owner, key_id, proof=proof, actor=call.actor(proof), now=call.now)

    return await _changed(call, account_id, whose, delete)


async def _changed(call: Call, account_id: str, whose: Whose, verb: Verb, *, fresh: bool = True) -> KeyOut:
    """Use up the owner's assertion, make the change, and return the key as it is then."""
    proof = await call.person(account_id, sub_account=whose.sub_account, fresh=fresh)
    async with call.office.database.write() as tx:
        key = await verb(tx, Owner(account_id, whose.sub_account), proof)
    return key_out(key, now=call.now)
