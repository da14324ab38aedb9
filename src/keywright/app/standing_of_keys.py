"""The facts of a posture report: every key that is held or issued, as plain values."""

from __future__ import annotations

from keywright.app.services import Services
from keywright.identity.model import Account
from keywright.issuing.model import ApiKey, Owner, Permission, Status as KeyStatus
from keywright.posture.model import Accepted, Kind, Report, Right as Held, Subject
from keywright.posture.rules import report
from keywright.storage.transaction import Tx
from keywright.vault.evidence import Right
from keywright.vault.model import PERSONAL, Connection, Status


async def posture_of(services: Services, accounts: list[Account] | None, *, now: int) -> Report:
    """Return the report on the keys of these accounts; `None`: on those of a personal vault."""
    async with services.database.read() as tx:
        subjects: list[Subject] = []
        if accounts is None:
            subjects += [
                of_connection(one, owner="", now=now) for one in await services.vault.connections(tx, PERSONAL)
            ]
        for account in accounts or []:
            held = await services.vault.connections(tx, account.id)
            subjects += [of_connection(one, owner=account.email, now=now) for one in held]
            subjects += [of_key(one, owner=name, now=now) for name, one in await _keys(services, tx, account)]
    return report(subjects, now=now)


def of_connection(connection: Connection, *, owner: str, now: int) -> Subject:
    """Return the facts of a connection."""
    record, probe, egress = connection.record, connection.record.probe, connection.egress
    rights = tuple(
        Held(one.right.value, one.allowed, one.grade.value)
        for one in probe.evidence
        if one.right is not Right.ADDRESS_FILTER and (one.allowed is not False or one.right is Right.WITHDRAW)
    )
    return Subject(
        kind=Kind.CONNECTION,
        id=connection.id,
        name=connection.name,
        owner=owner,
        place=record.exchange.title,
        status="altered" if not connection.holds else record.status.value,
        masked=connection.key.masked,
        made_at=probe.created_at or connection.key.added_at,
        holds=connection.holds,
        is_on=record.status is not Status.REMOVED,
        rights=rights,
        addresses=probe.addresses,
        is_bound=probe.of(Right.ADDRESS_FILTER).allowed,
        egress=egress.shown,
        egress_shared=egress.shared_at is not None,
        egress_confirmed=egress.is_confirmed(now=now),
        bots=record.bots,
        knows_use=False,
        checked_at=record.checked_at,
        expires_at=probe.expires_at,
        exceptions=tuple(Accepted(one.what, one.by, one.at) for one in record.accepted),
    )


def of_key(key: ApiKey, *, owner: str, now: int) -> Subject:
    """Return the facts of a key that was issued here."""
    status = key.status_at(now)
    return Subject(
        kind=Kind.KEY,
        id=key.id,
        name=key.name,
        owner=owner,
        place=f"here, {key.grant.environment}",
        status="altered" if not key.holds else status.value,
        masked=f"{key.id[:4]}…{key.id[-4:]}",
        made_at=key.created_at,
        holds=key.holds,
        is_on=status in {KeyStatus.ACTIVE, KeyStatus.PENDING},
        rights=tuple(Held(one.value, one in key.grant.permissions, "proven") for one in Permission),
        addresses=key.grant.addresses,
        is_bound=bool(key.grant.addresses),
        last_used_at=key.last_used_at,
        last_used_from=key.last_used_from,
        expires_at=key.grant.expires_at,
    )


async def _keys(services: Services, tx: Tx, account: Account) -> list[tuple[str, ApiKey]]:
    """Return an account's keys, and those of its sub-accounts, each with whose it is."""
    found = [(account.email, key) for key in await services.issuing.keys(tx, Owner(account.id))]
    for sub in await services.sub_accounts.all(tx, account.id):
        owner = Owner(account.id, sub.name)
        found += [(f"{account.email}, {sub.name}", key) for key in await services.issuing.keys(tx, owner)]
    return found
