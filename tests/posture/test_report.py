"""A report for machines, and one to hand over."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from keywright.posture.model import Accepted, Right
from keywright.posture.report import html, plain, right_in_words
from keywright.posture.rules import report
from tests.posture.test_rules import GOOD, NOW

NASTY = replace(
    GOOD, id="con_2", name="<script>alert(1)</script>", owner='"><img src=x>', holds=False, bots=("a&b",),
    exceptions=(Accepted("margin", "ada@example.org", NOW),), rights=(Right("trade", True, "proven"), Right("withdraw", None, "unprovable")),
)  # fmt: skip


def test_plain_values_say_everything() -> None:
    told = json.loads(json.dumps(plain(report([GOOD, NASTY], now=NOW))))
    assert told["counts"] == {"now": 1, "soon": 0, "watch": 0}
    first, second = told["keys"]
    assert (first["id"], first["concerns"][0]["code"], first["exceptions"][0]["by"]) == (
        "con_2",
        "altered",
        "ada@example.org",
    )
    assert (second["made_at"], second["concerns"]) == ("2023-11-13 22:13 UTC", [])


def test_the_page_to_hand_over_stands_alone_and_takes_nobody_at_their_word() -> None:
    page = html(report([GOOD, NASTY], now=NOW), title="Posture of <us>")
    seen: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert not {"src", "href", "onclick"} & {name for name, _ in attrs}

    Look().feed(page)
    assert {"script", "img", "link"} & set(seen) == set()
    assert seen.count("article") == 2
    assert "Posture of &lt;us&gt;" in page
    assert "no secret is in this report" in page


def test_no_keys_are_said_to_be_none() -> None:
    assert "There are no keys." in html(report([], now=NOW), title="x")


def test_rights_are_told_with_how_well_they_are_known() -> None:
    assert right_in_words(Right("trade", True, "proven")) == "trade"
    assert right_in_words(Right("withdraw", False, "proven")) == "no withdraw"
    assert right_in_words(Right("withdraw", False, "declared")) == "no withdraw (declared)"
    assert right_in_words(Right("withdraw", None, "unprovable")) == "withdraw unknown"
