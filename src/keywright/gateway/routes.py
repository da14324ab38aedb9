"""Which route a request names: from data, default deny. Pure.

Exact paths win over templates, as they do at the exchange (`hf/orders/active` is not an order's id). Nothing is
normalised: `//`, a trailing slash or another case is another path, and unknown.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib import resources

from keywright.errors import Unusable
from keywright.gateway.model import Route

PERMISSIONS = {"public", "read", "trade", "transfer", "withdraw"}


class RouteTable:
    """The routes of one gateway."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[bytes, Route]] = {}
        self._templates: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self.routes = tuple(routes)
        for route in self.routes:
            _check(route)
            if "{" in route.path:
                segments = tuple(route.path.split("/"))
                self._templates.setdefault((route.method, len(segments)), []).append((segments, route))
            elif self._exact.setdefault(route.method, {}).setdefault(route.path.encode(), route) is not route:
                raise Unusable(f"the route table names {route.method} {route.path} twice")

    def find(self, method: str, path: str | bytes) -> Route | None:
        """Return the route that `method` on `path` names, or `None`: then it is refused."""
        raw = path if isinstance(path, bytes) else path.encode("utf-8", "surrogatepass")
        try:
            return self._exact[method][raw]
        except KeyError:
            return self._find_template(method, raw.decode("utf-8", "surrogatepass"))

    def _find_template(self, method: str, path: str) -> Route | None:
        segments = path.split("/")
        for template, route in self._templates.get((method, len(segments)), ()):
            if all(want == got or (want.startswith("{") and got) for want, got in zip(template, segments, strict=True)):
                return route
        return None


def kucoin_routes(gateway: str) -> RouteTable:
    """Return the table of the spot or futures gateway, from `kucoin_routes.csv`.

    Raises `Unusable` for a line without a permission we know: a route nobody decided about must not start (PERM-04).
    """
    text = resources.files("keywright.gateway").joinpath("kucoin_routes.csv").read_text("utf-8")
    return RouteTable(_route(row) for row in csv.DictReader(text.splitlines()) if row["gateway"] == gateway)


def _route(row: dict[str, str]) -> Route:
    return Route(
        gateway=row["gateway"],
        method=row["method"],
        path=row["path"],
        permission=row["permission"],
        pool=row["pool"],
        weight=int(row["weight"]),
        any_environment=row["environment"] == "any",
        body_allowed=row["body"] == "yes",
        answered_by=row["answered_by"],
    )


def _check(route: Route) -> None:
    if route.permission not in PERMISSIONS:
        raise Unusable(
            f"the route table gives {route.method} {route.path} the permission {route.permission!r}",
            hint=f"choose one of {', '.join(sorted(PERMISSIONS))}",
        )
    if route.weight < 0 or not route.path.startswith("/") or route.answered_by not in {"upstream", "gateway"}:
        raise Unusable(f"the route table's line for {route.method} {route.path} can't be understood")
