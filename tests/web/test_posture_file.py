"""A posture report as one file to hand over."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from keywright.posture.model import Accepted, Kind, Right
from keywright.posture.rules import report
from keywright.web.assets import Assets
from keywright.web.posture_file import posture_file
from keywright.web.rendering import Pages
from tests.posture.test_rules import GOOD, KEY, NOW
from tests.support.texts import all_texts

NASTY = replace(
    GOOD, id="con_2", name="<script>alert(1)</script>", owner='"><img src=x>', holds=False, bots=("a&b",),
    exceptions=(Accepted("margin", "<b>ada</b>", NOW),), rights=(Right("trade", True, "proven"), Right("withdraw", None, "unprovable")),
)  # fmt: skip


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Assets(), all_texts())


def test_it_stands_alone_and_takes_nobody_at_their_word(pages: Pages) -> None:
    page = posture_file(pages, report([GOOD, NASTY], now=NOW), whose="<us>")
    seen: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert not {"src", "href", "onclick"} & {name for name, _ in attrs}

    Look().feed(page)
    assert {"script", "img", "link", "b", "a", "form"} & set(seen) == set()
    assert seen.count("article") == 2
    assert "&lt;us&gt;" in page
    assert "no secret is in this report" in page
    assert page.lstrip().startswith("<!doctype html>")


def test_it_tells_what_is_known_of_a_held_key_and_how_well(pages: Pages) -> None:
    page = posture_file(
        pages, report([replace(NASTY, holds=True, is_bound=None, bound_grade="unprovable", addresses=())], now=NOW)
    )
    assert "<dt>May</dt><dd>Trade (proven)</dd>" in page
    assert "<dt>Not known whether it may</dt><dd>Withdraw (not provable)</dd>" in page
    assert "<dt>Works from</dt><dd>not known (not provable)</dd>" in page
    assert "It may do more than trade: Margin, by &lt;b&gt;ada&lt;/b&gt;," in page


def test_it_tells_of_an_issued_key_where_it_was_used_last(pages: Pages) -> None:
    used = replace(
        KEY,
        kind=Kind.KEY,
        place="futures",
        last_used_from="198.51.100.9",
        sub_account="trading1",
        owner="ada@example.org",
    )
    page = posture_file(pages, report([used], now=NOW))
    assert "issued here, Futures · Active" in page
    assert "from <code>198.51.100.9</code>" in page
    assert '<dt>Sub-account</dt><dd><span translate="no">trading1</span></dd>' in page
    assert "<dt>May</dt><dd>Read, Trade</dd>" in page


def test_no_keys_are_said_to_be_none(pages: Pages) -> None:
    assert "There are no keys." in posture_file(pages, report([], now=NOW))


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "<strong>It is 120 days old.</strong> Rotate it: a key should serve 90 days at most."),
        (
            "de",
            "<strong>Er ist 120 Tage alt.</strong> Erneuern Sie ihn: Ein Schlüssel sollte höchstens 90 Tage dienen.",
        ),
        ("fr", "<strong>Elle a 120 jours.</strong> Renouvelez-la : une clé devrait servir 90 jours au plus."),
    ],
)
def test_it_speaks_the_readers_language_values_and_all(pages: Pages, locale: str, said: str) -> None:
    old = replace(GOOD, made_at=NOW - 120 * 86_400_000, exceptions=(Accepted("internal-transfer", "owner", NOW),))
    page = posture_file(pages, report([old], now=NOW), locale=locale).replace("\u202f", " ")
    assert f'lang="{locale}"' in page
    assert said in page
    words = {"en": "(internal transfer)", "de": "(interne Umbuchung)", "fr": "(transfert interne)"}
    assert words[locale] in page
