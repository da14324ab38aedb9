"""Hints that every wire gives alike: what a person has to do about a refusal, from the facts it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]


def always(text: str) -> Callable[[Facts], str]:
    """Return a hint that is the same whatever the facts."""
    return lambda _facts: text


def rule(text: str) -> Callable[[Facts], str]:
    """Say the rule that was broken, where it is known, and then `text`."""
    return lambda facts: " ".join(filter(None, (sentence(facts.get("rule") or facts.get("what", "")), text)))


def sentence(rule: str) -> str:
    """Return a rule as a sentence; nothing for none."""
    return f"{rule[0].upper()}{rule[1:]}." if rule else ""


def expired(facts: Facts) -> str:
    """Say that a key has expired, and what it may still do where it may."""
    left = facts.get("grace_ms", 0)
    yet = f" For {-(-left // 3_600_000)} h it can still read, and cancel orders." if left else ""
    return f"This key has expired: make a new one.{yet}"


def smaller(what: str) -> Callable[[Facts], str]:
    """Return a hint to send less, with the limit where it is known."""
    return lambda facts: (
        f"Send {what}." + (f" At most {facts['most_bytes']} bytes are taken." if facts.get("most_bytes") else "")
    )


def methods(facts: Facts) -> str:
    """Name the methods that are taken."""
    return f"Methods are {', '.join(facts['allowed'])}, in upper case." if "allowed" in facts else "Use another method."


def environment(facts: Facts) -> str:
    """Say where a key of the other environment works."""
    where = f"use it at {facts['base_url']}" if facts.get("base_url") else "use it at that environment's base URL"
    return f"This key belongs to the other environment: {where}."


def address(facts: Facts) -> str:
    """Say which address was seen, and what to do about it."""
    seen = f"This request came from {facts['address']}, which" if facts.get("address") else "The address it came from"
    return f"{seen} is not on this key's list: add it to the key's addresses, or send through an address that is."


def permission(facts: Facts) -> str:
    """Say which permission is needed, and that a key never gains one."""
    needed = f"This call takes the permission '{facts['needed']}'" if facts.get("needed") else "This key lacks it"
    return f"{needed}. A key's permissions never change: make a new key that has it."


def wait(facts: Facts) -> str:
    """Say when to try again."""
    if not facts.get("retry_after_ms"):
        return "Slow down, then try again."
    return f"Try again in {facts['retry_after_ms']} ms."
