"""What withdrawals need beside their verbs."""

from __future__ import annotations

from keywright.app.services import Services


async def settle_approvals(services: Services) -> None:
    """Write down which approvals ran out, one transaction each, and which whitelists ended."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.approvals.due_to_expire(tx, now=now)
    for account_id, approval_id in due:
        async with services.database.write() as tx:
            await services.approvals.expire(tx, account_id, approval_id, now=now)
    async with services.database.write() as tx:
        await services.whitelist.settle(tx, now=now)
