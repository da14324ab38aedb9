"""Queries of identity: accounts, sessions, attempts. What else is kept has a module of its own beside this one.

Every one that is about an account names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict
from keywright.identity.model import Account, Credentials, Session
from keywright.storage.tables import accounts, attempts, operator_links, recovery_codes, sessions
from keywright.storage.transaction import Tx


async def insert_account(tx: Tx, account: Account, credentials: Credentials) -> None:
    """Keep a new account. Raises `Conflict` when its e-mail address is taken."""
    try:
        await tx.execute(
            insert(accounts).values(
                id=account.id,
                uid=account.uid,
                email=account.email,
                password_hash=credentials.password_hash,
                totp_sealed=credentials.totp_sealed,
                totp_step=credentials.totp_step,
                created_at=account.created_at,
                frozen_at=account.frozen_at,
            )
        )
    except IntegrityError:
        raise Conflict("there is an account of {email} already", email=account.email) from None


async def is_uid_taken(tx: Tx, uid: int) -> bool:
    """Tell whether some account has this number."""
    return (await tx.execute(select(accounts.c.uid).where(accounts.c.uid == uid))).one_or_none() is not None


async def find_account(tx: Tx, *, account_id: str = "", email: str = "") -> tuple[Account, Credentials] | None:
    """Return the account with this id or e-mail address and what it is recognised by, or `None`."""
    wanted = accounts.c.id == account_id if account_id else accounts.c.email == email
    row = (await tx.execute(select(accounts).where(wanted))).one_or_none()
    return (_account(row), _credentials(row)) if row else None


async def lock_account(tx: Tx, *, account_id: str) -> None:
    """Make other writers about this account wait for this transaction."""
    await tx.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())


async def list_accounts(tx: Tx) -> list[Account]:
    """Return every account, oldest first."""
    rows = await tx.execute(select(accounts).order_by(accounts.c.created_at, accounts.c.id))
    return [_account(row) for row in rows]


async def find_accounts(tx: Tx, ids: Sequence[str]) -> list[Account]:
    """Return the accounts of these ids, in their order; one that there isn't is left out."""
    rows = (await tx.execute(select(accounts).where(accounts.c.id.in_(ids)))).all()
    found = {row.id: _account(row) for row in rows}
    return [found[one] for one in ids if one in found]


async def consume_totp_step(tx: Tx, *, account_id: str, step: int) -> bool:
    """Mark `step` as used; tell whether it was this call that did (RFC 6238 section 5.2: once, and only rising)."""
    result = await tx.execute(
        update(accounts).where(accounts.c.id == account_id, accounts.c.totp_step < step).values(totp_step=step)
    )
    return result.rowcount == 1


async def set_frozen(tx: Tx, *, account_id: str, at: int | None) -> None:
    """Freeze the account at a time, or unfreeze it (`None`)."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(frozen_at=at))


async def set_totp(tx: Tx, *, account_id: str, sealed: bytes, step: int) -> None:
    """Keep an account's authenticator secret; its used step never falls."""
    mine = accounts.c.id == account_id
    await tx.execute(update(accounts).where(mine).values(totp_sealed=sealed))
    await tx.execute(update(accounts).where(mine, accounts.c.totp_step < step).values(totp_step=step))


async def set_operator(tx: Tx, *, account_id: str, at: int) -> None:
    """Make the account an operator's."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(operator_at=at))


# ── recovery codes ──────────────────────────────────────────────────────────────────────────────────────────────────


async def replace_recovery_codes(tx: Tx, *, account_id: str, digests: Iterable[bytes], now: int) -> None:
    """Keep these codes and forget all older ones."""
    await tx.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    rows = [{"account_id": account_id, "code_digest": digest, "created_at": now} for digest in digests]
    await tx.execute(insert(recovery_codes), rows)


async def burn_recovery_code(tx: Tx, *, account_id: str, digest: bytes, now: int) -> bool:
    """Mark a code as used; tell whether it was this call that did."""
    burned = (
        update(recovery_codes)
        .where(
            recovery_codes.c.account_id == account_id,
            recovery_codes.c.code_digest == digest,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return (await tx.execute(burned)).rowcount == 1


async def count_recovery_codes(tx: Tx, *, account_id: str) -> int:
    """Return how many codes are left."""
    left = select(func.count()).where(recovery_codes.c.account_id == account_id, recovery_codes.c.used_at.is_(None))
    return (await tx.execute(left)).scalar_one()


# ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def insert_session(tx: Tx, session: Session, *, token_digest: bytes, mac: bytes) -> None:
    """Keep a new session."""
    await tx.execute(
        insert(sessions).values(
            id=session.id,
            account_id=session.account_id,
            created_at=session.created_at,
            address=session.address,
            agent=session.agent,
            pending_totp_sealed=b"",
            token_digest=token_digest,
            session_mac=mac,
            **_session_columns(session),
        )
    )


async def find_session(tx: Tx, token_digest: bytes) -> tuple[Session, bytes, Account, Credentials] | None:
    """Return the session of this token, its MAC, and whose it is; or `None`."""
    query = (
        select(*(column.label(f"session_{column.name}") for column in sessions.columns), accounts)
        .join(accounts, accounts.c.id == sessions.c.account_id)
        .where(sessions.c.token_digest == token_digest)
    )
    row: Any = (await tx.execute(query)).one_or_none()
    return (_session(row, "session_"), row.session_session_mac, _account(row), _credentials(row)) if row else None


async def update_session(tx: Tx, session: Session, *, token_digest: bytes, mac: bytes) -> bool:
    """Write what may change of a session, with its new token; tell whether it was still there."""
    values = {**_session_columns(session), "token_digest": token_digest, "session_mac": mac}
    mine = (sessions.c.id == session.id, sessions.c.account_id == session.account_id)
    return (await tx.execute(update(sessions).where(*mine).values(**values))).rowcount == 1


async def touch_session(tx: Tx, session: Session, *, now: int) -> None:
    """Note that the session was used; a time before the one that is known changes nothing."""
    later = (sessions.c.id == session.id, sessions.c.seen_at < now)
    await tx.execute(update(sessions).where(*later).values(seen_at=now))


async def set_pending_totp(tx: Tx, session: Session, *, sealed: bytes, at: int | None) -> None:
    """Keep the secret of an enrolment under way in this session, or forget it."""
    mine = (sessions.c.id == session.id, sessions.c.account_id == session.account_id)
    await tx.execute(update(sessions).where(*mine).values(pending_totp_sealed=sealed, pending_at=at))


async def pending_totp(tx: Tx, session: Session) -> tuple[bytes, int | None]:
    """Return the sealed secret of the enrolment under way and since when; empty when there is none."""
    mine = (sessions.c.id == session.id, sessions.c.account_id == session.account_id)
    row = (await tx.execute(select(sessions.c.pending_totp_sealed, sessions.c.pending_at).where(*mine))).one_or_none()
    return (row.pending_totp_sealed, row.pending_at) if row else (b"", None)


async def list_sessions(tx: Tx, *, account_id: str) -> list[Session]:
    """Return the account's sessions, newest first."""
    query = select(sessions).where(sessions.c.account_id == account_id).order_by(sessions.c.created_at.desc())
    return [_session(row) for row in await tx.execute(query)]


async def delete_session(tx: Tx, *, account_id: str, session_id: str) -> bool:
    """End one session; tell whether there was one."""
    mine = (sessions.c.account_id == account_id, sessions.c.id == session_id)
    return (await tx.execute(delete(sessions).where(*mine))).rowcount == 1


async def forget_sessions(tx: Tx, *, seen_before: int, created_before: int) -> None:
    """Drop the sessions whose time is over, but for those that somebody is ending just now: they are gone anyway."""
    over = (sessions.c.seen_at < seen_before) | (sessions.c.created_at < created_before)
    free = select(sessions.c.id).where(over).with_for_update(skip_locked=True)
    await tx.execute(delete(sessions).where(sessions.c.id.in_(free)))


# ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def lock_subjects(tx: Tx, subjects: Iterable[str]) -> None:
    """Make other attempts at the same subjects wait for this transaction: two must never count past each other."""
    if tx.dialect.name == "postgresql":
        numbers = {int.from_bytes(hashlib.sha256(one.encode()).digest()[:8], "big", signed=True) for one in subjects}
        for number in sorted(numbers):  # in one order everywhere
            await tx.execute(select(func.pg_advisory_xact_lock(number)))
    # SQLite has one writer, and this transaction is it.


async def attempts_at(tx: Tx, subject: str, *, since: int) -> list[int]:
    """Return when attempts at the subject were made, from `since` on."""
    query = select(attempts.c.at).where(attempts.c.subject == subject, attempts.c.at > since)
    return list((await tx.execute(query)).scalars())


async def insert_attempts(tx: Tx, subjects: Iterable[str], *, now: int) -> None:
    """Note one attempt at each of the subjects."""
    await tx.execute(insert(attempts), [{"subject": subject, "at": now} for subject in subjects])


async def forgive_attempts(tx: Tx, subjects: Iterable[str], *, at: int) -> None:
    """Take back one attempt at each of the subjects, made at `at`: it was right, and only wrong ones count."""
    for subject in subjects:
        # One that nobody else is taking back at this moment: two at once must take back two.
        one = (
            select(attempts.c.id)
            .where(attempts.c.subject == subject, attempts.c.at == at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        await tx.execute(delete(attempts).where(attempts.c.id == one.scalar_subquery()))


async def forget_attempts(tx: Tx, *, before: int) -> None:
    """Drop attempts that count nowhere any more."""
    await tx.execute(delete(attempts).where(attempts.c.at < before))


# ── operator links ──────────────────────────────────────────────────────────────────────────────────────────────────


async def insert_operator_link(tx: Tx, *, digest: bytes, now: int, expires_at: int) -> None:
    """Keep what recognises a one-time operator link; older ones that were not used are forgotten."""
    await tx.execute(delete(operator_links).where(operator_links.c.used_at.is_(None)))
    await tx.execute(insert(operator_links).values(code_digest=digest, created_at=now, expires_at=expires_at))


async def use_operator_link(tx: Tx, *, digest: bytes, now: int) -> bool:
    """Mark an operator link as used; tell whether it was this call that did."""
    good = (
        operator_links.c.code_digest == digest,
        operator_links.c.used_at.is_(None),
        operator_links.c.expires_at > now,
    )
    return (await tx.execute(update(operator_links).where(*good).values(used_at=now))).rowcount == 1


def _session_columns(session: Session) -> dict[str, Any]:
    return {
        "seen_at": session.seen_at,
        "factor": session.factor,
        "factor_at": session.factor_at,
        "step_up_factor": session.step_up_factor,
        "step_up_at": session.step_up_at,
        "device": session.device,
    }


def _session(row: Row[Any], prefix: str = "") -> Session:
    names = ("id", "account_id", "created_at", "seen_at", "factor", "factor_at", "step_up_factor", "step_up_at")
    values = (getattr(row, f"{prefix}{name}") for name in (*names, "address", "agent", "device"))
    return Session(*values)


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        uid=row.uid,
        email=row.email,
        created_at=row.created_at,
        frozen_at=row.frozen_at,
        operator_at=row.operator_at,
        has_factor=bool(row.totp_sealed) or row.external_id is not None,
        has_trading_password=row.trading_password_hash is not None,
        email_verified_at=row.email_verified_at,
        whitelist_on_at=row.whitelist_on_at,
        language=row.language,
        external_id=row.external_id or "",
    )


def _credentials(row: Row[Any]) -> Credentials:
    return Credentials(row.password_hash, row.totp_sealed, row.totp_step)
