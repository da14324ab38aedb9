"""Every page is taken to axe, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page
from starlette.routing import compile_path

from tests.browser.place import Running
from tests.browser.tour import PARTS, Tour
from tests.browser.window import Window

pytestmark = pytest.mark.browser

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

TOO_WIDE = """() => {
  const root = document.documentElement, wide = [];
  if (root.scrollWidth > root.clientWidth) wide.push(`the page: ${root.scrollWidth} px`);
  const rolls = (one) => one && (/auto|scroll/.test(getComputedStyle(one).overflowX) || rolls(one.parentElement));
  for (const one of document.body.querySelectorAll("*")) {
    const { right, width, height } = one.getBoundingClientRect();
    if (right > root.clientWidth + 1 && width > 1 && height > 1 && one.checkVisibility() && !rolls(one.parentElement))
      wide.push(`${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 30)}`);
  }
  return wide;
}"""
"""What stands out to the right, and is not inside a part that scrolls by itself, as code does."""


def violations(page: Page, scheme: Literal["light", "dark"]) -> list[str]:
    """Return what axe finds wrong in these colours, a line for each element."""
    page.emulate_media(color_scheme=scheme)
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] }).then((results) => results.violations)")
    return [f"{scheme}: {one['id']}: {node['html'][:150]}" for one in found for node in one["nodes"]]


def was_shown(window: Window, path: str) -> bool:
    """Tell whether the window went to the page that stands at this path of the route table."""
    pattern = compile_path(path)[0]
    return any(
        pattern.match(urlsplit(asked.url).path)
        for asked in window.asked
        if asked.is_navigation_request() and asked.method == "GET"
    )


@pytest.mark.parametrize("part", PARTS)
def test_no_page_violates_what_axe_knows_light_and_dark(
    open_another: Callable[..., Window], running: Running, part: str
) -> None:
    window = open_another(reduced_motion="reduce")  # or colours would be looked at on their way from light to dark
    wrong = [
        f"{stop}, {violation}"
        for stop in Tour(window, running).stops(part)
        for scheme in SCHEMES
        for violation in violations(window.page, scheme)
    ]
    assert not wrong, "\n".join(wrong)
    assert [path for path in PARTS[part] if not was_shown(window, path)] == []
