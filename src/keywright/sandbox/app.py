"""The way in: `Sandbox.forward` fits the seam behind the gateway. One request, one reading of the clock, one answer.

The gateway has proved who is asking and that the target is canonical; what is read here is still read as a stranger's.
Spot and futures have paths in common, so the environment is asked first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import localcontext
from urllib.parse import unquote

from keywright.errors import Invalid
from keywright.protocol import strict_json
from keywright.protocol.message import Identity, Request, Response
from keywright.sandbox import service, withdrawing
from keywright.sandbox.amounts import EXACT
from keywright.sandbox.approver import NOBODY, Approver
from keywright.sandbox.call import Call, parameters
from keywright.sandbox.model import Declined, Owner, SubAccountsOf, no_sub_accounts
from keywright.sandbox.routes import Route, funds, futures, market, payouts, trading, transfers
from keywright.storage.transaction import Database

_HEADERS = ((b"content-type", b"application/json"),)


class RouteTable:
    """Finds the route of a method and path: by the whole path first, then by its variable parts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._variable: list[tuple[str, tuple[str, ...], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._variable.append((route.method, tuple(route.path.split("/")), route))
            else:
                self._fixed[route.method, route.path] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and what stands in the variable parts of its path, or `None`."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        parts = path.split("/")
        for verb, pattern, route in self._variable:
            if verb != method or len(pattern) != len(parts):
                continue
            named = {want[1:-1]: unquote(part) for want, part in zip(pattern, parts, strict=True) if want[:1] == "{"}
            fits = all(want[:1] == "{" or want == part for want, part in zip(pattern, parts, strict=True))
            if fits and all(value and "\0" not in value for value in named.values()):
                return route, named
        return None


_TABLES = {
    "spot": RouteTable((*market.ROUTES, *funds.ROUTES, *payouts.ROUTES, *transfers.ROUTES, *trading.ROUTES)),
    "futures": RouteTable(futures.ROUTES),
}


class Sandbox:
    """The paper exchange. `clock` returns milliseconds since the epoch and is called once per request."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], int],
        sub_accounts_of: SubAccountsOf = no_sub_accounts,
        approver: Approver = NOBODY,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sub_accounts_of = sub_accounts_of
        self._approver = approver

    async def forward(self, request: Request, identity: Identity) -> Response:
        """Answer a request of whoever the gateway proved it to be. Raises `Busy` when the database can't be reached."""
        table = _TABLES.get(identity.environment)
        found = table.find(request.method, request.path.decode("latin-1")) if table else None
        if found is None:
            return _no(404, "404000", "Url Not Found")
        route, path = found
        if route.private and not identity.account_id:
            return _no(401, "400001", "This route is answered to an account only")
        try:
            call = Call(
                owner=Owner(identity.account_id, identity.sub_account),
                path=path,
                query=parameters(request.query),
                body=_body(request),
                now=self._clock(),
                database=self._database,
                sub_accounts_of=self._sub_accounts_of,
                approver=self._approver,
                key_id=identity.key_id,
                address=identity.address,
            )
        except Invalid as error:
            return _no(400, "400100", error.message)
        try:
            with localcontext(EXACT):
                data = await route.answer(call)
        except Declined as declined:
            return _no(200, declined.code, declined.message)
        return _answer(200, {"code": "200000", "data": data})

    async def sweep(self) -> int:
        """Settle what the market did to resting orders and what owners said of their withdrawals up to now.

        Returns how many it changed. Cheap to call often; whatever a dead process left undone is done by the first call.
        """
        now = self._clock()
        return await self._sweep_orders(now) + await self._sweep_withdrawals(now)

    async def _sweep_withdrawals(self, now: int) -> int:
        done = 0
        with localcontext(EXACT):
            async with self._database.read() as tx:
                due = await withdrawing.decided(tx, approver=self._approver, now=now)
            for owner, withdrawal_id in due:
                async with self._database.write() as tx:
                    done += await withdrawing.settle(tx, owner, withdrawal_id, approver=self._approver, now=now)
        return done

    async def _sweep_orders(self, now: int) -> int:
        with localcontext(EXACT):
            async with self._database.read() as tx:
                if not await service.is_anything_due(tx, now=now):
                    return 0
            async with self._database.write() as tx:
                return await service.sweep(tx, now=now)


def _body(request: Request) -> dict[str, object]:
    if request.method != "POST" or not request.body:
        return {}
    body = strict_json.loads(request.body)
    if not isinstance(body, dict):
        raise Invalid("the body is not a JSON object")
    return body


def _answer(status: int, envelope: dict[str, object]) -> Response:
    return Response(status, json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode(), _HEADERS)


def _no(status: int, code: str, message: str) -> Response:
    return _answer(status, {"code": code, "msg": message})
