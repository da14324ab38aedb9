"""What a profile asks for beside the second factor: the trading password, and who the account's owner is."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import IdentityState
from keywright.identity.prerequisites import PAGES as PLACES, Prerequisite
from keywright.identity.said import COUNTRIES, DOCUMENTS
from keywright.web.model import Form
from keywright.web.own_model import IdentityView
from keywright.web.pages.checklist import steps_of
from keywright.web.routing import At, status_of
from keywright.web.texts import regional
from keywright.web.visit import Visit

TRADING = PLACES[Prerequisite.TRADING_PASSWORD]
IDENTITY = PLACES[Prerequisite.IDENTITY]


async def trading_password(visit: Visit) -> Response:
    """Show the form that sets or replaces the trading password."""
    return _trading(visit, Form())


async def set_trading_password(visit: Visit) -> Response:
    """Give the account a trading password."""
    try:
        proof = await visit.step_up()
        await visit.site.own.trading.set_trading_password(
            visit.own_session,
            visit.secret("trading_password"),
            password=visit.secret("password"),
            proof=proof,
            visitor=visit.visitor,
            now=visit.now,
        )
    except KeywrightError as problem:
        return _trading(visit, visit.form(problem=problem, about="password"), status=status_of(problem))
    return await _onward(visit, done="trading-password-set")


async def identity(visit: Visit) -> Response:
    """Show the form that says who one is, or what came of it."""
    return await _identity(visit)


async def submit_identity(visit: Visit) -> Response:
    """Take who the owner says they are."""
    fields = {name: visit.text(name) for name in ("name", "country", "document", "last_digits")}
    try:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            handed_in = await visit.site.own.identities.submit_identity(
                tx, visit.own_account.id, **fields, proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return await _identity(visit, visit.form(*fields, problem=problem), status=status_of(problem))
    if handed_in.state is IdentityState.APPROVED:
        return await _onward(visit, done="identity-verified")
    return visit.to(IDENTITY, done="identity-submitted")


async def _onward(visit: Visit, *, done: str) -> Response:
    """Go on to the checklist while something on it is missing, else to where one came from."""
    is_ready = all(step.is_done for step in await steps_of(visit))
    return visit.to("/security" if is_ready else "/api-management", done=done)


def _trading(visit: Visit, form: Form, *, status: int = 200) -> Response:
    return visit.page(
        "trading_password.html",
        status=status,
        form=form,
        is_set=visit.own_account.has_trading_password,
        needs_code=visit.needs_code,
    )


async def _identity(visit: Visit, form: Form | None = None, *, status: int = 200) -> Response:
    async with visit.site.database.read() as tx:
        found = await visit.site.own.identities.of(tx, visit.own_account.id)
    territories = regional(visit.locale).territories
    countries = sorted(((code, territories.get(code, code)) for code in COUNTRIES), key=lambda pair: pair[1].casefold())
    kind, _, digits = found.document.partition(" ") if found is not None else ("", "", "")
    view = None
    if found is not None:
        country = territories.get(found.country, found.country)
        view = IdentityView(found.state.value, found.name, country, kind, digits, found.submitted_at, found.reason)
    return visit.page(
        "identity.html",
        status=status,
        form=form or Form(),
        identity=view,
        countries=[("", ""), *countries],
        documents=DOCUMENTS,
        needs_code=visit.needs_code,
    )


PAGES = (
    At(TRADING, trading_password),
    At(TRADING, set_trading_password, "POST"),
    At(IDENTITY, identity),
    At(IDENTITY, submit_identity, "POST"),
)
