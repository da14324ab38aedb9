"""What people keep up to date about their account: password, e-mail address, phrase, language."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.web.arrival import OURS
from keywright.web.model import Form
from keywright.web.onward import HOME
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

SECURITY = "/security"


async def password(visit: Visit) -> Response:
    """Show the form that changes the password."""
    return _password(visit, Form())


async def change_password(visit: Visit) -> Response:
    """Let the account be recognised by another password; every other session ends."""
    try:
        proof = await visit.step_up()
        opened = await visit.site.own.password.change_password(
            visit.own_session,
            visit.secret("current"),
            visit.secret("password"),
            proof=proof,
            visitor=visit.visitor,
            now=visit.now,
        )
    except KeywrightError as problem:
        return _password(visit, visit.form(problem=problem, about="current"), status=status_of(problem))
    visit.rise(opened)
    return visit.to(SECURITY, done="password-changed")


async def email(visit: Visit) -> Response:
    """Show whether the e-mail address is verified, and how to do that."""
    return await _email(visit)


async def send_code(visit: Visit) -> Response:
    """Send a code to the account's e-mail address."""
    try:
        async with visit.site.database.write() as tx:
            await visit.site.own.mailbox.send_code(tx, visit.own_account, now=visit.now)
    except KeywrightError as problem:
        return await _email(visit, visit.form(problem=problem), status=status_of(problem))
    return visit.to("/security/email", done="code-sent")


async def verify_email(visit: Visit) -> Response:
    """Take the code that was sent."""
    try:
        await visit.site.own.mailbox.verify_email(
            visit.own_session, visit.own_account, visit.secret("code"), visitor=visit.visitor, now=visit.now
        )
    except KeywrightError as problem:
        return await _email(visit, visit.form(problem=problem, about="code"), status=status_of(problem))
    return visit.to(SECURITY, done="email-verified")


async def phrase(visit: Visit) -> Response:
    """Show the phrase, and the form that changes it."""
    return await _phrase(visit)


async def set_phrase(visit: Visit) -> Response:
    """Keep another phrase, or none."""
    try:
        proof = await visit.step_up()
        await visit.site.own.preferences.set_phrase(
            visit.own_session,
            "" if "none" in visit.posted else visit.text("phrase"),
            email=visit.own_account.email,
            proof=proof,
            visitor=visit.visitor,
            now=visit.now,
        )
    except KeywrightError as problem:
        return await _phrase(visit, visit.form("phrase", problem=problem, about="phrase"), status=status_of(problem))
    return visit.to(SECURITY, done="phrase-set")


async def set_language(visit: Visit) -> Response:
    """Answer in another language from now on: in this browser, and for who is signed in wherever they are."""
    language, back = visit.text("language"), visit.text("next")
    if language not in visit.site.texts.locales:
        raise Invalid("there is no such language here", hint="choose one of the list", field="language")
    session = visit.session
    if session is not None and session.is_complete:
        async with visit.site.database.write() as tx:
            await visit.site.own.preferences.set_language(tx, session, language, visitor=visit.visitor, now=visit.now)
    visit.chosen_language = language
    return visit.to(back if OURS.fullmatch(back) else HOME)


def _password(visit: Visit, form: Form, *, status: int = 200) -> Response:
    return visit.page("password.html", status=status, form=form, needs_code=visit.needs_code)


async def _email(visit: Visit, form: Form | None = None, *, status: int = 200) -> Response:
    account = visit.own_account
    async with visit.site.database.read() as tx:
        is_waiting = await visit.site.own.mailbox.waits(tx, account, now=visit.now)
    return visit.page(
        "email.html",
        status=status,
        form=form or Form(),
        verified_at=account.email_verified_at,
        is_waiting=is_waiting,
    )


async def _phrase(visit: Visit, form: Form | None = None, *, status: int = 200) -> Response:
    async with visit.site.database.read() as tx:
        now_is = await visit.site.own.preferences.phrase(tx, visit.own_account.id)
    return visit.page(
        "phrase.html",
        status=status,
        form=form or Form({"phrase": now_is}),
        phrase=now_is,
        needs_code=visit.needs_code,
    )


PAGES = (
    At("/security/password", password),
    At("/security/password", change_password, "POST"),
    At("/security/email", email),
    At("/security/email", verify_email, "POST"),
    At("/security/email/code", send_code, "POST"),
    At("/security/phrase", phrase),
    At("/security/phrase", set_phrase, "POST"),
    At("/language", set_language, "POST", Needs.NOTHING),
)
