"""A key's usage in a real browser: the chart, filters, following, files; axe, the narrowest screen, and without script."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import button, expect_problem, expect_said, expect_title, field, link, reload_until, section
from tests.browser.place import BotOnTime, Running
from tests.browser.shortcut import Account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.test_weight import MOST, Scales
from tests.browser.window import Window

pytestmark = pytest.mark.browser

DRAWN = """(chart) => {
  const canvas = chart.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
  return [...colours];
}"""
"""The opaque colours that the chart's canvas holds."""

HOUR_MS = 3_600_000
ALLOWED, REFUSED = "51,70,196", "179,38,30"
"""As the style sheet has them, in light."""


@pytest.fixture
def bot(running: Running, account: Account) -> BotOnTime:
    """Give a bot whose key may only read; the hour, as charts count it, does not end while it is used."""
    left = HOUR_MS - running.clock() % HOUR_MS
    if left < 5 * 60_000:
        running.clock.advance(ms=left)
    return running.bot(account.makes_key("bot"))


def used(window: Window, account: Account, bot: BotOnTime) -> Page:
    """Use the key twice rightly and once wrongly; show its usage once all of that is written down."""
    assert bot.is_served()
    assert bot.is_served()
    assert bot.send(bot.sign("POST", "/api/v1/hf/orders", b"{}")).status == 403
    page = window.becomes(account)
    page.goto(f"{page.url}/{bot.key}/usage")
    expect_title(page, "Usage of bot")
    reload_until(page.locator("main"), "Permission missing")
    expect(rows(page)).to_have_count(3)
    return page


def rows(page: Page) -> Locator:
    """Return the lines of the list, its head aside."""
    return page.locator("#records").get_by_role("row")


def test_from_the_list_and_from_a_keys_page_one_comes_to_its_usage(
    window: Window, account: Account, bot: BotOnTime
) -> None:
    page = used(window, account, bot)
    link(page, "bot").click()
    link(page, "Usage of key bot").click()
    expect_title(page, "Usage of bot")
    page.goto(re.sub(r"(//[^/]+).*", r"\1", page.url) + "/api-management")
    expect(page.get_by_role("row").filter(has_text="bot")).to_contain_text("24 h: 3 requests, 1 refused")
    page.get_by_role("link", name="Usage of key bot").click()
    expect_title(page, "Usage of bot")


def test_refusals_are_said_in_words_with_what_to_do(window: Window, account: Account, bot: BotOnTime) -> None:
    page = used(window, account, bot)
    refused = rows(page).filter(has_text="POST")
    expect(refused).to_contain_text("Permission missing")
    expect(refused).to_contain_text("make a new key that has it")
    expect(rows(page).filter(has_text="Allowed")).to_have_count(2)


def test_the_chart_is_drawn_and_its_table_says_the_same(window: Window, account: Account, bot: BotOnTime) -> None:
    page = used(window, account, bot)
    chart = page.get_by_role("img", name=re.compile("^Bars: requests over time"))
    expect(chart).to_be_visible()
    expect(chart.locator("canvas")).to_have_count(1)
    assert {ALLOWED, REFUSED} <= set(chart.evaluate(DRAWN))
    page.get_by_text("The chart as a table").click()
    lines = page.locator("#chart-table tbody tr").all_inner_texts()
    counts = [[int(cell) for cell in line.split("\t")[1:]] for line in lines]
    assert [sum(column) for column in zip(*counts, strict=True)] == [2, 1]
    link_to_refused = page.url.partition("?")[0] + "?verdict=allowed"
    page.goto(link_to_refused)
    expect(chart.locator("canvas")).to_have_count(1)
    assert REFUSED not in chart.evaluate(DRAWN)


def test_pointing_at_a_bar_says_its_numbers(window: Window, account: Account, bot: BotOnTime) -> None:
    page = used(window, account, bot)
    box = page.locator("#chart .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)  # the hour that runs is the last
    expect(page.locator("#chart-says")).to_contain_text("2 allowed, 1 refused")


def test_a_filter_is_an_address_that_can_be_kept(window: Window, account: Account, bot: BotOnTime) -> None:
    page = used(window, account, bot)
    field(page, "Verdict").select_option("refused")
    field(page, "Span").select_option("7d")
    button(page, "Show").click()
    expect(rows(page)).to_have_count(1)
    assert "verdict=refused" in page.url
    expect(page.get_by_role("heading", name="Last 7 days")).to_be_visible()
    expect(field(page, "Verdict")).to_have_value("refused")
    field(page, "Verdict").select_option("permission_missing")
    field(page, "Method").select_option("GET")
    button(page, "Show").click()
    expect(page.get_by_text("Nothing fits this filter")).to_be_visible()
    link(page, "Reset the filter").first.click()
    expect(rows(page)).to_have_count(3)
    page.get_by_label("Address").fill("nowhere")
    button(page, "Show").click()
    expect_problem(page, "That is not an address.")
    expect(page.get_by_label("Address")).to_have_value("nowhere")


def test_following_shows_a_new_request_says_so_and_pauses(window: Window, account: Account, bot: BotOnTime) -> None:
    window.page.clock.install()
    page = used(window, account, bot)
    asked = len(window.asked)
    assert not [one for one in window.asked if "newer" in one.url], "it is off until someone wants it"
    button(page, "Follow").click()
    expect_said(page, "New requests appear by themselves.")
    assert bot.is_served()
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_contain_text("GET /api/v1/accounts")
    expect_said(page, "1 new request.")
    expect(button(page, "Follow")).to_have_count(0)
    button(page, "Pause").click()
    expect_said(page, "Paused.")
    expect(button(page, "Follow")).to_be_focused()
    assert not [one for one in window.asked[asked:] if one.is_navigation_request()]
    followed = len([one for one in window.asked if "newer" in one.url])
    assert bot.is_served()
    page.clock.fast_forward(60_000)
    assert len([one for one in window.asked if "newer" in one.url]) == followed
    expect(rows(page)).to_have_count(4)


def test_following_rests_by_itself_so_that_nobody_stays_signed_in_by_it(
    window: Window, account: Account, bot: BotOnTime
) -> None:
    window.page.clock.install()
    page = used(window, account, bot)
    button(page, "Follow").click()
    expect_said(page, "New requests appear by themselves.")
    page.clock.fast_forward(16 * 60_000)
    expect_said(page, "Paused after 15 minutes.")
    expect(button(page, "Follow")).to_be_visible()


def test_following_an_empty_list_fills_it(window: Window, account: Account, bot: BotOnTime) -> None:
    page = window.becomes(account)
    page.goto(f"{page.url}/{bot.key}/usage?span=all")
    expect(page.get_by_text("No requests yet")).to_be_visible()
    button(page, "Follow").click()
    assert bot.is_served()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("No requests yet")).to_be_hidden()


def test_what_the_filter_shows_is_downloaded(window: Window, account: Account, bot: BotOnTime, tmp_path: Path) -> None:
    page = used(window, account, bot)
    page.goto(page.url.partition("?")[0] + "?verdict=allowed")
    files = {}
    for kind in ("CSV", "JSON"):
        with page.expect_download() as downloading:
            link(page, f"Download as {kind}").click()
        name = downloading.value.suggested_filename
        assert re.fullmatch(rf"keywright-usage-[0-9a-f]{{8}}-\d{{4}}-\d\d-\d\d\.{kind.lower()}", name)
        files[kind] = tmp_path / name
        downloading.value.save_as(files[kind])
    with files["CSV"].open(newline="", encoding="utf-8") as file:
        assert [line["verdict"] for line in csv.DictReader(file)] == ["allowed", "allowed"]
    assert json.loads(files["JSON"].read_text("utf-8"))["count"] == 2


def test_it_violates_nothing_that_axe_knows_light_and_dark(
    open_another: Callable[..., Window], account: Account, bot: BotOnTime
) -> None:
    page = used(open_another(reduced_motion="reduce"), account, bot)
    page.get_by_text("The chart as a table").click()
    wrong = [one for scheme in SCHEMES for one in violations(page, scheme)]
    for query in ("?verdict=refused", "?method=PUT", "?address=nowhere"):
        page.goto(page.url.partition("?")[0] + query)
        wrong += [f"{query} {one}" for scheme in SCHEMES for one in violations(page, scheme)]
    assert not wrong, "\n".join(wrong)


def test_it_fits_the_narrowest_screen_and_the_chart_fits_what_there_is(
    open_another: Callable[..., Window], account: Account, bot: BotOnTime
) -> None:
    page = used(open_another(viewport={"width": 320, "height": 640}), account, bot)
    page.get_by_text("The chart as a table").click()
    assert page.evaluate(TOO_WIDE) == []
    for width in (900, 320):
        page.set_viewport_size({"width": width, "height": 640})
        room = page.locator("#chart").evaluate("one => one.clientWidth")
        expect(page.locator("#chart .uplot")).to_have_js_property("clientWidth", room)
    assert page.evaluate(TOO_WIDE) == []


def test_without_script_everything_but_the_drawing_and_following_is_there(
    open_another: Callable[..., Window], account: Account, bot: BotOnTime
) -> None:
    page = used(open_another(java_script_enabled=False), account, bot)
    expect(page.locator("#chart")).to_be_hidden()
    expect(button(page, "Follow")).to_have_count(0)
    page.get_by_text("The chart as a table").click()
    expect(page.locator("#chart-table tbody tr").first).to_be_visible()
    field(page, "Verdict").select_option("refused")
    button(page, "Show").click()
    expect(rows(page)).to_have_count(1)
    with page.expect_download() as downloading:
        link(page, "Download as CSV").click()
    assert downloading.value.suggested_filename.endswith(".csv")


def test_the_keyboard_reaches_filter_following_and_table(window: Window, account: Account, bot: BotOnTime) -> None:
    page = used(window, account, bot)
    field(page, "Span").focus()
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    for name in ("verdict", "method", "address", "Show", "The chart as a table", "follow", "CSV", "JSON"):
        assert name in reached, reached
    button(page, "Follow").focus()
    page.keyboard.press("Enter")
    expect(button(page, "Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(button(page, "Follow")).to_be_focused()


def test_it_weighs_less_than_200_kb_with_a_full_page_of_refusals(
    window: Window, account: Account, bot: BotOnTime
) -> None:
    page = window.becomes(account)
    for _ in range(55):
        assert bot.send(bot.sign("POST", "/api/v1/hf/orders", b"{}")).status == 403
    page.goto(f"{page.url}/{bot.key}/usage")
    reload_until(section(page, "Last 24 hours"), "55")
    scales = Scales(window)
    page.reload()
    page.wait_for_load_state("load")
    expect(rows(page)).to_have_count(50)
    print(f"{scales.bytes / 1000:8.1f} kB")
    assert 10_000 < scales.bytes < MOST
    link(page, "Older").click()
    expect(rows(page)).to_have_count(5)
    link(page, "Newest").click()
    expect(rows(page)).to_have_count(50)
