"""The account's phone: a number that was shown to be its owner's, and whether codes that confirm go there (K5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import FactorProof
from keywright.identity.phones import CHOICE
from keywright.web.model import Form
from keywright.web.pages import confirming
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

HOME = "/security/phone"


async def phone(visit: Visit) -> Response:
    """Show the phone, or why there can be none."""
    return await _page(visit)


async def send_code(visit: Visit) -> Response:
    """Send a code to a number, and ask for it."""
    try:
        proof = await visit.step_up()
        number = await visit.site.own.phones.send_code(
            visit.own_account, visit.text("phone"), proof=proof, now=visit.now
        )
    except KeywrightError as problem:
        form = visit.form("phone", problem=problem, about="phone")
        return await _page(visit, which="new", form=form, problem=problem)
    return await _page(visit, which="verify", pending=number)


async def set_phone(visit: Visit) -> Response:
    """Take the code that was sent to the number: it is the account's from now on."""
    try:
        await visit.site.own.phones.set_phone(
            visit.own_session,
            visit.text("phone"),
            visit.secret("sms_code"),
            proof=await visit.step_up(),
            visitor=visit.visitor,
            now=visit.now,
        )
    except KeywrightError as problem:
        form = visit.form("phone", problem=problem, about="sms_code")
        return await _page(visit, which="verify", form=form, problem=problem, pending=visit.text("phone")[:40])
    return visit.to(HOME, done="phone-set")


async def send_choice_code(visit: Visit) -> Response:
    """Send a code to the e-mail address, before codes go to the phone."""
    try:
        async with visit.site.database.write() as tx:
            await visit.site.own.phones.send_choice_code(tx, visit.own_account, now=visit.now)
    except KeywrightError as problem:
        return await _page(visit, which="choice", form=visit.form(problem=problem, about="mail_code"), problem=problem)
    return visit.to(HOME, done="code-sent")


async def choose_phone(visit: Visit) -> Response:
    """Let codes go to the phone."""

    async def change(proof: FactorProof) -> None:
        await visit.site.own.phones.send_codes_to_phone(
            visit.own_session, visit.secret("mail_code"), proof=proof, visitor=visit.visitor, now=visit.now
        )

    return await _changed(visit, "choice", change, about="mail_code", done="codes-to-phone")


async def choose_mail(visit: Visit) -> Response:
    """Let codes come by e-mail again."""

    async def change(proof: FactorProof) -> None:
        await visit.site.own.phones.send_codes_by_mail(
            visit.own_session, proof=proof, visitor=visit.visitor, now=visit.now
        )

    return await _changed(visit, "choice", change, about="", done="codes-by-mail")


async def remove(visit: Visit) -> Response:
    """Forget the phone."""

    async def change(proof: FactorProof) -> None:
        await visit.site.own.phones.remove(visit.own_session, proof=proof, visitor=visit.visitor, now=visit.now)

    return await _changed(visit, "remove", change, about="", done="phone-removed")


async def _changed(
    visit: Visit, which: str, change: Callable[[FactorProof], Awaitable[None]], *, about: str, done: str
) -> Response:
    try:
        await change(await visit.step_up())
    except KeywrightError as problem:
        return await _page(visit, which=which, form=visit.form(problem=problem, about=about), problem=problem)
    return visit.to(HOME, done=done)


async def _page(
    visit: Visit,
    *,
    which: str = "",
    form: Form | None = None,
    problem: KeywrightError | None = None,
    pending: str = "",
) -> Response:
    account, phones = visit.own_account, visit.site.own.phones
    async with visit.site.database.read() as tx:
        found = await phones.of(tx, account.id)
        is_waiting = await visit.site.own.codes.waits(tx, account.id, CHOICE, now=visit.now)
    return visit.page(
        "phone.html",
        status=status_of(problem) if problem else 200,
        form=form or Form(),
        which=which,
        number=found.shown if found else "",
        verified_at=found.verified_at if found else None,
        gets_codes=found is not None and found.gets_codes,
        is_offered=phones.is_offered,
        is_asked=confirming.takes_code(visit),
        is_waiting=is_waiting,
        pending=pending,
        needs_code=visit.needs_code,
    )


PAGES = (
    At(HOME, phone),
    At(HOME, set_phone, "POST"),
    At("/security/phone/code", send_code, "POST"),
    At("/security/phone/choice-code", send_choice_code, "POST"),
    At("/security/phone/choose-phone", choose_phone, "POST"),
    At("/security/phone/choose-mail", choose_mail, "POST"),
    At("/security/phone/remove", remove, "POST"),
)
