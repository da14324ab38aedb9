"""Service tokens, as operators see, make and disable them. What opens with one is shown once, in the answer that made it."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.identity.limits import DAY_MS
from keywright.identity.token_model import Scope, ServiceToken
from keywright.identity.tokens import checked_name, checked_scopes
from keywright.issuing.addresses import parse_allowlist, plain_address
from keywright.web.model import Form
from keywright.web.operator_model import TokenView
from keywright.web.pages.key_pages import parse_addresses
from keywright.web.pages.operator_permissions import called
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

HOME = "/operator/tokens"
MOST_ADDRESSES = 20
LIFETIMES = ("30", "90", "365", "")
"""Days that are offered; empty: it doesn't expire."""

USUAL_LIFETIME = "90"
TYPED = ("name", "addresses", "days", "any_address")


async def tokens(visit: Visit) -> Response:
    """Show every token, newest first. What opens with one can't be shown."""
    async with visit.site.database.read() as tx:
        views = [
            _view(one, now=visit.now, by=await called(visit, tx, one.created_by))
            for one in await visit.site.tokens.every(tx)
        ]
    return visit.page("operator_tokens.html", tokens=views)


async def new_token(visit: Visit) -> Response:
    """Show the form for a token."""
    return _form_page(visit, Form({"days": USUAL_LIFETIME}))


async def create(visit: Visit) -> Response:
    """Make a token with a step-up, and show what opens with it: here, once, and never again."""
    try:
        name = checked_name(visit.text("name"))
        scopes = checked_scopes(visit.posted.get("scopes", []))
        addresses = _addresses(visit)
        days = visit.text("days")
        if days not in LIFETIMES:
            raise Invalid("choose one of the list", field="days")
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            made = await visit.site.tokens.create(
                tx,
                name,
                scopes=scopes,
                addresses=addresses,
                expires_at=visit.now + int(days) * DAY_MS if days else None,
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        blamed = visit.form(*TYPED, problem=problem)
        values = {**blamed.values, "scopes": " ".join(visit.posted.get("scopes", []))[:512]}
        return _form_page(visit, Form(values, blamed.errors, blamed.hints), status=status_of(problem))
    return visit.page(
        "operator_token_made.html",
        token=_view(made.token, now=visit.now, by=visit.own_account.email),
        secret=made.secret.reveal_text(),
        api_url=f"{visit.site.place.origin}/api/management/v1",
    )


async def disable(visit: Visit) -> Response:
    """Switch a token off for good: one click, no code, and its next call is refused."""
    token_id: str = visit.request.path_params["token_id"]
    async with visit.site.database.write() as tx:
        await visit.site.tokens.disable(tx, token_id, actor=visit.actor, now=visit.now)
    return visit.to(HOME, done="token-disabled")


def _addresses(visit: Visit) -> tuple[str, ...]:
    addresses = parse_allowlist(parse_addresses(visit.text("addresses")), most=MOST_ADDRESSES)
    if not addresses and not visit.text("any_address"):
        raise Invalid(
            "say where it may be used from",
            hint="give the addresses of its program, or tick that it works from anywhere",
            field="addresses",
        )
    if addresses and visit.text("any_address"):
        raise Invalid(
            "addresses are given, and it is to work from anywhere",
            hint="leave one of the two out",
            field="addresses",
        )
    return addresses


def _form_page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    return visit.page(
        "operator_new_token.html",
        status=status,
        form=form,
        scopes=[scope.value for scope in Scope],
        current_address=visit.visitor.address,
        needs_code=visit.needs_code,
    )


def _view(token: ServiceToken, *, now: int, by: str) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        status=token.status_at(now),
        scopes=tuple(scope.value for scope in Scope if scope in token.scopes),
        addresses=tuple(plain_address(block) for block in token.addresses),
        created_at=token.created_at,
        created_by=by,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        last_used_from=token.last_used_from,
        holds=token.holds,
    )


PAGES = (
    At(HOME, tokens, needs=Needs.OPERATOR),
    At("/operator/tokens/new", new_token, needs=Needs.OPERATOR),
    At("/operator/tokens/new", create, "POST", Needs.OPERATOR),
    At("/operator/tokens/{token_id:row}/disable", disable, "POST", Needs.OPERATOR),
)
