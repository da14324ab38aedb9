"""One request of a browser, as pages see it: who asks, what was posted, and how it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from gettext import NullTranslations
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from keywright.audit.events import Actor
from keywright.errors import Invalid, KeywrightError, Limited, NotProven
from keywright.identity.model import Account, FactorProof, Opened, RelyingParty, Session, Visitor
from keywright.identity.policy_model import Policy
from keywright.identity.sessions import actor_of
from keywright.issuing.model import Owner
from keywright.secret import Secret
from keywright.web.model import Form, Frame
from keywright.web.onward import ours
from keywright.web.posted import typed_code
from keywright.web.security import csrf_token
from keywright.web.site import Site


@dataclass
class Visit:
    """What a page is given."""

    site: Site
    request: Request
    visitor: Visitor
    now: int
    locale: str
    token: Secret
    """What the browser's cookie holds once it is answered."""
    posted: Mapping[str, list[str]] = field(default_factory=dict, repr=False)
    session: Session | None = None
    account: Account | None = None
    sub_account: str = ""
    """Name of the sub-account whose keys these pages are about; empty: the account's own."""
    is_new_token: bool = False
    """Whether the cookie has to be set."""
    new_device: Secret | None = None
    unread: int = 0
    """Notices that the account did not read."""
    is_operator: bool = False
    """Whether the account became an operator's by a link, and the session is complete."""
    has_passkeys: bool = False
    """Whether the account has passkeys, and this browser came by an address where they serve."""
    waiting: int = 0
    """Withdrawals that wait for this account's owner."""
    is_foreign: bool = False
    """Whether another site may have posted this: then our cookies may be missing, and are left alone."""
    is_whole: bool = False
    """Whether all that was posted has arrived."""
    policy: Policy = field(default_factory=Policy)
    """What holds for every account, as this page may say it; verbs look again."""
    retry_ms: int = 0
    """How long until another attempt is looked at, where there were too many."""
    chosen_language: str = ""
    """What the browser is to be answered in from now on, where that was just chosen."""
    phrase: str = field(default="", repr=False)
    """The account's own phrase, while its second factor is still to come."""
    has_failed: bool = False
    """Whether this is answered with an error: then nothing is said of what was done before."""

    # ── who asks ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def own_session(self) -> Session:
        """The session; pages that need one are only reached with one."""
        if self.session is None:
            raise NotProven("sign in first")
        return self.session

    @property
    def own_account(self) -> Account:
        """The account; pages that need one are only reached with one."""
        if self.account is None:
            raise NotProven("sign in first")
        return self.account

    @property
    def texts(self) -> NullTranslations:
        """What the visitor is answered in."""
        return self.site.texts.of(self.locale)

    @property
    def owner(self) -> Owner:
        """Whose keys these pages are about."""
        return Owner(self.own_session.account_id, self.sub_account)

    @property
    def keys_at(self) -> str:
        """Where the list of these keys stands."""
        return f"/api-management?sub={self.sub_account}" if self.sub_account else "/api-management"

    @property
    def asks_captcha(self) -> bool:
        """Whether making a key or an account takes a captcha here, in the profile that is in force."""
        return self.site.place.asks_captcha(self.policy.profile)

    async def learn_policy(self) -> None:
        """Know what holds for every account. Pages of a complete session know it already."""
        async with self.site.database.read() as tx:
            self.policy = await self.site.policies.shown(tx)

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log."""
        return actor_of(self.own_session, self.visitor)

    @property
    def needs_code(self) -> bool | str:
        """Tell whether a sensitive form must ask for the second factor; for who signs in elsewhere, where to prove it."""
        if self.session is not None and self.session.step_up(now=self.now) is not None:
            return False
        if self.account is None or not self.account.external_id:
            return True
        return f"/login/step-up?next={self.request.scope['path']}"

    @property
    def relying_party(self) -> RelyingParty | None:
        """Who passkeys are made for; `None` at addresses where they don't serve, as 127.0.0.1 beside localhost."""
        found = self.site.place.relying_party
        here = self.request.headers.get("host", "")
        return found if found and here in {urlsplit(origin).netloc for origin in found.origins} else None

    @property
    def own_relying_party(self) -> RelyingParty:
        """The same. Raises `Invalid` where passkeys don't serve."""
        if self.relying_party is None:
            raise Invalid("passkeys don't work at this address", hint="open the console's official address")
        return self.relying_party

    def rise(self, opened: Opened) -> None:
        """Go on in the session that was opened or has risen, under its new token."""
        self.session, self.token, self.is_new_token = opened.session, opened.token, True
        self.new_device = opened.device or self.new_device

    def leave(self, token: Secret) -> None:
        """Go on as nobody, under a token that names no session."""
        self.session, self.account, self.token, self.is_new_token = None, None, token, True

    async def step_up(self) -> FactorProof:
        """Return the proof of a step-up: the one that still serves, or of the code or passkey that was posted.

        Raises `AboutCode` when one is needed and none was given, or a wrong one.
        """
        return self.own_session.step_up(now=self.now) or await self.prove()

    async def prove(self) -> FactorProof:
        """Prove the second factor by the code or passkey that was posted, and return the proof. Raises `AboutCode`."""
        code, answer = typed_code(self.text("code")), self.text("passkey")
        if not code and not answer:
            raise AboutCode(Invalid("this takes your second factor", hint="enter the code of your authenticator"))
        try:
            opened = await (self.enter_by_passkey() if answer else self._step_up_by(Secret(code)))
        except KeywrightError as problem:
            raise AboutCode(problem) from None
        self.rise(opened)
        proof = opened.session.step_up(now=self.now)
        if proof is None:
            raise NotProven("this takes your second factor", hint="give a fresh code")
        return proof

    async def confirm_by_passkey(self, purpose: str) -> FactorProof:
        """Return a proof made for one purpose by the passkey that was posted; the session stays as it is. Raises `AboutCode`.

        Its form names the purpose, as `data-passkey-purpose`, for the passkey to be asked for it.
        """
        try:
            return await self.site.passkeys.confirm(
                self.own_session,
                self.text("passkey"),
                rp=self.own_relying_party,
                made_for=purpose,
                visitor=self.visitor,
                now=self.now,
            )
        except KeywrightError as problem:
            raise AboutCode(problem) from None

    async def enter_by_passkey(self) -> Opened:
        """Complete the session, or step it up, by the passkey that was posted. Raises `NotProven`, `Limited`."""
        return await self.site.passkeys.prove(
            self.own_session, self.text("passkey"), rp=self.own_relying_party, visitor=self.visitor, now=self.now
        )

    async def _step_up_by(self, code: Secret) -> Opened:
        return await self.site.entrance.step_up(self.own_session, code, visitor=self.visitor, now=self.now)

    # ── what was posted ─────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, name: str) -> str:
        """Return what was posted under a name; the first where there are several, empty where there is none."""
        return (self.posted.get(name) or [""])[0]

    def secret(self, name: str) -> Secret:
        """Return a secret that was posted."""
        return Secret(self.text(name))

    def form(self, *names: str, problem: KeywrightError | None = None, about: str = "") -> Form:
        """Return the form as it comes back: the named values, and what is wrong with it.

        `about` names the field to blame where the error itself names none.
        """
        values = {name: self.text(name) for name in names}
        if problem is None:
            return Form(values)
        self.note(problem)
        if isinstance(problem, AboutCode):
            problem, about = problem.problem, "code"
        field_name = (problem.field if isinstance(problem, Invalid) else "") or about
        hint = for_people(problem.hint)
        return Form(values, {field_name: problem.message}, {field_name: hint} if hint else {})

    def note(self, problem: KeywrightError) -> None:
        """Keep what the answer's headers say of an error: after how long it is worth coming again."""
        cause = problem.problem if isinstance(problem, AboutCode) else problem
        self.retry_ms = cause.retry_ms if isinstance(cause, Limited) else self.retry_ms

    @property
    def csrf(self) -> str:
        """The token of every form that is shown now.

        A complete session's forms share one: a step-up in one tab must not make the forms of another useless, least of
        all the one that disables a key.
        """
        session = self.session
        if session is not None and session.is_complete:
            return csrf_token(self.site.csrf_key, Secret(f"session {session.id}"))
        return csrf_token(self.site.csrf_key, self.token)

    # ── how it is answered ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def frame(self) -> Frame:
        """What the frame around the page shows."""
        session, account, origin = self.session, self.account, self.site.place.origin
        here = self.request.headers.get("host", "")
        return Frame(
            csrf=self.csrf,
            origin=origin,
            path=self.request.scope["path"],  # not `request.url`: that is put together with the Host header
            now=self.now,
            came_by=here if here != urlsplit(origin).netloc else "",
            email=account.email if account else "",
            is_complete=session is not None and session.is_complete,
            is_operator=self.is_operator,
            is_elsewhere=account is not None and bool(account.external_id),
            sub_account=self.sub_account,
            keys_at=self.keys_at,
            waiting=self.waiting,
            is_sandbox=self.site.place.is_sandbox,
            has_passkeys=self.has_passkeys,
            asks_captcha=self.asks_captcha,
            notice="" if self.has_failed else self.request.query_params.get("done", "")[:32],
            unread=self.unread,
            onward=ours(self.text("next") or self.request.query_params.get("next", "")),
            session_ends_at=replace(session, seen_at=self.now).ends_at() if session else None,
            here=self.request.scope["path"] if self.request.method == "GET" else "",
            phrase=self.phrase if session is not None and session.device else "",
            has_hidden_phrase=bool(self.phrase) and session is not None and not session.device,
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """Return a page."""
        html = self.site.pages.page(template, locale=self.locale, frame=self.frame, **context)
        return HTMLResponse(html, status)

    def fragment(self, template: str, block: str, *, status: int = 200, **context: Any) -> Response:
        """Return one block of a page alone, for htmx."""
        html = self.site.pages.block(template, block, locale=self.locale, frame=self.frame, **context)
        return HTMLResponse(html, status)

    def to(self, path: str, *, done: str = "") -> Response:
        """Send the browser on to another page of ours, which says what was done."""
        return RedirectResponse(path + (f"{'&' if '?' in path else '?'}done={done}" if done else ""), status_code=303)

    @property
    def is_htmx(self) -> bool:
        """Tell whether a script asks for a part of a page."""
        return self.request.headers.get("hx-request") == "true"


def for_people(hint: str) -> str:
    """Return a hint unless it names a command: who is at the console may not be at the server."""
    return "" if "`keywright " in hint or "keywright keys" in hint else hint


class AboutCode(KeywrightError):
    """What is wrong with the code of the second factor that came with a form."""

    def __init__(self, problem: KeywrightError) -> None:
        super().__init__(problem.message, hint=problem.hint)
        self.problem = problem
