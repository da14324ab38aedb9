"""The tour leads to every page there is: one that is new in the console fails this until it is shown there.

What is shown there is taken to axe, narrowed to 320 px and weighed. `test_axe.py` sees that each part keeps its word.
"""

from __future__ import annotations

import pytest

from keywright.web.app import PAGES
from keywright.web.pages import machines
from tests.browser.tour import PARTS

pytestmark = pytest.mark.browser

NO_PAGE = {
    "/captcha": "a part of a form, asked for by a script; test_captcha.py",
    "/api-management/{key_id:key}/first-use": "a part of the page of a new key; test_new_key.py",
    "/api-management/{key_id:key}/usage/newer": "lines for the page of usage; test_usage.py",
    "/api-management/{key_id:key}/usage/export.csv": "a file",
    "/api-management/{key_id:key}/usage/export.json": "a file",
    "/operator/audit/export.csv": "a file",
    "/operator/audit/export.ndjson": "a file",
    "/posture/report.html": "a file; test_posture.py",
    "/operator/posture/report.html": "a file",
    "/login": "leads to the exchange, where there is one; tests/stories/test_exchange_login.py",
    "/login/step-up": "leads to the exchange; tests/web/test_pages_vouched.py",
}
"""What is asked for by GET and shows no page of its own, and why."""


def test_every_page_of_the_console_is_on_the_tour_or_is_none() -> None:
    there_are = {at.path for at in (*PAGES, *machines.DEVELOPMENT) if at.method == "GET"}
    shown = {path for part in PARTS.values() for path in part}
    assert there_are == shown | set(NO_PAGE)
    assert not shown & set(NO_PAGE)
