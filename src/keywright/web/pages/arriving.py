"""Sign up, sign in, sign out; and, for who can't get in, switching everything off."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus

from starlette.responses import Response

from keywright.errors import Conflict, KeywrightError, Limited, NotFound
from keywright.identity.rules import strength
from keywright.web.model import Form
from keywright.web.onward import HOME, through
from keywright.web.pages.captcha import solved
from keywright.web.routing import At, Needs, status_of
from keywright.web.security import new_token
from keywright.web.texts import marked
from keywright.web.visit import Visit

ADVICE = (
    marked("Easily guessed. Make it much longer."),
    marked("Easily guessed. Make it longer."),
    marked("Almost. Add another word or a few characters."),
    marked("Good."),
    marked("Very good."),
)
"""What is said of each score of zxcvbn."""


async def home(visit: Visit) -> Response:
    """Send the browser where it is of use."""
    return visit.to(HOME if visit.session is not None else "/sign-in")


async def sign_up_form(visit: Visit) -> Response:
    """Show the form that makes an account."""
    if visit.session is not None:
        return visit.to(HOME)
    await visit.learn_policy()
    return visit.page("sign_up.html", form=Form(), is_open=_is_open(visit))


async def sign_up(visit: Visit) -> Response:
    """Make an account, and go on to its second factor."""
    async with visit.site.database.read() as tx:
        visit.policy = await visit.site.policies.current(tx)
    if not _is_open(visit):
        raise Conflict("accounts are made by the operator here", hint="ask whoever runs this")
    try:
        await solved(visit)
        opened = await visit.site.entrance.sign_up(
            visit.text("email"), visit.secret("password"), visitor=visit.visitor, now=visit.now
        )
    except KeywrightError as problem:
        form = visit.form("email", problem=problem, about="email")
        return visit.page("sign_up.html", status=status_of(problem), form=form, is_open=True)
    await _end_the_one_before(visit)
    visit.rise(opened)
    return visit.to("/security/authenticator", done="account-made")


async def sign_in_form(visit: Visit) -> Response:
    """Show the form for e-mail address and password."""
    if visit.session is not None and visit.session.is_complete:
        return visit.to(visit.frame.onward or HOME)
    await visit.learn_policy()
    return visit.page("sign_in.html", form=Form(), is_open=_is_open(visit), has_login=bool(visit.site.login.url))


async def sign_in(visit: Visit) -> Response:
    """Take address and password, and go on to the second factor."""
    try:
        opened = await visit.site.entrance.sign_in(
            visit.text("email"), visit.secret("password"), visitor=visit.visitor, now=visit.now
        )
    except KeywrightError as problem:
        form = visit.form("email", problem=problem)
        await visit.learn_policy()
        has_login = bool(visit.site.login.url)
        return visit.page(
            "sign_in.html", status=status_of(problem), form=form, is_open=_is_open(visit), has_login=has_login
        )
    await _end_the_one_before(visit)
    visit.rise(opened)
    return visit.to(through("/sign-in/code", visit.frame.onward))


def _is_open(visit: Visit) -> bool:
    return visit.policy.sign_up == "open"


async def _end_the_one_before(visit: Visit) -> None:
    """End the session that the browser leaves for a new one: its token must not live on unseen (case WEB-09)."""
    before = visit.session
    if before is None:
        return
    async with visit.site.database.write() as tx:
        with suppress(NotFound):  # it ended by itself meanwhile
            await visit.site.entrance.sessions.end(
                tx, before, before.id, visitor=visit.visitor, why="signed in anew", now=visit.now
            )


async def sign_out(visit: Visit) -> Response:
    """End this session; the browser stays known."""
    session = visit.own_session
    async with visit.site.database.write() as tx:
        await visit.site.entrance.sessions.end(
            tx, session, session.id, visitor=visit.visitor, why="signed out", now=visit.now
        )
    visit.leave(new_token())
    return visit.to("/sign-in", done="signed-out")


async def switch_off_form(visit: Visit) -> Response:
    """Show how to refuse every key of an account without its second factor."""
    return visit.page("switch_off.html", form=Form(), is_done=False)


async def switch_off(visit: Visit) -> Response:
    """Refuse every key of the account if address and password are right, and say the same whether they were."""
    try:
        await visit.site.entrance.freeze(
            visit.text("email"), visit.secret("password"), visitor=visit.visitor, now=visit.now
        )
    except Limited as problem:
        form = visit.form("email", problem=problem)
        return visit.page("switch_off.html", status=HTTPStatus.TOO_MANY_REQUESTS, form=form, is_done=False)
    return visit.page("switch_off.html", form=Form(), is_done=True)


async def meter(visit: Visit) -> Response:
    """Tell how hard a password or passphrase is to guess; it is looked at and forgotten."""
    about = (visit.account.email if visit.account else "", "keywright", "kucoin")
    typed = visit.text("secret")
    score = await visit.site.measuring.run(partial(strength, typed, about=about)) if typed else 0
    return visit.page("strength.html", score=score, advice=ADVICE[score])


PAGES = (
    At("/", home, needs=Needs.NOTHING),
    At("/sign-up", sign_up_form, needs=Needs.NOTHING),
    At("/sign-up", sign_up, "POST", Needs.NOTHING),
    At("/sign-in", sign_in_form, needs=Needs.NOTHING),
    At("/sign-in", sign_in, "POST", Needs.NOTHING),
    At("/sign-out", sign_out, "POST", Needs.PASSWORD),
    At("/switch-off", switch_off_form, needs=Needs.NOTHING),
    At("/switch-off", switch_off, "POST", Needs.NOTHING),
    # It may arrive after the form that it was typed in was sent, and with it the session renewed.
    At("/strength", meter, "POST", Needs.NOTHING, changes=False),
)
