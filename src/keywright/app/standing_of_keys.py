"""The facts of a posture report: every key that is held or issued, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keywright.app.services import Services
from keywright.identity.model import Account
from keywright.issuing.addresses import plain_address
from keywright.issuing.model import ApiKey, Owner, Permission, Status as KeyStatus
from keywright.posture.model import Accepted, Kind, Report, Right as Held, Subject
from keywright.posture.rules import report
from keywright.storage.transaction import Tx
from keywright.vault.deadlines import ends_of
from keywright.vault.evidence import Evidence, Right
from keywright.vault.model import PERSONAL, Connection, Status

NOBODY: Mapping[str, str] = {}


async def posture_of(services: Services, accounts: Sequence[Account] | None, *, now: int) -> Report:
    """Return the report on the keys of these accounts; `None`: on those of a personal vault."""
    subjects: list[Subject] = []
    if accounts is None:
        async with services.database.read() as tx:
            held = await services.vault.connections(tx, PERSONAL)
            handed = await services.vault.last_handed_out(tx, PERSONAL)
        return report([of_connection(one, handed_at=handed.get(one.id), now=now) for one in held], now=now)
    called = {account.id: account.email for account in accounts}
    for account in accounts:  # each in a transaction of its own: a report on many must not keep others from writing
        async with services.database.read() as tx:
            held = await services.vault.connections(tx, account.id)
            handed = await services.vault.last_handed_out(tx, account.id)
            subjects += [
                of_connection(one, owner=account.email, called=called, handed_at=handed.get(one.id), now=now)
                for one in held
            ]
            subjects += await _keys(services, tx, account, now=now)
    return report(subjects, now=now)


def of_connection(
    connection: Connection,
    *,
    owner: str = "",
    called: Mapping[str, str] = NOBODY,
    handed_at: int | None = None,
    now: int,
) -> Subject:
    """Return the facts of a connection; `called` says who an account is, by its id, `handed_at` when a program last got it."""
    record, probe, egress = connection.record, connection.record.probe, connection.egress
    rights = tuple(
        _right(right, found)
        for right in Right
        if right is not Right.ADDRESS_FILTER and (found := [one for one in probe.evidence if one.right is right])
    )
    bound = probe.of(Right.ADDRESS_FILTER)
    return Subject(
        kind=Kind.CONNECTION,
        id=connection.id,
        name=connection.name,
        owner=owner,
        account_id=record.account_id,
        place=record.exchange.title,
        status="altered" if not connection.holds else record.status.value,
        masked=connection.key.masked,
        made_at=probe.created_at or connection.key.added_at,
        holds=connection.holds,
        is_on=record.status is not Status.REMOVED,
        is_rotating=record.rotation is not None,
        rights=tuple(one for one in rights if one.allowed is not False or one.name == Right.WITHDRAW),
        addresses=probe.addresses,
        is_bound=bound.allowed,
        bound_grade=bound.grade.value,
        egress=egress.shown,
        egress_shared=egress.shared_at is not None,
        egress_confirmed=egress.is_confirmed(now=now),
        bots=record.bots,
        last_used_at=handed_at,
        knows_use=False,
        checked_at=record.checked_at,
        expires_at=ends_of(connection),
        exceptions=tuple(Accepted(one.what, called.get(one.by, one.by), one.at) for one in record.accepted),
    )


def _right(right: Right, found: Sequence[Evidence]) -> Held:
    """Return what is known of a right that an exchange has several words for: one open door is open."""
    telling = next((one for allowed in (True, None, False) for one in found if one.allowed is allowed), found[0])
    return Held(right.value, telling.allowed, telling.grade.value)


def of_key(key: ApiKey, *, owner: str, is_rotating: bool = False, now: int) -> Subject:
    """Return the facts of a key that was issued here."""
    status = key.status_at(now)
    return Subject(
        kind=Kind.KEY,
        id=key.id,
        name=key.name,
        owner=owner,
        account_id=key.grant.account_id,
        sub_account=key.grant.sub_account,
        place=key.grant.environment.value,
        status="altered" if not key.holds else status.value,
        masked=f"{key.id[:4]}…{key.id[-4:]}",
        made_at=key.created_at,
        holds=key.holds,
        is_on=status in {KeyStatus.ACTIVE, KeyStatus.PENDING},
        is_rotating=is_rotating,
        rights=tuple(Held(one.value, one in key.grant.permissions, "proven") for one in Permission),
        addresses=tuple(plain_address(block) for block in key.grant.addresses),
        is_bound=bool(key.grant.addresses),
        last_used_at=key.last_used_at,
        last_used_from=key.last_used_from,
        expires_at=key.grant.expires_at,
    )


async def _keys(services: Services, tx: Tx, account: Account, *, now: int) -> list[Subject]:
    """Return an account's keys, and those of its sub-accounts."""
    found: list[Subject] = []
    for sub_account in ("", *(sub.name for sub in await services.sub_accounts.all(tx, account.id))):
        keys = await services.issuing.keys(tx, Owner(account.id, sub_account))
        replaced = {key.grant.predecessor_id for key in keys}
        found += [of_key(key, owner=account.email, is_rotating=key.id in replaced, now=now) for key in keys]
    return found
