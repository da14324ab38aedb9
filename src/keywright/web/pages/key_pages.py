"""API Management: the list of keys, and one key with everything that can be done to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError, NotProven
from keywright.gateway import records
from keywright.gateway.usage_model import Count
from keywright.identity import limits
from keywright.identity.model import FactorProof, SubAccount
from keywright.issuing.addresses import plain_address
from keywright.issuing.model import ApiKey, Passphrase, Permission, Status
from keywright.issuing.passphrases import IsPassword
from keywright.secret import Secret
from keywright.web.model import Form, KeyView
from keywright.web.onward import HOME
from keywright.web.pages import confirming
from keywright.web.pages.checklist import steps_of
from keywright.web.pages.rotations import rotation_of
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

DAY_MS = 24 * 60 * 60 * 1000
SEPARATORS = re.compile(r"[\s,;]+")


async def keys(visit: Visit) -> Response:
    """Show the account's keys; before the prerequisites are met, what is missing (K2)."""
    account = visit.own_account
    checklist = await steps_of(visit)
    if account.has_factor and not visit.own_session.is_complete:
        return visit.to("/sign-in/code")
    found: list[ApiKey] = []
    lately: dict[str, Count] = {}
    subs: list[SubAccount] = []
    if account.has_factor:
        async with visit.site.database.read() as tx:
            subs = await visit.site.sub_accounts.all(tx, account.id)
            found = await visit.site.issuing.keys(tx, visit.owner)
            lately = await records.lately(tx, visit.owner, now=visit.now)
    return visit.page(
        "keys.html",
        keys=[view_of(key, now=visit.now, lately=lately.get(key.id), among=found) for key in found],
        most=visit.policy.keys_per_account,
        checklist=checklist,
        recommends_email=len(checklist) > 1 and account.has_factor and account.email_verified_at is None,
        panels=["", *(sub.name for sub in subs)],
        is_frozen=account.frozen_at is not None,
        is_sub_frozen=any(sub.frozen_at is not None for sub in subs if sub.name == visit.sub_account),
        play_money=visit.site.place.play_money,
    )


async def key_page(visit: Visit) -> Response:
    """Show one key."""
    return await show_key(visit)


async def disable(visit: Visit) -> Response:
    """Switch the key off: one click, no code, and its very next request is refused (K10)."""
    async with visit.site.database.write() as tx:
        key = await visit.site.issuing.disable(tx, visit.owner, _id(visit), actor=visit.actor, now=visit.now)
    if visit.is_htmx:
        async with visit.site.database.read() as tx:
            among = await visit.site.issuing.keys(tx, visit.owner)
            lately = await records.lately(tx, visit.owner, now=visit.now)
        shown = view_of(key, now=visit.now, lately=lately.get(key.id), among=among)
        # Switching on takes the second factor: while one serves that was given, a slip is undone where it happened.
        return visit.fragment("keys.html", "row", key=shown, can_undo=visit.needs_code is False)
    return visit.to(visit.keys_at, done="key-disabled")


async def rename(visit: Visit) -> Response:
    """Give the key another name and memo."""
    try:
        async with visit.site.database.write() as tx:
            await visit.site.issuing.rename(
                tx,
                visit.owner,
                _id(visit),
                name=visit.text("name"),
                memo=visit.text("memo"),
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        form = visit.form("name", "memo", problem=problem, about="name")
        return await show_key(visit, which="rename", form=form, problem=problem)
    return visit.to(_path(visit), done="key-renamed")


async def change_passphrase(visit: Visit) -> Response:
    """Give the key a new passphrase; the old one is refused at once (K25)."""
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
    try:
        new = await vetted_passphrase(visit, about=(key.name, key.memo))
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="passphrase")
        return await show_key(visit, which="passphrase", form=form, problem=problem)

    subjects = {f"passphrase:{key.id}": limits.PASSPHRASE}

    async def change(proof: FactorProof) -> None:
        await visit.site.entrance.charge(subjects, now=visit.now)  # only a wrong present one stays counted
        try:
            async with visit.site.database.write() as tx:
                await visit.site.issuing.change_passphrase(
                    tx,
                    visit.owner,
                    key.id,
                    current=Secret(visit.text("current")),
                    new=new,
                    proof=proof,
                    actor=visit.actor,
                    now=visit.now,
                )
        except NotProven:
            raise
        except KeywrightError:
            await visit.site.entrance.forgive(subjects, at=visit.now)
            raise
        await visit.site.entrance.forgive(subjects, at=visit.now)

    return await _sensitive(visit, "passphrase", change, (), about="current", done="passphrase-changed")


async def vetted_passphrase(visit: Visit, *, about: tuple[str, ...]) -> Passphrase:
    """Return the passphrase that was posted if it may protect a key.

    That it is the account's password is an answer nobody may have for the asking: those that were count as attempts.
    """
    subjects = {f"vetted:{visit.own_account.id}": limits.PASSPHRASE}
    await visit.site.entrance.charge(subjects, now=visit.now)
    try:
        async with visit.site.database.read() as tx:
            vetted = await visit.site.issuing.vet_passphrase(tx, visit.owner, visit.secret("passphrase"), about=about)
    except IsPassword:
        raise
    except KeywrightError:
        await visit.site.entrance.forgive(subjects, at=visit.now)
        raise
    await visit.site.entrance.forgive(subjects, at=visit.now)
    return vetted


async def enable(visit: Visit) -> Response:
    """Switch a disabled key on again."""

    async def change(proof: FactorProof) -> None:
        async with visit.site.database.write() as tx:
            await visit.site.issuing.enable(tx, visit.owner, _id(visit), proof=proof, actor=visit.actor, now=visit.now)

    return await _sensitive(visit, "enable", change, (), about="", done="key-enabled")


async def delete(visit: Visit) -> Response:
    """Delete a disabled key for good."""

    async def change(proof: FactorProof) -> None:
        if visit.text("sure") != "yes":
            raise Invalid("tick the box to delete the key for good", field="sure")
        async with visit.site.database.write() as tx:
            await visit.site.issuing.delete(tx, visit.owner, _id(visit), proof=proof, actor=visit.actor, now=visit.now)

    return await _sensitive(visit, "delete", change, (), about="", done="key-deleted", then=visit.keys_at)


def view_of(key: ApiKey, *, now: int, lately: Count | None = None, among: Sequence[ApiKey] = ()) -> KeyView:
    """Return a key as pages show it; `lately` is what it did in the last 24 hours, `among` are its owner's keys."""
    overlap_until = key.grant.overlap_until
    return KeyView(
        id=key.id,
        masked=f"{key.id[:4]}…{key.id[-4:]}",
        name=key.name,
        memo=key.memo,
        status=key.status_at(now).value,
        permissions=tuple(one.value for one in Permission if one in key.grant.permissions),
        environment=key.grant.environment.value,
        addresses=tuple(plain_address(block) for block in key.grant.addresses),
        created_at=key.created_at,
        age_days=max(0, now - key.created_at) // DAY_MS,
        expires_at=key.grant.expires_at,
        last_used_at=key.last_used_at,
        last_used_from=key.last_used_from,
        holds=key.holds,
        idle_days=max(0, now - (key.last_used_at or key.created_at)) // DAY_MS,
        requests=lately.requests if lately else 0,
        refused=lately.refused if lately else 0,
        is_pending=key.grant.status is Status.PENDING,
        predecessor_id=next((one.id for one in among if one.id == key.grant.predecessor_id), ""),
        successor_id=next((one.id for one in among if one.grant.predecessor_id == key.id), ""),
        overlap_until=overlap_until,
        is_replaced=overlap_until is not None and overlap_until <= now,
    )


def parse_addresses(text: str) -> tuple[str, ...]:
    """Return the entries of an address field: separated by commas, semicolons, spaces or new lines."""
    return tuple(entry for entry in SEPARATORS.split(text) if entry)


async def _sensitive(
    visit: Visit,
    which: str,
    change: Callable[[FactorProof], Awaitable[None]],
    names: tuple[str, ...],
    *,
    about: str,
    done: str,
    then: str = "",
) -> Response:
    """Prove the second factor, make the change, say so; or show the key's page again with what was wrong."""
    try:
        await change(await visit.step_up())
    except KeywrightError as problem:
        form = visit.form(*names, problem=problem, about=about)
        return await show_key(visit, which=which, form=form, problem=problem)
    return visit.to(then or _path(visit), done=done)


async def show_key(
    visit: Visit,
    *,
    which: str = "",
    form: Form | None = None,
    problem: KeywrightError | None = None,
    rebound: tuple[str, ...] | None = None,
) -> Response:
    """Show one key, with one of its forms as it came back where something was wrong with it; `rebound` are the addresses
    that were typed."""
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, _id(visit))
        among = await visit.site.issuing.keys(tx, visit.owner)
        rotation = await rotation_of(tx, visit.owner, key, among, now=visit.now)
    if key.deleted_at is not None:
        return visit.to(visit.keys_at)
    return visit.page(
        "key.html",
        status=status_of(problem) if problem else 200,
        key=view_of(key, now=visit.now, among=among),
        rotation=rotation,
        form=form or Form(),
        which=which,
        needs_code=visit.needs_code,
        current_address=visit.visitor.address,
        **await confirming.asked(visit, confirming.successor_of(key)),
        is_rebinding_sent=await confirming.code_waits(
            visit, confirming.rebound(key, key.grant.addresses if rebound is None else rebound)
        ),
    )


def _id(visit: Visit) -> str:
    key_id: str = visit.request.path_params["key_id"]
    return key_id


def _path(visit: Visit) -> str:
    return f"{HOME}/{_id(visit)}"


PAGES = (
    At(HOME, keys, needs=Needs.PASSWORD),
    At("/api-management/{key_id:key}", key_page),
    At("/api-management/{key_id:key}/disable", disable, "POST"),
    At("/api-management/{key_id:key}/rename", rename, "POST"),
    At("/api-management/{key_id:key}/passphrase", change_passphrase, "POST"),
    At("/api-management/{key_id:key}/enable", enable, "POST"),
    At("/api-management/{key_id:key}/delete", delete, "POST"),
)
