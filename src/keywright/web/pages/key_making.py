"""A new key: the form, its summary in plain words, and the making. What then shows its secret is `key_shown`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from keywright.errors import Conflict, Invalid, KeywrightError
from keywright.issuing.addresses import parse_allowlist, plain_address
from keywright.issuing.model import NewKey, Permission
from keywright.issuing.rules import free_slot, places_taken
from keywright.web.model import Form
from keywright.web.pages import confirming
from keywright.web.pages.captcha import solved
from keywright.web.pages.checklist import behind_checklist
from keywright.web.pages.key_pages import parse_addresses, vetted_passphrase
from keywright.web.pages.key_shown import made_page
from keywright.web.pages.plain_words import Plan, summary_of, warnings_of
from keywright.web.pages.purposes import purpose_of, purposes_of
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

NEW = "/api-management/new"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form asks for, as it was typed."""

    purpose: str

    name: str
    memo: str
    permissions: tuple[str, ...]
    environment: str
    addresses: str

    @classmethod
    def of(cls, visit: Visit) -> Wish:
        """Return what was posted. Permissions come as several fields, or as one with spaces from the second page."""
        words = " ".join(visit.posted.get("permissions") or []).split()
        return cls(
            visit.text("purpose"),
            visit.text("name"),
            visit.text("memo"),
            tuple(dict.fromkeys([Permission.READ.value, *words])),
            visit.text("environment") or "spot",
            visit.text("addresses"),
        )

    @property
    def values(self) -> Mapping[str, str]:
        """Return it as the values of a form."""
        return {
            "purpose": self.purpose,
            "name": self.name,
            "memo": self.memo,
            "permissions": " ".join(self.permissions),
            "environment": self.environment,
            "addresses": self.addresses,
        }

    @property
    def confirmed(self) -> dict[str, str]:
        """Return what a code that was sent confirms: all that the key will be able to do."""
        return confirming.wished(self.name, self.permissions, self.environment, parse_addresses(self.addresses))

    def plan(self, *, most: int) -> Plan:
        """Return what the key will be able to do, its addresses in the spelling they will have.

        Raises `Invalid` for an address that can't be taken.
        """
        addresses = parse_allowlist(parse_addresses(self.addresses), most=most)
        return Plan(frozenset(self.permissions), self.environment, tuple(map(plain_address, addresses)))


async def new_key_form(visit: Visit) -> Response:
    """Show the form for a new key, filled in for its purpose; without one only reading is ticked.

    Who can have none now is told before typing anything.
    """
    missing = await behind_checklist(visit)
    if missing is not None:
        return missing
    await _refuse_early(visit)
    purpose = purpose_of(visit.request.query_params.get("purpose", ""), visit.texts)
    wish = Wish(purpose.code, purpose.name, "", purpose.permissions, purpose.environment, "")
    return _form(visit, Form(wish.values))


async def check(visit: Visit) -> Response:
    """Say in plain words what the key will be able to do, and ask for its passphrase and the second factor."""
    missing = await behind_checklist(visit)
    if missing is not None:
        return missing
    wish = Wish.of(visit)
    wrong = _wrong_with(visit, wish)
    if wrong:
        return _form(visit, _returned(visit, wish, *wrong), status=status_of(wrong[0]))
    return await _check_page(visit, wish, Form(wish.values))


async def send_code(visit: Visit) -> Response:
    """Send the code that confirms this key, and say so; without a script on the page as it was before."""
    wish = Wish.of(visit)
    problem: KeywrightError | None = None
    try:
        for wrong in _wrong_with(visit, wish):
            raise wrong
        if confirming.takes_code(visit):
            await confirming.send_code(visit, wish.confirmed)
    except KeywrightError as met:
        problem = met
    form = _returned(visit, wish, problem, about="mailed_code") if problem else Form(wish.values)
    if visit.is_htmx:
        return await confirming.sent(visit, form, is_sent=problem is None)
    return await _check_page(visit, wish, form, status=status_of(problem) if problem else 200)


async def summary(visit: Visit) -> Response:
    """Say in plain words what the key would be able to do as the form stands, and which address can't be taken."""
    return visit.fragment("new_key.html", "summary", **_summary(visit, Wish.of(visit)))


async def create(visit: Visit) -> Response:
    """Make the key, and show its secret and passphrase: here, once, and never again."""
    missing = await behind_checklist(visit)
    if missing is not None:
        return missing
    wish = Wish.of(visit)
    if "back" in visit.posted:
        return _form(visit, Form(wish.values))
    wrong = _wrong_with(visit, wish)
    if wrong:
        return _form(visit, _returned(visit, wish, *wrong), status=status_of(wrong[0]))
    about = ""
    try:
        confirming.check_typed(visit)
        await solved(visit)
        passphrase = await vetted_passphrase(visit, about=(wish.name, wish.memo))
        proof = await visit.step_up()
        about = "trading_password"
        trading = await confirming.trading_proof(visit, proof)
        about = "mailed_code"
        await confirming.count_try(visit)
        wanted = frozenset(Permission(one) for one in wish.permissions)
        addresses = parse_addresses(wish.addresses)
        # Pending: if this answer gets lost, nobody has the secret, and the key can't be used before someone says they do.
        new_key = NewKey(
            wish.name, passphrase, wanted, wish.environment, addresses, wish.memo, pending=True, trading=trading
        )
        async with visit.site.database.write() as tx:
            await confirming.burn_code(tx, visit, wish.confirmed)
            about = ""
            issued = await visit.site.issuing.issue(
                tx, visit.owner, new_key, proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return await _check_page(visit, wish, _returned(visit, wish, problem, about=about), status=status_of(problem))
    return made_page(visit, issued.key, secret=issued.secret, passphrase=passphrase.value)


async def _refuse_early(visit: Visit) -> None:
    if visit.own_account.frozen_at is not None:
        raise Conflict("the account is frozen", hint="lift the freeze first, under Security")
    async with visit.site.database.read() as tx:
        keys = await visit.site.issuing.keys(tx, visit.owner)
    free_slot(range(1, places_taken(keys) + 1), policy=visit.policy)


def _wrong_with(visit: Visit, wish: Wish) -> tuple[Invalid, ...]:
    addresses = parse_addresses(wish.addresses)
    return visit.site.issuing.wrong_with(wish.name, wish.memo, wish.permissions, wish.environment, addresses)


def _returned(visit: Visit, wish: Wish, *problems: KeywrightError, about: str = "") -> Form:
    errors: dict[str, str] = {}
    hints: dict[str, str] = {}
    for problem in problems:
        blamed = visit.form(problem=problem, about=about)
        errors.update(blamed.errors)
        hints.update(blamed.hints)
    return Form(wish.values, errors, hints)


def _form(visit: Visit, form: Form, *, status: int = 200) -> Response:
    values = form.values
    wish = Wish("", "", "", tuple(values["permissions"].split()), values["environment"], values["addresses"])
    return visit.page(
        "new_key.html",
        status=status,
        form=form,
        purposes=purposes_of(visit.texts),
        purpose=purpose_of(values["purpose"], visit.texts),
        current_address=visit.visitor.address,
        lifetime_days=visit.policy.key_lifetime_days,
        **_summary(visit, wish),
    )


async def _check_page(visit: Visit, wish: Wish, form: Form, *, status: int = 200) -> Response:
    return visit.page(
        "check_key.html",
        status=status,
        form=form,
        needs_code=visit.needs_code,
        **await confirming.asked(visit, wish.confirmed),
        **_summary(visit, wish),
    )


def _summary(visit: Visit, wish: Wish) -> dict[str, Any]:
    """Return what a page says about a wish: sentences, and what should give pause or can't be taken."""
    policy, texts = visit.policy, visit.texts
    problem: tuple[str, ...] = ()
    try:
        plan = wish.plan(most=policy.addresses_per_key)
    except Invalid as wrong:
        problem = tuple(visit.site.texts.said(text, visit.locale) for text in (wrong.message, wrong.hint) if text)
        plan = Plan(frozenset(wish.permissions), wish.environment, ())
    return {
        "summary": summary_of(plan, texts, lifetime_days=policy.key_lifetime_days),
        "warnings": problem or warnings_of(plan, texts, seen_at=visit.visitor.address),
    }


PAGES = (
    At(NEW, new_key_form),
    At(NEW, check, "POST"),
    At("/api-management/summary", summary, "POST"),
    At("/api-management/send-code", send_code, "POST"),
    At("/api-management/create", create, "POST"),
)
