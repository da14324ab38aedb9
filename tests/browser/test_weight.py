"""What a small telephone makes of each page: whether it fits, and how much it fetches when it has nothing yet. `-s` prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.place import Running
from tests.browser.test_axe import TOO_WIDE
from tests.browser.tour import PARTS, Tour
from tests.browser.window import Window

pytestmark = pytest.mark.browser

MOST = 200_000
"""Bytes of a page and all it loads: about a second on a slow telephone."""


class Scales:
    """Weighs what the network brings since the last page was asked for, its headers included."""

    def __init__(self, window: Window) -> None:
        self.bytes = 0
        network = window.context.new_cdp_session(window.page)
        network.on("Network.requestWillBeSent", self._begin)
        network.on("Network.loadingFinished", self._add)
        network.send("Network.enable")
        network.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _begin(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document":
            self.bytes = 0

    def _add(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])


@pytest.mark.parametrize("part", PARTS)
def test_every_page_fits_the_narrowest_screen_and_weighs_no_more_than_200_kb(
    open_another: Callable[..., Window], running: Running, part: str
) -> None:
    """320 px is what is left of 1280 at 400 % (WCAG 1.4.10)."""
    window = open_another(viewport={"width": 320, "height": 640})
    scales = Scales(window)
    weights, wide = {}, []
    for stop in Tour(window, running).stops(part):
        window.page.wait_for_load_state("load")
        weights[stop] = scales.bytes
        wide += [f"{stop}: {what}" for what in window.page.evaluate(TOO_WIDE)]
    for stop, weight in weights.items():
        print(f"{weight / 1000:8.1f} kB  {stop}")
    assert not wide, "\n".join(wide)
    assert all(weight > 10_000 for weight in weights.values()), "nothing was weighed"
    assert not {stop: weight for stop, weight in weights.items() if weight > MOST}
