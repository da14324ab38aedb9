"""The list of withdrawal addresses: what widens it takes the second factor, what narrows it one click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.destinations import destination
from keywright.identity.whitelist import Listed
from keywright.web.model import Form
from keywright.web.outgoing import ListedView, grouped
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

HOME = "/security/withdrawal-addresses"
TYPED = ("network", "currency", "chain", "address", "memo", "label")


async def addresses(visit: Visit) -> Response:
    """Show the list."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Put an address on the list."""
    currency, chain = visit.text("currency"), visit.text("chain")
    if visit.site.place.payout_networks:
        currency, _, chain = visit.text("network").partition("/")

    async def change() -> None:
        to = destination(currency, chain, visit.text("address").strip(), visit.text("memo").strip())
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.add(
                tx,
                visit.own_account.id,
                to,
                label=visit.text("label"),
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )

    return await _done(visit, change, "add", "address-added", about="address")


async def relabel(visit: Visit) -> Response:
    """Give an address another name."""

    async def change() -> None:
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.relabel(
                tx, visit.own_account.id, _id(visit), visit.text("label"), actor=visit.actor, now=visit.now
            )

    return await _done(visit, change, f"label-{_id(visit)}", "address-labelled", about="label")


async def remove(visit: Visit) -> Response:
    """Take an address off the list, at once."""

    async def change() -> None:
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.remove(tx, visit.own_account.id, _id(visit), actor=visit.actor, now=visit.now)

    return await _done(visit, change, "", "address-removed")


async def exempt(visit: Visit) -> Response:
    """Let withdrawals to an address go without a confirmation, up to an amount a day."""

    async def change() -> None:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.exempt(
                tx,
                visit.own_account.id,
                _id(visit),
                visit.text("daily"),
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )

    return await _done(visit, change, f"exempt-{_id(visit)}", "address-exempted", about="daily")


async def end_exemption(visit: Visit) -> Response:
    """Let every withdrawal to an address take a confirmation again."""

    async def change() -> None:
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.end_exemption(
                tx, visit.own_account.id, _id(visit), actor=visit.actor, now=visit.now
            )

    return await _done(visit, change, "", "exemption-ended")


async def switch_on(visit: Visit) -> Response:
    """Let every withdrawal go to listed addresses only."""

    async def change() -> None:
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.switch_on(tx, visit.own_account.id, actor=visit.actor, now=visit.now)

    return await _done(visit, change, "", "whitelist-on")


async def switch_off(visit: Visit) -> Response:
    """Let that end, once the hold is over."""

    async def change() -> None:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.whitelist.switch_off(
                tx, visit.own_account.id, proof=proof, actor=visit.actor, now=visit.now
            )

    return await _done(visit, change, "off", "whitelist-off")


async def _done(
    visit: Visit, change: Callable[[], Awaitable[None]], which: str, done: str, *, about: str = ""
) -> Response:
    """Make the change and say so, or show the page again with what was wrong."""
    try:
        await change()
    except KeywrightError as problem:
        return await _page(visit, which=which, form=visit.form(*TYPED, problem=problem, about=about), problem=problem)
    return visit.to(HOME, done=done)


async def _page(
    visit: Visit, *, which: str = "", form: Form | None = None, problem: KeywrightError | None = None
) -> Response:
    account_id = visit.own_account.id
    async with visit.site.database.read() as tx:
        listed = await visit.site.whitelist.of(tx, account_id)
        switch = await visit.site.whitelist.switch(tx, account_id, now=visit.now)
        rest = await visit.site.approvals.holds.rest_of(tx, account_id, now=visit.now)
    return visit.page(
        "withdrawal_addresses.html",
        status=status_of(problem) if problem else 200,
        form=form or Form(),
        which=which,
        addresses=[view_of(one, now=visit.now) for one in listed],
        is_on=switch.is_on,
        ends_at=switch.ends_at,
        rest=rest,
        hold_hours=visit.policy.whitelist_hold_hours,
        networks=visit.site.place.payout_networks,
        needs_code=visit.needs_code,
    )


def view_of(listed: Listed, *, now: int) -> ListedView:
    """Return an address as pages show it."""
    return ListedView(
        id=listed.id,
        label=listed.label,
        currency=listed.to.currency,
        chain=listed.to.chain,
        groups=grouped(listed.to.address),
        memo=listed.to.memo,
        exempt_daily=listed.exempt_daily or "",
        created_at=listed.created_at,
        usable_at=listed.usable_at,
        is_usable=now >= listed.usable_at,
        holds=listed.holds,
    )


def _id(visit: Visit) -> str:
    address_id: str = visit.request.path_params["address_id"]
    return address_id


PAGES = (
    At(HOME, addresses),
    At("/security/withdrawal-addresses/add", add, "POST"),
    At("/security/withdrawal-addresses/switch-on", switch_on, "POST"),
    At("/security/withdrawal-addresses/switch-off", switch_off, "POST"),
    At("/security/withdrawal-addresses/{address_id:row}/label", relabel, "POST"),
    At("/security/withdrawal-addresses/{address_id:row}/remove", remove, "POST"),
    At("/security/withdrawal-addresses/{address_id:row}/exempt", exempt, "POST"),
    At("/security/withdrawal-addresses/{address_id:row}/end-exemption", end_exemption, "POST"),
)
