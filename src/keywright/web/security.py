"""What protects every page: the headers of every answer, the cookies, and who may post.

A post is taken when it names its content as a form, when the browser says it comes from a page of ours (`Sec-Fetch-Site`,
or `Origin` where a browser sends no such header), and when the form carries the token that belongs to the visitor's
cookie. Each of the three alone would do in a browser that behaves; together they do in one that does not.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from starlette.datastructures import Headers

from keywright.errors import NotProven
from keywright.secret import Secret
from keywright.web.site import Place

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

EVERY_ANSWER = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms. Other sites see nothing either way.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

HSTS = (b"strict-transport-security", b"max-age=63072000")
NO_STORE = (b"cache-control", b"no-store")
FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")

FORM = "application/x-www-form-urlencoded"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}", re.ASCII)
CSRF_LABEL = "csrf/v1"
DEVICE_SECONDS = 365 * 24 * 60 * 60


def headers_of(place: Place) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that every answer carries: pages, redirects, files and errors alike (case WEB-06)."""
    return (*EVERY_ANSWER, HSTS) if place.is_https else EVERY_ANSWER


def new_token() -> Secret:
    """Return what a visitor's cookie holds before anything is proved: it names no session, it binds forms to a browser."""
    return Secret(secrets.token_urlsafe(32))


def csrf_token(key: Secret, token: Secret) -> str:
    """Return the token of every form that is shown to the bearer of this cookie; it dies with the cookie's value."""
    return hmac.new(key.reveal(), b"csrf\0" + hashlib.sha256(token.reveal()).digest(), "sha256").hexdigest()


def check_post(headers: Headers, place: Place) -> None:
    """Do nothing if a browser posted this from a page of ours; raises `NotProven`."""
    sites, origins = set(headers.getlist("sec-fetch-site")), set(headers.getlist("origin"))
    if sites:
        # With it, `Origin: null` may be ours: a browser says so when its referrer policy was tightened by the person.
        good = sites <= {"same-origin", "none"} and origins <= {"null", *place.origins}
    else:
        good = origins <= set(place.origins)
    if not good:
        raise NotProven("this form came from another site", hint="open the console's own address and try again")


def check_csrf(key: Secret, token: Secret | None, given: str, *, also: str = "") -> None:
    """Do nothing if the form belongs to the bearer of this cookie; raises `NotProven` (case WEB-02)."""
    if token is None:
        raise NotProven(
            "your browser sent no cookie along with this form",
            hint="allow cookies for this address, reload the page, and try again",
        )
    wanted = csrf_token(key, token)
    good = [hmac.compare_digest(one.encode(), given.encode()) for one in (wanted, also) if one]
    if not any(good):
        raise NotProven("this form is out of date", hint="go back, reload the page, and try again")


class Cookies:
    """Names and attributes of the cookies: the visitor's token, what a known browser is recognised by, its language."""

    def __init__(self, place: Place) -> None:
        # `__Host-` holds browsers to https, path / and no domain; on loopback over http they would refuse it.
        prefix, self._secure = ("__Host-", "; Secure") if place.is_https else ("", "")
        self.visitor, self.device = f"{prefix}keywright", f"{prefix}keywright-device"
        self.language = f"{prefix}keywright-language"
        self.note = f"{prefix}keywright-arrival"

    def read(self, name: str, headers: Sequence[tuple[bytes, bytes]]) -> Secret | None:
        """Return a cookie's value; `None` when it is absent, or sent twice, because then one was planted."""
        wanted = f"{name}=".encode()
        found = [
            part.strip()[len(wanted) :]
            for key, value in headers
            if key == b"cookie"
            for part in value.split(b";")
            if part.strip().startswith(wanted)
        ]
        return Secret(found[0]) if len(found) == 1 else None

    def token(self, headers: Sequence[tuple[bytes, bytes]]) -> Secret | None:
        """Return the visitor's token if the cookie holds what could be one."""
        value = self.read(self.visitor, headers)
        if value is None or not TOKEN.fullmatch(value.reveal().decode("latin-1")):
            return None
        return value

    def keep_token(self, token: Secret) -> bytes:
        """Return the header's value that makes the browser keep the token until it is closed."""
        return self._set(self.visitor, token, "")

    def keep_device(self, device: Secret) -> bytes:
        """Return the header's value that makes the browser keep what it is recognised by, for a year."""
        return self._set(self.device, device, f"; Max-Age={DEVICE_SECONDS}")

    def language_of(self, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """Return the language that was chosen in this browser, if that could be one; empty where none was."""
        value = self.read(self.language, headers)
        text = value.reveal().decode("latin-1") if value is not None else ""
        return text if LANGUAGE.fullmatch(text) else ""

    def keep_language(self, language: str) -> bytes:
        """Return the header's value that makes the browser keep its language, for a year."""
        return self._set(self.language, Secret(language), f"; Max-Age={DEVICE_SECONDS}")

    def keep_note(self, note: Secret) -> bytes:
        """Return the header's value that makes the browser bring along, once and at once, who it arrived as."""
        return self._set(self.note, note, "; Max-Age=60")

    def drop_note(self) -> bytes:
        """Return the header's value that makes the browser forget it."""
        return self._set(self.note, Secret(""), "; Max-Age=0")

    def _set(self, name: str, value: Secret, more: str) -> bytes:
        return f"{name}={value.reveal_text()}; Path=/; HttpOnly; SameSite=Lax{self._secure}{more}".encode()
