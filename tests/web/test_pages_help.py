"""Help: for everyone, true of the server it is shown by, and in the very words of the other pages."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from scripts import texts as listing

from keywright.protocol.kucoin_refusals import TABLE
from keywright.vault.evidence import Exchange
from keywright.vault.preflight import BEYOND_TRADING, EXITS
from keywright.vault.venues.known import VENUES
from keywright.web.app import Console
from keywright.web.pages.guides import PAGES, boxes_of
from keywright.web.pages.held_views import venue_view
from tests.support.clock import FakeClock
from tests.support.visitor import Caller

WORD = re.compile(r'<b class="word[^"]*" data-word="(\w+)">(.*?)</b>')
TOPICS = [at.path for at in PAGES if at.path != "/help"]


def said_elsewhere() -> set[str]:
    """Return every sentence of the console that is not said by help alone."""
    ours = [path for path in listing._files() if not path.name.startswith(("help", "guide"))]
    return {one if isinstance(one, str) else one[0] for path in ours for one, _ in listing._found(path)}


async def test_the_front_page_leads_to_every_topic_without_signing_in(ada: Caller) -> None:
    assert (await ada.get("/help")).status_code == 200
    assert sorted(set(re.findall(r'href="(/help/\w+)"', ada.text))) == sorted(TOPICS)
    for path in TOPICS:
        assert (await ada.get(path)).status_code == 200
        assert (await ada.get(f"{path}/more")).status_code == 404


@pytest.mark.parametrize("path", TOPICS)
async def test_what_help_calls_a_thing_is_what_the_console_calls_it(ada: Caller, path: str) -> None:
    """By the sentence itself, so that one that is changed on its page is changed in help, in every language."""
    known = said_elsewhere()
    await ada.get(path)
    words = {html.unescape(text) for _, text in WORD.findall(ada.text)}
    assert len(words) > 5
    theirs = {exchange.title for exchange in Exchange}  # names of exchanges are the same in every language
    asked = {re.sub("KuCoin$", "%(exchange)s", word.replace("…", "%(name)s")) for word in words - theirs}
    assert not asked - known


async def test_the_boxes_to_tick_are_all_that_is_taken_without_a_word_more(ada: Caller) -> None:
    """What `preflight` refuses is to be left off, every box of it, by its name at the exchange."""
    await ada.get("/help/exchange")
    for exchange, venue in VENUES.items():
        part = ada.text.partition(f'id="at-{exchange.value}"')[2].partition("</article>")[0]
        assert venue.key_page in part
        assert venue.filter_name in part
        boxes = boxes_of(venue_view(exchange))
        assert all(box in html.unescape(part) for box in (*boxes.tick, *boxes.leave))
        refused = [venue.boxes[right] for right in (*EXITS, *BEYOND_TRADING[exchange]) if right in venue.boxes]
        assert [box.removesuffix(" (write)") for box in boxes.leave] == refused
        assert not set(boxes.tick) & set(boxes.leave)


async def test_the_bots_page_explains_what_the_gateway_answers_in_its_own_words(ada: Caller) -> None:
    await ada.get("/help/bot")
    shown = dict(re.findall(r'id="e(4\d{5})".*?refusal-says"><code[^>]*>(.*?)</code>', ada.text, re.DOTALL))
    assert list(shown) == [f"40000{number}" for number in range(1, 8)]
    messages = {saying.code: saying.msg.format("KC-API-", address="203.0.113.7") for saying in TABLE.values()}
    assert {code: html.unescape(text) for code, text in shown.items()} == {code: messages[code] for code in shown}
    named = set(re.findall(r"<dt><code>(\d{6})</code>", ada.text))
    assert named <= messages.keys()


async def test_code_names_this_servers_addresses_and_carries_no_value(ada: Caller) -> None:
    await ada.get("/help/bot")
    for name in ("address", "try"):
        assert f'id="code-{name}"' in ada.text
    blocks = dict(re.findall(r'<code id="client-([\w-]+)">(.*?)</code>', ada.text, re.DOTALL))
    assert set(blocks) == {"ccxt", "sdk", "python-kucoin", "freqtrade", "curl"}
    assert all("http://spot" in code for code in blocks.values())
    assert "api.kucoin.com" not in ada.text
    assert "create_order" in blocks["ccxt"]


async def test_before_a_real_service_no_code_spends_money(console: Console, clock: FakeClock) -> None:
    place = replace(console._site.place, mode="service")
    ada = Caller(Console(replace(console._site, place=place)), clock)
    await ada.get("/help/bot")
    assert "create_order" not in ada.text
    assert "ccxt.kucoin" in ada.text


async def test_with_headers_of_its_own_only_curl_is_shown(console: Console, clock: FakeClock) -> None:
    """Other clients send KuCoin's names, and would be refused."""
    place = replace(console._site.place, header_prefix="X-MY-")
    ada = Caller(Console(replace(console._site, place=place)), clock)
    await ada.get("/help/bot")
    assert re.findall(r'<code id="client-([\w-]+)">', ada.text) == ["curl"]
    assert "X-MY-SIGN" in ada.text
    assert "KC-API" not in ada.text
