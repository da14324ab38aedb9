"""How keys stand: what to mend first, with the page where it is mended; as a file to hand over (N15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from keywright.gateway.export import exact
from keywright.identity.model import Account
from keywright.posture.model import Concern, Kind, Line, Report, Subject, Weight
from keywright.web.onward import HOME as KEYS
from keywright.web.pages.exchanges import HOME as EXCHANGES
from keywright.web.posture_file import groups_of, posture_file
from keywright.web.posture_model import LineView, Mending
from keywright.web.routing import At, Needs
from keywright.web.texts import marked
from keywright.web.visit import Visit

HOME = "/posture"
LEAF = 25
"""Accounts that operators see at a time: each of their keys is looked at anew."""

ROTATE, REPLACE = marked("Rotate it"), marked("Give it another key")
AT_KEYS: Mapping[str, tuple[str, str]] = {
    "altered": ("#delete", marked("Delete it")),
    "can-withdraw": ("", marked("See what it may do")),
    "can-transfer": ("", marked("See what it may do")),
    "any-address": ("#addresses", marked("Bind it to addresses")),
    "ends-soon": ("#rotate", ROTATE),
    "old": ("#rotate", ROTATE),
    "idle": ("#disable-title", marked("Disable it")),
}
AT_CONNECTIONS: Mapping[str, tuple[str, str]] = {
    "altered": ("#remove", marked("Remove it")),
    "can-withdraw": ("#replace", REPLACE),
    "can-transfer": ("#replace", REPLACE),
    "any-address": ("#address-title", marked("See its address")),
    "address-unproven": ("#evidence-title", marked("See what is known of it")),
    "accepted-unproven": ("#evidence-title", marked("See what is known of it")),
    "accepted": ("#replace", REPLACE),
    "ended": ("#replace", REPLACE),
    "ends-soon": ("#replace", REPLACE),
    "old": ("#replace", REPLACE),
    "suspended": ("", marked("See why")),
    "shared": ("#edit", marked("See its bots")),
    "egress-shared": ("#address-title", marked("See its address")),
    "egress-unconfirmed": ("", marked("Have it checked")),
    "unchecked": ("", marked("Have it checked")),
}
"""Where on the page of a key or a connection each concern is mended, and what leads there."""
FINISH = ("#rotation", marked("Finish the rotation"))


async def standing(visit: Visit) -> Response:
    """Show how the account's keys stand."""
    report = await visit.site.standing([visit.own_account], now=visit.now)
    return visit.page(
        "posture.html",
        groups=groups_of(report, of_own),
        counts=_counts(report),
        is_operators=False,
        file=f"{HOME}/report.html",
        search="",
        following="",
    )


async def standing_as_file(visit: Visit) -> Response:
    """Send how the account's keys stand as a file."""
    report = await visit.site.standing([visit.own_account], now=visit.now)
    return _file(visit, report, whose=visit.own_account.email)


async def standing_of_all(visit: Visit) -> Response:
    """Show operators how the keys of the accounts stand that the search finds, some accounts at a time."""
    search, _ = _asked(visit)
    accounts, following = await _accounts(visit)
    report = await visit.site.standing(accounts, now=visit.now)
    return visit.page(
        "posture.html",
        groups=groups_of(report, of_others),
        counts=_counts(report),
        is_operators=True,
        file=f"/operator{HOME}/report.html?{visit.request.url.query}",
        search=search,
        following=following,
    )


async def standing_of_all_as_file(visit: Visit) -> Response:
    """Send operators the same as a file."""
    accounts, _ = await _accounts(visit)
    report = await visit.site.standing(accounts, now=visit.now)
    return _file(visit, report, whose=accounts[0].email if len(accounts) == 1 else "")


def of_own(line: Line) -> LineView:
    """Return a line as its owner sees it: each thing with the page that mends it."""
    here = page_of(line.subject)
    return LineView(line.subject, tuple(_mending(line.subject, here, one) for one in line.concerns), here)


def of_others(line: Line) -> LineView:
    """Return a line as operators see it: they mend nothing themselves, but can freeze the account."""
    mendings = tuple(Mending(one) for one in line.concerns)
    return LineView(line.subject, mendings, f"/operator/accounts/{line.subject.account_id}")


def page_of(subject: Subject) -> str:
    """Return the page of a key or a connection."""
    return f"{KEYS if subject.kind is Kind.KEY else EXCHANGES}/{subject.id}"


def _mending(subject: Subject, here: str, concern: Concern) -> Mending:
    if concern.code == "old" and subject.is_rotating:
        place, label = FINISH
    else:
        place, label = (AT_KEYS if subject.kind is Kind.KEY else AT_CONNECTIONS)[concern.code]
    return Mending(concern, here + place, label)


def _counts(report: Report) -> dict[Weight | None, int]:
    return {weight: sum(line.weight is weight for line in report.lines) for weight in (*Weight, None)}


async def _accounts(visit: Visit) -> tuple[Sequence[Account], str]:
    """Return the accounts that are asked for, and after which one there are more."""
    search, after = _asked(visit)
    async with visit.site.database.read() as tx:
        found = await visit.site.identity.page(tx, search=search, after=after, limit=LEAF + 1)
    return found[:LEAF], found[LEAF - 1].id if len(found) > LEAF else ""


def _asked(visit: Visit) -> tuple[str, str]:
    search, after = (visit.request.query_params.get(name, "")[:128] for name in ("search", "after"))
    return search, after


def _file(visit: Visit, report: Report, *, whose: str) -> Response:
    text = posture_file(visit.site.pages, report, whose=whose, locale=visit.locale)
    name = f"keywright-keys-{exact(visit.now)[:10]}.html"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


PAGES = (
    At(HOME, standing),
    At(f"{HOME}/report.html", standing_as_file),
    At(f"/operator{HOME}", standing_of_all, needs=Needs.OPERATOR),
    At(f"/operator{HOME}/report.html", standing_of_all_as_file, needs=Needs.OPERATOR),
)
