"""Where people go on to after signing in: to the page they wanted, or the one that their form stood on."""

from __future__ import annotations

import pytest

from keywright.web.onward import ours, through, wanted

ORIGINS = ("https://keys.example.org",)


@pytest.mark.parametrize(
    ("path", "referer", "is_page", "onward"),
    [
        ("/approvals", "", True, "/approvals"),
        ("/approvals", "https://keys.example.org/security", True, "/approvals"),
        ("/api-management", "", True, ""),
        ("/", "", True, ""),
        ("/security/freeze", "https://keys.example.org/security?done=x", False, "/security"),
        ("/security/freeze", "https://evil.example/security", False, ""),
        ("/security/freeze", "https://keys.example.org.evil.example/security", False, ""),
        ("/security/freeze", "https://keys.example.org//evil.example", False, ""),
        ("/security/freeze", "", False, ""),
        ("/security/freeze", "https://[", False, ""),
    ],
)
def test_the_page_that_was_wanted(path: str, referer: str, is_page: bool, onward: str) -> None:
    assert wanted(path, referer=referer, origins=ORIGINS, is_page=is_page) == onward


def test_it_is_carried_on_only_where_there_is_one() -> None:
    assert through("/sign-in", "/approvals") == "/sign-in?next=/approvals"
    assert through("/sign-in", ours("//evil.example")) == "/sign-in"
