"""Short ways to let things happen, to keep checkpoints, and what someone does who writes to the database itself and
wants another history: first the guards have to go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keywright.app.checkpoints import Checkpoints
from keywright.app.services import Services
from keywright.audit.checkpoint import LABEL, CheckpointKey
from keywright.audit.events import Actor, Event, Kind
from keywright.storage.transaction import Tx

GUARDS = ("audit_events_no_update", "audit_events_no_delete", "audit_events_no_replace")
GUARDS_POSTGRES = ("audit_events_no_change", "audit_events_no_truncate")


async def drop_guards(tx: Tx) -> None:
    """Drop the triggers that keep events from being changed, as only the owner of the tables can."""
    if tx.dialect.name == "sqlite":
        for name in GUARDS:
            await tx.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        for name in GUARDS_POSTGRES:
            await tx.exec_driver_sql(f"DROP TRIGGER {name} ON audit_events")


async def happen(services: Services, *, times: int = 1, name: str = "n") -> None:
    """Let something happen that leaves an event."""
    actor = Actor("acc_1", factor="totp", address="203.0.113.7", agent="tests", request_id="req_1", session="ses_1")
    for number in range(times):
        async with services.database.write() as tx:
            event = Event(Kind.KEY_RENAMED, actor, "acc_1", "k1", number + 1, {"name": f"{name}{number}"})
            await services.audit.record(tx, event, now=services.clock())


def checkpoints_in(services: Services, folder: Path) -> Checkpoints:
    """Return the checkpoints of these services, kept in a folder."""
    return Checkpoints(services, folder, CheckpointKey(services.keyring.derive(LABEL)))


async def exported(services: Services, *, since: int = 1) -> list[bytes]:
    """Return the lines of an export."""
    async with services.database.read() as tx:
        return [walked.line async for walked in services.audit.walk(tx, since=since)]


async def make_without_end(services: Services, folder: str, say: Callable[..., None]) -> None:
    """Make one checkpoint after another until someone ends it, telling each: for a process of its own."""
    kept = checkpoints_in(services, Path(folder))
    say("ready")
    while True:
        await happen(services)
        made = await kept.make()
        assert made is not None
        say("made", str(made.statement.number))
