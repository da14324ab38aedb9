"""The second factor: its code at sign-in, recovery codes, the authenticator, and the step-up before sensitive things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import segno
from markupsafe import Markup
from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import Opened
from keywright.identity.totp import provisioning_uri
from keywright.secret import Secret
from keywright.web.model import Form
from keywright.web.onward import HOME, ours
from keywright.web.posted import typed_code
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

ISSUER = "Keywright"


async def code_form(visit: Visit) -> Response:
    """Ask for the code of the authenticator."""
    return _onward(visit) or visit.page("code.html", form=Form())


async def code(visit: Visit) -> Response:
    """Take the code, or a passkey, and let in."""
    prove = partial(visit.site.entrance.prove_code, visit.own_session, typed_code(visit.text("code")))
    if visit.text("passkey"):
        return await _enter(visit, visit.enter_by_passkey, "code.html", then=visit.frame.onward or HOME)
    return await _enter(
        visit, partial(prove, visitor=visit.visitor, now=visit.now), "code.html", then=visit.frame.onward or HOME
    )


async def recovery_form(visit: Visit) -> Response:
    """Ask for a recovery code."""
    return _onward(visit) or visit.page("recovery.html", form=Form())


async def recovery(visit: Visit) -> Response:
    """Take a recovery code, burn it, and let in."""
    prove = partial(visit.site.entrance.prove_recovery_code, visit.own_session, visit.secret("code"))
    return await _enter(visit, partial(prove, visitor=visit.visitor, now=visit.now), "recovery.html", then="/security")


async def authenticator(visit: Visit) -> Response:
    """Explain what an authenticator is for, and how to begin."""
    return _stopped(visit) or _authenticator(visit, "start")


async def begin_authenticator(visit: Visit) -> Response:
    """Make a secret for an authenticator and show it, once."""
    stopped = _stopped(visit)
    if stopped is not None:
        return stopped
    account, has_factor = visit.own_account, visit.own_account.has_factor
    try:
        if has_factor:
            await visit.step_up()
        async with visit.site.database.write() as tx:
            secret = await visit.site.entrance.factors.begin_authenticator(
                tx, visit.own_session, has_factor=has_factor, now=visit.now
            )
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="code")
        return _authenticator(visit, "start", status=status_of(problem), form=form)
    uri = provisioning_uri(secret, email=account.email, issuer=ISSUER).reveal_text()
    text = secret.reveal_text()
    groups = tuple(text[at : at + 4] for at in range(0, len(text), 4))
    return _authenticator(visit, "scan", qr=_qr(uri), secret_groups=groups, uri=uri)


async def confirm_authenticator(visit: Visit) -> Response:
    """Take the first code of the new authenticator: it is the account's second factor from now on."""
    stopped = _stopped(visit)
    if stopped is not None:
        return stopped
    try:
        opened, codes = await visit.site.entrance.confirm_authenticator(
            visit.own_session, typed_code(visit.text("code")), visitor=visit.visitor, now=visit.now
        )
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="code")
        return _authenticator(visit, "again", status=status_of(problem), form=form)
    visit.rise(opened)
    if not codes:
        return visit.to("/security", done="authenticator-set")
    return recovery_codes_page(visit, codes)


def recovery_codes_page(visit: Visit, codes: tuple[Secret, ...]) -> Response:
    """Return the page that shows recovery codes, once."""
    return visit.page("recovery_codes.html", codes=tuple(one.reveal_text() for one in codes))


async def step_up_form(visit: Visit) -> Response:
    """Ask for the second factor before something sensitive."""
    return visit.page("step_up.html", form=Form(), next=_next(visit.request.query_params.get("next", "")))


async def step_up(visit: Visit) -> Response:
    """Take the code; for ten minutes sensitive things ask for no other."""
    onward = _next(visit.text("next"))
    try:
        await visit.prove()  # even where an earlier one still serves: what is said afterwards is to be true
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="code")
        return visit.page("step_up.html", status=status_of(problem), form=form, next=onward)
    return visit.to(onward, done="stepped-up")


async def _enter(visit: Visit, prove: Callable[[], Awaitable[Opened]], template: str, *, then: str) -> Response:
    """Complete the session by the proof, or show the form again with what was wrong."""
    onward = _onward(visit)
    if onward is not None:
        return onward
    try:
        opened = await prove()
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="code")
        return visit.page(template, status=status_of(problem), form=form)
    visit.rise(opened)
    return visit.to(then)


def _onward(visit: Visit) -> Response | None:
    """Return where to go instead of asking for a code: in already, or nothing enrolled yet."""
    if visit.own_session.is_complete:
        return visit.to(visit.frame.onward or HOME)
    return None if visit.own_account.has_factor else visit.to("/security/authenticator")


def _stopped(visit: Visit) -> Response | None:
    """Return where to go for who has a second factor and did not prove it: it can't be replaced from there."""
    return visit.to("/sign-in/code") if visit.own_account.has_factor and not visit.own_session.is_complete else None


def _authenticator(
    visit: Visit,
    state: str,
    *,
    status: int = 200,
    form: Form | None = None,
    qr: Markup | None = None,
    secret_groups: tuple[str, ...] = (),
    uri: str = "",
) -> Response:
    return visit.page(
        "authenticator.html",
        status=status,
        state=state,
        form=form or Form(),
        has_factor=visit.own_account.has_factor,
        needs_code=visit.own_account.has_factor and visit.needs_code,
        qr=qr,
        secret_groups=secret_groups,
        uri=uri,
    )


def _qr(uri: str) -> Markup:
    code_ = segno.make(uri, error="m", micro=False)
    # Inline, without a style attribute: the policy allows none. Drawn dark on light, whatever the page's colours are.
    svg = code_.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None, omitsize=True)
    return Markup(svg)  # noqa: S704  segno's own drawing: digits and path letters


def _next(path: str) -> str:
    return ours(path) or HOME


PAGES = (
    At("/sign-in/code", code_form, needs=Needs.PASSWORD),
    At("/sign-in/code", code, "POST", Needs.PASSWORD),
    At("/sign-in/recovery", recovery_form, needs=Needs.PASSWORD),
    At("/sign-in/recovery", recovery, "POST", Needs.PASSWORD),
    At("/security/authenticator", authenticator, needs=Needs.PASSWORD),
    At("/security/authenticator/start", begin_authenticator, "POST", Needs.PASSWORD),
    At("/security/authenticator/confirm", confirm_authenticator, "POST", Needs.PASSWORD),
    At("/step-up", step_up_form),
    At("/step-up", step_up, "POST"),
)
