"""What the account was told, and the page behind the link "this was not me" of every message."""

from __future__ import annotations

from starlette.responses import Response

from keywright.audit.events import Actor
from keywright.notices.model import Notice
from keywright.notices.saying import say
from keywright.web.model import NoticeView
from keywright.web.routing import At, Needs
from keywright.web.visit import Visit

NOTICES = "/notices"
PAGE = 30


async def notices(visit: Visit) -> Response:
    """Show the newest notices, or those older than one."""
    before = visit.request.query_params.get("before", "")[:64]
    account_id = visit.own_account.id
    async with visit.site.database.read() as tx:
        found = await visit.site.notices.of(tx, account_id, before=before, limit=PAGE + 1)
        outcomes = await visit.site.notices.outcomes(tx, account_id, found)
    shown = found[:PAGE]
    return visit.page(
        "notice_list.html",
        notices=[_view(visit, one, outcomes.get(one.id, "")) for one in shown],
        is_first=not before,
        older=shown[-1].id if len(found) > PAGE else "",
    )


async def read(visit: Visit) -> Response:
    """Note that all notices were read."""
    async with visit.site.database.write() as tx:
        await visit.site.notices.mark_read(tx, visit.own_account.id, now=visit.now)
    return visit.to(NOTICES)


async def freeze_form(visit: Visit) -> Response:
    """Ask whether everything shall be switched off: mail programs follow links by themselves, so this one changes nothing."""
    token = visit.request.query_params.get("t", "")[:256]
    async with visit.site.database.read() as tx:
        await visit.site.notices.check_link(tx, token, now=visit.now)
    return visit.page("freeze_link.html", is_done=False, token=token)


async def freeze(visit: Visit) -> Response:
    """Refuse every key of the account that the link was sent to, at once; the link is used up."""
    by = Actor("notice-link", "", visit.visitor.address, visit.visitor.agent, visit.visitor.request_id)
    async with visit.site.database.write() as tx:
        account_id = await visit.site.notices.use_link(tx, visit.text("t")[:256], now=visit.now)
        await visit.site.identity.freeze(tx, account_id, actor=by, now=visit.now)
    return visit.to("/notices/frozen")


async def frozen(visit: Visit) -> Response:
    """Say that it is done."""
    return visit.page("freeze_link.html", is_done=True, token="")


def _view(visit: Visit, notice: Notice, outcome: str) -> NoticeView:
    said = say(notice, visit.texts)
    facts = tuple(fact for fact in said.facts if fact[0] != visit.texts.gettext("When"))
    return NoticeView(
        notice.id,
        said.title,
        said.text,
        facts,
        notice.at,
        is_unread=notice.read_at is None,
        outcome=outcome,
        key_id=notice.subject if notice.detail.get("key") else "",
    )


PAGES = (
    At(NOTICES, notices),
    At("/notices/read", read, "POST"),
    At("/notices/freeze", freeze_form, needs=Needs.NOTHING),
    At("/notices/freeze", freeze, "POST", Needs.NOTHING),
    At("/notices/frozen", frozen, needs=Needs.NOTHING),
)
