"""The addresses of a key: changed with all that a new key takes, and a code that confirms these addresses."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.issuing.addresses import parse_allowlist
from keywright.web.onward import HOME
from keywright.web.pages import confirming
from keywright.web.pages.key_pages import parse_addresses, show_key
from keywright.web.routing import At
from keywright.web.visit import Visit


async def change_addresses(visit: Visit) -> Response:
    """Bind the key to other addresses. It gives as much as a new key does, and takes what one takes."""
    about, addresses = "addresses", parse_addresses(visit.text("addresses"))
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, visit.request.path_params["key_id"])
    try:
        confirming.check_typed(visit)
        proof = await visit.step_up()
        about = "trading_password"
        trading = await confirming.trading_proof(visit, proof)
        about = "mailed_code"
        await confirming.count_try(visit, confirming.ADDRESSES)
        async with visit.site.database.write() as tx:
            await confirming.burn_code(tx, visit, confirming.rebound(key, addresses))
            about = "addresses"
            await visit.site.issuing.change_addresses(
                tx,
                visit.owner,
                key.id,
                addresses,
                proof=proof,
                trading=trading,
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        form = visit.form("addresses", problem=problem, about=about)
        return await show_key(visit, which="addresses", form=form, problem=problem, rebound=addresses)
    return visit.to(f"{HOME}/{key.id}", done="addresses-changed")


async def send_code(visit: Visit) -> Response:
    """Send the code that confirms these addresses of this key, and say so."""
    addresses = parse_addresses(visit.text("addresses"))
    problem: KeywrightError | None = None
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, visit.request.path_params["key_id"])
    try:
        parse_allowlist(addresses, most=visit.policy.addresses_per_key)
        if confirming.takes_code(visit):
            await confirming.send_code(visit, confirming.rebound(key, addresses))
    except KeywrightError as wrong:
        problem = wrong
    about = "addresses" if isinstance(problem, Invalid) else "mailed_code"
    form = visit.form("addresses", problem=problem, about=about)
    return await show_key(visit, which="addresses", form=form, problem=problem, rebound=addresses)


PAGES = (
    At("/api-management/{key_id:key}/addresses", change_addresses, "POST"),
    At("/api-management/{key_id:key}/addresses/send-code", send_code, "POST"),
)
