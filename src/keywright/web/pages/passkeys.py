"""Passkeys: what a browser is to ask of one, and those of the account: a new one, one that is removed.

A form that takes a code takes a passkey's answer as well, in its field `passkey`: see `static/passkeys.js` and `Visit.prove`.
"""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError, NotFound
from keywright.identity.model import Passkey
from keywright.web.model import Form, PasskeyView
from keywright.web.rendering import agent
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

SECURITY = "/security"
NEW = "/security/passkeys/new"
MOST_PURPOSE = 512


async def request_options(visit: Visit) -> Response:
    """Say what the browser is to ask of a passkey: for signing in, a step-up, or one purpose alone."""
    purpose = visit.text("purpose")
    if len(purpose) > MOST_PURPOSE:
        raise Invalid("that is not what could be confirmed", hint="reload the page and try again")
    options = await visit.site.passkeys.options(
        visit.own_session, rp=visit.own_relying_party, made_for=purpose, now=visit.now
    )
    return Response(options, media_type="application/json")


async def creation_options(visit: Visit) -> Response:
    """Say what the browser is to make a passkey of."""
    options = await visit.site.passkeys.creation_options(
        visit.own_session, visit.own_account, rp=visit.own_relying_party, now=visit.now
    )
    return Response(options, media_type="application/json")


async def new_passkey_form(visit: Visit) -> Response:
    """Show how to add a passkey, to who has just proved the second factor."""
    return _to_step_up(visit) or _form(visit, Form({"name": agent(visit.visitor.agent, said=visit.texts.gettext)}))


async def add(visit: Visit) -> Response:
    """Keep the passkey that the browser has made."""
    first = _to_step_up(visit)
    if first is not None:
        return first
    try:
        await visit.site.passkeys.add(
            visit.own_session,
            visit.text("passkey"),
            name=visit.text("name"),
            rp=visit.own_relying_party,
            visitor=visit.visitor,
            now=visit.now,
        )
    except KeywrightError as problem:
        return _form(visit, visit.form("name", problem=problem, about="name"), status=status_of(problem))
    return visit.to(SECURITY, done="passkey-added")


async def passkey_page(visit: Visit) -> Response:
    """Show one passkey, and how to remove it."""
    return await _page(visit)


async def remove(visit: Visit) -> Response:
    """Remove a passkey for good."""
    try:
        await visit.step_up()
        await visit.site.passkeys.remove(visit.own_session, _id(visit), visitor=visit.visitor, now=visit.now)
    except NotFound:
        raise
    except KeywrightError as problem:
        return await _page(visit, problem=problem)
    return visit.to(SECURITY, done="passkey-removed")


def view_of(visit: Visit, passkey: Passkey) -> PasskeyView:
    """Return a passkey as pages show it."""
    holds = visit.site.passkeys.passkeys.holds(passkey)
    return PasskeyView(passkey.id, passkey.name, passkey.created_at, passkey.last_used_at, holds)


def _to_step_up(visit: Visit) -> Response | None:
    return visit.to(f"/step-up?next={NEW}") if visit.needs_code else None


def _form(visit: Visit, form: Form, *, status: int = 200) -> Response:
    return visit.page(
        "new_passkey.html",
        status=status,
        form=form,
        can_have_passkeys=visit.relying_party is not None,
    )


async def _page(visit: Visit, *, problem: KeywrightError | None = None) -> Response:
    async with visit.site.database.read() as tx:
        found = await visit.site.passkeys.passkeys.of(tx, visit.own_account.id)
    passkey = next((one for one in found if one.id == _id(visit)), None)
    if passkey is None:
        raise NotFound("there is no such passkey", hint="it may have been removed already")
    return visit.page(
        "passkey.html",
        status=status_of(problem) if problem else 200,
        form=visit.form(problem=problem) if problem else Form(),
        passkey=view_of(visit, passkey),
        needs_code=visit.needs_code,
    )


def _id(visit: Visit) -> str:
    passkey_id: str = visit.request.path_params["passkey_id"]
    return passkey_id


PAGES = (
    At("/passkeys/options", request_options, "POST", Needs.PASSWORD),
    At("/security/passkeys/options", creation_options, "POST"),
    At(NEW, new_passkey_form),
    At(NEW, add, "POST"),
    At("/security/passkeys/{passkey_id:row}", passkey_page),
    At("/security/passkeys/{passkey_id:row}/remove", remove, "POST"),
)
