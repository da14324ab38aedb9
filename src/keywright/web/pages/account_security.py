"""Security of the account: second factor, recovery codes, sessions, and the switch that refuses every key."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import Session
from keywright.web.model import Form
from keywright.web.own_model import OwnView, SessionView
from keywright.web.pages import confirming
from keywright.web.pages.checklist import steps_of
from keywright.web.pages.passkeys import view_of
from keywright.web.pages.second_factor import recovery_codes_page
from keywright.web.routing import At, status_of
from keywright.web.security import new_token
from keywright.web.visit import Visit

SECURITY = "/security"


async def security(visit: Visit) -> Response:
    """Show what protects the account."""
    return await _security(visit)


async def make_recovery_codes(visit: Visit) -> Response:
    """Make new recovery codes and show them, once; the older ones are dead."""
    try:
        await visit.step_up()
    except KeywrightError as problem:
        return await _security(visit, which="codes", problem=problem)
    async with visit.site.database.write() as tx:
        codes = await visit.site.entrance.factors.make_recovery_codes(
            tx, visit.own_session, visitor=visit.visitor, now=visit.now
        )
    return recovery_codes_page(visit, codes)


async def end_session(visit: Visit) -> Response:
    """End one of the account's sessions, perhaps this one."""
    session, session_id = visit.own_session, visit.request.path_params["session_id"]
    async with visit.site.database.write() as tx:
        await visit.site.entrance.sessions.end(
            tx, session, session_id, visitor=visit.visitor, why="ended by its owner", now=visit.now
        )
    if session_id == session.id:
        visit.leave(new_token())
        return visit.to("/sign-in", done="signed-out")
    return visit.to(SECURITY, done="session-ended")


async def end_other_sessions(visit: Visit) -> Response:
    """End every session but this one."""
    async with visit.site.database.write() as tx:
        await visit.site.entrance.sessions.end_others(
            tx, visit.own_session, visitor=visit.visitor, why="ended by its owner", now=visit.now
        )
    return visit.to(SECURITY, done="sessions-ended")


async def freeze(visit: Visit) -> Response:
    """Refuse every key of the account, at once."""
    async with visit.site.database.write() as tx:
        await visit.site.identity.freeze(tx, visit.own_account.id, actor=visit.actor, now=visit.now)
    return visit.to(SECURITY, done="frozen")


async def unfreeze(visit: Visit) -> Response:
    """Let the account's keys be what they were before the freeze."""
    try:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.identity.unfreeze(tx, visit.own_account.id, proof=proof, actor=visit.actor, now=visit.now)
    except KeywrightError as problem:
        return await _security(visit, which="unfreeze", problem=problem)
    return visit.to(SECURITY, done="unfrozen")


async def _security(visit: Visit, *, which: str = "", problem: KeywrightError | None = None) -> Response:
    account, session = visit.own_account, visit.own_session
    async with visit.site.database.read() as tx:
        sessions = await visit.site.entrance.sessions.of(tx, account.id, now=visit.now)
        passkeys = await visit.site.passkeys.passkeys.of(tx, account.id)
        codes_left = await visit.site.entrance.factors.recovery_codes_left(tx, account)
        identity = await visit.site.own.identities.of(tx, account.id)
        phrase = await visit.site.own.preferences.phrase(tx, account.id)
        phone = await visit.site.own.phones.of(tx, account.id)
        way = await visit.site.own.phones.way(tx, account)
        rest = await visit.site.approvals.holds.rest_of(tx, account.id, now=visit.now)
    asked = {step.name for step in await steps_of(visit)}
    return visit.page(
        "security.html",
        status=status_of(problem) if problem else 200,
        form=visit.form(problem=problem) if problem else Form(),
        which=which,
        has_factor=account.has_factor,
        codes_left=codes_left,
        passkeys=[view_of(visit, one) for one in passkeys],
        can_have_passkeys=visit.relying_party is not None,
        own=OwnView(
            is_email_verified=account.email_verified_at is not None,
            has_phrase=bool(phrase),
            has_trading_password=account.has_trading_password,
            asks_trading_password="trading_password" in asked,
            identity=identity.state.value if identity is not None else "",
            asks_identity="identity" in asked,
            asks_code=confirming.takes_code(visit),
            phone=phone.shown if phone else "",
            codes_go_to=way.shown,
        ),
        sessions=[_view(one, this=session) for one in sessions],
        is_frozen=account.frozen_at is not None,
        rest=rest,
        needs_code=visit.needs_code,
    )


def _view(session: Session, *, this: Session) -> SessionView:
    return SessionView(
        session.id, session.address, session.agent, session.created_at, session.seen_at, session.id == this.id
    )


PAGES = (
    At(SECURITY, security),
    At("/security/recovery-codes", make_recovery_codes, "POST"),
    At("/security/sessions/end-others", end_other_sessions, "POST"),
    At("/security/sessions/{session_id:row}/end", end_session, "POST"),
    At("/security/freeze", freeze, "POST"),
    At("/security/unfreeze", unfreeze, "POST"),
)
