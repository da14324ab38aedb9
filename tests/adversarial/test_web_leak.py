"""LEAK over HTTP: what pages, headers, addresses and logs say of secrets. Rows of the catalogue by id."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from keywright.secret import Secret
from keywright.web.age_file import encrypt
from tests.adversarial.test_leak import Canaries
from tests.support.household import FORMS, PASSPHRASE, Household, csrf_of
from tests.support.visitor import CSRF, ORIGIN, PASSWORD, RECOVERY, SECRET, Answer, Caller, ask

FORM = "application/x-www-form-urlencoded"


class Fault(Exception):
    """What breaks: its text holds everything that was at hand, as exceptions of drivers do."""


def break_at(layer: str, patched: pytest.MonkeyPatch, home: Household, canary: str) -> None:
    """Let a layer fail with a secret in its locals and in the error's text."""
    site = home.console._site

    def broken(*arguments: Any, **named: Any) -> Any:
        at_hand = f"{canary} {arguments!r} {named!r}"
        raise Fault(at_hand)

    async def broken_later(*arguments: Any, **named: Any) -> Any:
        broken(*arguments, **named)

    verbs: dict[str, Callable[[], None]] = {
        "template": lambda: patched.setattr(type(site.pages), "page", broken),
        "verb": lambda: patched.setattr(site.issuing, "issue", broken_later),
        "store": lambda: patched.setattr("keywright.issuing.store.insert_key", broken_later),
        "audit": lambda: patched.setattr(type(home.services.audit), "record", broken_later),
        "sealing": lambda: patched.setattr("keywright.issuing.passphrases.seal", broken),
        "session": lambda: patched.setattr(type(site.entrance.sessions), "find", broken_later),
        "texts": lambda: patched.setattr(type(site.texts), "negotiate", broken),
    }
    verbs[layer]()


@pytest.mark.parametrize("layer", ["template", "verb", "store", "audit", "sealing", "session", "texts"])
async def test_leak_03_a_fault_anywhere_tells_nothing_but_its_number(
    home: Household,
    layer: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    passphrase, canary = "Canary-sings-33-K", "sparrow-in-the-locals"
    canaries = Canaries()
    canaries.add("passphrase", passphrase)
    canaries.add("canary", canary)
    canaries.add("cookie", home.ada.token)
    fields = {**FORMS["/api-management/create"], "passphrase": passphrase, "csrf": csrf_of(home, home.ada.token)}
    with monkeypatch.context() as patched:
        break_at(layer, patched, home, canary)
        answer = await home.ada.send("POST", "/api-management/create", fields, origin=ORIGIN)
    assert answer.status_code == 500
    out = capfd.readouterr()
    for place in (answer.content, str(answer.headers.raw).encode(), caplog.text.encode(), (out.out + out.err).encode()):
        assert not canaries.found_in(place)
    assert b"Traceback" not in answer.content
    assert "Traceback" not in caplog.text + out.err
    assert "Fault" in caplog.text, "who runs this is told that something broke, and what kind of thing"
    if layer not in {"template", "texts"}:
        number = answer.headers["x-request-id"]
        assert number in answer.text
        assert number in caplog.text
    made = "third" in (await home.ada.get("/api-management")).text
    assert made is (layer == "template"), "a fault before the commit undoes it all"


async def test_leak_03_an_answer_to_a_wrong_form_holds_no_secret_that_was_typed(home: Household) -> None:
    """A form comes back with what was typed, never with a password, passphrase or code."""
    typed = {"password": "Canary-sings-33-K", "passphrase": "Canary-sings-33-K!", "current": "Canary-sings-34-K"}
    typed |= {"code": "424242", "file_password": "canary", "api_secret": "canary-secret", "api_passphrase": "canary-p"}
    home.ada.clock.advance(seconds=601)
    half = Caller(home.console, home.ada.clock, address="192.0.2.8")
    await half.get("/sign-in")
    await half.post("/sign-in", email="ada@example.org", password=PASSWORD)
    for caller in (home.ada, half):
        for pattern, fields in FORMS.items():
            form = {name: value for name, value in fields.items() if name not in typed}
            form |= {"email": "ada@example.org", "secret": "canary-measured", "csrf": csrf_of(home, caller.token)}
            if pattern in {"/sign-out", "/security/sessions/end-others", "/api-management/{key_id:key}/download"}:
                continue
            answer = await caller.send("POST", home.path(pattern), form | typed, origin=ORIGIN)
            assert answer.status_code < 500, pattern
            for value in (*typed.values(), "canary-measured"):
                assert value not in answer.text, (pattern, value)


async def test_leak_05_what_is_shown_once_is_kept_by_nobody(home: Household) -> None:
    """No cache on the way, no conditional request, no second look."""
    shown = []
    ada = home.ada
    await ada.get("/api-management/new")
    fields = FORMS["/api-management/create"]
    shown.append(await ada.post("/api-management/create", **fields))
    assert "api-secret" in ada.text
    await ada.get("/security")
    shown.append(await ada.post("/security/recovery-codes"))
    assert len(set(RECOVERY.findall(ada.text))) == 10
    await ada.get("/security/authenticator")
    shown.append(await ada.post("/security/authenticator/start"))
    assert SECRET.search(ada.text)
    new_key = re.search(r"\b[0-9a-f]{24}\b", shown[0].text)
    assert new_key
    download = FORMS["/api-management/{key_id:key}/download"]
    shown.append(await ada.post(f"/api-management/{new_key[0]}/download", **download))
    for answer in shown:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "Cookie" in answer.headers["vary"]
        assert not {"etag", "last-modified", "expires", "age"} & set(answer.headers)
    secrets = {
        *re.findall(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f-]{17}\b", shown[0].text),
        "Sloop-ahead-41-Z",
    }
    secrets |= set(RECOVERY.findall(shown[1].text)) | set(SECRET.findall(shown[2].text))
    assert len(secrets) >= 13
    for path in (
        "/api-management",
        f"/api-management/{new_key[0]}",
        "/security",
        "/security/authenticator",
        "/operator",
    ):
        again = await ada.get(path)
        assert again.status_code == 200
        assert not [secret for secret in secrets if secret in again.text], path
    for path in ("/api-management/create", "/security/recovery-codes", "/security/authenticator/start"):
        assert (await ada.get(path)).status_code == 405, "nothing to go back to"


async def test_leak_05_the_download_is_locked_and_holds_what_was_shown(home: Household) -> None:
    import pyrage

    await home.ada.get(f"/api-management/{home.active}")
    path = f"/api-management/{home.active}/download"
    fields = {"api_secret": home.secret, "api_passphrase": PASSPHRASE, "file_password": "nine-boats-at-anchor"}
    answer = await home.ada.post(path, **fields)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="keywright-{home.active[:8]}.env.age"'
    canaries = Canaries({"secret": home.secret.encode(), "passphrase": PASSPHRASE.encode()})
    assert not canaries.found_in(answer.content)
    assert pyrage.passphrase.decrypt(answer.content, "nine-boats-at-anchor").decode().splitlines() == [
        f"KUCOIN_API_KEY={home.active}",
        f"KUCOIN_SECRET_KEY={home.secret}",
        f"KUCOIN_PASSPHRASE={PASSPHRASE}",
    ]
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(answer.content, "nine-boats-at-anchos")
    one, other = (encrypt(Secret("x"), Secret("y")) for _ in range(2))
    assert one != other
    await home.ada.get("/api-management")
    for wrong in (
        {**fields, "file_password": "short"},
        {**fields, "api_secret": ""},
        {**fields, "api_secret": "a\nKUCOIN_API_KEY=b"},
        {**fields, "api_passphrase": "x" * 129},
    ):
        await home.ada.get("/api-management")
        assert (await home.ada.post(path, **wrong)).status_code == 400


async def test_leak_08_no_secret_stands_in_any_address(home: Household) -> None:
    """Addresses end in histories, logs and other people's headers."""
    canaries = Canaries()
    for name, value in {
        "password": PASSWORD,
        "passphrase": PASSPHRASE,
        "secret": home.secret,
        "totp": home.ada.totp_secret,
        **{f"recovery {number}": code for number, code in enumerate(home.recovery_codes)},
    }.items():
        canaries.add(name, value)
    for pattern, fields in FORMS.items():
        for caller in (home.ada, home.elsewhere):
            canaries.add("token", caller.token)
            form = {**fields, "csrf": csrf_of(home, caller.token)}
            answer = await caller.send("POST", home.path(pattern), form, origin=ORIGIN)
            places = [answer.headers.get("location", ""), *re.findall(r'(?:href|action|src)="([^"]*)"', answer.text)]
            hidden = [one for one in places if not one.startswith("otpauth:")]
            assert not canaries.found_in("\n".join(hidden).encode()), pattern
            assert not [one for one in hidden if re.search(r"csrf|[0-9a-f]{64}", one)], pattern


async def test_leak_08_a_secret_in_the_address_is_not_taken(home: Household) -> None:
    """Or people would bookmark it."""
    stranger = Caller(home.console, home.ada.clock, address="192.0.2.9")
    await stranger.get("/sign-in")
    answer = await stranger.send(
        "POST", f"/sign-in?email=ada@example.org&password={PASSWORD}", {"csrf": stranger.csrf}, origin=ORIGIN
    )
    assert answer.status_code == 403


async def test_leak_09_no_page_says_to_others_where_its_visitor_came_from(home: Household) -> None:
    """`same-origin` tells other sites nothing, and keeps `Origin` on our own forms, which `no-referrer` takes away."""
    for path in ("/sign-in", "/api-management", "/security", f"/api-management/{home.active}", "/no"):
        answer = await home.ada.get(path)
        assert answer.headers["referrer-policy"] == "same-origin"
        elsewhere = [
            one for one in re.findall(r'(?:href|src)="(https?:[^"]*)"', answer.text) if not one.startswith(ORIGIN)
        ]
        assert not elsewhere


def _shown(answer: Answer) -> str:
    return CSRF.sub("", answer.body.decode())


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onfocus=alert(1) '",
        "{{7*7}}{% raw %}",
        "%(name)s %s %%",
        "&lt;script&gt;",
        "\u202eevil",
        "javascript:alert(1)",
    ],
)
async def test_what_people_write_is_shown_as_they_wrote_it(home: Household, evil: str) -> None:
    """XSS: names, memos, addresses, e-mails, notices, user agents, addresses of pages."""
    ada, clock = home.ada, home.ada.clock
    token = csrf_of(home, ada.token)
    wish = {**FORMS["/api-management/create"], "name": evil[:32], "memo": evil[:64]}
    pages = [
        await ada.send(
            "POST", f"/api-management/{home.active}/rename", {"name": evil[:32], "memo": evil, "csrf": token}
        ),
        await ada.send("POST", "/api-management/new", {**wish, "csrf": token}),
        await ada.send("POST", "/api-management/new", {**wish, "addresses": evil, "environment": evil, "csrf": token}),
        await ada.send("POST", "/api-management/new", {**wish, "permissions": evil, "csrf": token}),
        await ada.send("POST", "/api-management/summary", {**wish, "addresses": evil, "csrf": token}),
        await ada.send("POST", "/api-management/create", {**wish, "csrf": token}),
        await ada.send("POST", "/step-up", {"next": evil, "code": evil, "csrf": token}),
        await ada.send("POST", "/sign-in", {"email": evil, "password": evil, "csrf": token}),
        await ada.send("POST", "/operator/claim", {"code": evil, "csrf": token}),
    ]
    stranger = Caller(
        home.console, clock, address="192.0.2.9", headers={"user-agent": evil.encode("ascii", "replace").decode()}
    )
    await stranger.get("/sign-up")
    pages.append(await stranger.post("/sign-up", email=evil, password=PASSWORD))
    agent = Caller(
        home.console,
        clock,
        totp_secret=ada.totp_secret,
        used_step=ada.used_step,
        headers={"user-agent": "X <b>evil</b>"},
    )
    await agent.sign_in()
    for path in ("/api-management", f"/api-management/{home.active}", "/security", "/operator"):
        pages.append(await agent.get(path))
        pages.append(await agent.client.get(path, params={"done": evil, "next": evil}))
    for page in pages:
        assert page.status_code < 500
        text = page.text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>evil" not in text
        assert "' onfocus" not in text.replace("&#39;", "")
        assert "49{" not in text
        for value in re.findall(r'(?:href|action|src)="([^"]*)"', text):
            assert value.startswith(("/", "#", ORIGIN)), value


async def test_nothing_that_is_written_becomes_a_header(home: Household) -> None:
    """Response splitting, by every field and by the address."""
    split = "x\r\nset-cookie: evil=1\r\n\r\n<h1>"
    for pattern, fields in FORMS.items():
        form = {**dict.fromkeys(fields, split), "csrf": csrf_of(home, home.ada.token)}
        if pattern == "/sign-out":
            continue
        answer = await home.ada.send("POST", home.path(pattern), form, origin=ORIGIN)
        for name, value in answer.headers.multi_items():
            assert "\r" not in name + value
            assert "\n" not in name + value
            assert "evil" not in value
    raw = await ask(home.console, "GET", "/sign-in?done=%0d%0aset-cookie:%20evil=1&next=%0d%0ax:y")
    assert not [value for _, value in raw.headers if b"evil" in value]
    assert "evil" not in _shown(raw)
