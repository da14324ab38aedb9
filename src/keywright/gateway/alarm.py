"""What the gateway puts on the audit log itself: things that no person did, and that somebody should know."""

from __future__ import annotations

import logging

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import KeywrightError
from keywright.gateway.model import Attempt, KeyRecord
from keywright.storage.transaction import Database

log = logging.getLogger(__name__)


QUIET_MS = 10 * 60 * 1000
"""After an alarm about a key, how long the next one about it waits: the log is for people, and must not be flooded."""

MOST_KEYS = 10_000


class Alarm:
    """Writes alarms. One that can't be written never lets a request through, and never stops a refusal."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit
        self._told: dict[str, int] = {}

    async def passphrase_guessed(self, key: KeyRecord, attempt: Attempt, *, now: int) -> None:
        """Note that who holds this key's secret tried so many wrong passphrases that the key is held back for a while."""
        told = self._told.get(key.grant.key_id)
        if told is not None and 0 <= now - told < QUIET_MS:
            return
        if len(self._told) >= MOST_KEYS:
            self._told.clear()
        self._told[key.grant.key_id] = now
        actor = Actor("gateway", address=attempt.address, agent=attempt.agent, request_id=attempt.request_id)
        grant = key.grant
        # No version: nothing of the key changes, and what the cache knows of it may be old by the time this is written.
        event = Event(Kind.KEY_PASSPHRASE_GUESSED, actor, grant.account_id, grant.key_id)
        try:
            async with self._database.write() as tx:
                await self._audit.record(tx, event, now=now)
        except KeywrightError as error:
            log.warning("an alarm about key %s could not be kept: %s", grant.key_id, error.message)
