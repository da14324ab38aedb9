"""A mail that arrives, and the link in it: from a key made in the browser to one that is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, expect

from tests.browser.pages import button, expect_title, field, give_code, take_values, wish_for_key
from tests.browser.place import Running, started
from tests.browser.shortcut import new_account
from tests.browser.window import open_window
from tests.support.ports import free_port

pytestmark = pytest.mark.browser

SECONDS = 30.0


class Mailbox:
    """A mail server's mailbox."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"

    def wait_for(self, subject: str) -> EmailMessage:
        """Return the letter of this subject, as soon as it is here."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            found = [letter for letter in self.letters if letter["Subject"] == subject]
            if found:
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no letter says {subject!r}: {[letter['Subject'] for letter in self.letters]}")


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """Give a mailbox and the port of its server."""
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def posting(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> Iterator[Running]:
    """Give a server that sends mail."""
    settings = {"HOST": "127.0.0.1", "PORT": str(mailbox[1]), "SECURITY": "none"}
    environment = {f"KEYWRIGHT_SMTP_{name}": value for name, value in settings.items()}
    with started(tmp_path, **environment, KEYWRIGHT_MAIL_FROM="Keywright <keys@example.org>") as running:
        yield running


def test_a_key_is_made_a_mail_arrives_and_its_link_switches_off(
    browser: Browser, posting: Running, mailbox: tuple[Mailbox, int]
) -> None:
    box, _ = mailbox
    assert "notices  go by mail through 127.0.0.1" in posting.server.out
    account = new_account(posting)
    window = open_window(browser, posting)
    page = window.becomes(account)
    wish_for_key(page, "night bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    bot = posting.bot(take_values(page))
    assert bot.is_served()

    letter = box.wait_for("Keywright: The API key “night bot” was made")
    assert letter["To"] == account.email
    box.wait_for("Keywright: The API key “night bot” was used from a new address")
    found = re.search(r"http://\S+/notices/freeze\?t=\S+", letter.get_content())
    assert found, letter.get_content()

    phone = open_window(browser, posting, viewport={"width": 320, "height": 640})
    phone.page.goto(found[0])
    expect_title(phone.page, "Switch off every key of this account?")
    assert bot.is_served(), "following a link changes nothing"
    button(phone.page, "Refuse every key now").click()
    expect_title(phone.page, "Every key is switched off")
    assert not bot.is_served()
    phone.page.goto(found[0])
    expect(phone.page.get_by_text("This link was used before.")).to_be_visible()

    page.goto(posting.console + "/notices")
    expect(page.get_by_text("Your account is frozen", exact=True)).to_be_visible()
    button(page, "Mark all as read").click()
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
    box.wait_for("Keywright: Your account is frozen")
    assert not window.complaints + phone.complaints
    for one in (window, phone):
        one.context.close()
    account.client.close()
