"""Style sheet, components, the page that shows them and the one that tells of them name the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "src" / "keywright" / "web"
TOLD = (ROOT / "docs" / "visual-language.md").read_text("utf-8")
SHEET = (WEB / "static" / "console.css").read_text("utf-8")
COMPONENTS = (WEB / "templates" / "components.html").read_text("utf-8")
SHOWN = (WEB / "templates" / "development.html").read_text("utf-8")

UNSEEN = {"csrf", "onward", "described", "notes", "passkey_troubles", "captcha"}
"""Parts of other components, or nothing to look at."""
MADE_OF_OTHERS = {"key_status", "keys_trail"}


def named_in(title: str) -> set[str]:
    """Return what the first column of the table under a title names."""
    part = TOLD.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_token_is_told_of_and_there_is_no_other() -> None:
    assert named_in("Tokens") == set(re.findall(r"^  (--[\w-]+):", SHEET, re.MULTILINE))


def test_light_and_dark_have_a_value_for_every_colour() -> None:
    light, dark = (set(re.findall(r"(--[\w-]+):", part)) for part in re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL))
    assert light - dark == {"--radius", "--radius-small", "--sans", "--mono"}
    assert not dark - light


@pytest.mark.parametrize("sheet", ["console.css", "help.css"])
def test_no_rule_below_the_tokens_names_a_colour_of_its_own(sheet: str) -> None:
    """But for paper: print, and QR codes, which scanners want dark on light."""
    rules = re.sub(r":root \{.*?\}", "", (WEB / "static" / sheet).read_text("utf-8"), flags=re.DOTALL)
    rules = re.sub(r"\.qr \{.*?\}", "", rules.partition("@media print")[0])
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []


def test_every_component_is_told_of_and_there_is_no_other() -> None:
    assert named_in("Components") == set(re.findall(r"{% macro (\w+)\(", COMPONENTS))


def test_every_component_is_shown_to_who_works_on_them() -> None:
    shown = set(re.findall(r"\bui\.(\w+)\(", SHOWN))
    assert set(re.findall(r"{% macro (\w+)\(", COMPONENTS)) - shown == UNSEEN | MADE_OF_OTHERS


@pytest.mark.parametrize("name", ["approvals", "exchanges", "keys", "notice_list", "operator", "sub_accounts", "usage"])
def test_every_list_says_what_will_stand_in_it(name: str) -> None:
    assert "ui.empty(" in (WEB / "templates" / f"{name}.html").read_text("utf-8")


def test_lists_say_times_relative_to_now() -> None:
    """A moment alone is for one thing's own page."""
    for name in ("approvals", "exchanges", "keys", "notice_list", "operator", "sub_accounts"):
        template = (WEB / "templates" / f"{name}.html").read_text("utf-8")
        assert not re.findall(r"\|moment\b", template), name
