"""A key's successor, and the end of a key whose secret never reached anybody."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.issuing.rules import OVERLAP_MOST_HOURS, overlap_hours
from keywright.web.model import Form
from keywright.web.pages import confirming
from keywright.web.pages.checklist import behind_checklist
from keywright.web.pages.key_pages import show_key, vetted_passphrase
from keywright.web.pages.key_shown import made_page
from keywright.web.routing import At
from keywright.web.visit import Visit


async def rotate(visit: Visit) -> Response:
    """Make the key's successor, and show its secret and passphrase: here, once, and never again.

    It is a new key, so it takes what making one takes.
    """
    missing = await behind_checklist(visit)
    if missing is not None:
        return missing
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
    about = ""
    try:
        hours = _hours(visit.text("overlap"))
        confirming.check_typed(visit)
        passphrase = await vetted_passphrase(visit, about=(key.name, key.memo))
        proof = await visit.step_up()
        about = "trading_password"
        trading = await confirming.trading_proof(visit, proof)
        about = "mailed_code"
        await confirming.count_try(visit)
        async with visit.site.database.write() as tx:
            await confirming.burn_code(tx, visit, confirming.successor_of(key))
            about = ""
            # Pending, as every key whose secret could get lost with this answer.
            issued = await visit.site.issuing.rotate(
                tx,
                visit.owner,
                key.id,
                passphrase=passphrase,
                overlap_hours=hours,
                pending=True,
                proof=proof,
                trading=trading,
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        form = visit.form("overlap", problem=problem, about=about)
        return await show_key(visit, which="rotate", form=form, problem=problem)
    return made_page(visit, issued.key, secret=issued.secret, passphrase=passphrase.value)


async def send_code(visit: Visit) -> Response:
    """Send the code that confirms this key's successor, and say so; without a script on the key's page."""
    missing = await behind_checklist(visit)
    if missing is not None:
        return missing
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
    problem: KeywrightError | None = None
    try:
        if confirming.takes_code(visit):
            await confirming.send_code(visit, confirming.successor_of(key))
    except KeywrightError as wrong:
        problem = wrong
    form = visit.form(problem=problem, about="mailed_code") if problem else Form()
    if visit.is_htmx:
        return await confirming.sent(visit, form, is_sent=problem is None)
    return await show_key(visit, which="rotate", form=form, problem=problem)


async def discard(visit: Visit) -> Response:
    """Remove a key whose secret never reached anybody: one click, no code."""
    async with visit.site.database.write() as tx:
        await visit.site.issuing.discard(tx, visit.owner, _id(visit), actor=visit.actor, now=visit.now)
    return visit.to(visit.keys_at, done="key-discarded")


def _hours(text: str) -> int:
    """Return the hours that were chosen; raises `Invalid`."""
    if not text:
        return OVERLAP_MOST_HOURS
    if not (text.isascii() and text.isdecimal() and len(text) <= 3):
        raise Invalid("choose how long both keys work", field="overlap")
    return overlap_hours(int(text))


def _id(visit: Visit) -> str:
    key_id: str = visit.request.path_params["key_id"]
    return key_id


PAGES = (
    At("/api-management/{key_id:key}/rotate", rotate, "POST"),
    At("/api-management/{key_id:key}/rotate/send-code", send_code, "POST"),
    At("/api-management/{key_id:key}/discard", discard, "POST"),
)
