"""The OpenAPI document is kept: whatever is sent, there is no 5xx, no status it does not name, no answer of another shape.

On PostgreSQL too, which takes less than SQLite does (no NUL, no number past its type), with fewer examples: what is said
before the database is asked is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from keywright.api.app import PREFIX, routes
from keywright.api.call import ASSERTION
from keywright.app.services import wire
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.storage.engine import open_database, sqlite_url
from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd
from tests.support.postgres import Cluster

pytestmark = pytest.mark.slow

BASE = "http://localhost:8400"
HOLDS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]
SCHEMA: Any = schemathesis.openapi.from_dict(routes().openapi())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]

EXAMPLES = {"sqlite": 25, "postgres": 8}

Send = Callable[[Any, bool, bool], httpx2.Response]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def send(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    """Give what sends a case: about accounts that exist or not, with their owner there or not."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        if request.param == "postgres":
            cluster: Cluster = request.getfixturevalue("cluster")
            migrated = cluster.migrated()
            url = cluster.url(runner.run(migrated.__aenter__()))
            stack.callback(lambda: runner.run(migrated.__aexit__(None, None, None)))
        else:
            path = tmp_path_factory.mktemp("openapi") / "keywright.db"
            shutil.copy(request.getfixturevalue("empty_sqlite"), path)
            url = sqlite_url(path)
        back_end, names = runner.run(_open(url))
        stack.callback(lambda: runner.run(back_end.services.database.close()))

        def sent(case: Any, exists: bool, is_there: bool) -> httpx2.Response:
            if exists:
                case.path_parameters |= {name: names[name] for name in case.path_parameters if name in names}
            return runner.run(_sent(back_end, case, is_there))

        yield sent


async def _open(url: str) -> tuple[BackEnd, dict[str, str]]:
    clock = FakeClock()
    database, keyring = open_database(url), Keyring("db_test", {1: new_data_key()})
    services = wire(database, keyring, policy=Policy(keys_per_account=1_000), clock=clock, hasher=CHEAPEST)
    async with database.write() as tx:
        await services.audit.begin(tx)
    back_end = await BackEnd.with_token(services, clock)
    account = await back_end.account()
    return back_end, {"account_id": account, "key_id": (await back_end.key(account))["key"]["id"]}


async def _sent(back_end: BackEnd, case: Any, is_there: bool) -> httpx2.Response:
    request = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    url = urlsplit(str(request.url))
    target = url.path + (f"?{url.query}" if url.query else "")
    content = request.body or b""
    body = content.encode() if isinstance(content, str) else bytes(content)
    ours = {"authorization", ASSERTION.lower()}  # as good as they can be: what is wrong with them is tested elsewhere
    headers = {name: value for name, value in request.headers.items() if name.lower() not in ours}
    headers["authorization"] = f"Bearer {back_end.token.reveal_text()}"
    if is_there:
        headers[ASSERTION] = back_end.exchange.vouch("user-1", str(request.method), target, body)
    transport = httpx2.ASGITransport(app=back_end.api, client=("203.0.113.50", 40_000))
    async with httpx2.AsyncClient(transport=transport) as client:
        return await client.request(str(request.method), str(request.url), content=body, headers=headers)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path.removeprefix(PREFIX)}")
def test_whatever_is_sent_is_answered_as_documented(operation: Any, send: Send, request: pytest.FixtureRequest) -> None:
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    cases = strategies.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @settings(
        max_examples=EXAMPLES[request.node.callspec.params["send"]],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, exists=strategies.booleans(), is_there=strategies.booleans())
    def holds(case: Any, exists: bool, is_there: bool) -> None:
        case.validate_response(send(case, exists, is_there), checks=HOLDS)

    holds()
