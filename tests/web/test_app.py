"""What answers at the console's address without being a page, and what does not answer."""

from __future__ import annotations

import pytest

from keywright.storage.transaction import Database
from keywright.web.app import Console
from keywright.web.assets import Assets
from tests.support.visitor import Caller, ask, console_over, shown_routes
from tests.support.world import World


@pytest.fixture
def database(sqlite: Database) -> Database:
    """Give the embedded database: nothing here depends on which it is."""
    return sqlite


@pytest.mark.parametrize("path", ["/healthz", "/.well-known/jwks.json"])
@pytest.mark.parametrize("host", ["localhost:8400", "10.0.0.7", None])
async def test_machines_find_what_they_ask_for_by_whatever_name(console: Console, path: str, host: str | None) -> None:
    answer = await ask(console, "GET", path, host=host)
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    assert answer.body in {b'{"status":"ok"}', b'{"keys":[]}'}
    assert not answer.cookies
    assert (await ask(console, "HEAD", path)).status == 200
    assert (await ask(console, "POST", path, host=host)).status in {405, 421}


async def test_files_are_kept_for_ever_under_names_that_change_with_them(console: Console) -> None:
    assets = Assets()
    for name in assets.names:
        answer = await ask(console, "GET", assets.url(name))
        assert answer.status == 200
        assert answer.header("cache-control") == "public, max-age=31536000, immutable"
        assert answer.header("content-length") == str(len(answer.body))
        assert not answer.cookies
    for path in ("/static/console.css", "/static/../app.py", "/static/", "/static/vendor", "/static/.htaccess"):
        assert (await ask(console, "GET", path)).status == 404


async def test_the_page_of_components_is_there_only_where_it_was_asked_for(world: World) -> None:
    assert "/development" not in shown_routes(console_over(world.services))
    with_it = console_over(world.services, has_development_pages=True)
    assert (await ask(with_it, "GET", "/development")).status == 200


async def test_what_is_no_page_says_so_in_the_frame_of_a_page(ada: Caller) -> None:
    answer = await ada.get("/no/such/page")
    assert answer.status_code == 404
    assert "There is nothing here" in ada.text
    assert 'href="/sign-in"' in answer.text
    await ada.arrive()
    assert 'href="/api-management"' in (await ada.get("/no/such/page")).text


async def test_a_wrong_method_says_which_are_right(ada: Caller) -> None:
    for path, right in {
        "/sign-in": "GET, HEAD, POST",
        "/strength": "POST",
        "/": "GET, HEAD",
        "/healthz": "GET, HEAD",
    }.items():
        answer = await ada.client.put(path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == right
        assert "Not this way" in answer.text


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up", "/switch-off", "/api-management", "/operator", "/no"])
async def test_head_is_get_without_the_body(console: Console, path: str) -> None:
    got, asked = await ask(console, "GET", path), await ask(console, "HEAD", path)
    assert asked.status == got.status

    # A page holds a form's token of its own: compressed, no two are equally long.
    own = {b"x-request-id", b"set-cookie", b"content-length"}

    def telling(answer: object) -> list[tuple[bytes, bytes]]:
        return [pair for pair in answer.headers if pair[0] not in own]  # type: ignore[attr-defined]

    assert telling(asked) == telling(got)


async def test_what_is_no_http_is_left_alone(console: Console) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    await console({"type": "websocket"}, never, never)
