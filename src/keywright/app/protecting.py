"""How a personal vault is protected: ways are added, removed and changed, one transaction each, with its audit event.

Only the wrapping key is wrapped anew, never what it opens: a change is one row, there or not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from keywright import ids
from keywright.app import store
from keywright.app.folders import hold
from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, Invalid, KeywrightError, NotFound, NotProven, Unopenable, Unusable
from keywright.identity.rules import STRENGTH_MIN, strength
from keywright.sealing.age_program import Tell
from keywright.sealing.protections import os_keyring
from keywright.sealing.protections.hardware import open_by_hardware
from keywright.sealing.protections.passphrase import ByPassphrase, normalised, stretch
from keywright.sealing.protections.wrapped import (
    AGE,
    PASSPHRASE,
    NewProtection,
    Protection,
    Surroundings,
    unwrap_from,
    wrap_in,
)
from keywright.secret import Secret
from keywright.storage.transaction import Tx

OWNER = Actor("owner", agent="cli")
VAULT = "vault"
"""What events about the vault itself are about."""

SHORTEST, LONGEST = 10, 1_024
PAUSE_S = 1.0
"""How long a wrong passphrase keeps the next attempt waiting, in whatever process that is made."""


def vet_new_passphrase(typed: Secret) -> Secret:
    """Return a passphrase that may protect a vault. Raises `Invalid` saying what it lacks."""
    plain = normalised(typed)
    try:
        text = plain.reveal_text()
    except UnicodeDecodeError:
        raise Invalid("a passphrase is text, and this is none in UTF-8", field="passphrase") from None
    if len(text) < SHORTEST:
        raise Invalid("a passphrase has at least {least} characters", least=SHORTEST, field="passphrase", hint=WORDS)
    if len(plain.reveal()) > LONGEST:
        raise Invalid("a passphrase has at most {most} bytes", most=LONGEST, field="passphrase")
    if any(not character.isprintable() for character in text):
        raise Invalid("a passphrase has no tabs, line ends or signs that can't be seen", field="passphrase")
    if strength(text, about=("keywright", "vault", "passphrase")) < STRENGTH_MIN:
        raise Invalid("this passphrase would be guessed", field="passphrase", hint=WORDS)
    return plain


WORDS = "four words that have nothing to do with each other are easy to keep and hard to guess"


def make_protection(new: NewProtection, *, wrapping_key: Secret, surroundings: Surroundings, now: int) -> Protection:
    """Return a way to the wrapping key that is not kept yet. Before any transaction: it may ask an engine elsewhere, or a person.

    Raises whatever the way itself lacks.
    """
    if isinstance(new, ByPassphrase):
        vet_new_passphrase(new.passphrase)
    protection_id = ids.new_id("vpr")
    parameters, outer = new.make(surroundings, protection_id=protection_id)
    return wrap_in(
        wrapping_key,
        outer=outer,
        database_id=surroundings.database_id,
        id_=protection_id,
        kind=new.kind,
        parameters=parameters,
        now=now,
    )


async def add_protection(tx: Tx, made: Protection, *, audit: AuditLog, now: int) -> None:
    """Keep a way to the wrapping key, beside those that are there. Raises `Conflict` for a second passphrase."""
    if made.kind == PASSPHRASE and any(one.kind == PASSPHRASE for one in await store.protections(tx)):
        raise Conflict("the vault has a passphrase already", hint="`keywright vault passphrase` changes it")
    await store.insert_protection(tx, made)
    await audit.record(tx, _event(Kind.VAULT_PROTECTED, made), now=now)


async def remove_protection(tx: Tx, protection_id: str, *, audit: AuditLog, now: int) -> Protection:
    """Remove a way; what it opened, it never opens again. Copies made before keep it.

    Raises `NotFound`, and `Conflict` for the last one: nobody could open the vault.
    """
    known = await store.protections(tx)
    found = next((one for one in known if one.id == protection_id), None)
    if found is None:
        raise NotFound("the vault has no such protection", hint="`keywright vault status` lists them")
    if len(known) == 1:
        raise Conflict("this is the only way to open the vault", hint="add another first: `keywright vault protect`")
    await store.delete_protection(tx, found.id)
    await audit.record(tx, _event(Kind.VAULT_UNPROTECTED, found), now=now)
    return found


def forget_outside(removed: Protection) -> str:
    """Remove what a removed way kept outside the vault, after the commit; return what could not be, and why.

    A key file is its owner's to remove.
    """
    if removed.kind != os_keyring.ByKeyring.kind:
        return ""
    try:
        os_keyring.forget(removed.read())
    except Unusable as problem:
        return f"its key is still in the keyring of this desktop, and opens nothing any more: {problem.message}"
    return ""


async def change_passphrase(
    tx: Tx,
    current: Protection,
    new: ByPassphrase,
    *,
    wrapping_key: Secret,
    surroundings: Surroundings,
    audit: AuditLog,
    now: int,
) -> None:
    """Put another passphrase in the place of the current one: the same row, wrapped anew.

    Raises `Conflict` when it was changed meanwhile: whose words would count is not for us to say.
    """
    vet_new_passphrase(new.passphrase)
    if current not in await store.protections(tx):
        raise Conflict("the passphrase was changed meanwhile", hint="try again with the newest")
    parameters, outer = new.make(surroundings, protection_id=current.id)
    made = wrap_in(
        wrapping_key,
        outer=outer,
        database_id=surroundings.database_id,
        id_=current.id,
        kind=current.kind,
        parameters=parameters,
        now=current.created_at,
    )
    await store.replace_protection(tx, made)
    await audit.record(tx, _event(Kind.VAULT_PASSPHRASE_CHANGED, made), now=now)


def try_passphrase(
    known: Sequence[Protection],
    typed: Secret,
    *,
    database_id: str,
    lock: Path,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Protection, Secret]:
    """Return the protection that a passphrase opens, with the wrapping key inside.

    One attempt at a time on this machine, and a second's wait after a wrong one. Raises `NotProven`, in the same words
    whatever is wrong: the words, the row, or its parameters.
    """
    with hold(lock, wait=True):
        for one in known:
            try:
                if one.kind == PASSPHRASE:
                    return one, unwrap_from(one, outer=stretch(typed, one.read()), database_id=database_id)
            except Unopenable:
                continue
        pause(PAUSE_S)
    raise NotProven(
        "that passphrase does not open the vault",
        hint="try again; is it the one of this vault? A restored vault has the passphrase of its time",
    )


def try_hardware(
    known: Sequence[Protection], surroundings: Surroundings, *, identity: Path | None, tell: Tell
) -> Secret:
    """Return the wrapping key, as the first key of hardware that is there opens it; its plugin asks for what it wants.

    `identity` where the identity file lies elsewhere than it did. Raises what the last one had to say.
    """
    last: KeywrightError = Unopenable("no age protection protects this vault")
    for one in known:
        if one.kind != AGE:
            continue
        try:
            outer = open_by_hardware(one.read(), identity=identity, environ=surroundings.environ, tell=tell)
            return unwrap_from(one, outer=outer, database_id=surroundings.database_id)
        except (Unusable, NotProven) as problem:
            last = problem
    raise last


def _event(kind: Kind, about: Protection) -> Event:
    return Event(kind, OWNER, "", VAULT, 0, {"protection": about.id, "kind": about.kind})
