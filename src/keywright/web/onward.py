"""Where someone wanted to go before they had to sign in: a page of this console, or nowhere. Pure."""

from __future__ import annotations

from collections.abc import Collection

from keywright.web.arrival import OURS

HOME = "/api-management"
"""Where people get to who wanted nothing in particular."""


def ours(path: str) -> str:
    """Return the path if people may be led to it; else nothing."""
    return path if OURS.fullmatch(path) else ""


def wanted(path: str, *, referer: str, origins: Collection[str], is_page: bool) -> str:
    """Return the page that was asked for; for a form, or a part of a page, the one that it stands on."""
    if not is_page:
        origin = next((one for one in origins if referer.startswith(f"{one}/")), None)
        path = referer.removeprefix(origin).partition("?")[0] if origin else ""
    return "" if path in {"/", HOME} else ours(path)


def through(path: str, onward: str) -> str:
    """Return the address of a page of signing in that leads on to the one that was wanted."""
    return f"{path}?next={onward}" if onward else path
