"""N15 at the console: how keys stand, what to mend first and where; as a file; and the same for operators."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from keywright.app.services import Services
from keywright.app.standing_of_keys import posture_of
from keywright.audit.events import Actor
from keywright.posture.model import Kind, Subject
from keywright.web.pages import posture
from tests.posture.test_rules import GOOD, KEY
from tests.support.clock import FakeClock
from tests.support.holding import KEY as HELD_KEY, SECRET, held_key, pool
from tests.support.household import Household, household
from tests.support.visitor import Caller
from tests.support.world import World

TEMPLATES = Path(posture.__file__).parent.parent / "templates"


def said(text: str) -> str:
    """Return a page as it reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    return await household(world.services, clock)


async def test_nothing_is_said_to_be_there_where_nothing_is(ada: Caller) -> None:
    await ada.arrive()
    answer = await ada.get("/posture")
    assert answer.status_code == 200
    assert "No keys yet" in said(answer.text)
    assert "report.html" not in answer.text


async def test_what_to_mend_first_stands_on_top_each_with_the_page_that_mends_it(home: Household) -> None:
    page = (await home.ada.get("/posture")).text
    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)
    assert [said(one) for one in headings] == ["How many keys", "Mend soon", "active", "Nothing to mend", "off", "grid"]
    assert "It can be used from any address. Bind it to the address its bot runs at" in said(page)
    assert f'href="/api-management/{home.active}#addresses"' in page
    assert f'href="/exchanges/{home.connection_id}"' in page
    assert "May Read (proven), Trade (proven)" in said(page)
    assert re.search(r"Works from 203\.0\.113\.\d+ \(declared\)", said(page))
    for secret in (home.secret, SECRET, HELD_KEY):
        assert secret not in page


async def test_every_link_leads_to_a_place_that_is_there(home: Household, clock: FakeClock) -> None:
    clock.advance(days=91)
    await home.ada.sign_in()
    page = (await home.ada.get("/posture")).text
    links = set(re.findall(r'href="(/(?:api-management|exchanges)/[^"]+)"', page))
    assert {one.partition("#")[2] for one in links} == {"", "replace"}, "the key that trades from anywhere has expired"
    for link in links:
        path, _, place = link.partition("#")
        shown = await home.ada.get(path)
        assert shown.status_code == 200, link
        assert not place or f'id="{place}"' in shown.text, link


@pytest.mark.parametrize("code", sorted({*posture.AT_KEYS, *posture.AT_CONNECTIONS}))
def test_every_concern_leads_to_where_it_is_mended(code: str) -> None:
    places = {"key.html": posture.AT_KEYS, "exchange.html": posture.AT_CONNECTIONS}
    for template, known in places.items():
        place, label = known.get(code, ("", "See"))
        shown = (TEMPLATES / template).read_text("utf-8")
        assert label
        assert not place or f'id="{place[1:]}"' in shown, (code, template)


async def test_keys_of_sub_accounts_stand_beside_the_accounts_own(home: Household) -> None:
    await home.step_up()
    await home.ada.get("/api-management/new?sub=trading1")
    wish = {"name": "inner", "memo": "", "environment": "spot", "addresses": "127.0.0.1", "sub": "trading1"}
    made = await home.ada.post(
        "/api-management/create", permissions="read trade", passphrase="Cliff-Parade-58-V", **wish
    )
    assert made.status_code == 200, home.ada.text
    page = (await home.ada.get("/posture")).text
    assert "inner" in page
    assert "Sub-account trading1" in said(page)


async def test_it_is_handed_over_as_a_file_that_stands_alone(home: Household) -> None:
    answer = await home.ada.get("/posture/report.html", **{"accept-language": "de"})
    assert answer.headers["content-disposition"].startswith('attachment; filename="keywright-keys-20')
    assert answer.headers["cache-control"] == "no-store"
    assert "Er kann von jeder Adresse aus verwendet werden." in said(answer.text)
    assert "ada@example.org" in answer.text
    assert not re.search(r"<(script|link|img|a|form)\b", answer.text)
    for secret in (home.secret, SECRET, HELD_KEY):
        assert secret not in answer.text


async def test_nobody_sees_how_anothers_keys_stand(home: Household) -> None:
    page = (await home.bob.get("/posture")).text
    assert "No keys yet" in said(page)
    for path in ("/operator/posture", "/operator/posture/report.html"):
        assert (await home.bob.get(path)).status_code in {303, 404}


async def test_operators_see_the_accounts_they_look_for_and_no_link_that_changes_a_key(home: Household) -> None:
    page = (await home.ada.get("/operator/posture")).text
    assert "active" in page
    assert f'href="/operator/accounts/{home.account_id}"' in page
    assert "/api-management/" not in page
    assert "No keys here" in said((await home.ada.get("/operator/posture?search=bob")).text)
    handed = await home.ada.get("/operator/posture/report.html?search=ada")
    assert "ada@example.org" in handed.text
    assert "active" in handed.text


async def test_operators_go_from_some_accounts_to_the_next(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posture, "LEAF", 1)
    first = (await home.ada.get("/operator/posture")).text
    more = re.search(r'href="(/operator/posture\?after=acc_[0-9a-f]+)"', first)
    assert more, first
    second = (await home.ada.get(more[1])).text
    assert ("active" in first) != ("active" in second)
    assert "/operator/posture?after=" not in second


async def test_a_key_with_a_successor_is_rotating_already(home: Household, clock: FakeClock) -> None:
    await home.ada.get(f"/api-management/{home.active}")
    made = await home.ada.post(
        f"/api-management/{home.active}/rotate", passphrase="Orbit-Lemon-42", overlap="168", code=home.ada.code()
    )
    assert made.status_code == 200, home.ada.text
    async with home.services.database.read() as tx:
        account = await home.services.identity.account(tx, account_id=home.account_id)
    report = await posture_of(home.services, [account], now=clock())
    by_id = {line.subject.id: line.subject for line in report.lines}
    assert [one.id for one in by_id.values() if one.is_rotating] == [home.active]


async def test_a_held_key_says_when_a_program_last_got_it(ada: Caller, services: Services, clock: FakeClock) -> None:
    await pool(services)
    await ada.arrive()
    async with services.database.read() as tx:
        account = await services.identity.account(tx, email=ada.email)
    await held_key(services, account.id, clock)
    await ada.get("/posture")
    assert "never handed to a program" in ada.text
    async with services.database.read() as tx:
        (connection,) = await services.vault.connections(tx, account.id)
    for _ in range(2):
        clock.advance(seconds=60)
        async with services.database.write() as tx:
            await services.vault.credentials(
                tx, account.id, connection.id, purpose="exec", actor=Actor(account.id), now=clock()
            )
    started_at = clock()
    clock.advance(seconds=60)
    async with services.database.write() as tx:  # looked at by a diagnosis, handed to nobody
        await services.vault.credentials(
            tx, account.id, connection.id, purpose="diagnosis", actor=Actor(account.id), now=clock()
        )
    (line,) = (await posture_of(services, [account], now=clock())).lines
    assert line.subject.last_used_at == started_at
    await ada.get("/posture")
    assert "handed to a program" in ada.text
    assert "never handed to a program" not in ada.text


async def test_who_accepted_something_is_called_by_their_address(
    ada: Caller, services: Services, clock: FakeClock
) -> None:
    await pool(services)
    await ada.arrive()
    async with services.database.read() as tx:
        account = await services.identity.account(tx, email=ada.email)
    await held_key(services, account.id, clock)
    (line,) = (await posture_of(services, [account], now=clock())).lines
    assert (line.subject.owner, line.subject.account_id, line.subject.exceptions) == (ada.email, account.id, ())
    assert [(one.name, one.allowed) for one in line.subject.rights] == [
        ("read", True),
        ("trade", True),
        ("withdraw", False),
    ]


@pytest.mark.parametrize(("subject", "page"), [(GOOD, "/exchanges/con_1"), (KEY, "/api-management/k")])
def test_each_key_has_a_page(subject: Subject, page: str) -> None:
    assert posture.page_of(subject) == page
    assert (subject.kind is Kind.KEY) == page.startswith("/api")
