"""What a running server does beside answering: expiry, the sandbox's market, old usage records, notices on their way,
checks of held keys, checkpoints of the audit log. None of it may ever end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from keywright.api import answers
from keywright.app.checkpoints import LOOK_SECONDS, Checkpoints
from keywright.app.gateways import Gateways
from keywright.app.mailing import ROUND_SECONDS
from keywright.app.services import Services
from keywright.app.withdrawals import settle_approvals
from keywright.audit.events import SYSTEM
from keywright.notices.courier import Courier
from keywright.notices.saying import day_of
from keywright.vault.seam import KeyDenied

SWEEP_SECONDS = 1.0
EXPIRE_SECONDS = 30.0
FORGET_SECONDS = 3_600.0
DEADLINE_SECONDS = 300.0
CHECK_SECONDS = 60.0
CHECKS_AT_ONCE = 4
DAY_MS = 24 * 60 * 60 * 1000
log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def chores(
    services: Services,
    gateways: Gateways,
    *,
    usage_days: int,
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: int = 0,
    courier: Courier | None = None,
) -> AsyncIterator[None]:
    """Do the chores while the block runs; write what waits to be written at its end. 0 minutes: no checkpoints."""

    async def forget() -> None:
        now = services.clock()
        await gateways.usage.forget(before=now - usage_days * DAY_MS, now=now)

    async def forget_attempts() -> None:
        await services.entrance.forget(now=services.clock())
        async with services.database.write() as tx:
            await services.login.forget(tx, now=services.clock())
        await answers.forget(services.database, now=services.clock())
        await services.passkeys.forget(now=services.clock())

    async def forget_notices() -> None:
        async with services.database.write() as tx:
            await services.notices.forget(tx, now=services.clock())

    tasks = [
        asyncio.create_task(every(FORGET_SECONDS, forget_attempts), name="attempts"),
        asyncio.create_task(gateways.usage.run(), name="usage"),
        asyncio.create_task(every(EXPIRE_SECONDS, lambda: expire(services)), name="expire"),
        asyncio.create_task(every(EXPIRE_SECONDS, lambda: remove_never_shown(services)), name="never shown"),
        asyncio.create_task(every(EXPIRE_SECONDS, lambda: end_overlaps(services)), name="overlaps"),
        asyncio.create_task(every(FORGET_SECONDS, forget), name="forget"),
        asyncio.create_task(every(FORGET_SECONDS, lambda: disable_idle(services)), name="idle"),
        asyncio.create_task(every(EXPIRE_SECONDS, lambda: settle_approvals(services)), name="approvals"),
        asyncio.create_task(every(FORGET_SECONDS, forget_notices), name="notices"),
        asyncio.create_task(every(DEADLINE_SECONDS, lambda: tell_deadlines(services)), name="deadlines"),
    ]
    of_held_keys = {CHECK_SECONDS: check_connections, DEADLINE_SECONDS: tell_deadlines_of_held_keys}
    for seconds, chore in of_held_keys.items():
        tasks.append(asyncio.create_task(every(seconds, functools.partial(chore, services)), name=chore.__name__))
    if gateways.sandbox is not None:
        tasks.append(asyncio.create_task(every(SWEEP_SECONDS, gateways.sandbox.sweep), name="sandbox"))
    if courier is not None:
        tasks.append(asyncio.create_task(every(ROUND_SECONDS, courier.round), name="courier"))
    if checkpoints is not None and checkpoint_minutes:
        due = functools.partial(checkpoints.make_if_due, minutes=checkpoint_minutes)
        tasks.append(asyncio.create_task(every(LOOK_SECONDS, due), name="checkpoints"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if checkpoints is not None and checkpoint_minutes:
            await checkpoints.make_or_say()


async def every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work again and again, whatever came of it the last time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:  # noqa: BLE001  a task that ended would be missed by nobody; its name only, for the log
            log.error("a chore will try again after %s", type(error).__name__)  # noqa: TRY400


async def expire(services: Services) -> None:
    """Mark the keys whose time has run out, one transaction each."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.issuing.due_to_expire(tx, now=now)
    for owner, key_id in due:
        async with services.database.write() as tx:
            await services.issuing.expire(tx, owner, key_id, now=now)


async def remove_never_shown(services: Services) -> None:
    """Remove the new keys whose secret arrived nowhere, one transaction each."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.issuing.never_shown(tx, now=now)
    for owner, key_id in due:
        async with services.database.write() as tx:
            await services.issuing.remove_never_shown(tx, owner, key_id, now=now)


async def disable_idle(services: Services) -> None:
    """Switch off the keys that were unused for longer than the operator allows, one transaction each (K20)."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.issuing.idle_too_long(tx, now=now)
    for owner, key_id in due:
        async with services.database.write() as tx:
            await services.issuing.disable_idle(tx, owner, key_id, now=now)


async def end_overlaps(services: Services) -> None:
    """Switch off the keys whose successors take their place now, one transaction each."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.issuing.overlaps_over(tx, now=now)
    for owner, key_id in due:
        async with services.database.write() as tx:
            await services.issuing.end_overlap(tx, owner, key_id, now=now)


async def tell_deadlines(services: Services) -> None:
    """Tell owners of the deadlines of their keys, once for each point of the schedule (K12)."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.issuing.due_deadlines(tx, now=now)
    for one in due:
        async with services.database.write() as tx:
            await services.notices.post(
                tx,
                one.owner.account_id,
                f"deadline.{one.kind}",
                subject=one.key_id,
                detail={"day": day_of(one.at), "days": one.days_left},
                now=now,
                once=f"deadline:{one.once}",
            )


async def tell_deadlines_of_held_keys(services: Services) -> None:
    """Tell owners of the deadlines of the keys that are held for them, on the same schedule."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.vault.due_deadlines(tx, now=now)
    for one in due:
        detail = {"name": one.name, "exchange": one.exchange, "day": day_of(one.at), "days": one.days_left}
        async with services.database.write() as tx:
            await services.notices.post(
                tx,
                one.account_id,
                f"deadline.connection_{one.kind}",
                subject=one.connection_id,
                detail=detail,
                now=now,
                once=f"deadline:{one.once}",
            )


async def check_connections(services: Services) -> None:
    """Ask exchanges again what held keys may do, those that are due: each once a day, a few at a time (N12)."""
    now = services.clock()
    room = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def check(account_id: str, connection_id: str) -> None:
        async with room:
            try:
                await services.vault.check(account_id, connection_id, actor=SYSTEM, now=now)
                await services.vault.rotate_by_itself(account_id, connection_id, now=services.clock())
            except KeyDenied:
                return  # kept, told and planned by the check itself
            except Exception as problem:  # noqa: BLE001  one that always breaks would be the first of every round
                log.warning("a held key could not be checked: %s", type(problem).__name__)
                await services.vault.postpone(account_id, connection_id, now=now)

    came = await asyncio.gather(*(check(*one) for one in await services.vault.due(now=now)), return_exceptions=True)
    for broken in filter(None, came):
        raise broken
