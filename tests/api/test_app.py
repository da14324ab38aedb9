"""Who may call at all, and how it is said that they may not."""

from __future__ import annotations

import pytest

from keywright.api.app import PREFIX
from keywright.identity.entrance import Entrance
from keywright.secret import Secret
from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd, new_token
from tests.support.visitor import Caller, console_over


async def test_without_a_token_nothing_is_looked_at(back_end: BackEnd) -> None:
    for value in ("", "Bearer", "Bearer ", "Basic a3c=", "kwst_", f"Token {back_end.token.reveal_text()}"):
        said = await back_end.refused("token_missing", "GET", "/accounts", headers={"authorization": value})
        assert said["status"] == 401
    answer = await back_end.send("GET", "/accounts", headers={"authorization": ""})
    assert answer.headers["www-authenticate"].startswith("Bearer")
    await back_end.refused("token_missing", "GET", "/nowhere", headers={"authorization": ""})


@pytest.mark.parametrize("end", ["", "0" * 72, "f" * 64 + "00000000", "x" * 5_000])
async def test_what_is_no_token_of_ours_is_refused(back_end: BackEnd, end: str) -> None:
    await back_end.refused("token_unknown", "GET", "/accounts", headers={"authorization": f"Bearer kwst_{end}"})


async def test_a_token_with_one_digit_altered_is_refused(back_end: BackEnd) -> None:
    token = back_end.token.reveal_text()
    for place in (5, 40, 70):
        other = "0" if token[place] != "0" else "1"
        altered = token[:place] + other + token[place + 1 :]
        await back_end.refused("token_unknown", "GET", "/accounts", headers={"authorization": f"Bearer {altered}"})


async def test_a_token_serves_where_it_belongs_and_elsewhere_someone_hears_of_it(
    back_end: BackEnd, clock: FakeClock
) -> None:
    back_end.token = await new_token(back_end.services, addresses=("203.0.113.0/24", "2001:db8::/32"))
    assert (await back_end.send("GET", "/accounts")).status_code == 200
    for address in ("198.51.100.1", "2001:db9::1", "::ffff:198.51.100.1", "nonsense"):
        back_end.address = address
        await back_end.refused("address_not_allowed", "GET", "/accounts")
    for address in ("2001:db8::1", "::ffff:203.0.113.9"):
        back_end.address = address
        assert (await back_end.send("GET", "/accounts")).status_code == 200
    async with back_end.services.database.read() as tx:
        heard = await back_end.services.audit.list(tx, kind="token.refused")
    assert len(heard) == 1, "once an hour"
    clock.advance(seconds=3_601)
    back_end.address = "198.51.100.1"
    await back_end.refused("address_not_allowed", "GET", "/accounts")
    async with back_end.services.database.read() as tx:
        assert len(await back_end.services.audit.list(tx, kind="token.refused")) == 2


async def test_a_forged_forwarded_header_moves_nobody(back_end: BackEnd) -> None:
    back_end.token = await new_token(back_end.services, addresses=("192.0.2.1/32",))
    await back_end.refused("address_not_allowed", "GET", "/accounts", headers={"x-forwarded-for": "192.0.2.1"})


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("keys:read", "GET", "/accounts"),
        ("accounts:read", "POST", "/accounts"),
        ("accounts:write", "GET", "/accounts/acc_000000000000000000000000"),
        ("keys:read", "POST", "/accounts/acc_000000000000000000000000/keys"),
        ("keys:read", "POST", "/accounts/acc_000000000000000000000000/keys/000000000000000000000000/disable"),
        ("keys:write", "POST", "/accounts/acc_000000000000000000000000/freeze"),
        ("accounts:read", "GET", "/audit"),
        ("keys:read", "GET", "/accounts/acc_000000000000000000000000/keys/000000000000000000000000/usage"),
        ("keys:read", "GET", "/policy"),
    ],
)
async def test_a_token_does_what_its_scopes_say_and_no_more(
    back_end: BackEnd, scope: str, method: str, path: str
) -> None:
    back_end.token = await new_token(back_end.services, scope)
    await back_end.refused("scope_missing", method, path, {"external_id": "x"} if path == "/accounts" else None)


async def test_a_cookie_proves_nothing_here(back_end: BackEnd, clock: FakeClock) -> None:
    ada = Caller(console_over(back_end.services), clock)
    await ada.arrive()
    headers = {"authorization": "", "cookie": f"keywright={ada.token}", "origin": "http://localhost:8400"}
    await back_end.refused("token_missing", "GET", "/accounts", headers=headers)


async def test_no_browser_of_another_site_is_let_in(back_end: BackEnd) -> None:
    headers = {"authorization": "", "origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = await back_end.send("OPTIONS", "/accounts", headers=headers)
    assert answer.status_code == 401
    allowed = await back_end.send("GET", "/accounts", headers={"origin": "https://evil.example"})
    assert not [name for name in (*answer.headers, *allowed.headers) if name.startswith("access-control")]


async def test_what_is_not_there_and_what_is_asked_for_wrongly_is_said(back_end: BackEnd) -> None:
    assert (await back_end.refused("not_found", "GET", "/nowhere"))["status"] == 404
    assert (await back_end.refused("not_found", "GET", "/accounts/"))["status"] == 404
    said = await back_end.send("PUT", "/accounts")
    assert (said.status_code, said.headers["allow"]) == (405, "GET, POST")
    await back_end.refused("invalid", "GET", "/accounts?colour=red")
    await back_end.refused("invalid", "GET", "/accounts?limit=1000")
    await back_end.refused("not_found", "GET", "/accounts?after=acc_000000000000000000000000")
    await back_end.refused("invalid", "GET", "/accounts/acc_1")
    for name in ("docs", "redoc", "openapi.json"):
        await back_end.refused("not_found", "GET", f"/{name}")


async def test_only_json_is_taken(back_end: BackEnd) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        headers = {"content-type": kind}
        await back_end.refused("not_json", "POST", "/accounts", {"external_id": "x"}, headers=headers)


async def test_what_goes_wrong_on_our_side_says_nothing_of_what_it_was(
    back_end: BackEnd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is hunter2")

    account = await back_end.account()
    monkeypatch.setattr(Entrance, "charge", broken)
    wish = {"name": "bot", "passphrase": "Tide-wharf-29-Q"}
    answer = await back_end.send("POST", f"/accounts/{account}/keys", wish, user="user-1")
    assert (answer.status_code, answer.json()["reason"]) == (500, "failed")
    assert "hunter2" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


async def test_the_last_use_of_a_token_is_kept_to_the_minute(back_end: BackEnd, clock: FakeClock) -> None:
    async def used() -> tuple[int | None, str]:
        async with back_end.services.database.read() as tx:
            (token,) = await back_end.services.tokens.every(tx)
        return token.last_used_at, token.last_used_from

    first = clock()
    await back_end.send("GET", "/accounts")
    assert await used() == (first, back_end.address)
    clock.advance(seconds=59)
    await back_end.send("GET", "/accounts")
    assert await used() == (first, back_end.address)
    back_end.address = "203.0.113.51"
    await back_end.send("GET", "/accounts")
    assert await used() == (clock(), "203.0.113.51")


async def test_a_token_that_is_shown_twice_is_none(back_end: BackEnd) -> None:
    messages = []

    async def send(message: dict[str, object]) -> None:
        messages.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    value = b"Bearer " + Secret(back_end.token.reveal()).reveal()
    scope = {"type": "http", "method": "GET", "path": f"{PREFIX}/accounts", "headers": [(b"authorization", value)] * 2}
    await back_end.api(scope | {"client": ("203.0.113.50", 1)}, receive, send)  # type: ignore[arg-type]
    assert messages[0]["status"] == 401
