"""A new key: the form, its summary in plain words, and the one page that shows its secret."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from starlette.responses import Response

from keywright.client.snippets import clients_of_key
from keywright.errors import Conflict, Invalid, KeywrightError
from keywright.identity import rules as identity_rules
from keywright.issuing.addresses import parse_allowlist
from keywright.issuing.model import NewKey, Permission
from keywright.issuing.rules import free_slot
from keywright.secret import Secret
from keywright.web.age_file import encrypt
from keywright.web.model import Form
from keywright.web.pages.key_pages import parse_addresses, plain_address, vetted_passphrase, view_of
from keywright.web.pages.plain_words import Plan, summary_of, warnings_of
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

NEW = "/api-management/new"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form asks for, as it was typed."""

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
            "name": self.name,
            "memo": self.memo,
            "permissions": " ".join(self.permissions),
            "environment": self.environment,
            "addresses": self.addresses,
        }

    @property
    def plan(self) -> Plan:
        """Return what the key will be able to do."""
        return Plan(frozenset(self.permissions), self.environment, parse_addresses(self.addresses))


async def new_key_form(visit: Visit) -> Response:
    """Show the form for a new key; only reading is ticked. Who can have none now is told before typing anything."""
    await _refuse_early(visit)
    values = {"name": "", "memo": "", "permissions": "read", "environment": "spot", "addresses": ""}
    return _form(visit, Form(values))


async def check(visit: Visit) -> Response:
    """Say in plain words what the key will be able to do, and ask for its passphrase and the second factor."""
    wish = Wish.of(visit)
    try:
        _check(visit, wish)
    except KeywrightError as problem:
        return _form(visit, _returned(visit, wish, problem), status=status_of(problem))
    return _check_page(visit, wish, Form(wish.values))


async def summary(visit: Visit) -> Response:
    """Say in plain words what the key would be able to do as the form stands, and which address can't be taken."""
    plan = Wish.of(visit).plan
    policy = visit.site.issuing.policy
    warnings: tuple[str, ...] = ()
    try:
        addresses = parse_allowlist(plan.addresses, most=policy.addresses_per_key)
        plan = replace(plan, addresses=tuple(plain_address(block) for block in addresses))
    except Invalid as problem:
        warnings = tuple(visit.site.texts.said(text, visit.locale) for text in (problem.message, problem.hint) if text)
        plan = replace(plan, addresses=())
    return visit.fragment(
        "new_key.html",
        "summary",
        summary=summary_of(plan, visit.texts, lifetime_days=policy.lifetime_without_addresses_days),
        warnings=warnings or warnings_of(plan, visit.texts),
    )


async def create(visit: Visit) -> Response:
    """Make the key, and show its secret and passphrase: here, once, and never again."""
    wish = Wish.of(visit)
    if "back" in visit.posted:
        return _form(visit, Form(wish.values))
    try:
        _check(visit, wish)
    except KeywrightError as problem:
        return _form(visit, _returned(visit, wish, problem), status=status_of(problem))
    try:
        passphrase = await vetted_passphrase(visit, about=(wish.name, wish.memo))
        proof = await visit.step_up()
        wanted = frozenset(Permission(one) for one in wish.permissions)
        new_key = NewKey(wish.name, passphrase, wanted, wish.environment, parse_addresses(wish.addresses), wish.memo)
        async with visit.site.database.write() as tx:
            issued = await visit.site.issuing.issue(
                tx, visit.owner, new_key, proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return _check_page(visit, wish, _returned(visit, wish, problem), status=status_of(problem))
    place = visit.site.place
    return visit.page(
        "key_made.html",
        key=view_of(issued.key, now=visit.now),
        secret=issued.secret.reveal_text(),
        passphrase=passphrase.value.reveal_text(),
        snippets=clients_of_key(
            spot=place.spot_url,
            futures=place.futures_url,
            environment=wish.environment,
            may_order=place.is_sandbox and "trade" in wish.permissions,
            prefix=place.header_prefix,
        ),
        base_urls={wish.environment: place.futures_url if wish.environment == "futures" else place.spot_url},
    )


async def download(visit: Visit) -> Response:
    """Give back the values that this very browser was just shown, encrypted under a password: nothing of them is kept.

    The file is in the age format (age-encryption.org/v1, scrypt): the `age` tool opens it.
    """
    key_id: str = visit.request.path_params["key_id"]
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, key_id)
    judge = partial(identity_rules.password, visit.secret("file_password"), about=(key.name, key.id))
    password = await visit.site.measuring.run(judge)
    values = {
        "KUCOIN_API_KEY": key.id,
        "KUCOIN_SECRET_KEY": visit.text("api_secret"),
        "KUCOIN_PASSPHRASE": visit.text("api_passphrase"),
    }
    if not all(values.values()) or any("\n" in value or len(value) > 128 for value in values.values()):
        raise Invalid("there is nothing to encrypt", hint="the values are gone from the page: make a new key")
    plain = Secret("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    sealed = await visit.site.encrypting.run(partial(encrypt, plain, password))
    headers = {"content-disposition": f'attachment; filename="keywright-{key.id[:8]}.env.age"'}
    return Response(sealed, media_type="application/octet-stream", headers=headers)


async def _refuse_early(visit: Visit) -> None:
    if visit.own_account.frozen_at is not None:
        raise Conflict("the account is frozen", hint="lift the freeze first, under Security")
    async with visit.site.database.read() as tx:
        keys = await visit.site.issuing.keys(tx, visit.owner)
    free_slot(range(1, len(keys) + 1), policy=visit.site.issuing.policy)


def _check(visit: Visit, wish: Wish) -> None:
    visit.site.issuing.check_wish(
        wish.name, wish.memo, wish.permissions, wish.environment, parse_addresses(wish.addresses)
    )


def _returned(visit: Visit, wish: Wish, problem: KeywrightError, *, about: str = "") -> Form:
    blamed = visit.form(problem=problem, about=about)
    return Form(wish.values, blamed.errors, blamed.hints)


def _form(visit: Visit, form: Form, *, status: int = 200) -> Response:
    wish = Wish("", "", tuple(form.values["permissions"].split()), form.values["environment"], form.values["addresses"])
    lifetime = visit.site.issuing.policy.lifetime_without_addresses_days
    return visit.page(
        "new_key.html",
        status=status,
        form=form,
        current_address=visit.visitor.address,
        lifetime_days=lifetime,
        summary=summary_of(wish.plan, visit.texts, lifetime_days=lifetime),
        warnings=warnings_of(wish.plan, visit.texts),
    )


def _check_page(visit: Visit, wish: Wish, form: Form, *, status: int = 200) -> Response:
    lifetime = visit.site.issuing.policy.lifetime_without_addresses_days
    return visit.page(
        "check_key.html",
        status=status,
        form=form,
        summary=summary_of(wish.plan, visit.texts, lifetime_days=lifetime),
        warnings=warnings_of(wish.plan, visit.texts),
        needs_code=visit.needs_code,
    )


PAGES = (
    At(NEW, new_key_form),
    At(NEW, check, "POST"),
    At("/api-management/summary", summary, "POST"),
    At("/api-management/create", create, "POST"),
    At("/api-management/{key_id:key}/download", download, "POST"),
)
