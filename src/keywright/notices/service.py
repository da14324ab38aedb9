"""Verbs of notices: post one, with its messages, in the transaction of what happened; list, read, and use its link."""

from __future__ import annotations

import re
from collections.abc import Mapping

from keywright.audit.events import Event, rests_withdrawals
from keywright.errors import Conflict, Invalid, NotFound
from keywright.ids import KEY_ID, new_id
from keywright.notices import budget, links, store
from keywright.notices.model import CODE, Addressee, Channel, Notice, code_place
from keywright.notices.saying import masked, one_line
from keywright.notices.wording import WORDINGS
from keywright.sealing.envelope import seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx

NOTICE_ID = re.compile(r"ntc_[0-9a-f]{24}")

SETTLING_MS = 15 * 60 * 1000
"""From the making of an account on: its first browser is new by nature, and no news."""

DAY_MS = 24 * 60 * 60 * 1000

KEPT_MS = 400 * 24 * 60 * 60 * 1000
"""How long notices are kept: something over a year."""

MOST_LISTED = 20
"""Entries of a list in an event that a notice repeats."""


class Notices:
    """The outbox, and the list that the console shows. Wire `hear` to the audit log."""

    def __init__(self, *, keyring: Keyring, has_chat: bool = False, rest_ms: int = 0) -> None:
        self._keyring = keyring
        self._link_key = keyring.derive(links.LABEL)
        self._has_chat = has_chat
        self._rest_ms = rest_ms

    async def hear(self, tx: Tx, event: Event, now: int) -> None:
        """Tell the owner of what an event says, if that is worth telling: in the event's own transaction."""
        kind = str(event.kind)
        if kind not in WORDINGS or not event.account_id:
            return
        detail = {
            **_told(event.detail),
            "from": event.actor.address,
            "agent": event.actor.agent,
            "by": event.actor.id if event.actor.id in {"operator", "system"} else "",
        }
        if self._rest_ms and rests_withdrawals(kind, event.detail):
            detail["rest_until"] = now + self._rest_ms
        await self.post(tx, event.account_id, kind, subject=event.subject, detail=detail, now=now)

    async def post(
        self,
        tx: Tx,
        account_id: str,
        kind: str,
        *,
        subject: str = "",
        detail: Mapping[str, object] | None = None,
        now: int,
        once: str | None = None,
    ) -> str | None:
        """Put a notice and its messages into the outbox; return its id, or `None` where nothing was to be told.

        `kind` is one of `wording.WORDINGS`, `subject` the id of what it is about, `detail` what its sentences name, never a
        secret. What has the same `once` is told a single time, ever. Nothing is told to an account that there is not.
        """
        if kind not in WORDINGS:
            raise Invalid("there is no notice of the kind {kind}", kind=kind)
        addressee = await store.find_addressee(tx, account_id)
        if addressee is None or await self._is_no_news(tx, addressee, kind, detail or {}, now=now):
            return None
        named = await self._with_name(tx, account_id, subject, dict(detail or {}))
        notice = Notice(new_id("ntc"), account_id, kind, subject, named, now)
        if not await store.insert_notice(tx, notice, once=once):
            return None
        if await self._may_write_to(tx, addressee, kind, now=now):
            await store.insert_delivery(
                tx, notice_id=notice.id, channel=Channel.EMAIL, recipient=addressee.email, body_sealed=None, now=now
            )
        if self._has_chat and WORDINGS[kind].chat:
            await store.insert_delivery(
                tx, notice_id=notice.id, channel=Channel.CHAT, recipient="", body_sealed=None, now=now
            )
        return notice.id

    async def post_code(
        self,
        tx: Tx,
        account_id: str,
        purpose: str,
        code: Secret,
        *,
        recipient: str,
        channel: Channel = Channel.EMAIL,
        detail: Mapping[str, object] | None = None,
        now: int,
    ) -> None:
        """Put a message that carries a confirmation code into the outbox: to `recipient`, an address or a phone's number,
        which need not be the account's.

        `purpose` says what the code is for: `email`, `key.create` …; one without words of its own in `wording` (under
        `code.<purpose>`) is said in general; `detail` is what its sentences name. The code is sealed until it is delivered
        and gone afterwards. It stands in no list, and is not sent any more after `courier.CODE_MS`.
        """
        notice = Notice(new_id("ntc"), account_id, f"{CODE}{purpose}", "", _told(detail or {}), now)
        if await store.find_addressee(tx, account_id) is None:
            raise NotFound("there is no such account")
        await store.insert_notice(tx, notice, once=None)
        is_text = channel is Channel.SMS
        body = Secret(code.reveal() + b" " + recipient.encode()) if is_text else code
        sealed = seal(self._keyring, body, place=code_place(notice.id, account_id))
        await store.insert_delivery(  # of a number no more is kept than is needed: sealed, until it is sent
            tx,
            notice_id=notice.id,
            channel=channel,
            recipient="" if is_text else recipient,
            body_sealed=sealed,
            now=now,
        )

    # ── as the account sees them ────────────────────────────────────────────────────────────────────────────────────

    async def of(self, tx: Tx, account_id: str, *, before: str = "", limit: int = 50) -> list[Notice]:
        """Return the account's newest notices, newest first, or those older than the notice `before`."""
        place = None
        if before:
            if not NOTICE_ID.fullmatch(before):
                return []
            last = await store.find_notice(tx, account_id=account_id, notice_id=before)
            if last is None:
                return []
            place = (last.at, last.id)
        return await store.list_notices(tx, account_id=account_id, before=place, limit=limit)

    async def unread(self, tx: Tx, account_id: str) -> int:
        """Return how many notices the account has not read; at most `store.MOST_COUNTED`."""
        return await store.count_unread(tx, account_id=account_id)

    async def mark_read(self, tx: Tx, account_id: str, *, now: int) -> None:
        """Note that the account has read all its notices."""
        await store.mark_read(tx, account_id=account_id, now=now)

    async def recent(self, tx: Tx, account_id: str, kind: str, *, subject: str, since: int) -> list[Notice]:
        """Return what the account was told of this kind about this subject after `since`, newest first."""
        return await store.recent(tx, account_id=account_id, kind=kind, subject=subject, since=since)

    async def outcomes(self, tx: Tx, account_id: str, notices: list[Notice]) -> dict[str, str]:
        """Return by notice, in a word, what became of its message: `waiting`, `sent`, `file` or `failed`."""
        found = await store.outcomes(tx, account_id=account_id, notice_ids=[notice.id for notice in notices])
        return {
            notice_id: "failed"
            if first.failed_at is not None
            else "waiting"
            if first.delivered_at is None
            else "file"
            if first.channel == Channel.FILE
            else "sent"
            for notice_id, (first, *_) in found.items()
        }

    # ── the link "this was not me" ──────────────────────────────────────────────────────────────────────────────────

    def freeze_url(self, notice: Notice, *, origin: str) -> str:
        """Return the link of a notice."""
        until = notice.at + links.LASTS_MS
        token = links.token_of(self._link_key, notice_id=notice.id, account_id=notice.account_id, until=until)
        return f"{origin}{links.PATH}?t={token}"

    async def check_link(self, tx: Tx, token: str, *, now: int) -> Notice:
        """Return the notice whose link this is, if it still serves.

        Raises `NotFound` for one that is forged, altered, too old or of a notice that is gone: which, is not told. Raises
        `Conflict` for one that was used.
        """
        notice_id = links.notice_in(token)
        account_id = await store.whose(tx, notice_id) if notice_id else None
        if (
            notice_id is None
            or account_id is None
            or not links.holds(self._link_key, token, account_id=account_id, now=now)
        ):
            raise NotFound(
                "this link does not serve, or no longer",
                hint="links last seven days; the page “Switch everything off” needs none",
            )
        notice = await store.find_notice(tx, account_id=account_id, notice_id=notice_id)
        if notice is None or notice.freeze_used_at is not None:
            raise Conflict("this link was used before", hint="sign in to see how things stand")
        return notice

    async def use_link(self, tx: Tx, token: str, *, now: int) -> str:
        """Use up a link and return which account is to be frozen, by the caller in this transaction. Raises as `check_link`."""
        notice = await self.check_link(tx, token, now=now)
        if not await store.use_link(tx, account_id=notice.account_id, notice_id=notice.id, now=now):
            raise Conflict("this link was used before", hint="sign in to see how things stand")
        return notice.account_id

    async def forget(self, tx: Tx, *, now: int) -> int:
        """Drop notices that are older than `KEPT_MS`; return how many."""
        return await store.forget(tx, before=now - KEPT_MS)

    async def _may_write_to(self, tx: Tx, addressee: Addressee, kind: str, *, now: int) -> bool:
        """Tell whether a message may go to the address: whoever typed someone else's can't have that person flooded."""
        if addressee.is_verified:
            return True
        mailed = await store.mailed_since(
            tx, account_id=addressee.account_id, recipient=addressee.email, since=now - DAY_MS
        )
        return budget.may_mail(kind, mailed)

    async def _is_no_news(
        self, tx: Tx, addressee: Addressee, kind: str, detail: Mapping[str, object], *, now: int
    ) -> bool:
        """Tell whether an event is nothing that its owner does not know: what follows from making an account."""
        if kind == "session.opened":
            return bool(detail.get("known_device")) or now - addressee.created_at < SETTLING_MS
        if kind == "account.recovery_codes_made":  # they come with an authenticator, and are told with it
            set_now = await store.recent(
                tx,
                account_id=addressee.account_id,
                kind="account.authenticator_set",
                subject=addressee.account_id,
                since=now - 1,
            )
            return bool(set_now)
        return False

    async def _with_name(self, tx: Tx, account_id: str, subject: str, detail: dict[str, object]) -> dict[str, object]:
        """Return the detail with the name of its subject where that is the account's own; of a key also its masked id, and
        whose it is where that is a sub-account."""
        name = await store.name_of(tx, account_id=account_id, subject=subject) if subject else None
        if name is None:
            return detail
        if not KEY_ID.fullmatch(subject):
            return {**detail, "name": name}
        sub_account = await store.sub_account_of(tx, account_id=account_id, key_id=subject)
        return {**detail, "name": name, "key": masked(subject)} | ({"sub_account": sub_account} if sub_account else {})


def _told(detail: Mapping[str, object]) -> dict[str, object]:
    """Return what a notice may repeat of an event: plain values, each a line, and lists of them."""
    told: dict[str, object] = {}
    for name, value in detail.items():
        if isinstance(value, bool | int | str) or value is None:
            told[name] = one_line(value) if isinstance(value, str) else value
        elif isinstance(value, list | tuple):
            told[name] = [one_line(one) for one in value[:MOST_LISTED]]
    return told
