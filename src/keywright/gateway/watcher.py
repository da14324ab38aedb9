"""Watches over keys while their usage is written: twice a second, beside the requests, never before one.

What is known rests in the database, so that a restart or a second server forgets nothing; memory only spares queries. It
learns when the transaction is through: what was undone was not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from keywright.gateway import watch, watch_store as store
from keywright.gateway.address import neighbourhood
from keywright.gateway.model import Attempt
from keywright.notices.service import Notices
from keywright.storage.transaction import Tx

WRITTEN_MS = watch.HOUR_MS
"""An address that goes on being used is noted again after so long."""

MOST_KNOWN = 50_000
"""Entries of each memory. Beyond it, it begins anew: the database knows."""

MOST_REFUSALS, MOST_AGENTS = 50, 50
PROGRAM_MAX = 60

Places = dict[tuple[str, str], int]


@dataclass(slots=True)
class Learned:
    """What one batch teaches."""

    used: dict[str, int] = field(default_factory=dict)
    """By key: its latest use."""
    written: dict[tuple[str, str], int] = field(default_factory=dict)
    """By key and address: when it was noted."""
    places: dict[str, Places] = field(default_factory=dict)
    """By key: addresses and programs, and when each was seen last."""
    quiet: dict[tuple[str, str], int] = field(default_factory=dict)
    """By kind of notice and what it is about: until when nothing is to be said."""


class Watcher:
    """The watch of one server."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._known = Learned()

    async def look(self, tx: Tx, attempts: Iterable[Attempt]) -> Learned:
        """Post what is worth telling of these attempts, which are not written yet; return what to `learn` after the commit."""
        learned = Learned()
        by_key: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            if attempt.key_id:
                by_key[attempt.key_id].append(attempt)
        for key_id in sorted(by_key):  # in one order everywhere: two writers then can't wait for each other
            used = [one for one in by_key[key_id] if one.verdict == "allowed"]
            if used:
                await self._rest(tx, used, learned)
                await self._addresses(tx, used, learned)
                await self._places(tx, used, learned)
            refused = [one for one in by_key[key_id] if watch.counts(one.verdict)]
            if refused:
                await self._burst(tx, refused, learned)
        return learned

    def learn(self, learned: Learned) -> None:
        """Remember what a batch taught, now that it is written."""
        for name in Learned.__slots__:
            known = getattr(self._known, name)
            if len(known) > MOST_KNOWN:
                known.clear()
            known.update(getattr(learned, name))

    async def forget(self, tx: Tx, *, now: int) -> None:
        """Drop what counts no more."""
        await store.forget_addresses(tx, before=now - watch.UNSEEN_MS - watch.DAY_MS)

    async def _rest(self, tx: Tx, used: Sequence[Attempt], learned: Learned) -> None:
        first = min(used, key=_started)
        learned.used[first.key_id] = max(used, key=_started).started_at
        known = self._known.used.get(first.key_id)
        if known is None or first.started_at - known >= watch.IDLE_MS:
            known = await store.last_sign_of_life(tx, account_id=first.account_id, key_id=first.key_id)
        days = watch.days_at_rest(known, at=first.started_at) if known is not None else 0
        if days:
            await self._tell(tx, watch.DORMANT, first, learned, days=days)

    async def _addresses(self, tx: Tx, used: Sequence[Attempt], learned: Learned) -> None:
        for address in sorted({neighbourhood(one.address) for one in used if one.address}):
            from_there = [one for one in used if neighbourhood(one.address) == address]
            first, last = min(from_there, key=_started), max(from_there, key=_started).started_at
            written = self._known.written.get((first.key_id, address))
            if written is not None and last - written < WRITTEN_MS:
                continue
            seen = await store.address_seen(tx, key_id=first.key_id, address=address)
            # What may not be said now is not noted either: then it is said when it may.
            if watch.is_new_address(seen, at=first.started_at) and not await self._tell(
                tx, watch.NEW_ADDRESS, first, learned
            ):
                continue
            await store.note_address(tx, key_id=first.key_id, address=address, at=last)
            learned.written[first.key_id, address] = last

    async def _places(self, tx: Tx, used: Sequence[Attempt], learned: Learned) -> None:
        last = max(used, key=_started)
        since = last.started_at - watch.TOGETHER_MS
        known = self._known.places.get(last.key_id)
        if known is None:  # this process knows nothing of the key: another may, or one before
            known = await self._places_before(tx, last.key_id, since)
        seen = {place: at for place, at in known.items() if at > since}
        for one in used:
            for place in (("address", neighbourhood(one.address)), ("program", one.agent[:PROGRAM_MAX])):
                seen[place] = max(seen.get(place, 0), one.started_at)
        learned.places[last.key_id] = seen
        places = watch.at_once(seen, at=last.started_at)
        if places and not await self._told_before(tx, last, places, learned):
            await self._tell(tx, watch.TWO_PLACES, last, learned, about=",".join(places), places=list(places))

    async def _places_before(self, tx: Tx, key_id: str, since: int) -> Places:
        addresses = await store.addresses_between(tx, key_id=key_id, since=since)
        agents = await store.newest_agents(tx, key_id=key_id, since=since, limit=MOST_AGENTS)
        return {
            **{("address", neighbourhood(address)): at for address, at in addresses},
            **{("program", agent[:PROGRAM_MAX]): at for agent, at in reversed(agents)},
        }

    async def _told_before(self, tx: Tx, last: Attempt, places: tuple[str, ...], learned: Learned) -> bool:
        about = (watch.TWO_PLACES, f"{last.key_id} {','.join(places)}")
        if self._known.quiet.get(about, 0) > last.started_at:
            return True
        since = last.started_at - watch.SAME_PLACES_MS
        told = await self._notices.recent(tx, last.account_id, watch.TWO_PLACES, subject=last.key_id, since=since)
        same = [one for one in told if one.detail.get("places") == list(places)]
        if same:
            learned.quiet[about] = same[0].at + watch.SAME_PLACES_MS
        return bool(same)

    async def _burst(self, tx: Tx, refused: Sequence[Attempt], learned: Learned) -> None:
        last = max(refused, key=_started)
        since = min(refused, key=_started).started_at - watch.BURST_MS
        before = await store.refusals(tx, key_id=last.key_id, since=since, limit=MOST_REFUSALS)
        found = watch.burst(
            [
                *((at, why) for at, why in before if watch.counts(why)),
                *((one.started_at, one.verdict) for one in refused),
            ]
        )
        if found is not None:
            kind, count, reason = found
            await self._tell(tx, kind, last, learned, count=count, reason=reason.replace("_", " "))

    async def _tell(
        self, tx: Tx, kind: str, attempt: Attempt, learned: Learned, *, about: str = "", **detail: object
    ) -> bool:
        """Post a notice about a key unless the last of its kind is too near; tell whether it was posted."""
        at, quiet = attempt.started_at, (kind, f"{attempt.key_id} {about}")
        if max(self._known.quiet.get(quiet, 0), learned.quiet.get(quiet, 0)) > at:
            return False
        pause = watch.quiet_ms(kind)
        told = await self._notices.recent(tx, attempt.account_id, kind, subject=attempt.key_id, since=at - pause)
        if told:
            learned.quiet[quiet] = told[0].at + pause
            return False
        posted = await self._notices.post(
            tx,
            attempt.account_id,
            kind,
            subject=attempt.key_id,
            detail={"from": attempt.address, "agent": attempt.agent, **detail},
            now=at,
            once=f"{kind}:{attempt.key_id}:{at // pause}:{about}",
        )
        learned.quiet[quiet] = at + pause
        return posted is not None


def _started(attempt: Attempt) -> int:
    return attempt.started_at
