"""A key's values are shown: once, in the answer to the form that made it. What can be done with them on that page."""

from __future__ import annotations

import shlex
from functools import partial

from starlette.responses import Response

from keywright.client.snippets import clients_of_key
from keywright.errors import Invalid
from keywright.gateway import records
from keywright.gateway.advice import advice
from keywright.gateway.usage_model import ALLOWED, Record, Wanted
from keywright.identity import rules as identity_rules
from keywright.issuing.model import ApiKey, Environment, Permission, Status
from keywright.protocol.refusal import Reason
from keywright.secret import Secret
from keywright.web.age_file import encrypt
from keywright.web.model import FirstUse
from keywright.web.onward import HOME
from keywright.web.pages.key_pages import view_of
from keywright.web.routing import At
from keywright.web.visit import Visit

WATCH_MS = 10 * 60 * 1000
"""How long a page asks whether the key's first request came: asking keeps the session alive."""


def made_page(visit: Visit, key: ApiKey, *, secret: Secret, passphrase: Secret) -> Response:
    """Return the page that shows a new key, its secret and its passphrase: here, once, and never again."""
    place = visit.site.place
    futures = key.grant.environment is Environment.FUTURES
    snippets = clients_of_key(
        spot=place.spot_url,
        futures=place.futures_url,
        environment=key.grant.environment.value,
        may_order=place.is_sandbox and Permission.TRADE in key.grant.permissions,
        prefix=place.header_prefix,
    )
    return visit.page(
        "key_made.html",
        key=view_of(key, now=visit.now),
        secret=secret.reveal_text(),
        passphrase=passphrase.reveal_text(),
        test=dict(snippets)["curl"],
        snippets=[(title, code) for title, code in snippets if title != "curl"],
        base_urls={key.grant.environment.value: place.futures_url if futures else place.spot_url},
        first_use=FirstUse("waiting"),
        since=visit.now,
    )


async def acknowledge(visit: Visit) -> Response:
    """Switch the key on, because its owner has the values. Where a script asks, the page with the values stays."""
    key_id: str = visit.request.path_params["key_id"]
    async with visit.site.database.write() as tx:
        key = await visit.site.issuing.acknowledge(tx, visit.owner, key_id, actor=visit.actor, now=visit.now)
    if visit.is_htmx:
        return visit.fragment("key_made.html", "switch", key=view_of(key, now=visit.now))
    return visit.to(f"{HOME}/{key_id}", done="key-on")


async def first_use(visit: Visit) -> Response:
    """Say how the key's first request went; nothing (204) while that is what the page shows already."""
    key_id: str = visit.request.path_params["key_id"]
    query = visit.request.query_params
    async with visit.site.database.read() as tx:
        key = await visit.site.issuing.key(tx, visit.owner, key_id)
        newest = await records.leaf(tx, visit.owner, key.id, Wanted(), limit=1)
    since = int(query.get("since", "")[:15]) if query.get("since", "")[:15].isdecimal() else 0
    state = FirstUse("waiting")
    if key.last_used_at is not None:
        state = FirstUse("used", at=key.last_used_at, address=key.last_used_from)
    elif visit.now - since > WATCH_MS:
        state = FirstUse("over")
    elif newest.records and _still_counts(newest.records[0], key):
        last, place = newest.records[0], visit.site.place
        base_url = place.futures_url if key.grant.environment is Environment.FUTURES else place.spot_url
        hint = advice(last.verdict, address=last.address, base_url=base_url, prefix=place.header_prefix)
        state = FirstUse("refused", at=last.at, address=last.address, verdict=last.verdict, hint=hint)
    if state.shown == query.get("shown", ""):
        return Response(status_code=204)
    return visit.fragment("key_made.html", "first_use", key=view_of(key, now=visit.now), first_use=state, since=since)


def _still_counts(last: Record, key: ApiKey) -> bool:
    """Tell whether this is a refusal, and not one of the time before the key was switched on."""
    before = last.verdict == Reason.KEY_PENDING and key.grant.status is not Status.PENDING
    return last.verdict != ALLOWED and not before


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


PAGES = (
    At("/api-management/{key_id:key}/acknowledge", acknowledge, "POST"),
    At("/api-management/{key_id:key}/download", download, "POST"),
    At("/api-management/{key_id:key}/first-use", first_use),
)
