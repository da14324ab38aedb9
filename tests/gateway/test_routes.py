from __future__ import annotations

import csv
from dataclasses import replace
from importlib import resources

import pytest

from keywright.errors import Unusable
from keywright.gateway.routes import RouteTable, kucoin_routes

SPOT, FUTURES = kucoin_routes("spot"), kucoin_routes("futures")


def test_every_line_of_the_data_is_a_route_of_one_gateway() -> None:
    lines = resources.files("keywright.gateway").joinpath("kucoin_routes.csv").read_text("utf-8").splitlines()
    assert len(SPOT.routes) + len(FUTURES.routes) == len(list(csv.DictReader(lines)))


def test_exact_paths_win_over_templates() -> None:
    active, one = (
        SPOT.find("GET", "/api/v1/hf/orders/active"),
        SPOT.find("GET", "/api/v1/hf/orders/67120bbef094e200070976f6"),
    )
    assert active is not None
    assert one is not None
    assert active.path == "/api/v1/hf/orders/active"
    assert one.path == "/api/v1/hf/orders/{orderId}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/API/v1/accounts",
        "/api/v1/accounts/",
        "//api/v1/accounts",
        "/api/v1/orders/",
        "/api/v1/orders/a/b",
        "/api/v1/accountsx",
        "",
    ],
)
def test_n2_what_no_rule_names_has_no_route(path: str) -> None:
    assert SPOT.find("GET", path) is None


def test_another_method_is_another_route() -> None:
    read, place = SPOT.find("GET", "/api/v1/orders"), SPOT.find("POST", "/api/v1/orders")
    assert read is not None
    assert place is not None
    assert (read.permission, place.permission) == ("read", "trade")
    assert SPOT.find("PUT", "/api/v1/orders") is None
    assert SPOT.find("HEAD", "/api/v1/orders") is None


def test_k16_no_route_leads_to_keys_or_sub_account_keys() -> None:
    for table in (SPOT, FUTURES):
        assert not [route for route in table.routes if "sub/api-key" in route.path or "apikey" in route.path]


def test_the_policy_has_the_shape_that_was_decided() -> None:
    for table in (SPOT, FUTURES):
        for route in table.routes:
            if route.is_write and route.permission == "read":
                assert route.path.endswith("bullet-private"), "a token to listen with is a read"
            if "transfer" in route.path and route.method == "POST":
                assert route.permission == "transfer"
            if "withdrawal" in route.path and route.is_write:
                assert route.permission == "withdraw"
            if route.body_allowed:
                assert route.method == "POST" or route.path.endswith("multi-cancel")


def test_what_clients_of_either_environment_load_is_open_to_keys_of_both() -> None:
    for path in ("/api/ua/v1/account/mode", "/api/v1/hf/accounts/opened", "/api/v1/user/api-key"):
        route = SPOT.find("GET", path)
        assert route is not None
        assert route.any_environment
    assert not any(route.any_environment for route in SPOT.routes if route.is_write)


@pytest.mark.parametrize(
    "change", [{"permission": ""}, {"permission": "admin"}, {"weight": -1}, {"path": "api"}, {"answered_by": "nobody"}]
)
def test_perm_04_a_route_nobody_decided_about_does_not_start(change: dict[str, object]) -> None:
    with pytest.raises(Unusable):
        RouteTable([replace(SPOT.routes[0], **change)])  # type: ignore[arg-type]


def test_a_route_named_twice_does_not_start() -> None:
    exact = next(route for route in SPOT.routes if "{" not in route.path)
    with pytest.raises(Unusable, match="twice"):
        RouteTable([exact, replace(exact)])
