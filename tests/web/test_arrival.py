"""Where someone may be led after signing in elsewhere: to pages of this console only."""

from __future__ import annotations

import pytest

from keywright.web.arrival import OURS


@pytest.mark.parametrize(
    "path",
    ["/", "/security", "/api-management/66f0c8a1b2d3e4f5a6b7c8d9/usage", "/exchanges/con_66f0c8a1b2d3e4f5a6b7c8d9"],
)
def test_a_path_of_ours_may_be_led_to(path: str) -> None:
    assert OURS.fullmatch(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//1249767212/phish",
        "//evil",
        "///evil",
        "/\\evil",
        "https://evil.example",
        "/a?b",
        "/a.b",
        "/%2f",
        "/ä",
        "/A",
    ],
)
def test_what_a_browser_could_read_as_another_host_may_not(path: str) -> None:
    assert not OURS.fullmatch(path)
